"""The tiny random checkpoints: configurations, weights, and the files as the repositories hold them.

Most tensors take two values each, so that a checkpoint of 400,000 weights packs into about 100 kB.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch

from model import sin_cos_positions

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "formats"))
import packers  # noqa: E402
import readers  # noqa: E402
import store  # noqa: E402

RANKS = 352
VOCABULARY = 576


def config(text, visual, **more):
    visual = {"heads": 2, "image_size": 84, "image_start_id": RANKS + 214, "layers": 2, "mlp_ratio": 1.5, "n_queries": 16,
              "output_dim": 128, "patch_size": 14, "width": 32} | visual
    return {"architectures": ["QWenLMHeadModel"], "attn_dropout_prob": 0.0, "bf16": False, "emb_dropout_prob": 0.0, "fp16": False,
            "fp32": False, "hidden_size": 128, "intermediate_size": 192, "kv_channels": 32, "layer_norm_epsilon": 1e-6,
            "max_position_embeddings": 2048, "model_type": "qwen", "no_bias": True, "num_attention_heads": 4,
            "num_hidden_layers": 2, "rotary_emb_base": 10000, "rotary_pct": 1.0, "scale_attn_weights": True, "seq_length": 2048,
            "tie_word_embeddings": False, "tokenizer_type": "QWenTokenizer", "use_cache": True, "use_dynamic_ntk": True,
            "use_flash_attn": False, "use_logn_attn": True, "visual": visual, "vocab_size": VOCABULARY} | text | more


# qwen_vl_short was trained on few tokens: its prompts reach every set of frequencies. qwen_vl_queries has the published 256
# image tokens and fewer patches than that; qwen_vl_int4 two heads in the resampler and AutoGPTQ's layers with their biases.
CHECKPOINTS = {
    "qwen_vl_short": {"seed": 1, "store": "bfloat16", "files": "bin", "config": config(
        {"seq_length": 96, "torch_dtype": "bfloat16"}, {})},
    "qwen_vl_queries": {"seed": 2, "store": "float16", "files": "safetensors", "config": config(
        {"num_hidden_layers": 1, "num_attention_heads": 1, "kv_channels": 128, "tie_word_embeddings": True,
         "torch_dtype": "float16"},
        {"n_queries": 256, "image_size": 60, "patch_size": 6, "width": 24, "layers": 1, "mlp_ratio": 2.2})},
    "qwen_vl_int4": {"seed": 3, "store": "float16", "files": "gptq", "config": config(
        {"hidden_size": 256, "num_attention_heads": 8, "intermediate_size": 256, "num_hidden_layers": 1, "tie_word_embeddings": True,
         "seq_length": 128, "use_logn_attn": False, "torch_dtype": "float16"},
        {"output_dim": 256, "image_size": 120, "patch_size": 6, "width": 16, "heads": 1, "layers": 1},
        quantization_config={"bits": 4, "group_size": 128, "damp_percent": 0.01, "desc_act": False, "static_groups": False,
                             "sym": True, "true_sequential": True, "quant_method": "gptq"})},
}


def shapes(config):
    """Every tensor's name and shape."""
    hidden, ffn, visual = config["hidden_size"], config["intermediate_size"] // 2, config["visual"]
    width, out, patch, queries = visual["width"], visual["output_dim"], visual["patch_size"], visual["n_queries"]
    middle = int(width * visual["mlp_ratio"])
    result = {"wte.weight": (config["vocab_size"], hidden), "ln_f.weight": (hidden,)}
    for i in range(config["num_hidden_layers"]):
        h = f"h.{i}."
        result |= {h + "ln_1.weight": (hidden,), h + "attn.c_attn.weight": (3 * hidden, hidden), h + "attn.c_attn.bias": (3 * hidden,),
                   h + "attn.c_proj.weight": (hidden, hidden), h + "ln_2.weight": (hidden,), h + "mlp.w1.weight": (ffn, hidden),
                   h + "mlp.w2.weight": (ffn, hidden), h + "mlp.c_proj.weight": (hidden, ffn)}
    v = "visual."
    result |= {v + "conv1.weight": (width, 3, patch, patch), v + "positional_embedding": (256, width), v + "proj": (out, out)}
    for i in range(visual["layers"]):
        block = f"{v}transformer.resblocks.{i}."
        for name, rows, columns in (("attn.in_proj", 3 * width, width), ("attn.out_proj", width, width),
                                    ("mlp.c_fc", middle, width), ("mlp.c_proj", width, middle)):
            result |= {f"{block}{name}.weight": (rows, columns), f"{block}{name}.bias": (rows,)}
        result |= norms((block + "ln_1", block + "ln_2"), width)
    pool = v + "attn_pool."
    result |= {pool + "pos_embed": (queries, out), pool + "query": (queries, out), pool + "kv_proj.weight": (out, width),
               pool + "attn.in_proj_weight": (3 * out, out), pool + "attn.in_proj_bias": (3 * out,),
               pool + "attn.out_proj.weight": (out, out), pool + "attn.out_proj.bias": (out,)}
    result |= norms((v + "ln_pre",), width) | norms((pool + "ln_q", pool + "ln_kv", v + "ln_post"), out)
    result = {"transformer." + name: shape for name, shape in result.items()}
    return result if config["tie_word_embeddings"] else result | {"lm_head.weight": (config["vocab_size"], hidden)}


