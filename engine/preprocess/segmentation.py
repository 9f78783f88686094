"""Tells the finger from the background."""

from __future__ import annotations

import cv2
import numpy as np

from engine.preprocess.plausibility import believe
from engine.settings import PreprocessSettings
from engine.types import F32, I32, U8, Bool


def segment(strength: F32, energy: F32, orientation: F32, settings: PreprocessSettings) -> Bool:
    """The blocks that show ridges: bool h×w.

    strength: float32 h×w in 0..1, share of the energy that is ridges. energy: float32 h×w, mean
    squared contrast. orientation: float32 h×w rad. Small gaps are closed and small holes filled (a
    wet or creased spot lies within the finger); parts that are small or not skin are dropped.
    """
    seen = (strength > settings.min_quality) & (energy > settings.min_energy)
    side = 2 * settings.mask_radius + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    closed = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, disc)
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, disc).astype(np.uint8)
    parts, sizes = _parts(opened)
    large = np.flatnonzero(sizes >= settings.min_part * sizes.max(initial=0)) + 1
    skin = [
        label
        for label in large
        if believe(parts == label, orientation, strength, settings.plausibility)
    ]
    blocks = np.isin(parts, skin)
    holes, sizes = _parts(np.pad(~blocks, 1, constant_values=True).astype(np.uint8))
    outside = holes[0, 0]
    small = np.flatnonzero(sizes <= settings.max_hole) + 1
    return blocks | np.isin(holes[1:-1, 1:-1], small[small != outside])


def _parts(blocks: U8) -> tuple[I32, I32]:
    """Labels 1.. of the connected parts of `blocks`, and the number of blocks in each."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(blocks)
    sizes = statistics[1:, cv2.CC_STAT_AREA]
    return labels.astype(np.int32, copy=False), sizes.astype(np.int32, copy=False)
