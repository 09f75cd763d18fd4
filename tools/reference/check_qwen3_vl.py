"""Compares qwen3_vl.py and bytes_bpe.py with what transformers computed for the Qwen3-VL checkpoints of the goldens: ids,
positions, features, deepstack, logits, for still pictures.

    /usr/bin/python3 tools/reference/check_qwen3_vl.py
"""

import json
import re

import numpy as np
import torch

import bytes_bpe
import pictures
import qwen3_vl
import tensors
from common import PICTURES

CHECKPOINTS = ("qwen_wide_heads", "qwen_old_spelling", "qwen_grouped")


def weights_of(name):
    """Every parameter in float32 under the names of qwen3_vl.shapes."""
    folder = f"models/{name}/"
    try:
        files = sorted(set(json.loads(tensors.oracle_file("models", folder + "model.safetensors.index.json"))["weight_map"].values()))
    except KeyError:
        files = ["model.safetensors"]
    out = {}
    for file in files:
        out |= tensors.load(tensors.oracle_bytes("models", folder + file))
    return {key: tensor.float() for key, tensor in out.items()}


def settings_of(name):
    try:
        return json.loads(tensors.oracle_file("models", f"models/{name}/processor_config.json"))["image_processor"]
    except KeyError:
        return json.loads(tensors.oracle_file("models", f"models/{name}/preprocessor_config.json"))


def main():
    torch.set_grad_enabled(False)
    worst = 0.0
    for name in CHECKPOINTS:
        raw, settings = json.loads(tensors.oracle_file("models", f"models/{name}/config.json")), settings_of(name)
        golden = json.loads(tensors.oracle_file("models", f"models/{name}.json"))
        kept = tensors.load(tensors.oracle_bytes("models", f"models/{name}.safetensors"))
        weights = weights_of(name)
        tokenizer = bytes_bpe.Tokenizer(tensors.oracle_file("models", f"models/{name}/tokenizer.json"))
        for case in golden["cases"]:
            shown = [pictures.qwen_patches(pictures.load_rgb(PICTURES / p), settings) for p in case["pictures"]]
            counts = iter([len(values) // settings["merge_size"] ** 2 for values, _ in shown])
            text = re.sub(r"<\|image_pad\|>", lambda m: m[0] * next(counts), case["text"])
            assert tokenizer.encode(text) == case["input_ids"], (name, case["name"])
            encoded = [qwen3_vl.encode(weights, raw, np.ascontiguousarray(values), grid) for values, grid in shown]
            features = torch.cat([rows for rows, _ in encoded]) if encoded else None
            levels = [torch.cat(level) for level in zip(*(more for _, more in encoded))] if encoded else []
            where, delta = qwen3_vl.positions(case["input_ids"], raw, [grid for _, grid in shown])
            assert delta == case["rope_delta"], (name, case["name"])
            assert torch.equal(where.int(), kept[f"{case['name']}/position_ids"]), (name, case["name"])
            apart = [qwen3_vl.logits(weights, raw, case["input_ids"], features, levels, where)[-1] - kept[f"{case['name']}/logits"][0]]
            if encoded:
                apart += [torch.cat([r[:4], r[-4:]]) - kept[f"{case['name']}/{key}"]
                          for key, r in [("features", features)] + [(f"deepstack{k}", level) for k, level in enumerate(levels)]]
            worst = max(worst, *(float(a.abs().max()) for a in apart))
        print(name, len(golden["cases"]), "cases, so far at most", worst, "apart", flush=True)
    if worst > 1e-3:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
