"""Qwen2.5-VL in float32, straight from the published architecture (arXiv 2502.13923): a vision tower whose blocks attend
inside windows but for a few, a merger, a Qwen2 decoder with M-RoPE in contiguous sections."""

import torch

import pictures
import text

VISION_EPS, VISION_THETA = 1e-6, 10000.0
TEXT_PREFIX, VISION_PREFIX, HEAD = "model.language_model.", "model.visual.", "lm_head.weight"


def config_of(raw):
    """The text and vision settings of a config.json in the old or the new spelling."""
    words = dict(raw.get("text_config", raw))
    rope = words.get("rope_parameters") or words["rope_scaling"]
    words["rope_theta"] = rope.get("rope_theta", words.get("rope_theta"))
    words["mrope_section"] = rope["mrope_section"]
    words.setdefault("head_dim", words["hidden_size"] // words["num_attention_heads"])
    return words, raw["vision_config"]


def shapes(raw):
    words, vision = config_of(raw)
    out = text.shapes(words, TEXT_PREFIX, None if raw["tie_word_embeddings"] else HEAD, True)
    hidden, ffn, patch = vision["hidden_size"], vision["intermediate_size"], vision["patch_size"]
    joined = hidden * vision["spatial_merge_size"] ** 2
    linears = {"merger.mlp.0": (joined, joined), "merger.mlp.2": (vision["out_hidden_size"], joined)}
    for i in range(vision["depth"]):
        at = f"blocks.{i}."
        linears |= {at + "attn.qkv": (3 * hidden, hidden), at + "attn.proj": (hidden, hidden), at + "mlp.gate_proj": (ffn, hidden),
                    at + "mlp.up_proj": (ffn, hidden), at + "mlp.down_proj": (hidden, ffn)}
        out |= {f"{VISION_PREFIX}{at}norm{k}.weight": (hidden,) for k in (1, 2)}
    for name, shape in linears.items():
        out |= {f"{VISION_PREFIX}{name}.weight": shape, f"{VISION_PREFIX}{name}.bias": shape[:1]}
    out[VISION_PREFIX + "patch_embed.proj.weight"] = (hidden, 3, vision["temporal_patch_size"], patch, patch)
    out[VISION_PREFIX + "merger.ln_q.weight"] = (hidden,)
    return out


def published_name(name, layout):
    """The key under which a layout stores a parameter: `old` as on the hub, `new` as transformers 5 saves."""
    if layout == "new":
        return name
    return name.replace(VISION_PREFIX, "visual.").replace(TEXT_PREFIX, "model.")


def prepare(picture, settings):
    """What encode() takes, and how many tokens the picture has."""
    values, grid = pictures.qwen_patches(picture, settings)
    return {"values": values, "grid": grid}, len(values) // settings["merge_size"] ** 2


def encode(weights, raw, prepared):
    """Image features [tokens, text width] of one still picture. Rows stay in merge order: who attends to whom is a
    matter of the mask."""
    vision = config_of(raw)[1]
    merge, heads, dim = vision["spatial_merge_size"], vision["num_heads"], vision["hidden_size"] // vision["num_heads"]
    rows, columns = prepared["grid"]
    places = torch.arange(rows * columns).view(rows // merge, merge, columns // merge, merge).permute(0, 2, 1, 3).reshape(-1)
    row, column = torch.div(places, columns, rounding_mode="floor"), places % columns
    frequencies = 1.0 / VISION_THETA ** (torch.arange(0, dim // 2, 2).float() / (dim // 2))
    angles = torch.cat([row[:, None] * frequencies, column[:, None] * frequencies], -1)
    side = vision["window_size"] // merge // vision["patch_size"] * merge  # patches along a window's side
    window = torch.div(row, side, rounding_mode="floor") * columns + torch.div(column, side, rounding_mode="floor")
    inside, everything = window[:, None] == window[None], torch.ones(len(places), len(places), dtype=torch.bool)

    at = lambda name: VISION_PREFIX + name
    x = torch.from_numpy(prepared["values"]) @ weights[at("patch_embed.proj.weight")].flatten(1).T
    for i in range(vision["depth"]):
        block = at(f"blocks.{i}.")
        h = text.rms_norm(x, weights[block + "norm1.weight"], VISION_EPS)
        q, k, v = text.linear(weights, block + "attn.qkv", h).view(-1, 3, heads, dim).unbind(1)
        seen = everything if i in vision["fullatt_block_indexes"] else inside
        mixed = text.attend(text.rotate(q, angles), text.rotate(k, angles), v, seen)
        x = x + text.linear(weights, block + "attn.proj", mixed.flatten(1))
        h = text.rms_norm(x, weights[block + "norm2.weight"], VISION_EPS)
        gate = torch.nn.functional.silu(text.linear(weights, block + "mlp.gate_proj", h))
        x = x + text.linear(weights, block + "mlp.down_proj", gate * text.linear(weights, block + "mlp.up_proj", h))
    x = text.rms_norm(x, weights[at("merger.ln_q.weight")], VISION_EPS).view(-1, vision["hidden_size"] * merge * merge)
    return text.linear(weights, at("merger.mlp.2"), torch.nn.functional.gelu(text.linear(weights, at("merger.mlp.0"), x)))


def positions(ids, raw, prepared):
    """[3, n]: text advances all axes by one; a picture at p has time p, row p + r, column p + c, and what follows stands
    behind its longer side. Also the delta of generated tokens."""
    merge, out, next_position, i, grids = raw["vision_config"]["spatial_merge_size"], [], 0, 0, [p["grid"] for p in prepared]
    while i < len(ids):
        if ids[i] != raw["image_token_id"]:
            out.append((next_position,) * 3)
            next_position, i = next_position + 1, i + 1
            continue
        rows, columns = (side // merge for side in grids.pop(0))
        out += [(next_position, next_position + r, next_position + c) for r in range(rows) for c in range(columns)]
        next_position, i = next_position + max(rows, columns), i + rows * columns
    return torch.tensor(out).T.contiguous(), next_position - len(ids)


def next_logits(weights, raw, ids, features, where):
    """Logits of all rows; `where` [3, n] are their positions."""
    words = config_of(raw)[0]
    x = weights[TEXT_PREFIX + "embed_tokens.weight"][torch.tensor(ids)]
    if features is not None:
        x[torch.tensor(ids) == raw["image_token_id"]] = features
    axis = torch.tensor([a for a, count in enumerate(words["mrope_section"]) for _ in range(count)])
    head = TEXT_PREFIX + "embed_tokens.weight" if raw["tie_word_embeddings"] else HEAD
    return text.logits(weights, words, TEXT_PREFIX, head, x, where[axis].T.float())
