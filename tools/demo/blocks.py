"""The layers of both families as plain functions of tensors, so that torch.compile sees static shapes.

Weights come as dictionaries of tensors that belong to the transformers modules (`forward.py` collects them);
nothing here owns a parameter. B pictures or rows, N patches, S tokens, D width.
"""

import torch
import torch.nn.functional as functional


def rotate_half(x):
    first, second = x.chunk(2, -1)
    return torch.cat((-second, first), -1)


def rms_norm(x, weight, eps):
    """RMSNorm, computed in float32."""
    wide = x.float()
    return weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)).to(x.dtype)


def split_heads(x, heads):
    """[B, S, heads * d] -> [B, heads, S, d]"""
    rows, length, _ = x.shape
    return x.view(rows, length, heads, -1).transpose(1, 2)


def join_heads(x):
    """[B, heads, S, d] -> [B, S, heads * d]"""
    return x.transpose(1, 2).flatten(2)


def linear(x, w, name):
    return functional.linear(x, w[name + ".weight"], w.get(name + ".bias"))


def layer_norm(x, w, name, eps):
    return functional.layer_norm(x, (x.shape[-1],), w[name + ".weight"], w[name + ".bias"], eps)


def qwen_vision_block(x, cosine, sine, w, heads: int):
    """One block of Qwen3-VL's tower: fused qkv, 2-D rotary in float32, tanh GELU. x: [B, N, D]"""
    pictures, patches, width = x.shape
    qkv = linear(layer_norm(x, w, "norm1", 1e-6), w, "attn.qkv")
    query, key, value = (
        qkv.view(pictures, patches, 3, heads, width // heads).permute(2, 0, 3, 1, 4).unbind(0)
    )
    wide_query, wide_key = query.float(), key.float()
    query = (wide_query * cosine + rotate_half(wide_query) * sine).to(value.dtype)
    key = (wide_key * cosine + rotate_half(wide_key) * sine).to(value.dtype)
    x = x + linear(
        join_heads(functional.scaled_dot_product_attention(query, key, value)), w, "attn.proj"
    )
    hidden = linear(layer_norm(x, w, "norm2", 1e-6), w, "mlp.linear_fc1")
    return x + linear(functional.gelu(hidden, approximate="tanh"), w, "mlp.linear_fc2")


def clip_block(x, w, heads: int):
    """One pre-norm block of CLIP with quick GELU. x: [B, N, D]"""
    hidden = layer_norm(x, w, "layer_norm1", 1e-5)
    query, key, value = (
        split_heads(linear(hidden, w, f"self_attn.{n}_proj"), heads) for n in "qkv"
    )
    x = x + linear(
        join_heads(functional.scaled_dot_product_attention(query, key, value)),
        w,
        "self_attn.out_proj",
    )
    hidden = linear(layer_norm(x, w, "layer_norm2", 1e-5), w, "mlp.fc1")
    return x + linear(hidden * torch.sigmoid(1.702 * hidden), w, "mlp.fc2")


def merge_patches(x, w, norm_after_merge: bool):
    """Qwen3-VL's merger: four neighbouring patches become one token. x: [B, N, D] -> [B, N / 4, text width]"""
    pictures, patches, width = x.shape
    if norm_after_merge:
        x = layer_norm(x.reshape(pictures, patches // 4, 4 * width), w, "norm", 1e-6)
    else:
        x = layer_norm(x, w, "norm", 1e-6).reshape(pictures, patches // 4, 4 * width)
    return linear(functional.gelu(linear(x, w, "linear_fc1")), w, "linear_fc2")


def decoder_layer(x, cosine, sine, w, heads: int, kv_heads: int, eps: float):
    """One decoder layer of Qwen3 (with q and k norms) or LLaMA (without). x: [B, S, D]"""
    hidden = rms_norm(x, w["input_layernorm.weight"], eps)
    query = split_heads(linear(hidden, w, "self_attn.q_proj"), heads)
    key = split_heads(linear(hidden, w, "self_attn.k_proj"), kv_heads)
    value = split_heads(linear(hidden, w, "self_attn.v_proj"), kv_heads)
    if "self_attn.q_norm.weight" in w:
        query = rms_norm(query, w["self_attn.q_norm.weight"], eps)
        key = rms_norm(key, w["self_attn.k_norm.weight"], eps)
    query = (query * cosine + rotate_half(query) * sine).to(value.dtype)
    key = (key * cosine + rotate_half(key) * sine).to(value.dtype)
    if kv_heads != heads:
        key = key.repeat_interleave(heads // kv_heads, 1)
        value = value.repeat_interleave(heads // kv_heads, 1)
    attended = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    x = x + linear(join_heads(attended), w, "self_attn.o_proj")
    hidden = rms_norm(x, w["post_attention_layernorm.weight"], eps)
    gated = functional.silu(linear(hidden, w, "mlp.gate_proj")) * linear(hidden, w, "mlp.up_proj")
    return x + linear(gated, w, "mlp.down_proj")


def answer_loss(x, norm_weight, head_weight, labels, weights, eps: float):
    """Weighted sum of the cross entropies of answer tokens. x: [B, S, D]; labels and weights: [B, S]"""
    logits = functional.linear(rms_norm(x, norm_weight, eps), head_weight).float()
    losses = functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="none"
    )
    return (losses * weights.flatten()).sum()
