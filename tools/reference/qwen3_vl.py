"""Qwen3-VL in float32, straight from the published architecture: a vision tower with a resampled grid of learned positions and
2-D rotary ones, a merger and more mergers for deepstack, a Qwen3 decoder with interleaved M-RoPE. Pictures and videos: every
temporal patch is a grid of its own."""

import torch

import text

VISION_EPS, VISION_THETA = 1e-6, 10000.0
TEXT_PREFIX, VISION_PREFIX, HEAD = "model.language_model.", "model.visual.", "lm_head.weight"


def config_of(raw):
    """The text and vision settings of a config.json in the old or the new spelling."""
    words = dict(raw["text_config"])
    rope = words.get("rope_parameters") or words["rope_scaling"]
    words["rope_theta"] = rope.get("rope_theta", words.get("rope_theta"))
    words["mrope_section"] = rope["mrope_section"]
    return words, raw["vision_config"]


def shapes(raw):
    words, vision = config_of(raw)
    out = text.shapes(words, TEXT_PREFIX, None if raw["tie_word_embeddings"] else HEAD, False)
    for i in range(words["num_hidden_layers"]):
        out |= {f"{TEXT_PREFIX}layers.{i}.self_attn.{k}_norm.weight": (words["head_dim"],) for k in "qk"}
    hidden, ffn, patch = vision["hidden_size"], vision["intermediate_size"], vision["patch_size"]
    joined = hidden * vision["spatial_merge_size"] ** 2
    linears, norms = {}, {}
    mergers = {"merger.": hidden} | {f"deepstack_merger_list.{i}.": joined for i in range(len(vision["deepstack_visual_indexes"]))}
    for at, width in mergers.items():
        linears |= {at + "linear_fc1": (joined, joined), at + "linear_fc2": (vision["out_hidden_size"], joined)}
        norms[at + "norm"] = (width,)
    for i in range(vision["depth"]):
        at = f"blocks.{i}."
        linears |= {at + "attn.qkv": (3 * hidden, hidden), at + "attn.proj": (hidden, hidden), at + "mlp.linear_fc1": (ffn, hidden),
                    at + "mlp.linear_fc2": (hidden, ffn)}
        norms |= {at + "norm1": (hidden,), at + "norm2": (hidden,)}
    for name, shape in (linears | norms | {"patch_embed.proj": (hidden, 3, vision["temporal_patch_size"], patch, patch)}).items():
        out |= {f"{VISION_PREFIX}{name}.weight": shape, f"{VISION_PREFIX}{name}.bias": shape[:1]}
    out[VISION_PREFIX + "pos_embed.weight"] = (vision["num_position_embeddings"], hidden)
    return out


def _positions(table, rows, columns, places):
    """The learned square grid read at rows x columns points, corner on corner, for patches in the order of `places`."""
    side = int(len(table) ** 0.5)
    down, across = torch.linspace(0, side - 1, rows), torch.linspace(0, side - 1, columns)
    grid = table.view(side, side, -1)

    def between(values, axis, at):
        low = at.floor().long()
        high = (low + 1).clamp(max=side - 1)
        shape = [1, 1, 1]
        shape[axis] = len(at)
        part = (at - low).view(shape)
        return values.index_select(axis, low) * (1 - part) + values.index_select(axis, high) * part

    return between(between(grid, 0, down), 1, across).reshape(rows * columns, -1)[places]