def norms(names, width):
    return {f"{name}.{kind}": (width,) for name in names for kind in ("weight", "bias")}


def draw(config, seed, kind):
    """name -> tensor in the stored type. Linear layers keep unit scale, norms are not trivial, logits spread by about 2."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in sorted(shapes(config).items()):
        noise = 2.0 * torch.randint(0, 2, shape, generator=generator) - 1
        tied = config["tie_word_embeddings"] and "wte" in name
        if "pos_embed" in name:
            noise = sin_cos_positions(shape[1], math.isqrt(shape[0]))
        elif "ln_" in name:
            noise = 1 + 0.2 * noise if name.endswith("weight") else 0.1 * noise
        elif name.endswith("bias"):
            noise = 0.1 * noise
        elif "lm_head" in name or tied:
            noise = noise * (2.0 / math.sqrt(shape[1]))
        elif any(part in name for part in ("wte", "positional_embedding", "attn_pool.query")):
            noise = 0.5 * noise
        else:
            fan_in = shape[0] if name.endswith("visual.proj") else noise[0].numel()
            noise = noise * ((1.6 if "c_attn" in name or "in_proj" in name else 1.0) / math.sqrt(fan_in))
        state[name] = noise.to(getattr(torch, kind))
    return state


def stored(tensor):
    """A tensor as store.py wants it."""
    if tensor.dtype == torch.bfloat16:
        return "BF16", store.bf16_bits(tensor.float().numpy())
    return "F16", tensor.numpy()


def as_gptq(state, seed):
    """The text layers in AutoGPTQ's codes with a bias each. Returns the files' tensors, and puts what the codes stand for
    into `state`."""
    files, generator = {}, torch.Generator().manual_seed(seed)
    for name in list(state):
        layer = name.removesuffix(".weight")
        if ".h." not in name or not name.endswith(".weight") or ".ln_" in name:
            continue
        # Two sizes, and another scale for each group.
        rows, columns = state[name].shape
        weight = state[name].float() * (0.5 + torch.randint(0, 2, (rows, columns), generator=generator))
        weight *= (0.7 + 0.6 * torch.rand(rows, columns // 128, generator=generator)).repeat_interleave(128, dim=1)
        parts = packers.gptq(weight.numpy(), symmetric_zero=True)
        state[name] = torch.from_numpy(readers.gptq(parts, 4, 1).copy())
        files |= {f"{layer}.{ending}": part for ending, part in parts.items()}
        if layer + ".bias" not in state:
            bias = 0.1 * torch.randn(len(state[name]), generator=generator)
            state[layer + ".bias"] = bias.half()
    return files | {name: stored(tensor) for name, tensor in state.items() if name.removesuffix(".weight") + ".qweight" not in files}


def write(folder, spec, tokenizer):
    """Writes a checkpoint folder; returns the weights that it stands for."""
    folder.mkdir(parents=True, exist_ok=True)
    eos = tokenizer.special["<|endoftext|>"]
    for name, value in {
            "config.json": spec["config"],
            "generation_config.json": {"chat_format": "chatml", "do_sample": True, "eos_token_id": eos, "max_new_tokens": 512,
                                       "max_window_size": 6144, "pad_token_id": eos, "top_k": 0, "top_p": 0.3},
            "tokenizer_config.json": {"model_max_length": 8192, "tokenizer_class": "QWenTokenizer",
                                      "auto_map": {"AutoTokenizer": ["tokenization_qwen.QWenTokenizer", None]}}}.items():
        (folder / name).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    tokenizer.write(folder / "qwen.tiktoken")
    state = draw(spec["config"], spec["seed"], spec["store"])
    if spec["files"] == "gptq":
        store.write(folder / "model.safetensors", as_gptq(state, spec["seed"]))
    elif spec["files"] == "safetensors":
        store.write(folder / "model.safetensors", {name: stored(tensor) for name, tensor in state.items()})
    else:
        names = sorted(state)
        shards = {f"pytorch_model-0000{i + 1}-of-00002.bin": names[i::2] for i in range(2)}
        for file, part in shards.items():
            torch.save({name: state[name] for name in part}, folder / file)
        index = {"metadata": {"total_size": sum(t.numel() * 2 for t in state.values())},
                 "weight_map": {name: file for file, part in shards.items() for name in part}}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return state
