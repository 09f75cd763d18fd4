"""GGUF files: a writer, packers of the block types, and dequantisers written apart from them.

The dequantisers (read_*) take blocks byte by byte as the format is described; the packers only have to be
valid. All work on float32 [rows, columns].
"""
import struct

import numpy as np

TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q4_K": 12, "Q5_K": 13,
         "Q6_K": 14, "BF16": 30}  # fmt: skip
ALIGNMENT = 32


def halves(values):
    """float32 [...] -> the two bytes of float16 [..., 2]."""
    return np.ascontiguousarray(values, np.float16)[..., None].view(np.uint8)


def blocks_of(weight, size):
    return weight.reshape(-1, size).astype(np.float32)


def nibbles(codes):
    """[n, 32] codes 0..15 -> [n, 16] bytes: value i low, value i + 16 high."""
    return (codes[:, :16] | codes[:, 16:] << 4).astype(np.uint8)


def pack_q4_0(weight):
    blocks = blocks_of(weight, 32)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)
    d = (largest / -8).astype(np.float16).astype(np.float32)
    safe = np.where(d == 0, 1, d)
    codes = np.clip(np.rint(blocks / safe) + 8, 0, 15).astype(np.int64)
    return np.concatenate([halves(d[:, 0]), nibbles(codes)], axis=1)


def pack_q4_1(weight):
    blocks = blocks_of(weight, 32)
    low = blocks.min(axis=1).astype(np.float16).astype(np.float32)
    d = ((blocks.max(axis=1) - low) / 15 + 1e-7).astype(np.float16).astype(np.float32)
    codes = np.clip(np.rint((blocks - low[:, None]) / d[:, None]), 0, 15).astype(np.int64)
    return np.concatenate([halves(d), halves(low), nibbles(codes)], axis=1)


def fifths_and_nibbles(codes):
    """[n, 32] codes 0..31 -> [n, 20] bytes: a word of fifth bits, then the rest."""
    words = ((codes >> 4) << np.arange(32)).sum(axis=1).astype("<u4")
    return np.concatenate([words[:, None].view(np.uint8), nibbles(codes & 15)], axis=1)


def pack_q5_0(weight):
    blocks = blocks_of(weight, 32)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)
    d = (largest / -16).astype(np.float16).astype(np.float32)
    safe = np.where(d == 0, 1, d)
    codes = np.clip(np.rint(blocks / safe) + 16, 0, 31).astype(np.int64)
    return np.concatenate([halves(d[:, 0]), fifths_and_nibbles(codes)], axis=1)


def pack_q5_1(weight):
    blocks = blocks_of(weight, 32)
    low = blocks.min(axis=1).astype(np.float16).astype(np.float32)
    d = ((blocks.max(axis=1) - low) / 31 + 1e-7).astype(np.float16).astype(np.float32)
    codes = np.clip(np.rint((blocks - low[:, None]) / d[:, None]), 0, 31).astype(np.int64)
    return np.concatenate([halves(d), halves(low), fifths_and_nibbles(codes)], axis=1)


def pack_q8_0(weight):
    blocks = blocks_of(weight, 32)
    d = (np.abs(blocks).max(axis=1) / 127 + 1e-7).astype(np.float16).astype(np.float32)
    codes = np.clip(np.rint(blocks / d[:, None]), -127, 127).astype(np.int8)
    return np.concatenate([halves(d), codes.view(np.uint8)], axis=1)


def scales_and_minima(blocks, top):
    """Of super-blocks [n, 8, 32]: d, dmin [n], 6-bit scales and minima [n, 8], codes [n, 8, 32]."""
    minimum = np.maximum(0, -blocks.min(axis=2))
    scale = (blocks.max(axis=2) + minimum) / top
    d = (scale.max(axis=1) / 63 + 1e-7).astype(np.float16).astype(np.float32)
    dmin = (minimum.max(axis=1) / 63 + 1e-7).astype(np.float16).astype(np.float32)
    scales = np.clip(np.rint(scale / d[:, None]), 1, 63).astype(np.int64)
    minima = np.clip(np.rint(minimum / dmin[:, None]), 0, 63).astype(np.int64)
    step, offset = d[:, None] * scales, dmin[:, None] * minima
    codes = np.clip(np.rint((blocks + offset[:, :, None]) / step[:, :, None]), 0, top).astype(np.int64)
    return d, dmin, scales, minima, codes


