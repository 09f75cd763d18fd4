"""Follows a published shape through its layers: visavis on the card beside transformers in float32.

    python3 bench/gpu/layer_trace.py PACKED.sh FOLDER... --picture FILE --out FILE.json

FOLDER holds a whole checkpoint (`random_checkpoint FOLDER --shape NAME`). At each depth k a copy of its config.json
with k layers is scored (a link to the weights, those of later layers unused) and compared with norm and head of
transformers applied to the hidden state after k layers, at the prompt's last token: the distance of the 1000 best
logits in standard deviations of all. A distance d is a cosine of about 1 - d^2 / 2 between the logits. Random weights
forgive nothing and lose far more to 4 bits than trained ones, so the 4-bit kernels are held against the same codes
multiplied in float32, and bf16 against what transformers itself loses in bf16.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import torch
from transformers import AutoImageProcessor, AutoModelForImageTextToText
from transformers.image_utils import load_image

PROMPT = "What is shown here, and what is beside it?"
TOP = 1000
COSINE_9999 = 0.0141


def depths_of(layers):
    # Fewer than three would leave pictures' deepstack features without a layer.
    return sorted({k for k in (3, 4, 8, 16, 24) if k < layers} | {layers})


def shortened(folder, layers, into):
    """A folder that says `layers` layers and links everything else."""
    into.mkdir()
    for path in Path(folder).resolve().iterdir():
        if path.name != "config.json":
            (into / path.name).symlink_to(path)
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    config["text_config"]["num_hidden_layers"] = layers
    (into / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return into


def scored(packed, folder, picture, options):
    command = ["sh", packed, "visavis", "score", str(folder), "--device", "cuda", "--ctx", "1280", "-i", picture,
               "-p", PROMPT, "--top", str(TOP), "--json", "--no-cache", *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def logits_by_depth(folder, picture, ids, depths, dtype):
    """Depth -> logits at the last token."""
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.bfloat16, attn_implementation="sdpa")
    model = model.to("cuda").to(dtype).eval()
    text = model.model.language_model
    states = {}
    for number, layer in enumerate(text.layers, start=1):
        def keep(_module, _inputs, output, number=number):
            states[number] = (output[0] if isinstance(output, tuple) else output)[:, -1].clone()
        if number in depths:
            layer.register_forward_hook(keep)
    inputs = dict(AutoImageProcessor.from_pretrained(folder)(images=[load_image(picture)], return_tensors="pt"))
    inputs = {name: value.to("cuda") for name, value in inputs.items()}
    inputs["pixel_values"] = inputs["pixel_values"].to(dtype)
    inputs["input_ids"] = torch.tensor([ids], device="cuda")
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    if model.config.model_type == "qwen3_vl":
        inputs["mm_token_type_ids"] = (inputs["input_ids"] == model.config.image_token_id).long()
    model(**inputs)
    logits = {k: model.lm_head(text.norm(state))[0].float().cpu() for k, state in states.items()}
    del model
    torch.cuda.empty_cache()
    return logits


def distance(score, logits, spread):
    """Of the scored logits from others: a score, or all logits."""
    if isinstance(logits, dict):
        other = {token["id"]: token["logit"] for token in logits["top"]}
        pairs = [(token["logit"], other[token["id"]]) for token in score["top"] if token["id"] in other]
    else:
        pairs = [(token["logit"], float(logits[token["id"]])) for token in score["top"]]
    return (sum((a - b) ** 2 for a, b in pairs) / len(pairs)) ** 0.5 / spread


def trace(packed, folder, picture):
    layers = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))["text_config"]["num_hidden_layers"]
    depths = depths_of(layers)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folders = {k: shortened(folder, k, Path(scratch) / str(k)) for k in depths}
        ids = scored(packed, folders[depths[0]], picture, ["--weights", "int4"])["prompt_token_ids"]
        wanted = logits_by_depth(folder, picture, ids, set(depths), torch.float32)
        theirs = logits_by_depth(folder, picture, ids, set(depths), torch.bfloat16)
        for k in depths:
            spread = float(wanted[k].std())
            best = wanted[k].topk(TOP).indices
            bf16 = scored(packed, folders[k], picture, ["--weights", "bf16"])
            int4 = scored(packed, folders[k], picture, ["--weights", "int4"])
            exact = scored(packed, folders[k], picture, ["--weights", "int4", "--activations", "f32"])
            row = {"model": Path(folder).name, "layers": k, "tokens": len(ids),
                   "bf16": distance(bf16, wanted[k], spread),
                   "transformers in bf16": float((theirs[k][best] - wanted[k][best]).square().mean().sqrt()) / spread,
                   "same best token": bool(wanted[k][bf16["top"][0]["id"]] == wanted[k].max()),
                   "int4 kernels": distance(int4, exact, spread),
                   "int4 codes": distance(exact, wanted[k], spread)}
            row["passes"] = row["bf16"] <= max(COSINE_9999, row["transformers in bf16"]) and row["same best token"]
            rows.append(row)
            print(json.dumps(row), flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packed")
    parser.add_argument("folder", nargs="+")
    parser.add_argument("--picture", required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    rows = [row for folder in arguments.folder for row in trace(arguments.packed, folder, arguments.picture)]
    Path(arguments.out).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if not all(row["passes"] for row in rows):
        raise SystemExit("further from transformers in float32 than transformers in bf16, or another best token")


if __name__ == "__main__":
    main()
