"""Draw packed scenes in batches, on the GPU in training and on the CPU for the suite.

Sprites are drawn as square patches: each patch samples the turned sprite from the atlas and adds
alpha * (sprite - what is below) to the canvas. Patches of one layer are added at once, which is right
because the sprites of a layer do not overlap.
"""

import numpy as np
import torch
import torch.nn.functional as functional

from scene import HEIGHT, LAYERS, PATCHES, WIDTH

ASPECT = 128 / 136  # height over width of an atlas sprite


def load_atlas(path, device):
    """Premultiplied sprites [C, 4, h, w] at three scales: full, half and quarter size."""
    sprites = torch.from_numpy(np.load(path)["sprites"]).to(device).float().permute(0, 3, 1, 2)
    alpha = sprites[:, 3:] / 255
    full = torch.cat([sprites[:, :3] * alpha, alpha], 1).contiguous()
    return (
        full,
        functional.avg_pool2d(full, 2).contiguous(),
        functional.avg_pool2d(full, 4).contiguous(),
    )


def draw_background(background, rects, xs, ys):
    """Backgrounds with their rectangles, later ones on top: [B, HEIGHT, WIDTH, 3]."""
    in_x = (xs >= rects[:, :, 0, None]) & (xs < rects[:, :, 2, None])  # [B, R, WIDTH]
    in_y = (ys >= rects[:, :, 1, None]) & (ys < rects[:, :, 3, None])  # [B, R, HEIGHT]
    rank = torch.arange(1, rects.shape[1] + 1, dtype=torch.int32, device=rects.device)[
        :, None, None
    ]
    topmost = ((in_y[:, :, :, None] & in_x[:, :, None, :]) * rank).amax(
        1
    )  # 0 where there is no rectangle
    colours = torch.cat([background[:, None], rects[:, :, 4:7]], 1)
    picture = torch.arange(rects.shape[0], device=rects.device)[:, None, None]
    return colours[picture, topmost.long()].contiguous()


def draw_sprites(canvas, atlas, sprites, side):
    """Add the patches of `sprites` [N, 7] (picture, class, x, y, width, angle, opacity) to the canvas."""
    picture, kind = sprites[:, 0].long(), sprites[:, 1].long()
    x, y, width, angle, opacity = sprites[:, 2:7].unbind(1)
    offsets = torch.arange(side, device=canvas.device)
    columns = torch.floor(x - side / 2)[:, None] + offsets
    rows = torch.floor(y - side / 2)[:, None] + offsets
    u = (columns + 0.5 - x[:, None])[:, None, :]
    v = (rows + 0.5 - y[:, None])[:, :, None]
    cosine, sine = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    half = (width / 2)[:, None, None]
    grid = torch.stack(
        [(u * cosine + v * sine) / half, (v * cosine - u * sine) / (half * ASPECT)], -1
    )
    patch = functional.grid_sample(
        atlas[kind], grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    inside = ((columns >= 0) & (columns < WIDTH))[:, None, :] & ((rows >= 0) & (rows < HEIGHT))[
        :, :, None
    ]
    patch = patch * (inside * opacity[:, None, None])[:, None]
    index = (
        picture[:, None, None] * (HEIGHT * WIDTH)
        + rows.clamp(0, HEIGHT - 1).long()[:, :, None] * WIDTH
        + columns.clamp(0, WIDTH - 1).long()[:, None, :]
    ).reshape(-1)
    flat = canvas.view(-1, 3)
    patch = patch.permute(0, 2, 3, 1).reshape(-1, 4)
    flat.index_add_(0, index, patch[:, :3] - patch[:, 3:] * flat[index])


def develop(canvas, light, noise, xs, ys):
    """Light, contrast, a soft colour bleed as lossy files have it, and noise; whole numbers 0..255."""
    grain, brightness, slope_x, slope_y, contrast = (
        light[:, i, None, None, None] for i in range(5)
    )
    slope = slope_x * (xs[None, None, :, None] / WIDTH - 0.5) + slope_y * (
        ys[None, :, None, None] / HEIGHT - 0.5
    )
    picture = ((canvas + 2 * slope) * brightness - 128) * contrast + 128 + noise * grain
    picture = picture.clamp(0, 255)
    luma = picture.mean(-1, keepdim=True)
    chroma = picture - luma
    pooled = chroma.view(-1, HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean((2, 4), keepdim=True)
    chroma = pooled.expand(-1, -1, 2, -1, 2, -1).reshape(chroma.shape)
    return (luma + chroma).clamp(0, 255).round()


class Renderer:
    """Renders packed scenes to float pictures [B, HEIGHT, WIDTH, 3] with whole values 0..255."""

    def __init__(self, atlas_path, device, compiled=False):
        self.device = device
        full, half, quarter = load_atlas(atlas_path, device)
        self.atlas = dict(zip(PATCHES, (quarter, half, full, full)))
        self.xs = torch.arange(WIDTH, device=device).float() + 0.5
        self.ys = torch.arange(HEIGHT, device=device).float() + 0.5
        self.draw_background, self.develop = draw_background, develop
        if compiled:
            self.draw_background = torch.compile(draw_background, dynamic=False)
            self.develop = torch.compile(develop, dynamic=False)

    @torch.no_grad()
    def __call__(self, packed, noise=None):
        """packed: what `scene.pack` gives, as arrays or tensors. noise: [B, HEIGHT, WIDTH, 3] of unit variance."""
        arrays = {k: torch.as_tensor(v) for k, v in packed.items()}
        counts = arrays.pop("groups").tolist()
        on_device = {k: v.to(self.device, non_blocking=True) for k, v in arrays.items()}
        canvas = self.draw_background(on_device["background"], on_device["rects"], self.xs, self.ys)
        start = 0
        for index in range(LAYERS * len(PATCHES)):
            side = PATCHES[index % len(PATCHES)]
            if counts[index]:
                draw_sprites(
                    canvas,
                    self.atlas[side],
                    on_device["sprites"][start : start + counts[index]],
                    side,
                )
            start += counts[index]
        if noise is None:
            noise = torch.randn_like(canvas)
        return self.develop(canvas, on_device["light"], noise, self.xs, self.ys)
