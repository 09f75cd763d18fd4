"""LLaVA-NeXT (LLaVA-1.6) in float32, from its publication and the published settings: a CLIP tower over the whole picture
and over tiles of it, a projector, the tiles' features without their frame and with an end of line a row, a LLaMA or
Mistral decoder."""

import numpy as np
import torch

import pictures
import text

TEXT_PREFIX, TOWER, PROJECTOR, HEAD, NEWLINE = (
    "model.language_model.", "model.vision_tower.", "model.multi_modal_projector.", "lm_head.weight", "model.image_newline")


def words_of(raw):
    """The text settings with what the configuration classes fill in."""
    mistral = raw["text_config"].get("model_type") == "mistral"
    words = {"rms_norm_eps": 1e-6, "rope_theta": 10000.0, "num_key_value_heads": 8 if mistral else None} | raw["text_config"]
    words["num_key_value_heads"] = words["num_key_value_heads"] or words["num_attention_heads"]
    words["rope_theta"] = words.get("rope_parameters", {}).get("rope_theta", words["rope_theta"])
    words["head_dim"] = words.get("head_dim") or words["hidden_size"] // words["num_attention_heads"]
    return words


def shapes(raw):
    words, vision = words_of(raw), raw["vision_config"]
    out = text.shapes(words, TEXT_PREFIX, None if raw.get("tie_word_embeddings") else HEAD, False)
    hidden, ffn, patch, wide = vision["hidden_size"], vision["intermediate_size"], vision["patch_size"], words["hidden_size"]
    linears = {PROJECTOR + "linear_1": (wide, hidden), PROJECTOR + "linear_2": (wide, wide)}
    norms = [TOWER + "pre_layrnorm", TOWER + "post_layernorm"]
    for i in range(vision["num_hidden_layers"]):
        at = f"{TOWER}encoder.layers.{i}."
        linears |= {f"{at}self_attn.{name}": (hidden, hidden) for name in ("q_proj", "k_proj", "v_proj", "out_proj")}
        linears |= {at + "mlp.fc1": (ffn, hidden), at + "mlp.fc2": (hidden, ffn)}
        norms += [at + "layer_norm1", at + "layer_norm2"]
    for name, shape in linears.items():
        out |= {name + ".weight": shape, name + ".bias": shape[:1]}
    for name in norms:
        out |= {name + ".weight": (hidden,), name + ".bias": (hidden,)}
    out[TOWER + "embeddings.class_embedding"] = (hidden,)
    out[TOWER + "embeddings.patch_embedding.weight"] = (hidden, 3, patch, patch)
    out[TOWER + "embeddings.position_embedding.weight"] = ((vision["image_size"] // patch) ** 2 + 1, hidden)
    out[NEWLINE] = (wide,)
    return out


def published_name(name, layout):
    """The key under which a layout stores a parameter: `old` as on the hub, `new` as transformers 5 saves."""
    if layout == "new":
        return name
    for ours, theirs in ((TEXT_PREFIX, "language_model.model."), (TOWER, "vision_tower.vision_model."), (HEAD, "language_model." + HEAD)):
        if name.startswith(ours):
            return name.replace(ours, theirs, 1)
    return name.removeprefix("model.")


def unframed(features, height, width):
    """Features [rows, columns, hidden] of the framed picture without those of the frame; height and width are the
    picture's own."""
    rows, columns = features.shape[:2]
    if width / height > columns / rows:
        inner = int(round(height * (columns / width), 7))
        return features[(rows - inner) // 2 : rows - (rows - inner) // 2]
    inner = int(round(width * (rows / height), 7))
    return features[:, (columns - inner) // 2 : columns - (columns - inner) // 2]


def prepare(picture, settings):
    """What encode() takes, and how many tokens the picture has."""
    values, grid = pictures.tiles(picture, settings)
    side = settings["crop_size"]["height"] // settings["tower_patch"]
    rows, columns = unframed(torch.zeros(grid[0] * side, grid[1] * side, 1), *picture.shape[:2]).shape[:2]
    return {"values": values, "tiles": grid, "size": picture.shape[:2]}, side * side + rows * (columns + 1)


def tower(weights, raw, values):
    """Projected features [views, patches, text width] of views [views, 3, edge, edge]."""
    vision = raw["vision_config"]
    heads, eps = vision["num_attention_heads"], vision.get("layer_norm_eps", 1e-5)
    state = raw["vision_feature_layer"]
    blocks = state if state >= 0 else vision["num_hidden_layers"] + 1 + state

    def norm(name, x):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], eps)

    out = []
    for view in torch.from_numpy(np.ascontiguousarray(values)):
        x = torch.nn.functional.conv2d(view[None], weights[TOWER + "embeddings.patch_embedding.weight"], stride=vision["patch_size"])
        x = torch.cat([weights[TOWER + "embeddings.class_embedding"][None], x[0].flatten(1).T])
        x = norm(TOWER + "pre_layrnorm", x + weights[TOWER + "embeddings.position_embedding.weight"])
        seen = torch.ones(len(x), len(x), dtype=torch.bool)
        for i in range(blocks):
            at = f"{TOWER}encoder.layers.{i}."
            h = norm(at + "layer_norm1", x)
            q, k, v = (text.linear(weights, f"{at}self_attn.{name}_proj", h).view(len(x), heads, -1) for name in "qkv")
            x = x + text.linear(weights, at + "self_attn.out_proj", text.attend(q, k, v, seen).flatten(1))
            h = text.linear(weights, at + "mlp.fc1", norm(at + "layer_norm2", x))
            x = x + text.linear(weights, at + "mlp.fc2", h * torch.sigmoid(1.702 * h))
        h = torch.nn.functional.gelu(text.linear(weights, PROJECTOR + "linear_1", x[1:]))
        out.append(text.linear(weights, PROJECTOR + "linear_2", h))
    return torch.stack(out)


def encode(weights, raw, prepared):
    """Image features [tokens, text width]."""
    views = tower(weights, raw, prepared["values"])
    (rows, columns), side = prepared["tiles"], int(views.shape[1] ** 0.5)
    whole = views[1:].view(rows, columns, side, side, -1).permute(0, 2, 1, 3, 4).reshape(rows * side, columns * side, -1)
    shown = unframed(whole, *prepared["size"])
    ends = weights[NEWLINE].expand(shown.shape[0], 1, -1)
    return torch.cat([views[0], torch.cat([shown, ends], 1).flatten(0, 1)])


def positions(ids, raw, prepared):
    """[3, n], all axes alike: ordinary positions. No delta."""
    return torch.arange(len(ids)).expand(3, -1), None


def next_logits(weights, raw, ids, features, where):
    words = words_of(raw)
    x = weights[TEXT_PREFIX + "embed_tokens.weight"][torch.tensor(ids)]
    if features is not None:
        x[torch.tensor(ids) == raw["image_token_index"]] = features
    head = TEXT_PREFIX + "embed_tokens.weight" if raw.get("tie_word_embeddings") else HEAD
    return text.logits(weights, words, TEXT_PREFIX, head, x, where[0][:, None].expand(-1, words["head_dim"] // 2).float())
