"""Independent dequantisers: one layer's tensors in a published format -> float32 [out, in].

Written from the formats' descriptions, not from packers.py: bit by bit, for every output and input by
its own index, so that a mistake would have to be made twice to stay hidden.
"""
import json

import numpy as np

import store


def field(words, index, bits):
    """Field number `index` of int32 words (both broadcast), low fields first."""
    return (words.view(np.uint32).astype(np.uint64) >> (index * bits).astype(np.uint64)) & (2**bits - 1)


def pack_quantized(parts, bits):
    out, inputs = parts["weight_shape"][1]
    column, row = np.arange(inputs), np.arange(out)
    per_word = 32 // bits
    packed = parts["weight_packed"][1]
    code = field(packed[:, column // per_word], column % per_word, bits).astype(np.float32)
    scale = store.floats(parts["weight_scale"])
    if "weight_g_idx" in parts:
        group = parts["weight_g_idx"][1]
    else:
        group = column * scale.shape[1] // inputs
    zero = np.float32(2 ** (bits - 1))
    if "weight_zero_point" in parts:
        words = parts["weight_zero_point"][1][row // per_word]
        zero = field(words, (row % per_word)[:, None], bits).astype(np.float32)[:, group]
    return (code - zero) * scale[:, group]


def int_quantized(parts):
    return parts["weight"][1].astype(np.float32) * store.floats(parts["weight_scale"])


def awq(parts):
    packed = parts["qweight"][1]  # [in, out / 8]
    inputs, out = packed.shape[0], packed.shape[1] * 8
    row = np.arange(out)
    # Output 8k + i lies in the field that the order 0 2 4 6 1 3 5 7 names: the position of i in it.
    position = np.array([[0, 2, 4, 6, 1, 3, 5, 7].index(i % 8) for i in row])
    code = field(packed[:, row // 8], position, 4).astype(np.float32)
    zero = field(parts["qzeros"][1][:, row // 8], position, 4).astype(np.float32)
    scale = store.floats(parts["scales"])
    group = np.arange(inputs) * scale.shape[0] // inputs
    return ((code - zero[group]) * scale[group]).T


def gptq(parts, bits, version):
    packed = parts["qweight"][1]  # [in * bits / 32, out]
    per_word = 32 // bits
    inputs, out = packed.shape[0] * per_word, packed.shape[1]
    column, row = np.arange(inputs), np.arange(out)
    code = field(packed[column // per_word], (column % per_word)[:, None], bits).astype(np.float32)
    zero = field(parts["qzeros"][1][:, row // per_word], row % per_word, bits)
    if version == 1:
        zero = (zero + 1) % 2**bits
    scale = store.floats(parts["scales"])
    group = parts["g_idx"][1]
    return ((code - zero.astype(np.float32)[group]) * scale[group]).T


def bitsandbytes(parts):
    state = json.loads(parts["weight.quant_state.bitsandbytes__nf4"][1].tobytes())
    out, inputs = state["shape"]
    value = np.arange(out * inputs)
    byte = parts["weight"][1].reshape(-1)[value // 2]
    code = np.where(value % 2 == 0, byte >> 4, byte & 15)
    absmax = parts["weight.absmax"][1]
    if "nested_blocksize" in state:
        block = np.arange(len(absmax))
        nested = parts["weight.nested_absmax"][1][block // state["nested_blocksize"]]
        level = parts["weight.nested_quant_map"][1][absmax]
        absmax = level * nested + np.float32(state["nested_offset"])
    level = parts["weight.quant_map"][1][code]
    return (level * absmax[value // state["blocksize"]]).reshape(out, inputs)


def fp8(parts, blocks=None):
    """Through float16 arithmetic of the bits: e4m3 shifted into float16's fields is 2^8 too small."""
    codes = parts["weight"][1].astype(np.uint16)
    halves = ((codes & 0x80) << 8 | (codes & 0x7F) << 7).view(np.float16)
    scale = parts["weight_scale_inv" if "weight_scale_inv" in parts else "weight_scale"]
    scale = store.floats(scale)
    if blocks:
        row, column = np.arange(codes.shape[0]), np.arange(codes.shape[1])
        scale = scale[row // blocks[0]][:, column // blocks[1]]
    return halves.astype(np.float32) * np.float32(256) * scale
