"""Times transformers on the shapes that `visavis bench` measures: random bf16 weights of a config.json, one picture.

    python3 bench/gpu/transformers_speed.py CONFIG_FOLDER... --out FILE.json

CONFIG_FOLDER comes from `random_checkpoint DIR --shape NAME --light`. For each: seconds from picture values on the GPU
to the first token (vision encoder, prompt, arg max), seconds per further token, and the allocator's peak. Medians.
"""

import argparse
import inspect
import json
import statistics
import time
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForImageTextToText

QWEN_TEXT_TOKENS = 37  # beside the picture's
LLAVA_TEXT_TOKENS = 35
FURTHER_TOKENS = 64


def random_model(folder):
    """The architecture of config.json with small random weights, in bf16 on the GPU."""
    config = AutoConfig.from_pretrained(folder)
    with torch.device("cuda"):
        torch.set_default_dtype(torch.bfloat16)
        model = AutoModelForImageTextToText.from_config(config, attn_implementation="sdpa")
        torch.set_default_dtype(torch.float32)
    return model.to(torch.bfloat16).eval(), config


def prompt_of(config):
    """Arguments of generate(): a 1024 x 1024 picture for Qwen3-VL, the tower's own size for LLaVA."""
    if config.model_type == "qwen3_vl":
        side = 1024 // config.vision_config.patch_size
        picture_tokens = side * side // config.vision_config.spatial_merge_size**2
        values = 3 * config.vision_config.temporal_patch_size * config.vision_config.patch_size**2
        ids = [config.vision_start_token_id] + [config.image_token_id] * picture_tokens + [config.vision_end_token_id]
        ids += [100] * (QWEN_TEXT_TOKENS - 2)
        types = [int(token == config.image_token_id) for token in ids]
        return {
            "input_ids": torch.tensor([ids], device="cuda"),
            "attention_mask": torch.ones((1, len(ids)), dtype=torch.long, device="cuda"),
            "mm_token_type_ids": torch.tensor([types], device="cuda"),
            "pixel_values": torch.randn(side * side, values, device="cuda", dtype=torch.bfloat16),
            "image_grid_thw": torch.tensor([[1, side, side]], device="cuda"),
        }
    vision = config.vision_config
    image_token = getattr(config, "image_token_id", None) or config.image_token_index
    picture_tokens = (vision.image_size // vision.patch_size) ** 2
    ids = [100] * LLAVA_TEXT_TOKENS + [image_token] * picture_tokens
    return {
        "input_ids": torch.tensor([ids], device="cuda"),
        "attention_mask": torch.ones((1, len(ids)), dtype=torch.long, device="cuda"),
        "pixel_values": torch.randn(1, 3, vision.image_size, vision.image_size, device="cuda", dtype=torch.bfloat16),
    }


def seconds_of(model, prompt, tokens):
    torch.cuda.synchronize()
    begin = time.perf_counter()
    model.generate(**prompt, do_sample=False, min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=0)
    torch.cuda.synchronize()
    return time.perf_counter() - begin


@torch.no_grad()
def measure(folder, repeat):
    model, config = random_model(folder)
    taken = inspect.signature(model.forward).parameters
    prompt = {name: value for name, value in prompt_of(config).items() if name in taken}
    for _ in range(2):
        seconds_of(model, prompt, 4)
    first = [seconds_of(model, prompt, 1) for _ in range(repeat)]
    whole = [seconds_of(model, prompt, 1 + FURTHER_TOKENS) for _ in range(max(2, repeat // 2))]
    each = (statistics.median(whole) - statistics.median(first)) / FURTHER_TOKENS
    result = {
        "model": Path(folder).name,
        "prompt_tokens": prompt["input_ids"].shape[1],
        "first_token_s": statistics.median(first),
        "tok_per_s": 1 / each,
        "peak_bytes": torch.cuda.max_memory_reserved(),
        "runs": repeat,
    }
    del model
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="+")
    parser.add_argument("--out", required=True)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    results = {
        "engine": f"transformers {transformers.__version__}, torch {torch.__version__}, bf16, sdpa",
        "device": torch.cuda.get_device_name(),
        "models": [measure(folder, arguments.repeat) for folder in arguments.folder],
    }
    Path(arguments.out).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
