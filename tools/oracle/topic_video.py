"""Goldens of videos with Qwen3-VL: what tools/reference/make_video_goldens.py wrote, computed again by transformers: which frames
are taken, their times and sizes, pixel values, prompts, positions, features, logits, answers. Prints how far the two are apart."""

import hashlib
import json
import tarfile
import traceback

import numpy as np
import torch

from common import PICTURES, ROOT, save_tensors, sha256, write_rows
from topic_models import NEW_TOKENS, PrefillTap, head_and_tail, load, spread

ARCHIVE = ROOT / "tests/data/goldens/video.tar.xz"
VIDEOS = ROOT / "tests/data/videos"


def frames_of(name):
    """[n, height, width, 3] bytes of a folder's pictures."""
    from PIL import Image

    return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in sorted((VIDEOS / name).glob("*.png"))])


def metadata_of(frames, rate):
    return {"total_num_frames": len(frames), "fps": rate, "duration": len(frames) / rate, "frames_indices": list(range(len(frames)))}


def marks(processor, frames, rate):
    times = processor._calculate_timestamps(list(frames), rate, processor.video_processor.temporal_patch_size)
    return [f"<{t:.1f} seconds>" for t in times]


def check_rules(golden, processor):
    """The rows of video.json with transformers' numbers; counts those that differ."""
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor, smart_resize
    from transformers.video_utils import VideoMetadata

    different = {"sampling": 0, "sizes": 0}
    for row in golden["sampling"]:
        video_processor = Qwen3VLVideoProcessor(min_frames=row["min_frames"], max_frames=row["max_frames"], fps=row["fps"])
        found = video_processor.sample_frames(VideoMetadata(total_num_frames=row["total"], fps=row["rate"])).tolist()
        times = marks(processor, found, row["rate"])
        new = {"count": len(found), "frames_sha256": hashlib.sha256(",".join(map(str, found)).encode()).hexdigest(),
               "times_sha256": hashlib.sha256("".join(times).encode()).hexdigest()}
        different["sampling"] += any(row[key] != value for key, value in new.items())
        row |= new | ({"frames": found, "times": times} if "frames" in row else {})
    for row in golden["sizes"]:
        before = row.pop("size", None)
        row.pop("error", None)
        try:
            row["size"] = list(smart_resize(num_frames=row["count"], height=row["height"], width=row["width"], temporal_factor=2,
                                            factor=row["factor"], min_pixels=row["shortest_edge"], max_pixels=row["longest_edge"]))
        except ValueError as error:
            row["error"] = str(error)
        different["sizes"] += before != row.get("size")
    print("rules that differ from the reference's:", different, flush=True)


def one_case(model, processor, tap, reference, tensors):
    from transformers.image_utils import load_image

    name, turns = reference["name"], reference["turns"]
    plain = [turn | {"content": [{k: v for k, v in part.items() if k in ("type", "text")} for part in turn["content"]]} for turn in turns]
    text = processor.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
    parts = [part for turn in turns for part in turn["content"] if part["type"] == "video"]
    videos = [frames_of(part["video"]) for part in parts]
    metadata = [metadata_of(frames, part["frame_rate"]) for frames, part in zip(videos, parts)]
    pictures = [load_image(str(PICTURES / p)) for p in reference["pictures"]]
    more = {"videos": videos, "video_metadata": metadata} if videos else {}
    inputs = processor(text=[text], images=pictures or None, return_tensors="pt", **more)
    described, row = [], 0
    for i, part in enumerate(parts):
        grid = inputs["video_grid_thw"][i].tolist()
        values = inputs["pixel_values_videos"][row : row + int(np.prod(grid))]
        row += len(values)
        taken = processor.video_processor.sample_frames(_metadata(metadata[i])).tolist()
        described.append({"frames": taken, "times": marks(processor, taken, part["frame_rate"]), "grid_thw": grid,
                          "f32_sha256": sha256(values.numpy())})
    inputs.pop("video_metadata", None)
    ids = inputs["input_ids"][0]
    tap.seen = None
    output = model.generate(**inputs, do_sample=False, max_new_tokens=NEW_TOKENS, output_logits=True, return_dict_in_generate=True)
    new = output.sequences[0, len(ids):].tolist()
    logits = torch.stack([step[0] for step in output.logits]).numpy()
    best = np.sort(logits, axis=1)[:, -2:]
    seen = tap.seen
    case = reference | {
        "videos": described, "text": text, "input_ids": ids.tolist(), "greedy_ids": new, "margins": [float(b - a) for a, b in best],
        "greedy_text": processor.tokenizer.decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False),
        "logits_std": float(logits[0].std()), "rope_delta": int(model.model.rope_deltas.reshape(-1)[0])}
    tensors[f"{name}/logits"] = logits[[0, -1]]
    tensors[f"{name}/position_ids"] = seen["position_ids"][-3:, 0].numpy().astype(np.int32)
    shown = (ids == model.config.image_token_id) | (ids == model.config.video_token_id)
    if shown.any():
        features = seen["inputs_embeds"][0][shown].numpy()
        tensors[f"{name}/features"] = head_and_tail(features)
        case["features"] = spread(features)
        for rows in [value for key, value in seen.items() if "deepstack" in key][:1]:
            for k, level in enumerate(rows):
                tensors[f"{name}/deepstack{k}"] = head_and_tail(level.numpy())
    return case