def encode(weights, raw, values, grid):
    """Rows [tokens, text width] of one temporal patch (or still picture) of grid (rows, columns), and those of deepstack."""
    vision = config_of(raw)[1]
    merge, heads, dim = vision["spatial_merge_size"], vision["num_heads"], vision["hidden_size"] // vision["num_heads"]
    rows, columns = grid
    places = torch.arange(rows * columns).view(rows // merge, merge, columns // merge, merge).permute(0, 2, 1, 3).reshape(-1)
    row, column = torch.div(places, columns, rounding_mode="floor"), places % columns
    frequencies = 1.0 / VISION_THETA ** (torch.arange(0, dim // 2, 2).float() / (dim // 2))
    angles = torch.cat([row[:, None] * frequencies, column[:, None] * frequencies], -1)
    everything = torch.ones(len(places), len(places), dtype=torch.bool)

    def norm(name, x):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], VISION_EPS)

    def merged(at, x, join_first):
        joined = vision["hidden_size"] * merge * merge
        x = norm(at + "norm", x.view(-1, joined)) if join_first else norm(at + "norm", x).view(-1, joined)
        return text.linear(weights, at + "linear_fc2", torch.nn.functional.gelu(text.linear(weights, at + "linear_fc1", x)))

    at = VISION_PREFIX
    x = torch.from_numpy(values) @ weights[at + "patch_embed.proj.weight"].flatten(1).T + weights[at + "patch_embed.proj.bias"]
    x = x + _positions(weights[at + "pos_embed.weight"], rows, columns, places)
    levels = []
    for i in range(vision["depth"]):
        block = f"{at}blocks.{i}."
        q, k, v = text.linear(weights, block + "attn.qkv", norm(block + "norm1", x)).view(-1, 3, heads, dim).unbind(1)
        mixed = text.attend(text.rotate(q, angles), text.rotate(k, angles), v, everything)
        x = x + text.linear(weights, block + "attn.proj", mixed.flatten(1))
        h = text.linear(weights, block + "mlp.linear_fc1", norm(block + "norm2", x))
        # tanh form of GELU, written out: torch 1.12 and older do not have it
        h = 0.5 * h * (1 + torch.tanh(0.7978845608028654 * (h + 0.044715 * h**3)))
        x = x + text.linear(weights, block + "mlp.linear_fc2", h)
        if i in vision["deepstack_visual_indexes"]:
            levels.append(merged(f"{at}deepstack_merger_list.{len(levels)}.", x, True))
    return merged(at + "merger.", x, False), levels


def positions(ids, raw, grids):
    """[3, n] and the delta of generated tokens: text advances all axes by one; a picture or temporal patch at p has time p, row
    p + r, column p + c, and what follows stands behind its longer side. grids: (rows, columns) of patches, in prompt order."""
    merge, out, at, i, left = raw["vision_config"]["spatial_merge_size"], [], 0, 0, list(grids)
    while i < len(ids):
        if ids[i] not in (raw["image_token_id"], raw["video_token_id"]):
            out.append((at,) * 3)
            at, i = at + 1, i + 1
            continue
        rows, columns = (side // merge for side in left.pop(0))
        out += [(at, at + r, at + c) for r in range(rows) for c in range(columns)]
        at, i = at + max(rows, columns), i + rows * columns
    return torch.tensor(out).T.contiguous(), at - len(ids)


def logits(weights, raw, ids, features, levels, where):
    """Logits of all rows; features [image rows, hidden] and levels (a list of the same) of the whole prompt, or None; `where`
    [3, n] are positions."""
    words = config_of(raw)[0]
    heads, kv_heads, dim, eps = words["num_attention_heads"], words["num_key_value_heads"], words["head_dim"], words["rms_norm_eps"]
    tokens = torch.tensor(ids)
    seen_rows = (tokens == raw["image_token_id"]) | (tokens == raw["video_token_id"])
    x = weights[TEXT_PREFIX + "embed_tokens.weight"][tokens]
    if features is not None:
        x[seen_rows] = features
    # Frequency j turns by the row if j mod 3 = 1, by the column if j mod 3 = 2, within their sections; else by the time.
    axis = torch.zeros(dim // 2, dtype=torch.long)
    for k in (1, 2):
        axis[k : words["mrope_section"][k] * 3 : 3] = k
    angles = where[axis].T.float() * (1.0 / words["rope_theta"] ** (torch.arange(0, dim, 2).float() / dim))
    n = len(ids)
    seen = torch.ones(n, n, dtype=torch.bool).tril()
    for i in range(words["num_hidden_layers"]):
        at = f"{TEXT_PREFIX}layers.{i}."
        h = text.rms_norm(x, weights[at + "input_layernorm.weight"], eps)
        q = text.linear(weights, at + "self_attn.q_proj", h).view(n, heads, dim)
        k = text.linear(weights, at + "self_attn.k_proj", h).view(n, kv_heads, dim)
        v = text.linear(weights, at + "self_attn.v_proj", h).view(n, kv_heads, dim)
        q = text.rotate(text.rms_norm(q, weights[at + "self_attn.q_norm.weight"], eps), angles)
        k = text.rotate(text.rms_norm(k, weights[at + "self_attn.k_norm.weight"], eps), angles)
        x = x + text.linear(weights, at + "self_attn.o_proj", text.attend(q, k, v, seen).reshape(n, heads * dim))
        h = text.rms_norm(x, weights[at + "post_attention_layernorm.weight"], eps)
        gate = torch.nn.functional.silu(text.linear(weights, at + "mlp.gate_proj", h))
        x = x + text.linear(weights, at + "mlp.down_proj", gate * text.linear(weights, at + "mlp.up_proj", h))
        if features is not None and i < len(levels):
            x[seen_rows] += levels[i]
    head = TEXT_PREFIX + "embed_tokens.weight" if raw["tie_word_embeddings"] else HEAD
    return text.rms_norm(x, weights[TEXT_PREFIX + "norm.weight"], eps) @ weights[head].T