def twelve_bytes(scales, minima):
    first = scales[:, :4] | scales[:, 4:] >> 4 << 6
    second = minima[:, :4] | minima[:, 4:] >> 4 << 6
    third = scales[:, 4:] & 15 | (minima[:, 4:] & 15) << 4
    return np.concatenate([first, second, third], axis=1).astype(np.uint8)


def pack_q4_k(weight):
    d, dmin, scales, minima, codes = scales_and_minima(blocks_of(weight, 256).reshape(-1, 8, 32), 15)
    packed = (codes[:, 0::2] | codes[:, 1::2] << 4).reshape(-1, 128).astype(np.uint8)
    return np.concatenate([halves(d), halves(dmin), twelve_bytes(scales, minima), packed], axis=1)


def pack_q5_k(weight):
    d, dmin, scales, minima, codes = scales_and_minima(blocks_of(weight, 256).reshape(-1, 8, 32), 31)
    low = codes & 15
    packed = (low[:, 0::2] | low[:, 1::2] << 4).reshape(-1, 128).astype(np.uint8)
    fifth = ((codes >> 4) << np.arange(8)[None, :, None]).sum(axis=1).astype(np.uint8)
    return np.concatenate([halves(d), halves(dmin), twelve_bytes(scales, minima), fifth, packed], axis=1)


def pack_q6_k(weight):
    blocks = blocks_of(weight, 256).reshape(-1, 16, 16)
    largest = np.abs(blocks).max(axis=2) / 31
    d = (largest.max(axis=1) / 127 + 1e-7).astype(np.float16).astype(np.float32)
    scales = np.clip(np.rint(largest / d[:, None]), 1, 127).astype(np.int8)
    step = d[:, None] * scales
    codes = (np.clip(np.rint(blocks / step[:, :, None]), -32, 31) + 32).astype(np.int64).reshape(-1, 2, 4, 32)
    low = np.concatenate([codes[:, :, 0] & 15 | (codes[:, :, 2] & 15) << 4,
                          codes[:, :, 1] & 15 | (codes[:, :, 3] & 15) << 4], axis=2)  # fmt: skip
    high = sum((codes[:, :, k] >> 4) << 2 * k for k in range(4))
    parts = [low.reshape(-1, 128).astype(np.uint8), high.reshape(-1, 64).astype(np.uint8)]
    return np.concatenate([*parts, scales.view(np.uint8), halves(d)], axis=1)


def half(blocks, at):
    return np.ascontiguousarray(blocks[:, at : at + 2]).view(np.float16).astype(np.float32)[:, 0]


def read_q4_0(blocks):
    d = half(blocks, 0)
    out = np.empty((len(blocks), 32), np.float32)
    for i in range(32):
        byte = blocks[:, 2 + i % 16]
        out[:, i] = d * ((byte & 15 if i < 16 else byte >> 4).astype(np.float32) - 8)
    return out


def read_q4_1(blocks):
    d, m = half(blocks, 0), half(blocks, 2)
    out = np.empty((len(blocks), 32), np.float32)
    for i in range(32):
        byte = blocks[:, 4 + i % 16]
        out[:, i] = d * (byte & 15 if i < 16 else byte >> 4).astype(np.float32) + m
    return out


def five_bits(blocks, at, value):
    """The code of one value of a block whose word of fifth bits begins at byte `at`."""
    byte = blocks[:, at + 4 + value % 16]
    low = byte & 15 if value < 16 else byte >> 4
    word = sum(blocks[:, at + i].astype(np.int64) << 8 * i for i in range(4))
    return (low + 16 * (word >> value & 1)).astype(np.float32)


def read_q5_0(blocks):
    d = half(blocks, 0)
    return np.stack([d * (five_bits(blocks, 2, i) - 16) for i in range(32)], axis=1)


def read_q5_1(blocks):
    d, m = half(blocks, 0), half(blocks, 2)
    return np.stack([d * five_bits(blocks, 4, i) + m for i in range(32)], axis=1)


def read_q8_0(blocks):
    d = half(blocks, 0)
    return d[:, None] * blocks[:, 2:].view(np.int8).astype(np.float32)


def six_bits(blocks, sub):
    """Scale and minimum of a sub-block from bytes 4 to 15."""
    at = lambda i: blocks[:, 4 + i].astype(np.int64)  # noqa: E731
    if sub < 4:
        return at(sub) & 63, at(sub + 4) & 63
    return at(sub + 4) & 15 | at(sub - 4) >> 6 << 4, at(sub + 4) >> 4 | at(sub) >> 6 << 4


