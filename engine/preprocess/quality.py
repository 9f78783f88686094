"""Rates a whole print: how well it will compare."""

from __future__ import annotations

import numpy as np

from engine.settings import RatingSettings
from engine.types import PPI, Minutiae, RidgeMap


def rate(ridges: RidgeMap, minutiae: Minutiae, settings: RatingSettings) -> int:
    """Quality of a print, 0..100: grows with the comparison scores to be expected of it.

    Clearness (of the ridges in the worse parts of the print, and of its minutiae) times amount
    (clear area and number of minutiae, of which more helps ever less). 0 without a mask or without
    minutiae. It is no NFIQ 2 score.
    """
    inside = ridges.quality[ridges.mask]
    if not inside.size or not len(minutiae):
        return 0
    worse = float(np.quantile(inside, settings.worse))
    sure = float(minutiae.quality.mean()) / 100
    area = float(inside.sum()) * (ridges.block / PPI * 25.4) ** 2
    amount = -np.expm1(-area / settings.area_mm2) * -np.expm1(-len(minutiae) / settings.minutiae)
    return round(100 * float(np.sqrt(worse * sure) * amount))
