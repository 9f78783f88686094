"""Rates a whole print: how well it will compare."""

from __future__ import annotations

import numpy as np

from engine.types import PPI, Minutiae, RidgeMap


def rate(ridges: RidgeMap, minutiae: Minutiae) -> int:
    """Quality of a print, 0..100: grows with the comparison scores to be expected of it."""
    good = float((ridges.quality * ridges.mask).sum()) * _block_mm2(ridges)
    sure = float(minutiae.quality.astype(np.float64).sum()) / 100
    return round(100 * (1 - np.exp(-good / 60)) * (1 - np.exp(-sure / 10)))


def area(ridges: RidgeMap) -> float:
    """mm² of the mask."""
    return float(ridges.mask.sum()) * _block_mm2(ridges)


def _block_mm2(ridges: RidgeMap) -> float:
    return (ridges.block / PPI * 25.4) ** 2
