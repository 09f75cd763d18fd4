"""The text half of every family: RMSNorm, grouped-query attention with rotary positions, SwiGLU. Everything in float32,
the whole sequence every time, nothing cached."""

import math

import torch


def rms_norm(x, weight, eps):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def rotate(x, angles):
    """x [tokens, heads, dim] with pairs (j, j + dim/2) turned by angles [tokens, dim/2]."""
    half = x.shape[-1] // 2
    cos, sin = torch.cos(angles)[:, None], torch.sin(angles)[:, None]
    low, high = x[..., :half], x[..., half:]
    return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)


def attend(q, k, v, seen):
    """q [n, heads, dim], k and v [n, kv_heads, dim]; seen [n, n]: row i looks at column j."""
    groups = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    scores = torch.einsum("ihd,jhd->hij", q, k) / math.sqrt(q.shape[-1])
    weights = torch.softmax(scores.masked_fill(~seen, -math.inf), -1)
    return torch.einsum("hij,jhd->ihd", weights, v)


def linear(weights, name, x):
    y = x @ weights[name + ".weight"].T
    return y + weights[name + ".bias"] if name + ".bias" in weights else y


def logits(weights, config, prefix, head, x, axes):
    """Logits [n, vocabulary] of embedded rows x [n, hidden]; axes [n, head_dim/2]: the position that turns each pair."""
    heads, kv_heads, dim, eps = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"], config["rms_norm_eps"]
    n = len(x)
    angles = axes * (1.0 / config["rope_theta"] ** (torch.arange(0, dim, 2).float() / dim))
    seen = torch.ones(n, n, dtype=torch.bool).tril()
    for i in range(config["num_hidden_layers"]):
        at = f"{prefix}layers.{i}."
        h = rms_norm(x, weights[at + "input_layernorm.weight"], eps)
        q = linear(weights, at + "self_attn.q_proj", h).view(n, heads, dim)
        k = linear(weights, at + "self_attn.k_proj", h).view(n, kv_heads, dim)
        v = linear(weights, at + "self_attn.v_proj", h).view(n, kv_heads, dim)
        mixed = attend(rotate(q, angles), rotate(k, angles), v, seen)
        x = x + linear(weights, at + "self_attn.o_proj", mixed.reshape(n, heads * dim))
        h = rms_norm(x, weights[at + "post_attention_layernorm.weight"], eps)
        gate = torch.nn.functional.silu(linear(weights, at + "mlp.gate_proj", h))
        x = x + linear(weights, at + "mlp.down_proj", gate * linear(weights, at + "mlp.up_proj", h))
    return rms_norm(x, weights[prefix + "norm.weight"], eps) @ weights[head].T


def shapes(config, prefix, head, qkv_bias):
    """Names and shapes of the decoder's parameters; a tied head has none of its own."""
    hidden, ffn, dim = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    q, kv = config["num_attention_heads"] * dim, config["num_key_value_heads"] * dim
    out = {prefix + "embed_tokens.weight": (config["vocab_size"], hidden), prefix + "norm.weight": (hidden,)}
    if head is not None:
        out[head] = (config["vocab_size"], hidden)
    for i in range(config["num_hidden_layers"]):
        at = f"{prefix}layers.{i}."
        for name, rows, cols in (("q", q, hidden), ("k", kv, hidden), ("v", kv, hidden), ("o", hidden, q)):
            out[f"{at}self_attn.{name}_proj.weight"] = (rows, cols)
            if qkv_bias and name != "o":
                out[f"{at}self_attn.{name}_proj.bias"] = (rows,)
        for name, rows, cols in (("gate", ffn, hidden), ("up", ffn, hidden), ("down", hidden, ffn)):
            out[f"{at}mlp.{name}_proj.weight"] = (rows, cols)
        out[at + "input_layernorm.weight"] = out[at + "post_attention_layernorm.weight"] = (hidden,)
    return out


def draw(shapes, seed, store, tied):
    """Parameters in the stored type: linears keep unit scale, norms are not trivial, logits get a spread of about 2.
    Four significant bits each, so that checkpoints pack well."""
    generator = torch.Generator().manual_seed(seed)
    out = {}
    for name, shape in sorted(shapes.items()):
        noise = torch.randn(shape, generator=generator)
        if "norm" in name or "ln_q" in name:
            noise = 1 + 0.2 * noise if name.endswith("weight") else 0.1 * noise
        elif name.endswith("bias"):
            noise = 0.1 * noise
        elif "lm_head" in name or (tied and "embed_tokens" in name):
            noise = noise * (2.0 / math.sqrt(shape[-1]))
        elif ("embed" in name and "patch" not in name) or "newline" in name:
            noise = 0.5 * noise
        else:
            sharp = 1.6 if any(k in name for k in ("q_proj", "k_proj", "qkv")) else 1.0
            noise = noise * (sharp / math.sqrt(noise[0].numel()))
        mantissa, exponent = torch.frexp(noise)
        out[name] = torch.ldexp((mantissa * 16).round() / 16, exponent).to(getattr(torch, store))
    return out
