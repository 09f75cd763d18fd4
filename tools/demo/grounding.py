"""The auxiliary task of training: which sprite does each image token show, and in which row and column?

A linear head on the image features answers it and is thrown away afterwards.  It teaches the tower to see
within a minute what answers alone would teach in an hour.
"""

import torch
import torch.nn as nn
import torch.nn.functional as functional

import scene

ROWS, COLUMNS = 6, 8  # classes of row and column; 0 is "none"
BACKGROUND_WEIGHT = 0.25
ORDER_WEIGHT = 0.5  # of row and column against the sprite's class
COVERED, TOUCHED = 0.3, 0.02


def token_targets(named, family):
    """Targets [B, T, 3] (class + 1, row, column) for each image token; -100 where it is unclear.

    named: [B, M, 6] as `scene.pack` gives. A token shows the sprite that covers it most, if that sprite covers
    COVERED of what it could; a token that is hardly touched is background.
    """
    columns, rows = family.grid
    cell, left = family.cell, family.view[0]
    kind, x, y, width, row, column = named.unbind(-1)
    half_width, half_height = width * 0.46, width * 0.44

    def overlap(centre, half, edges):
        low = torch.maximum(edges, (centre - half)[..., None])
        high = torch.minimum(edges + cell, (centre + half)[..., None])
        return (high - low).clamp_min(0)

    edges_x = left + cell * torch.arange(columns, device=named.device)
    edges_y = cell * torch.arange(rows, device=named.device)
    area = (
        overlap(y, half_height, edges_y)[..., :, None]
        * overlap(x, half_width, edges_x)[..., None, :]
    )
    area = (area * (kind > 0)[..., None, None]).flatten(2)  # [B, M, T]
    best, which = area.max(1)
    possible = (4 * half_width * half_height).clamp_max(cell * cell).gather(1, which)
    targets = torch.stack([values.gather(1, which) for values in (kind, row, column)], -1).long()
    shown = best >= COVERED * possible
    unclear = ~shown & (best > TOUCHED * cell * cell)
    targets = torch.where((shown & (best > 0))[..., None], targets, torch.zeros_like(targets))
    return torch.where(unclear[..., None], torch.full_like(targets, -100), targets)


class GroundingHead(nn.Module):
    """The head: sprite class, row and column of each image token."""

    def __init__(self, width):
        super().__init__()
        self.sizes = (scene.CLASSES + 1, ROWS, COLUMNS)
        self.linear = nn.Linear(width, sum(self.sizes))

    def forward(self, features, targets):
        """(loss, share of foreground tokens whose sprite is named rightly)."""
        logits = self.linear(features).float().flatten(0, 1).split(self.sizes, -1)
        targets = targets.flatten(0, 1)
        known = targets[:, 0] >= 0
        weight = torch.where(targets[:, 0] > 0, 1.0, BACKGROUND_WEIGHT) * known
        loss = 0.0
        for index, part in enumerate(logits):
            losses = functional.cross_entropy(
                part, targets[:, index].clamp_min(0), reduction="none"
            )
            loss = loss + (losses * weight).sum() / weight.sum() * (
                1.0 if index == 0 else ORDER_WEIGHT
            )
        foreground = targets[:, 0] > 0
        right = ((logits[0].argmax(-1) == targets[:, 0]) & foreground).sum() / foreground.sum()
        return loss, right
