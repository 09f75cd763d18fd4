"""Writes what the references of videos compute: rules (frames, times, sizes of many videos) and whole tiny Qwen3-VL models.

    /usr/bin/python3 tools/reference/make_video_goldens.py tests/data/goldens

Leaves OUT/video.tar.xz with video.json (README.md beside this file) and checkpoints in the formats of tools/oracle/README.md.
Needs torch, numpy and Pillow as Debian has them. tools/oracle/topic_video.py computes the same with transformers.
"""

import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import bytes_bpe
import checkpoints_video
import pictures
import prompts
import qwen3_vl
import tensors
import text
import videos
from common import PICTURES, ROOT, write_json, write_rows
from pack import pack

VIDEOS = ROOT / "tests/data/videos"
NEW_TOKENS, KEPT_ROWS = 24, 4
STOPS = (367, 365)


def video(name, rate):
    """A folder of frames in tests/data/videos as a part of a turn."""
    return {"type": "video", "video": name, "frame_rate": rate}


def words(string):
    return {"type": "text", "text": string}


def user(*parts):
    return {"role": "user", "content": list(parts)}


IMAGE = {"type": "image"}
# name -> turns, pictures in prompt order
CASES = {
    "one_video": ([user(video("walk", 4), words("What is in the video?"))], []),
    # A space before the first time: the two are one token.
    "behind_a_space": ([user(words("Look at this: "), video("walk", 8), words(" Which is larger?"))], []),
    "odd_number": ([user(video("odd", 2.5), words("请用一句话回答。"))], []),
    "rate_unknown": ([user(video("odd", 24), words("Describe it."))], []),
    "video_and_picture": ([user(video("odd", 3), IMAGE, words("What changed between them?"))], ["grey_53x37.png"]),
    "two_videos": ([user(video("odd", 1.5), words("and"), video("walk", 12), words("Which is larger?"))], []),
    "second_turn": ([{"role": "system", "content": [words("You are brief.")]}, user(IMAGE, words("What is in the picture?")),
                     {"role": "assistant", "content": [words("It is a donut.")]}, user(video("walk", 29.97), words("图片里有什么？"))],
                    ["size_64x64.png"]),
    "no_video": ([user(IMAGE, words("Describe the photo."))], ["exif6_24x17.jpg"]),
    "only_words": ([user(words("Hello, how many apples are there on the shelf?"))], []),
}

RATES = (24, 25, 30, 29.97, 30000 / 1001, 23.976, 15, 12.5, 10, 8, 4, 2, 1, 0.5, 60, 59.94, 120)
TOTALS = (1, 2, 3, 4, 5, 7, 8, 11, 24, 25, 47, 48, 49, 60, 75, 100, 299, 300, 301, 1000, 9000, 20000, 107892)
OTHER = {"fps": 1, "min_frames": 2, "max_frames": 6}
SIDES = ((48, 64), (37, 53), (360, 640), (480, 640), (640, 480), (1080, 1920), (31, 32), (32, 31), (17, 300), (16, 3300), (2160, 3840), (33, 6500))
COUNTS = (1, 2, 3, 4, 5, 7, 10, 20, 97, 768)
LIMITS = ((32, 131072, 786432), (32, 4096, 25165824), (28, 100352, 19267584), (16, 4096, 16384), (12, 24000, 40000))


def sampling_rows():
    rows = []
    for rules in (videos.DEFAULTS, videos.DEFAULTS | OTHER):
        for total in TOTALS:
            for rate in RATES:
                frames = videos.sampled(total, rate, rules)
                times = [f"<{t:.1f} seconds>" for t in videos.seconds(frames, rate, 2)]
                rows.append({"total": total, "rate": rate, "fps": rules["fps"], "min_frames": rules["min_frames"],
                             "max_frames": rules["max_frames"], "count": len(frames),
                             "frames_sha256": hashlib.sha256(",".join(map(str, frames)).encode()).hexdigest(),
                             "times_sha256": hashlib.sha256("".join(times).encode()).hexdigest()}
                            | ({"frames": frames, "times": times} if len(frames) <= 12 else {}))
    return rows


