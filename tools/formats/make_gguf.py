"""A demo checkpoint as GGUF files (text model and mmproj), and what they stand for.

As make_checkpoints.py: OUT/packed, OUT/plain. The recipes name the types of the text model's tensors.
"""
import re

import numpy as np

import gguf
import gguf_metadata
import store

# Recipe: (of linears by the end of their name, of the rest; of the mmproj's matrices). Those of
# bench/quantize_models.py leave all but the linears as it is.
RECIPES = {
    "gguf-q4_0": ({"": "Q4_0"}, "Q8_0", "F16"),
    "gguf-q4_k": ({"v": "Q6_K", "down": "Q6_K", "": "Q4_K"}, "Q6_K", "Q8_0"),
    "gguf-q5_k": ({"v": "Q4_1", "": "Q5_K"}, "Q8_0", "BF16"),
    "gguf-q5_0": ({"v": "Q5_1", "": "Q5_0"}, "Q5_1", "Q5_0"),
    "gguf-q8_0": ({"": "Q8_0"}, "F16", "F16"),
    "gguf-f16": ({"": "F16"}, "BF16", "F32"),
    "gguf-q4_0-linears": ({"": "Q4_0"}, "BF16", "BF16"),
    "gguf-q4_k-linears": ({"": "Q4_K"}, "BF16", "BF16"),
    "gguf-q5_k-linears": ({"": "Q5_K"}, "BF16", "BF16"),
    "gguf-q6_k-linears": ({"": "Q6_K"}, "BF16", "BF16"),
}

TEXT_NAMES = [
    (r"norm\.weight", "output_norm.weight"),
    (r"layers\.(\d+)\.input_layernorm\.weight", r"blk.\1.attn_norm.weight"),
    (r"layers\.(\d+)\.post_attention_layernorm\.weight", r"blk.\1.ffn_norm.weight"),
    (r"layers\.(\d+)\.self_attn\.([qk])_norm\.weight", r"blk.\1.attn_\2_norm.weight"),
    (r"layers\.(\d+)\.self_attn\.([qkv])_proj\.weight", r"blk.\1.attn_\2.weight"),
    (r"layers\.(\d+)\.self_attn\.o_proj\.weight", r"blk.\1.attn_output.weight"),
    (r"layers\.(\d+)\.mlp\.(\w+)_proj\.weight", r"blk.\1.ffn_\2.weight"),
]
QWEN_VISION = [
    (r"patch_embed\.proj\.bias", "v.patch_embd.bias"),
    (r"pos_embed\.weight", "v.position_embd.weight"),
    (r"blocks\.(\d+)\.attn\.qkv\.(\w+)", r"v.blk.\1.attn_qkv.\2"),
    (r"blocks\.(\d+)\.attn\.proj\.(\w+)", r"v.blk.\1.attn_out.\2"),
    (r"blocks\.(\d+)\.norm([12])\.(\w+)", r"v.blk.\1.ln\2.\3"),
    (r"blocks\.(\d+)\.mlp\.linear_fc1\.(\w+)", r"v.blk.\1.ffn_up.\2"),
    (r"blocks\.(\d+)\.mlp\.linear_fc2\.(\w+)", r"v.blk.\1.ffn_down.\2"),
    (r"merger\.norm\.(\w+)", r"v.post_ln.\1"),
    (r"merger\.linear_fc1\.(\w+)", r"mm.0.\1"),
    (r"merger\.linear_fc2\.(\w+)", r"mm.2.\1"),
]
LLAVA_VISION = [
    (r"embeddings\.class_embedding", "v.class_embd"),
    (r"embeddings\.patch_embedding\.weight", "v.patch_embd.weight"),
    (r"embeddings\.position_embedding\.weight", "v.position_embd.weight"),
    (r"pre_layrnorm\.(\w+)", r"v.pre_ln.\1"),
    (r"post_layernorm\.(\w+)", r"v.post_ln.\1"),
    (r"encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(\w+)", r"v.blk.\1.attn_\2.\3"),
    (r"encoder\.layers\.(\d+)\.self_attn\.out_proj\.(\w+)", r"v.blk.\1.attn_out.\2"),
    (r"encoder\.layers\.(\d+)\.layer_norm([12])\.(\w+)", r"v.blk.\1.ln\2.\3"),
    # As files of the older tools have it.
    (r"encoder\.layers\.(\d+)\.mlp\.fc1\.(\w+)", r"v.blk.\1.ffn_down.\2"),
    (r"encoder\.layers\.(\d+)\.mlp\.fc2\.(\w+)", r"v.blk.\1.ffn_up.\2"),
]


def renamed(name, rules):
    for pattern, replacement in rules:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, replacement, name)
    raise ValueError(name)


def after(name, prefixes):
    for prefix in prefixes:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return None


