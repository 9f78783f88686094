"""Rates a whole print: how well it will compare."""

from __future__ import annotations

import numpy as np

from engine.types import Minutiae, RidgeMap


def rate(ridges: RidgeMap, minutiae: Minutiae) -> int:
    """Quality of a print, 0..100: grows with the comparison scores to be expected of it."""
    area = float((ridges.quality * ridges.mask).sum()) * (ridges.block / 500 * 25.4) ** 2
    sure = float(minutiae.quality.astype(np.float64).sum()) / 100
    return round(100 * (1 - np.exp(-area / 60)) * (1 - np.exp(-sure / 10)))