def size_rows():
    rows = []
    for factor, least, most in LIMITS:
        for count in COUNTS:
            for height, width in SIDES:
                row = {"factor": factor, "shortest_edge": least, "longest_edge": most, "count": count, "height": height, "width": width}
                try:
                    row["size"] = videos.size(count, height, width, factor, 2, least, most)
                except ValueError as error:
                    row["error"] = str(error)
                rows.append(row)
    return rows


def save_checkpoint(folder, spec, stored, source):
    folder.mkdir(parents=True)
    write_json(folder / "config.json", spec["config"])
    tensors.save(folder / "model.safetensors", stored)
    for name in ("tokenizer.json", "generation_config.json"):
        (folder / name).write_text(source.file(name), encoding="utf-8")
    settings = {k: v for k, v in json.loads(source.file("tokenizer_config.json")).items() if k != "tokenizer_class"}
    write_json(folder / "tokenizer_config.json", settings | spec["tokenizer"])
    kind = {"processor_class": "Qwen3VLProcessor"}
    if spec["files"] == "new":
        write_json(folder / "processor_config.json", {"image_processor": spec["processor"], "video_processor": spec["video"]} | kind)
        (folder / "chat_template.jinja").write_text(checkpoints_video.TEMPLATE, encoding="utf-8")
    else:
        write_json(folder / "preprocessor_config.json", spec["processor"] | kind)
        write_json(folder / "video_preprocessor_config.json", spec["video"] | kind)
        write_json(folder / "chat_template.json", {"chat_template": checkpoints_video.TEMPLATE})


def rendered(turns):
    """The template's text; checked against the engine, which runs the template itself."""
    marks = {"image": "<|vision_start|><|image_pad|><|vision_end|>", "video": "<|vision_start|><|video_pad|><|vision_end|>"}
    out = ""
    for turn in turns:
        parts = "".join(p["text"] if p["type"] == "text" else marks[p["type"]] for p in turn["content"])
        out += f"<|im_start|>{turn['role']}\n{parts}<|im_end|>\n"
    return out + "<|im_start|>assistant\n"


def prepared_video(part, settings):
    files = sorted((VIDEOS / part["video"]).glob("*.png"))
    numbers = videos.sampled(len(files), part["frame_rate"], settings)
    values, grid = videos.patches([pictures.load_rgb(files[n]) for n in numbers], settings)
    times = videos.seconds(numbers, part["frame_rate"], settings["temporal_patch_size"])
    return {"values": values, "grid": grid, "frames": numbers, "times": [f"<{t:.1f} seconds>" for t in times]}


