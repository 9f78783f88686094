"""Tells the ridges of a finger from what looks like them: noise, text, rulings, screens."""

from __future__ import annotations

import numpy as np

from engine.preprocess import grid
from engine.settings import PlausibilitySettings
from engine.types import F32, Bool


def believe(part: Bool, orientation: F32, strength: F32, settings: PlausibilitySettings) -> bool:
    """Whether the blocks under `part` look like skin: bool h×w, float32 h×w rad, float32 h×w 0..1.

    Skin has ridges that are clear somewhere (noise has not), that keep their direction over some
    blocks (noise does not) and that bend in the end (text, rulings and screens do not).
    """
    clear = float((strength[part] > settings.clear).mean())
    return (
        clear >= settings.min_clear
        and _constancy(part, orientation, settings) >= settings.min_constancy
        and _straightness(part, orientation, strength) <= _limit(part, settings)
    )


def _constancy(part: Bool, orientation: F32, settings: PlausibilitySettings) -> float:
    """Mean length of the mean doubled direction around each block: 1 for parallel lines."""
    inside = part.astype(np.float32)
    cosine, sine = (
        grid.smooth(wave(2 * orientation) * inside, settings.constancy_sd)
        for wave in (np.cos, np.sin)
    )
    return float(
        (np.hypot(cosine, sine)[part] / grid.smooth(inside, settings.constancy_sd)[part]).mean()
    )


def _straightness(part: Bool, orientation: F32, strength: F32) -> float:
    """Length of the mean fourfold direction: 1 where all lines are parallel or at right angles."""
    weight = strength[part] / strength[part].sum()
    return float(abs((weight * np.exp(4j * orientation[part])).sum()))


def _limit(part: Bool, settings: PlausibilitySettings) -> float:
    """A small part of a print may be almost straight, a large one never is."""
    large = part.sum() > settings.large
    return settings.max_straightness_large if large else settings.max_straightness
