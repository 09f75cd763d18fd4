"""Pictures as the published image processors make them: decoding, resizing on 8 bits, sizes, patches, tiles.

The resize is the one of torchvision's 8-bit path: Keys' cubic with a = -0.5 widened by the shrink factor, weights as
16-bit fixed-point numbers, first the rows, then the columns, bytes in between. check_pictures.py compares it with what
transformers made of the same pictures.
"""

import math

import numpy as np

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)


def load_rgb(path):
    """[height, width, 3] bytes: EXIF orientation, then Pillow's RGB."""
    from PIL import Image, ImageOps

    with Image.open(path) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def _cubic(x):
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0.0


def _taps(old, new):
    """For every output: first input and its weights, summing to 1."""
    scale = old / new
    wide = max(scale, 1.0)
    rows = []
    for i in range(new):
        centre = scale * (i + 0.5)
        first = max(int(centre - 2 * wide + 0.5), 0)
        last = min(int(centre + 2 * wide + 0.5), old)
        weights = [_cubic((j - centre + 0.5) * (1 / wide)) for j in range(first, last)]
        total = sum(weights)
        rows.append((first, [w / total for w in weights]))
    return rows


def _resize_rows(picture, new):
    """Resizes the first axis of bytes [n, ...]."""
    if picture.shape[0] == new:
        return picture
    taps = _taps(picture.shape[0], new)
    largest = max(w for _, weights in taps for w in weights)
    bits = 0
    while bits < 22 and int(0.5 + largest * (1 << (bits + 1))) < 1 << 15:
        bits += 1
    out = np.empty((new, *picture.shape[1:]), np.uint8)
    wide = picture.astype(np.int64)
    for i, (first, weights) in enumerate(taps):
        fixed = np.array([int(w * (1 << bits) + (0.5 if w >= 0 else -0.5)) for w in weights], np.int64)
        total = np.tensordot(fixed, wide[first : first + len(fixed)], 1) + (1 << (bits - 1))
        out[i] = np.clip(total >> bits, 0, 255)
    return out


def resize(picture, height, width):
    """Bicubic with antialiasing: bytes [h, w, 3] to [height, width, 3]."""
    across = _resize_rows(picture.transpose(1, 0, 2), width).transpose(1, 0, 2)
    return _resize_rows(across, height)


def normalise(picture, mean, std):
    """Bytes [..., 3] to floats: (x - 255 mean) / (255 std), all in float32."""
    mean, std = np.float32(mean) * np.float32(255), np.float32(std) * np.float32(255)
    return (picture.astype(np.float32) - mean) / std


def qwen_size(height, width, factor, least, most):
    """Sides of a picture in merged patches: multiples of factor, the area between least and most."""
    if max(height, width) / min(height, width) > 200:
        raise ValueError("aspect ratio above 200")
    h, w = round(height / factor) * factor, round(width / factor) * factor
    if h * w > most:
        beta = math.sqrt(height * width / most)
        h, w = (max(factor, math.floor(side / beta / factor) * factor) for side in (height, width))
    elif h * w < least:
        beta = math.sqrt(least / (height * width))
        h, w = (math.ceil(side * beta / factor) * factor for side in (height, width))
    return h, w


def qwen_patches(picture, settings):
    """pixel_values [patches, 3 * times * patch^2] in merge order, and the grid (rows, columns) of patches."""
    patch, merge, times = settings["patch_size"], settings["merge_size"], settings["temporal_patch_size"]
    least = settings.get("min_pixels") or settings["size"]["shortest_edge"]
    most = settings.get("max_pixels") or settings["size"]["longest_edge"]
    height, width = qwen_size(*picture.shape[:2], patch * merge, least, most)
    values = normalise(resize(picture, height, width), settings["image_mean"], settings["image_std"])
    rows, columns = height // patch, width // patch
    blocks = values.reshape(rows // merge, merge, patch, columns // merge, merge, patch, 3)
    blocks = blocks.transpose(0, 3, 1, 4, 6, 2, 5)[:, :, :, :, :, None].repeat(times, 5)
    return blocks.reshape(rows * columns, -1), (rows, columns)


def best_size(height, width, sizes):
    """Of [height, width] sizes the one at which most of the picture's own pixels stay, then the one that wastes least."""
    best, most, least = None, 0, float("inf")
    for h, w in sizes:
        scale = min(w / width, h / height)
        used = min(int(width * scale) * int(height * scale), width * height)
        if used > most or (used == most and h * w - used < least):
            best, most, least = (h, w), used, h * w - used
    return best


def tiles(picture, settings):
    """pixel_values [1 + tiles, 3, edge, edge]: the whole picture squeezed into a square, then the picture resized to fit
    the best size, framed with black, in tiles row by row; and the tiles' grid (rows, columns)."""
    edge = settings["crop_size"]["height"]
    height, width = picture.shape[:2]
    h, w = best_size(height, width, settings["image_grid_pinpoints"])
    if w / width < h / height:
        inner = resize(picture, min(math.ceil(height * (w / width)), h), w)
    else:
        inner = resize(picture, h, min(math.ceil(width * (h / height)), w))
    framed = np.zeros((h, w, 3), np.uint8)
    top, left = (h - inner.shape[0]) // 2, (w - inner.shape[1]) // 2
    framed[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    rows, columns = h // edge, w // edge
    cut = framed.reshape(rows, edge, columns, edge, 3).transpose(0, 2, 1, 3, 4).reshape(-1, edge, edge, 3)
    views = np.concatenate([resize(picture, edge, edge)[None], cut])
    return normalise(views, settings["image_mean"], settings["image_std"]).transpose(0, 3, 1, 2), (rows, columns)