def _metadata(described):
    from transformers.video_utils import VideoMetadata

    return VideoMetadata(**described)


def apart(case, reference, tensors, before):
    keys = ("videos", "text", "input_ids", "greedy_ids", "greedy_text", "rope_delta")
    notes = [key for key in keys if json.loads(json.dumps(case.get(key))) != reference.get(key)]
    far = {}
    for key in [k for k in before if k.startswith(case["name"] + "/")]:
        new, old = tensors.get(key), before[key]
        far[key.split("/")[1]] = (float(np.abs(new.astype(np.float64) - old).max()) if new is not None and new.shape == old.shape
                                  else "another shape, or absent")
    return f"  {case['name']}: {far}" + (f", different: {', '.join(notes)}" if notes else "")


def check_files(processor):
    """What transformers' own reader of video files says of the test files (needs torchcodec): to compare with video_test.cpp."""
    for path in sorted(VIDEOS.glob("*.*")):
        try:
            _, metadata = processor.video_processor.fetch_videos(str(path), sample_indices_fn=lambda metadata, **_: [0])
            print(f"  {path.name}: {metadata.total_num_frames} frames, {metadata.fps} a second", flush=True)
        except Exception as error:
            print(f"  {path.name}: {type(error).__name__} {str(error)[:100]}", flush=True)


def one_checkpoint(folder, name):
    from safetensors.numpy import load_file
    from transformers import AutoProcessor, __version__

    golden = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    before = load_file(str(folder / f"{name}.safetensors"))
    processor = AutoProcessor.from_pretrained(folder / name)
    model = load(folder / name)
    tap, tensors, cases = PrefillTap(model), {}, []
    print(name, type(model).__name__, type(processor).__name__, type(processor.video_processor).__name__, flush=True)
    for reference in golden["cases"]:
        cases.append(one_case(model, processor, tap, reference, tensors))
        print(apart(cases[-1], reference, tensors, before), flush=True)
    write_rows(folder / f"{name}.json", golden | {"computed_by": f"transformers {__version__}", "cases": cases})
    save_tensors(folder / f"{name}.safetensors", tensors)
    return processor


def write(out):
    """Leaves OUT/models as the archive holds it, with transformers' numbers."""
    from transformers import __version__

    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(out)
    folder, failed, processor = out / "models", [], None
    for file in sorted(folder.glob("video_*.json")):
        try:
            processor = one_checkpoint(folder, file.stem)
        except Exception:
            traceback.print_exc()
            failed.append(file.stem)
    if processor is not None:
        golden = json.loads((folder / "video.json").read_text(encoding="utf-8"))
        check_rules(golden, processor)
        write_rows(folder / "video.json", golden | {"computed_by": f"transformers {__version__}"})
        check_files(processor)
    if failed:
        raise RuntimeError("checkpoints that failed: " + ", ".join(failed))
