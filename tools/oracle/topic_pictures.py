"""Goldens of the pictures path: decoded RGB bytes and the image processors' outputs, as grey levels."""

import hashlib
import tempfile
from pathlib import Path

import numpy as np

from common import PHOTOGRAPHS, PICTURES, save_tensors, sha256, write_json, write_rows

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
HALF = [0.5, 0.5, 0.5]
FULL_VALUES = 3072  # outputs up to this many values are stored whole
SAMPLED_VALUES = {"pictures": 1280, "photographs": 8192}
THINNING = 3  # of the sampled values every so many are stored


def qwen(patch=16, **size):
    return {"image_processor_type": "Qwen2VLImageProcessor", "patch_size": patch, "temporal_patch_size": 2,
            "merge_size": 2, "image_mean": HALF, "image_std": HALF, **size}


def clip(edge, kind="CLIPImageProcessor", **more):
    return {"image_processor_type": kind, "crop_size": {"height": edge, "width": edge}, "do_center_crop": True,
            "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
            "image_mean": CLIP_MEAN, "image_std": CLIP_STD, "resample": 3, "rescale_factor": 0.00392156862745098,
            "size": {"shortest_edge": edge}, **more}


SETTINGS = {
    "qwen_default": qwen(size={"shortest_edge": 65536, "longest_edge": 16777216}),
    "qwen_small": qwen(size={"shortest_edge": 4096, "longest_edge": 262144}),
    "qwen_capped": qwen(size={"shortest_edge": 1024, "longest_edge": 65536}),
    "qwen_old_spelling": qwen(patch=14, min_pixels=3136, max_pixels=50176),
    "clip_336": clip(336),
    "clip_224": clip(224),
    "llava_pad_336": clip(336, "LlavaImageProcessor", do_pad=True),
}


def load_processor(settings):
    """The image processor that AutoImageProcessor picks for a preprocessor_config.json."""
    from transformers import AutoImageProcessor

    with tempfile.TemporaryDirectory() as folder:
        write_json(Path(folder) / "preprocessor_config.json", settings)
        return AutoImageProcessor.from_pretrained(folder)


def to_planes(output, processor):
    """pixel_values of one picture as float planes [3, height, width] and its grid [t, h, w] or None."""
    values = output["pixel_values"].numpy()
    if "image_grid_thw" not in output:
        return values[0], None
    grid = output["image_grid_thw"][0].tolist()
    merge, patch = processor.merge_size, processor.patch_size
    _, rows, cols = grid
    blocks = values.reshape(rows // merge, cols // merge, merge, merge, 3, processor.temporal_patch_size, patch, patch)
    planes = blocks[:, :, :, :, :, 0].transpose(4, 0, 2, 5, 1, 3, 6).reshape(3, rows * patch, cols * patch)
    return planes, grid


def to_levels(planes, mean, std):
    """The grey levels behind normalised planes, and the largest error of normalising them again in float32."""
    mean = np.asarray(mean, np.float32).reshape(3, 1, 1) * np.float32(255)
    std = np.asarray(std, np.float32).reshape(3, 1, 1) * np.float32(255)
    exact = planes.astype(np.float64) * std + mean
    levels = np.clip(np.round(exact), 0, 255).astype(np.uint8)
    again = (levels.astype(np.float32) - mean) / std
    return levels, float(np.abs(again - planes).max())


def sample(levels, folder):
    """All values, or every stride-th one of the flattened planes (stride odd), and the stride."""
    flat, limit = levels.reshape(-1), SAMPLED_VALUES[folder]
    stride = 1 if flat.size <= max(FULL_VALUES, limit) else ((flat.size // limit) | 1) * THINNING
    return flat[::stride], stride


def one_output(name, setting, processor, picture, folder, tensors):
    try:
        output = processor(images=[picture], return_tensors="pt")
    except Exception as error:  # a refusal is a golden too
        print(name, setting, type(error).__name__, error)
        return {"error": str(error)}
    planes, grid = to_planes(output, processor)
    levels, worst = to_levels(planes, processor.image_mean, processor.image_std)
    kept, stride = sample(levels, folder)
    tensors[f"{name}/{setting}"] = kept
    entry = {"height": levels.shape[1], "width": levels.shape[2], "stride": stride, "levels_sha256": sha256(levels),
             "f32_sha256": sha256(output["pixel_values"].numpy()), "formula_error": worst}
    if grid:
        entry["grid_thw"] = grid
    if name in ("size_64x64.png", "coffee.png"):
        row = output["pixel_values"].numpy()
        tensors[f"{name}/{setting}/f32"] = row[0] if grid else row[0, :, 0]
    return entry


def write(out):
    from PIL import Image
    from transformers.image_utils import load_image

    processors = {name: load_processor(settings) for name, settings in SETTINGS.items()}
    tensors, entries = {}, []
    for folder in (PICTURES, PHOTOGRAPHS):
        for path in sorted(folder.iterdir()):
            if path.suffix == ".md":
                continue
            with Image.open(path) as opened:
                mode = opened.mode
            picture = load_image(str(path))  # EXIF orientation, then convert("RGB")
            rgb = np.asarray(picture)
            entry = {"file": f"{folder.name}/{path.name}", "pillow_mode": mode, "width": picture.width,
                     "height": picture.height, "rgb_sha256": hashlib.sha256(rgb.tobytes()).hexdigest(), "outputs": {}}
            if rgb.size <= FULL_VALUES:
                tensors[f"{path.name}/rgb"] = rgb
            aspect = max(rgb.shape[:2]) / min(rgb.shape[:2])
            for setting, processor in processors.items():
                if setting.startswith("qwen") or aspect < 60:
                    entry["outputs"][setting] = one_output(path.name, setting, processor, picture, folder.name, tensors)
            entries.append(entry)
    write_rows(out / "pictures.json", {
        "settings": SETTINGS,
        "processor_classes": {name: type(p).__module__ + "." + type(p).__name__ for name, p in processors.items()},
        "pictures": entries,
    })
    save_tensors(out / "pictures.safetensors", tensors)