def read_k(blocks, fifth_bits):
    d, dmin = half(blocks, 0), half(blocks, 2)
    out = np.empty((len(blocks), 256), np.float32)
    first = 48 if fifth_bits else 16
    for value in range(256):
        sub, i = divmod(value, 32)
        byte = blocks[:, first + 32 * (sub // 2) + i].astype(np.int64)
        code = byte >> 4 if sub % 2 else byte & 15
        if fifth_bits:
            code = code + ((blocks[:, 16 + i].astype(np.int64) >> sub & 1) << 4)
        scale, minimum = six_bits(blocks, sub)
        step = d * scale.astype(np.float32)
        out[:, value] = step * code.astype(np.float32) - dmin * minimum.astype(np.float32)
    return out


def read_q6_k(blocks):
    d = half(blocks, 208)
    scales = blocks[:, 192:208].view(np.int8)
    out = np.empty((len(blocks), 256), np.float32)
    for value in range(256):
        part, inside = divmod(value, 128)
        quarter, i = divmod(inside, 32)
        low = blocks[:, 64 * part + 32 * (quarter % 2) + i].astype(np.int64)
        low = low >> 4 if quarter >= 2 else low & 15
        high = blocks[:, 128 + 32 * part + i].astype(np.int64) >> 2 * quarter & 3
        scale = scales[:, 8 * part + 2 * quarter + i // 16].astype(np.float32)
        out[:, value] = d * scale * ((low | high << 4) - 32).astype(np.float32)
    return out


PACKERS = {"Q4_0": pack_q4_0, "Q4_1": pack_q4_1, "Q5_0": pack_q5_0, "Q5_1": pack_q5_1, "Q8_0": pack_q8_0,
           "Q4_K": pack_q4_k, "Q5_K": pack_q5_k, "Q6_K": pack_q6_k}  # fmt: skip
READERS = {"Q4_0": read_q4_0, "Q4_1": read_q4_1, "Q5_0": read_q5_0, "Q5_1": read_q5_1, "Q8_0": read_q8_0,
           "Q6_K": read_q6_k,
           "Q4_K": lambda b: read_k(b, False), "Q5_K": lambda b: read_k(b, True)}  # fmt: skip


def encode(weight, kind):
    """float32 of any shape -> the bytes of a tensor of that type."""
    if kind == "F32":
        return np.ascontiguousarray(weight, np.float32).tobytes()
    if kind == "F16":
        return np.ascontiguousarray(weight, np.float16).tobytes()
    if kind == "BF16":
        bits = np.ascontiguousarray(weight, np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).tobytes()
    return np.ascontiguousarray(PACKERS[kind](weight)).tobytes()


def decode(data, kind, shape):
    """The bytes of a tensor -> the float32 that they stand for."""
    if kind == "F32":
        return np.frombuffer(data, np.float32).reshape(shape)
    if kind == "F16":
        return np.frombuffer(data, np.float16).astype(np.float32).reshape(shape)
    if kind == "BF16":
        return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape)
    values = int(np.prod(shape)) // (256 if kind.endswith("_K") else 32)
    return READERS[kind](np.frombuffer(data, np.uint8).reshape(values, -1)).reshape(shape)


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value_bytes(value):
    """A metadata value with its type in front."""
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<Iq", 11, value) if value < 0 else struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    kind = {bool: 7, int: 5, float: 6, str: 8}[type(value[0])]
    items = {7: lambda v: struct.pack("<B", v), 5: lambda v: struct.pack("<i", v),
             6: lambda v: struct.pack("<f", v), 8: text}  # fmt: skip
    return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(items[kind](each) for each in value)


def write(path, metadata, tensors):
    """tensors: {name: (type name, shape outermost first, bytes)}."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += text(key) + value_bytes(value)
    at = 0
    for name, (kind, shape, data) in tensors.items():
        extents = struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += text(name) + struct.pack("<I", len(shape)) + extents + struct.pack("<IQ", TYPES[kind], at)
        at += len(data) + -len(data) % ALIGNMENT
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % ALIGNMENT))
        for _, _, data in tensors.values():
            file.write(data + b"\0" * (-len(data) % ALIGNMENT))
