"""Writes one layer's weight, float32 [out, in], in a published format: {ending: (dtype, array)}.

Plain round-to-nearest; how good the codes are does not matter here, only that every detail of the
packing is exercised. readers.py, which undoes it, is written apart from this file.
"""
import json

import numpy as np

import store

NF4 = np.array(
    [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
     -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
     0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
     0.7229568362236023, 1.0],
    np.float32,
)  # fmt: skip


def symmetric(weight, group, bits):
    """Signed codes [out, in] and float32 scales [out, groups]."""
    out, inputs = weight.shape
    top = 2 ** (bits - 1)
    blocks = weight.reshape(out, inputs // group, group)
    scales = np.abs(blocks).max(axis=2) / (top - 0.5) + 1e-9
    scales = scales.astype(np.float16).astype(np.float32)
    codes = np.clip(np.rint(blocks / scales[:, :, None]), -top, top - 1)
    return codes.reshape(out, inputs).astype(np.int64), scales


def asymmetric(weight, group, bits, least_zero=0):
    """Unsigned codes [out, in], scales and zero points [out, groups]."""
    out, inputs = weight.shape
    top = 2**bits - 1
    blocks = weight.reshape(out, inputs // group, group)
    low, high = blocks.min(axis=2), blocks.max(axis=2)
    scales = ((high - low) / top + 1e-9).astype(np.float16).astype(np.float32)
    zeros = np.clip(np.rint(-low / scales), least_zero, top)
    codes = np.clip(np.rint(blocks / scales[:, :, None]) + zeros[:, :, None], 0, top)
    return codes.reshape(out, inputs).astype(np.int64), scales, zeros.astype(np.int64)


def pack_words(codes, bits, axis):
    """Unsigned codes -> int32 words along an axis, low bits first; the last word may be short."""
    codes = np.moveaxis(codes, axis, -1)
    per_word = 32 // bits
    padding = -codes.shape[-1] % per_word
    codes = np.pad(codes, [(0, 0)] * (codes.ndim - 1) + [(0, padding)])
    lanes = codes.reshape(*codes.shape[:-1], -1, per_word).astype(np.uint64)
    words = (lanes << (np.arange(per_word, dtype=np.uint64) * bits)).sum(axis=-1)
    return np.moveaxis(words.astype(np.uint32).view(np.int32), -1, axis)


def pack_quantized(weight, bits=4, group=128, zero_points=False, act_order=None, scale_type="BF16"):
    """compressed-tensors. group 0: one scale per output. act_order: a permutation of the inputs."""
    inputs = weight.shape[1]
    size = group or inputs
    parts = {}
    ordered = weight if act_order is None else weight[:, act_order]
    if zero_points:
        codes, scales, zeros = asymmetric(ordered, size, bits)
        parts["weight_zero_point"] = ("I32", pack_words(zeros, bits, 0))
    else:
        codes, scales = symmetric(ordered, size, bits)
        codes = codes + 2 ** (bits - 1)
    if act_order is not None:
        groups = np.empty(inputs, np.int32)
        groups[act_order] = np.arange(inputs) // size
        parts["weight_g_idx"] = ("I32", groups)
        inverse = np.argsort(act_order)
        codes = codes[:, inverse]
    parts["weight_packed"] = ("I32", pack_words(codes, bits, 1))
    parts["weight_shape"] = ("I64", np.array(weight.shape))
    if scale_type == "BF16":
        parts["weight_scale"] = ("BF16", store.bf16_bits(scales))
    else:
        parts["weight_scale"] = ("F16", scales.astype(np.float16))
    return parts


def int_quantized(weight):
    """compressed-tensors, 8 bits, one scale per output."""
    codes, scales = symmetric(weight, weight.shape[1], 8)
    return {"weight": ("I8", codes.astype(np.int8)), "weight_scale": ("F32", scales)}


def awq(weight, group=128):
    codes, scales, zeros = asymmetric(weight, group, 4)

    def words(values):  # [lines, out] -> [lines, out / 8]; word k holds outputs 8k + ORDER
        lanes = values.reshape(values.shape[0], -1, 8)[:, :, [0, 2, 4, 6, 1, 3, 5, 7]]
        return pack_words(lanes.reshape(values.shape), 4, 1)

    return {
        "qweight": ("I32", words(codes.T)),
        "qzeros": ("I32", words(zeros.T)),
        "scales": ("F16", scales.T.astype(np.float16)),
    }


def gptq(weight, bits=4, group=128, version=1, symmetric_zero=False, act_order=None):
    inputs = weight.shape[1]
    ordered = weight if act_order is None else weight[:, act_order]
    if symmetric_zero:
        codes, scales = symmetric(ordered, group, bits)
        codes = codes + 2 ** (bits - 1)
        zeros = np.full(scales.shape, 2 ** (bits - 1))
    else:
        codes, scales, zeros = asymmetric(ordered, group, bits, least_zero=0)
    groups = np.arange(inputs) // group
    if act_order is not None:
        groups = np.empty(inputs, np.int64)
        groups[act_order] = np.arange(inputs) // group
        codes = codes[:, np.argsort(act_order)]
    stored_zeros = (zeros - 1) % 2**bits if version == 1 else zeros
    return {
        "qweight": ("I32", pack_words(codes.T, bits, 0)),
        "qzeros": ("I32", pack_words(stored_zeros.T, bits, 1)),
        "scales": ("F16", scales.T.astype(np.float16)),
        "g_idx": ("I32", groups.astype(np.int32)),
    }


def nf4(weight, block=64, double=False):
    blocks = weight.reshape(-1, block)
    absmax = np.abs(blocks).max(axis=1).astype(np.float32)
    scaled = blocks / np.maximum(absmax, 1e-12)[:, None]
    codes = np.abs(scaled[:, :, None] - NF4).argmin(axis=2).reshape(-1)
    packed = (codes[0::2] << 4 | codes[1::2]).astype(np.uint8)
    state = {"quant_type": "nf4", "blocksize": block, "dtype": "bfloat16", "shape": list(weight.shape)}
    parts = {
        "weight": ("U8", packed.reshape(-1, 1)),
        "weight.quant_map": ("F32", NF4),
        "weight.absmax": ("F32", absmax),
    }
    if double:
        offset = np.float32(absmax.mean())
        # Any table of 256 levels will do; a dynamic one has them denser around zero.
        levels = np.sign(np.linspace(-1, 1, 256)) * np.linspace(-1, 1, 256) ** 2
        levels = levels.astype(np.float32)
        shifted = absmax - offset
        padded = np.pad(shifted, (0, -len(shifted) % 256)).reshape(-1, 256)
        nested = np.abs(padded).max(axis=1).astype(np.float32) + np.float32(1e-12)
        nearest = np.abs((padded / nested[:, None])[:, :, None] - levels).argmin(axis=2)
        parts["weight.absmax"] = ("U8", nearest.reshape(-1)[: len(shifted)].astype(np.uint8))
        parts["weight.nested_absmax"] = ("F32", nested)
        parts["weight.nested_quant_map"] = ("F32", levels)
        state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": float(offset)}
    text = json.dumps(state).encode()
    parts["weight.quant_state.bitsandbytes__nf4"] = ("U8", np.frombuffer(text, np.uint8))
    return parts


def e4m3_levels():
    """All 256 values; NaN for the two codes that mean it."""
    levels = np.empty(256, np.float32)
    for code in range(256):
        exponent, mantissa = code >> 3 & 15, code & 7
        size = mantissa * 2.0**-9 if exponent == 0 else (8 + mantissa) * 2.0 ** (exponent - 10)
        levels[code] = np.nan if code & 127 == 127 else -size if code >= 128 else size
    return levels


def fp8(weight, blocks=None, per_row=False, name="weight_scale"):
    """e4m3 with one scale, one per output, or one per block of [rows, columns]."""
    out, inputs = weight.shape
    if blocks:
        rows, cols = -(-out // blocks[0]), -(-inputs // blocks[1])
        padded = np.pad(np.abs(weight), [(0, rows * blocks[0] - out), (0, cols * blocks[1] - inputs)])
        largest = padded.reshape(rows, blocks[0], cols, blocks[1]).max(axis=(1, 3))
        scales = (largest / 448 + 1e-12).astype(np.float32)
        spread = scales.repeat(blocks[0], axis=0)[:out].repeat(blocks[1], axis=1)[:, :inputs]
    else:
        axis = 1 if per_row else None
        scales = (np.abs(weight).max(axis=axis, keepdims=True) / 448 + 1e-12).astype(np.float32)
        spread = np.broadcast_to(scales, weight.shape)
    levels = e4m3_levels()
    order = np.argsort(np.where(np.isnan(levels), np.inf, levels), kind="stable")[:254]
    sorted_levels = levels[order]
    middles = (sorted_levels[1:] + sorted_levels[:-1]) / 2
    codes = order[np.searchsorted(middles, weight / spread)].astype(np.uint8)
    if not blocks and not per_row:
        scales = scales.reshape(())
    return {"weight": ("F8_E4M3", codes), name: ("F32", scales)}
