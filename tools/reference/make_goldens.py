"""Writes tiny checkpoints of the families that have a reference here, and what the reference computes with them.

    /usr/bin/python3 tools/reference/make_goldens.py tests/data/goldens [--only qwen2_5_vl]

A family ends as OUT/<family>.tar.xz in the formats of tools/oracle/README.md. Needs torch, numpy and Pillow as Debian
has them. tools/oracle/topic_families.py computes the same with transformers.
"""

import argparse
import hashlib
import importlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import pictures
import prompts
import tensors
import text
from common import PICTURES, write_json, write_rows
from conversations import CONVERSATIONS, pictures_of
from pack import FAMILIES, pack

NEW_TOKENS = 24
KEPT_ROWS = 4
# More pictures under the words of a conversation: name -> conversation, pictures.
MORE = {
    "grey_turned_alpha": ("three_pictures", ["grey_53x37.png", "exif6_24x17.jpg", "grey_alpha_40x31.png"]),
    "long_picture": ("one_picture", ["size_300x7.png"]),
    "tall_picture": ("one_picture", ["size_97x160.png"]),
}


def save_checkpoint(folder, family, spec, stored, words):
    """A folder as a hub holds it."""
    folder.mkdir(parents=True)
    write_json(folder / "config.json", spec["config"])
    named = {family.published_name(name, spec["layout"]): t for name, t in stored.items()}
    shards = [{} for _ in range(spec["shards"])]
    for i, (name, tensor) in enumerate(sorted(named.items())):
        shards[i * len(shards) // len(named)][name] = tensor
    files = ["model.safetensors"] if len(shards) == 1 else [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    for file, shard in zip(files, shards):
        tensors.save(folder / file, shard)
    if len(shards) > 1:
        write_json(folder / "model.safetensors.index.json", {
            "metadata": {"total_size": sum(t.numel() * t.element_size() for t in named.values())},
            "weight_map": {name: file for file, shard in zip(files, shards) for name in sorted(shard)}})
    for name in ("tokenizer.json", "generation_config.json"):
        (folder / name).write_text(words.file(name), encoding="utf-8")
    settings = {k: v for k, v in json.loads(words.file("tokenizer_config.json")).items() if k != "tokenizer_class"}
    write_json(folder / "tokenizer_config.json", settings | {"processor_class": spec["processor_class"]} | spec["tokenizer"])
    more = spec.get("processor_settings", {}) | {"processor_class": spec["processor_class"]}
    if spec["files"] == "new":
        write_json(folder / "processor_config.json", {"image_processor": spec["processor"]} | more)
        (folder / "chat_template.jinja").write_text(words.template(), encoding="utf-8")
    else:
        write_json(folder / "preprocessor_config.json", spec["processor"] | {"processor_class": spec["processor_class"]})
        write_json(folder / "chat_template.json", {"chat_template": words.template()})
        if spec.get("processor_settings"):
            write_json(folder / "processor_config.json", more)


def generate(family, weights, config, ids, features, prepared):
    """Greedy ids, the logits that chose each of them, positions of the prompt, delta."""
    where, delta = family.positions(ids, config, prepared)
    new, chosen = [], []
    while True:
        behind = torch.arange(len(ids), len(ids) + len(new)) + (delta or 0)
        every = torch.cat([where, behind.expand(3, -1)], 1)
        last = family.next_logits(weights, config, ids + new, features, every)[-1]
        chosen.append(last.numpy())
        new.append(int(last.argmax()))
        if new[-1] in prompts.STOPS[config["model_type"]] or len(new) == NEW_TOKENS:
            return new, np.stack(chosen), where, delta


def one_case(family, weights, spec, name, words, prepared, kept):
    conversation, names = MORE.get(name, (name, pictures_of(CONVERSATIONS.get(name, []))))
    shown = [prepared[p] for p in names]
    ids = words.ids(conversation, [tokens for _, tokens in shown])
    encoded = [family.encode(weights, spec["config"], p) for p, _ in shown]
    features = torch.cat(encoded) if encoded else None
    new, logits, where, delta = generate(family, weights, spec["config"], ids, features, [p for p, _ in shown])
    best = np.sort(logits, axis=1)[:, -2:]
    case = {"name": name, "conversation": conversation, "pictures": names, "text": words.text(conversation), "input_ids": ids,
            "greedy_ids": new, "margins": [float(b - a) for a, b in best], "greedy_text": words.decode(new),
            "logits_std": float(logits[0].std())}
    kept[f"{name}/logits"] = torch.from_numpy(logits[[0, -1]])
    if delta is not None:
        case["rope_delta"] = delta
        kept[f"{name}/position_ids"] = where.to(torch.int32)
    if features is not None:
        kept[f"{name}/features"] = torch.cat([features[:KEPT_ROWS], features[-KEPT_ROWS:]])
        case["features"] = {"rows": len(features), "mean": float(features.mean()), "std": float(features.std())}
    return case


def one_checkpoint(out, family_name, family, name, spec, seed):
    words = prompts.Prompts(spec["config"]["model_type"])
    spec = {"processor_class": prompts.PROCESSORS[family_name]} | spec
    tied = bool(spec["config"].get("tie_word_embeddings"))
    stored = text.draw(family.shapes(spec["config"]), seed, spec["store"], tied)
    save_checkpoint(out / name, family, spec, stored, words)
    weights = {key: tensor.float() for key, tensor in stored.items()}
    names = sorted({p for c in CONVERSATIONS.values() for p in pictures_of(c)} | {p for _, more in MORE.values() for p in more})
    prepared = {p: family.prepare(pictures.load_rgb(PICTURES / p), spec["processor"] | {"tower_patch": spec.get("tower_patch")}) for p in names}
    described = {p: {"f32_sha256": hashlib.sha256(np.ascontiguousarray(got["values"]).tobytes()).hexdigest(),
                     "grid_thw": [1, *got["grid"]]} if "grid" in got else
                 {"f32_sha256": hashlib.sha256(np.ascontiguousarray(got["values"]).tobytes()).hexdigest()}
                 for p, (got, _) in prepared.items()}
    kept = {}
    cases = [one_case(family, weights, spec, case, words, prepared, kept) for case in [*CONVERSATIONS, *MORE]]
    write_rows(out / f"{name}.json", {
        "checkpoint": name, "family": family_name, "computed_by": "tools/reference (PyTorch " + torch.__version__ + ")",
        "parameters": sum(t.numel() for t in stored.values()), "new_tokens": NEW_TOKENS, "pictures": described, "cases": cases})
    tensors.save(out / f"{name}.safetensors", kept)
    print(name, sum(t.numel() for t in stored.values()), "logits std", [round(c["logits_std"], 2) for c in cases],
          "smallest margin", min(min(c["margins"]) for c in cases), "new tokens", [len(c["greedy_ids"]) for c in cases],
          "distinct", [len(set(c["greedy_ids"])) for c in cases], flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=FAMILIES, action="append")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    for family in arguments.only or FAMILIES:
        module = importlib.import_module(family)
        checkpoints = importlib.import_module(f"checkpoints_{family}").CHECKPOINTS
        with tempfile.TemporaryDirectory() as folder:
            for seed, (name, spec) in enumerate(checkpoints.items(), start=200):
                one_checkpoint(Path(folder) / "models", family, module, name, spec, seed)
            pack(Path(folder), "models", arguments.out, family)


if __name__ == "__main__":
    sys.exit(main())
