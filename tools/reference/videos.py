"""Videos as Qwen3-VL's published processor makes them: which frames, their times, one size for all, patches of two frames."""

import math

import numpy as np

import pictures

DEFAULTS = {"fps": 2, "min_frames": 4, "max_frames": 768, "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
            "image_mean": pictures.HALF, "image_std": pictures.HALF, "size": {"shortest_edge": 131072, "longest_edge": 786432}}


def sampled(total, rate, settings):
    """Numbers of the frames that are taken of `total` at `rate` a second."""
    count = int(total / rate * settings["fps"])
    count = min(max(count, settings["min_frames"]), settings["max_frames"], total)
    return np.linspace(0, total - 1, count).round().astype(int).tolist()


def seconds(frames, rate, per_patch):
    """The time of each temporal patch; the last frame is repeated until the last patch is full."""
    frames = [*frames, *[frames[-1]] * (-len(frames) % per_patch)]
    times = [frame / rate for frame in frames]
    return [(times[i] + times[i + per_patch - 1]) / 2 for i in range(0, len(times), per_patch)]


def size(count, height, width, factor, per_patch, least, most):
    """Sides of every frame: multiples of factor, the volume of all frames between least and most."""
    if count < per_patch:
        raise ValueError("fewer frames than a temporal patch")
    if height < factor or width < factor:
        scale = max(factor / height, factor / width)
        height, width = int(height * scale), int(width * scale)
    if max(height, width) / min(height, width) > 200:
        raise ValueError("aspect ratio above 200")
    h, w = round(height / factor) * factor, round(width / factor) * factor
    padded = round(count / per_patch) * per_patch
    if padded * h * w > most:
        beta = math.sqrt(count * height * width / most)
        h, w = (max(factor, math.floor(side / beta / factor) * factor) for side in (height, width))
    elif padded * h * w < least:
        beta = math.sqrt(least / (count * height * width))
        h, w = (math.ceil(side * beta / factor) * factor for side in (height, width))
    return h, w


def patches(frames, settings):
    """pixel_values [patches of all, 3 * times * patch^2] of frames [n, h, w, 3], each temporal patch in merge order, and the
    grid (times, rows, columns)."""
    patch, merge, times = settings["patch_size"], settings["merge_size"], settings["temporal_patch_size"]
    limits = settings["size"]
    height, width = size(len(frames), *frames[0].shape[:2], patch * merge, times, limits["shortest_edge"], limits["longest_edge"])
    resized = [pictures.resize(frame, height, width) for frame in frames]
    resized += [resized[-1]] * (-len(resized) % times)
    values = pictures.normalise(np.stack(resized), settings["image_mean"], settings["image_std"])
    rows, columns = height // patch, width // patch
    cut = values.reshape(-1, times, rows // merge, merge, patch, columns // merge, merge, patch, 3)
    cut = cut.transpose(0, 2, 5, 3, 6, 8, 1, 4, 7)
    return np.ascontiguousarray(cut.reshape(-1, 3 * times * patch * patch)), (len(cut), rows, columns)