def rotary_order(rows, head):
    """Row r of a GGUF file is this row of the checkpoint: halves of a head become neighbours."""
    return np.arange(rows).reshape(-1, 2, head // 2).swapaxes(1, 2).reshape(-1)


class Recipe:
    def __init__(self, name, config, encode):
        self.encode = encode
        self.linears, self.rest, self.vision = RECIPES[name]
        self.config = config
        self.rows = config["text_config"]["vocab_size"]
        # As files made from the first authors' checkpoint: no token stands for a picture.
        if name == "gguf-q4_0" and config["model_type"] == "llava":
            self.rows = config["image_token_index"]
        self.text, self.mmproj, self.plain = {}, {}, {}

    def put(self, file, gguf_name, kind, values, order=None):
        """Writes the tensor and returns what it stands for, in the checkpoint's order."""
        if values.ndim < 2:
            kind = "F32"
        elif kind not in ("F32", "F16", "BF16") and values.shape[-1] % (256 if kind.endswith("K") else 32):
            kind = "F16"
        stored = values if order is None else values[order]
        data = self.encode(stored, kind)
        file[gguf_name] = (kind, stored.shape, data)
        back = gguf.decode(data, kind, stored.shape)
        if order is None:
            return back
        undone = np.empty_like(back)
        undone[order] = back
        return undone

    def put_rows(self, gguf_name, values):
        """A row per token; those that the file leaves out stand for zeros."""
        back = self.put(self.text, gguf_name, self.rest, values[: self.rows])
        return np.concatenate([back, np.zeros_like(values[self.rows :])])

    def add(self, name, values):
        llava = self.config["model_type"] == "llava"
        rest = after(name, ["model.language_model.", "language_model.model."])
        if rest is not None:
            kind = self.rest
            order = None
            if rest.endswith("_proj.weight"):
                last = rest.split(".")[-2].removesuffix("_proj")
                kind = self.linears.get(last, self.linears[""])
                if llava and last in "qk":
                    order = rotary_order(values.shape[0], gguf_metadata.head_size(self.config["text_config"]))
            if rest == "embed_tokens.weight":
                return self.put_rows("token_embd.weight", values)
            return self.put(self.text, renamed(rest, TEXT_NAMES), kind, values, order)
        if name.endswith("lm_head.weight"):
            return self.put_rows("output.weight", values)
        rest = after(name, ["model.visual.", "vision_tower.vision_model.", "model.vision_tower.vision_model.",
                            "model.vision_tower.", "vision_tower."])  # fmt: skip
        if rest == "patch_embed.proj.weight":  # [out, 3, 2, y, x]
            parts = [self.put(self.mmproj, f"v.patch_embd.weight{end}", "F16", values[:, :, time])
                     for time, end in enumerate(["", ".1"])]  # fmt: skip
            return np.stack(parts, axis=2)
        if rest is not None and rest.startswith("deepstack_merger_list."):
            _, number, part, end = rest.split(".")
            block = self.config["vision_config"]["deepstack_visual_indexes"][int(number)]
            part = {"norm": "norm", "linear_fc1": "fc1", "linear_fc2": "fc2"}[part]
            return self.put(self.mmproj, f"v.deepstack.{block}.{part}.{end}", self.vision, values)
        if rest is not None:
            whole = "embed" in rest
            kind = "F32" if whole and values.ndim == 2 else "F16" if whole else self.vision
            return self.put(self.mmproj, renamed(rest, LLAVA_VISION if llava else QWEN_VISION), kind, values)
        number, end = name.split("linear_")[1].split(".")
        return self.put(self.mmproj, f"mm.{0 if number == '1' else 2}.{end}", self.vision, values)


def hub_name(name):
    """As the hub's checkpoints have it, whichever spelling this one has."""
    if "language_model" in name or name.startswith(("model.visual.", "vision_tower.vision_model.")):
        return name
    return name.replace("vision_tower.", "vision_tower.vision_model.", 1)


def make(model, format_name, out, shortened, copy_side_files, encode=gguf.encode):
    config, tensors = shortened(model)
    recipe = Recipe(format_name, config, encode)
    for name, tensor in tensors.items():
        recipe.plain[hub_name(name)] = ("F32", np.ascontiguousarray(recipe.add(name, store.floats(tensor)), np.float32))
    copy_side_files(model, out / "plain", config)
    store.write(out / "plain" / "model.safetensors", recipe.plain)
    copy_side_files(model, out / "packed", config)
    text = gguf_metadata.text_metadata(model, config, recipe.rows)
    gguf.write(out / "packed" / f"demo-{format_name}.gguf", text, recipe.text)
    gguf.write(out / "packed" / "mmproj-demo.gguf", gguf_metadata.tower_metadata(model, config), recipe.mmproj)
