"""A scene: rectangles and sprites on a canvas, as plain numbers that the renderer draws.

Nothing here draws.  `pack` turns a list of scenes into the few arrays that `render.py` takes.
"""

import math

import numpy as np

import vocabulary

WIDTH, HEIGHT = 384, 256  # pixels; 12 x 8 merged patches of 32 pixels
# LLaVA's processor scales the height to 224 and cuts the middle 224 x 224: of our canvas it sees
# the columns from CROP[0] to CROP[1] only.
WHOLE = (0, WIDTH)
CROP = ((WIDTH - HEIGHT) // 2, (WIDTH + HEIGHT) // 2)

# Scenes come in four levels of difficulty, 1 to 4. Training draws the first three; level 4 goes beyond
# anything that was trained on and makes the hardest third of the suite.
TRAINED_LEVELS, LEVELS = (1, 2, 3), (1, 2, 3, 4)
WIDE_SHARE = (0.1, 0.35, 0.55, 0.25)  # of scenes that reach into the margins, by level

MAX_RECTS = 48
MAX_NAMED = 40
PATCHES = (34, 66, 136, 180)  # sides of the squares in which sprites are drawn
LAYERS = 3

SPRITE_CLASS = {emoji: index for index, emoji in enumerate(vocabulary.all_emoji())}
CLASSES = len(SPRITE_CLASS)


class Scene:
    """One picture. Rectangles lie under all sprites; higher layers lie over lower ones."""

    def __init__(self, rng, difficulty):
        self.background = (255, 255, 255)
        self.rects = []
        self.sprites = []
        self.noise = rng.uniform(0, (5, 8, 11, 14)[difficulty - 1])
        self.brightness = rng.uniform(0.94, 1.05)
        self.contrast = rng.uniform((0.96, 0.88, 0.8, 0.8)[difficulty - 1], 1.0)
        self.gradient = (rng.uniform(-9, 9), rng.uniform(-9, 9))

    def rect(self, x0, y0, x1, y1, rgb):
        """Fill [x0, x1) x [y0, y1)."""
        assert len(self.rects) < MAX_RECTS
        self.rects.append((x0, y0, x1, y1, *rgb))

    def put(self, emoji, x, y, width, angle=0.0, opacity=1.0, layer=0, row=0, column=0, named=True):
        """Draw a sprite centred at (x, y), `width` pixels wide, turned by `angle` radians.

        row and column (from 1; 0 is none) say where it stands in the scene's order; they are targets
        of the auxiliary head in training. Sprites of one layer must not overlap.
        """
        self.sprites.append(
            (SPRITE_CLASS[emoji], x, y, width, angle, opacity, layer, row, column, named)
        )


def jitter(rng, rgb, amount=6):
    """A colour near `rgb`."""
    return tuple(min(255, max(0, value + rng.uniform(-amount, amount))) for value in rgb)


def stage(rng, difficulty, may_be_wide):
    """The columns in which a scene puts its things: narrow (inside CROP) or nearly the whole width."""
    wide = may_be_wide and rng.random() < WIDE_SHARE[difficulty - 1]
    margin = rng.uniform(4, 14)
    left, right = WHOLE if wide else CROP
    return left + margin, right - margin


def seen(x, view):
    """Whether a thing centred at column x lies inside the view (with a little of its body)."""
    return view[0] + 6 <= x <= view[1] - 6


def patch_size(width, angle):
    """Index into PATCHES of the smallest square that holds the turned sprite."""
    extent = width * (abs(math.cos(angle)) + abs(math.sin(angle))) + 2
    for index, side in enumerate(PATCHES):
        if extent <= side:
            return index
    return len(PATCHES) - 1


def pack(scenes):
    """Arrays for the renderer.

    background [B, 3]; rects [B, MAX_RECTS, 7]; light [B, 5] (noise, brightness, gradient x, gradient y, contrast);
    sprites [N, 7] (picture, class, x, y, width, angle, opacity) sorted by layer and patch size;
    groups [LAYERS * len(PATCHES)]: how many sprites of each; named [B, MAX_NAMED, 6] (class + 1, x, y,
    width, row, column; class + 1 is 0 in unused rows).
    """
    count = len(scenes)
    background = np.zeros((count, 3), np.float32)
    rects = np.zeros((count, MAX_RECTS, 7), np.float32)
    light = np.zeros((count, 5), np.float32)
    named = np.zeros((count, MAX_NAMED, 6), np.float32)
    groups = [[] for _ in range(LAYERS * len(PATCHES))]
    for index, scene in enumerate(scenes):
        background[index] = scene.background
        light[index] = (scene.noise, scene.brightness, *scene.gradient, scene.contrast)
        if scene.rects:
            rects[index, : len(scene.rects)] = scene.rects
        boxes = []
        for kind, x, y, width, angle, opacity, layer, row, column, is_named in scene.sprites:
            group = groups[layer * len(PATCHES) + patch_size(width, angle)]
            group.append((index, kind, x, y, width, angle, opacity))
            if is_named:
                boxes.append((kind + 1, x, y, width, row, column))
        if boxes:
            named[index, : len(boxes)] = boxes
    ordered = [sprite for group in groups for sprite in group]
    return {
        "background": background,
        "rects": rects,
        "light": light,
        "sprites": np.array(ordered, np.float32).reshape(-1, 7),
        "groups": np.array([len(group) for group in groups], np.int64),
        "named": named,
    }