def one_case(weights, spec, tokenizer, decode, name, turns, names, kept):
    raw, merge = spec["config"], spec["processor"]["merge_size"] ** 2
    shown = iter([pictures.qwen_patches(pictures.load_rgb(PICTURES / p), spec["processor"]) for p in names])
    described, grids, encoded = [], [], []
    whole = rendered(turns)
    text_parts = iter(re.split(r"(<\|image_pad\|>|<\|video_pad\|>)", whole)[1::2])
    expanded = []
    for turn in turns:
        for part in turn["content"]:
            if part["type"] == "image":
                assert next(text_parts) == "<|image_pad|>"
                values, grid = next(shown)
                grids.append(grid)
                encoded.append(qwen3_vl.encode(weights, raw, np.ascontiguousarray(values), grid))
                expanded.append("<|image_pad|>" * (len(values) // merge))
            elif part["type"] == "video":
                assert next(text_parts) == "<|video_pad|>"
                got = prepared_video(part, spec["video"])
                times, rows, columns = got["grid"]
                values = got["values"].reshape(times, rows * columns, -1)
                described.append({"frames": got["frames"], "times": got["times"], "grid_thw": got["grid"],
                                  "f32_sha256": hashlib.sha256(got["values"].tobytes()).hexdigest()})
                grids += [(rows, columns)] * times
                encoded += [qwen3_vl.encode(weights, raw, np.ascontiguousarray(v), (rows, columns)) for v in values]
                pads = "<|vision_start|>" + "<|video_pad|>" * (rows * columns // merge) + "<|vision_end|>"
                expanded.append("".join(time + pads for time in got["times"]))
    replacements = iter(expanded)
    ids = tokenizer.encode(re.sub(r"<\|image_pad\|>|<\|video_pad\|>", lambda m: next(replacements), whole))
    features = torch.cat([rows for rows, _ in encoded]) if encoded else None
    levels = [torch.cat(level) for level in zip(*(more for _, more in encoded))] if encoded else []
    where, delta = qwen3_vl.positions(ids, raw, grids)
    new, chosen = [], []
    while not new or (new[-1] not in STOPS and len(new) < NEW_TOKENS):
        behind = torch.arange(len(ids), len(ids) + len(new)) + delta
        every = torch.cat([where, behind.expand(3, -1)], 1)
        last = qwen3_vl.logits(weights, raw, ids + new, features, levels, every)[-1]
        chosen.append(last.numpy())
        new.append(int(last.argmax()))
    chosen = np.stack(chosen)
    best = np.sort(chosen, axis=1)[:, -2:]
    case = {"name": name, "turns": turns, "pictures": names, "videos": described, "text": whole, "input_ids": ids, "greedy_ids": new,
            "margins": [float(b - a) for a, b in best], "greedy_text": decode(new), "logits_std": float(chosen[0].std()),
            "rope_delta": delta}
    kept[f"{name}/logits"] = torch.from_numpy(chosen[[0, -1]])
    kept[f"{name}/position_ids"] = where.to(torch.int32)
    if encoded:
        kept[f"{name}/features"] = torch.cat([features[:KEPT_ROWS], features[-KEPT_ROWS:]])
        for k, level in enumerate(levels):
            kept[f"{name}/deepstack{k}"] = torch.cat([level[:KEPT_ROWS], level[-KEPT_ROWS:]])
    return case


def one_checkpoint(out, name, spec, seed):
    source = prompts.Prompts("qwen2_5_vl")  # the same tokenizer
    stored = text.draw(qwen3_vl.shapes(spec["config"]), seed, spec["store"], spec["config"]["tie_word_embeddings"])
    save_checkpoint(out / name, spec, stored, source)
    weights = {key: tensor.float() for key, tensor in stored.items()}
    tokenizer = bytes_bpe.Tokenizer(source.file("tokenizer.json"))
    kept, shown = {}, sorted({p for _, names in CASES.values() for p in names})
    cases = [one_case(weights, spec, tokenizer, source.decode, case, turns, names, kept) for case, (turns, names) in CASES.items()]
    described = {}
    for p in shown:
        values, grid = pictures.qwen_patches(pictures.load_rgb(PICTURES / p), spec["processor"])
        described[p] = {"f32_sha256": hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest(), "grid_thw": [1, *grid]}
    write_rows(out / f"{name}.json", {
        "checkpoint": name, "family": "qwen3_vl", "computed_by": "tools/reference (PyTorch " + torch.__version__ + ")",
        "parameters": sum(t.numel() for t in stored.values()), "new_tokens": NEW_TOKENS, "pictures": described, "cases": cases})
    tensors.save(out / f"{name}.safetensors", kept)
    print(name, sum(t.numel() for t in stored.values()), "logits std", [round(c["logits_std"], 2) for c in cases], "smallest margin",
          min(min(c["margins"]) for c in cases), "prompts", [len(c["input_ids"]) for c in cases], "distinct",
          [len(set(c["greedy_ids"])) for c in cases], flush=True)


def main():
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_rows(folder / "models/video.json", {"computed_by": "tools/reference (numpy " + np.__version__ + ")",
                                                  "sampling": sampling_rows(), "sizes": size_rows()})
        for seed, (name, spec) in enumerate(checkpoints_video.CHECKPOINTS.items(), start=300):
            one_checkpoint(folder / "models", name, spec, seed)
        pack(folder, "models", Path(sys.argv[1]), "video")


if __name__ == "__main__":
    sys.exit(main())
