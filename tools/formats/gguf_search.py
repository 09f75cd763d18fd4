"""Packers of GGUF's K-quants that search for good scales, as the format's own quantiser does without
importances: what visavis quantize is compared with. Written from the description of that search: for each block a
grid of scales, the codes next to the values, then least squares. gguf.py has packers that are only valid.
"""
import numpy as np

import gguf

ROWS = 256  # that are in memory at once


def fit_affine(values, weights, top, first, steps):
    """Of blocks [n, 32]: scale and minimum (>= 0, subtracted) with a small weighted squared error."""
    low = np.minimum(values.min(axis=1, keepdims=True), 0)
    span = np.maximum(values.max(axis=1, keepdims=True) - low, 1e-12)
    total, linear = weights.sum(axis=1), (weights * values).sum(axis=1)
    best_scale, best_low = span[:, 0] / top, low[:, 0]
    codes = np.clip(np.rint((values - low) * (top / span)), 0, top)
    least = (weights * (best_scale[:, None] * codes + low - values) ** 2).sum(axis=1)
    for step in range(steps):
        codes = np.clip(np.rint((values - low) * ((top + first + 0.1 * step) / span)), 0, top)
        sums, squares = (weights * codes).sum(axis=1), (weights * codes * codes).sum(axis=1)
        mixed = (weights * codes * values).sum(axis=1)
        determinant = total * squares - sums * sums
        solvable = determinant > 0
        determinant = np.where(solvable, determinant, 1)
        scale = (total * mixed - linear * sums) / determinant
        minimum = (squares * linear - sums * mixed) / determinant
        positive = minimum > 0  # the format has no such: through zero, then
        minimum = np.where(positive, 0, minimum)
        scale = np.where(positive, mixed / np.maximum(squares, 1e-12), scale)
        error = (weights * (scale[:, None] * codes + minimum[:, None] - values) ** 2).sum(axis=1)
        better = solvable & (error < least)
        best_scale, best_low = np.where(better, scale, best_scale), np.where(better, minimum, best_low)
        least = np.where(better, error, least)
    return np.maximum(best_scale, 0), -best_low


def sixths(values):
    """[n, 8] -> f16 step [n] as float32 and whole multiples 0..63 [n, 8] of it."""
    step = (values.max(axis=1) / 63).astype(np.float16).astype(np.float32)
    safe = np.where(step == 0, 1, step)
    return step, np.clip(np.rint(values / safe[:, None]), 0, 63).astype(np.int64)


def pack_affine(weight, top, first, steps):
    """d, dmin [n], 6-bit scales and minima [n, 8], codes [n, 8, 32] of super-blocks."""
    blocks = gguf.blocks_of(weight, 256).reshape(-1, 8, 32)
    importance = np.sqrt((blocks**2).mean(axis=2, keepdims=True)) + np.abs(blocks)
    scale, minimum = fit_affine(blocks.reshape(-1, 32), importance.reshape(-1, 32) + 1e-20, top, first, steps)
    d, scales = sixths(scale.reshape(-1, 8))
    dmin, minima = sixths(minimum.reshape(-1, 8))
    step, offset = d[:, None] * scales, dmin[:, None] * minima
    safe = np.where(step == 0, 1, step)[:, :, None]
    codes = np.where(step[:, :, None] == 0, 0, np.rint((blocks + offset[:, :, None]) / safe))
    return d, dmin, scales, minima, np.clip(codes, 0, top).astype(np.int64)


def pack_q4_k(weight):
    d, dmin, scales, minima, codes = pack_affine(weight, 15, -1, 21)
    packed = (codes[:, 0::2] | codes[:, 1::2] << 4).reshape(-1, 128).astype(np.uint8)
    return np.concatenate([gguf.halves(d), gguf.halves(dmin), gguf.twelve_bytes(scales, minima), packed], axis=1)


def pack_q5_k(weight):
    d, dmin, scales, minima, codes = pack_affine(weight, 31, -0.5, 16)
    low = codes & 15
    packed = (low[:, 0::2] | low[:, 1::2] << 4).reshape(-1, 128).astype(np.uint8)
    fifth = ((codes >> 4) << np.arange(8)[None, :, None]).sum(axis=1).astype(np.uint8)
    parts = [gguf.halves(d), gguf.halves(dmin), gguf.twelve_bytes(scales, minima), fifth, packed]
    return np.concatenate(parts, axis=1)


def fit_symmetric(values):
    """Of blocks [n, 16]: the scale of codes -32..31 with a small error where large values count more."""
    at = np.abs(values).argmax(axis=1)[:, None]
    largest = np.take_along_axis(values, at, axis=1)
    safe = np.where(largest == 0, 1, largest)
    weights = values * values
    best, most = np.zeros(len(values), np.float32), np.full(len(values), -1.0, np.float32)
    for step in range(-9, 10):
        codes = np.clip(np.rint(values * (-(32 + 0.1 * step) / safe)), -32, 31)
        mixed, squares = (weights * codes * values).sum(axis=1), (weights * codes * codes).sum(axis=1)
        divisor = np.where(squares > 0, squares, 1)
        better = (squares > 0) & (mixed * mixed / divisor > most)
        most = np.where(better, mixed * mixed / divisor, most)
        best = np.where(better, mixed / divisor, best)
    return best


def pack_q6_k(weight):
    blocks = gguf.blocks_of(weight, 256).reshape(-1, 16, 16)
    scale = fit_symmetric(blocks.reshape(-1, 16)).reshape(-1, 16)
    at = np.abs(scale).argmax(axis=1)[:, None]
    d = (np.take_along_axis(scale, at, axis=1)[:, 0] / -128).astype(np.float16).astype(np.float32)
    safe = np.where(d == 0, 1, d)
    scales = np.clip(np.rint(scale / safe[:, None]), -128, 127).astype(np.int64)
    step = d[:, None] * scales
    safe = np.where(step == 0, 1, step)[:, :, None]
    codes = np.where(step[:, :, None] == 0, 0, np.clip(np.rint(blocks / safe), -32, 31))
    codes = (codes + 32).astype(np.int64).reshape(-1, 2, 4, 32)
    low = np.concatenate([codes[:, :, 0] & 15 | (codes[:, :, 2] & 15) << 4,
                          codes[:, :, 1] & 15 | (codes[:, :, 3] & 15) << 4], axis=2)  # fmt: skip
    high = sum((codes[:, :, k] >> 4) << 2 * k for k in range(4))
    parts = [low.reshape(-1, 128).astype(np.uint8), high.reshape(-1, 64).astype(np.uint8)]
    return np.concatenate([*parts, scales.astype(np.int8).view(np.uint8), gguf.halves(d)], axis=1)


SEARCHING = {"Q4_K": pack_q4_k, "Q5_K": pack_q5_k, "Q6_K": pack_q6_k}
BITS = {"Q4_0": 4.5, "Q4_K": 4.5, "Q5_K": 5.5, "Q6_K": 6.5625}


def encode(weight, kind):
    """As gguf.encode."""
    if kind not in SEARCHING:
        return gguf.encode(weight, kind)
    rows = weight.reshape(-1, weight.shape[-1])
    return b"".join(np.ascontiguousarray(SEARCHING[kind](rows[begin : begin + ROWS])).tobytes()
                    for begin in range(0, len(rows), ROWS))  # fmt: skip


def back(weight, kind):
    """What the codes of a matrix stand for."""
    parts = [gguf.decode(encode(weight[begin : begin + ROWS], kind), kind, weight[begin : begin + ROWS].shape)
             for begin in range(0, len(weight), ROWS)]  # fmt: skip
    return np.concatenate(parts)
