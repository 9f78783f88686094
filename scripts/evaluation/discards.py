"""Error versus discard: how much the quality of prints says of the errors they will make.

Comparisons are discarded, those of the lowest quality first, and FNMR measured on the rest at a
threshold that stays (Grother and Tabassi, "Performance of biometric quality measures", IEEE
TPAMI 29, 2007). The quality of a comparison is the lower of its two prints'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import metrics
import numpy as np
from metrics import F64, Bool

from evaluation.verification import Verification, with_all

FMR = 1e-3  # of the threshold, before anything is discarded
MOST = 0.2  # of the comparisons discarded: the area is taken up to here
GRID = np.linspace(0, 0.5, 101)  # shares discarded, of the curve; MOST is one of them


@dataclass(frozen=True, slots=True)
class Discards:
    """fnmr: float64, at each share of GRID. area, ideal: mean of the curve over 0..MOST as a
    share of its begin, measured and where every error had been foreseen; 1: nothing foreseen.
    None without an error."""

    fnmr: F64
    area: float | None
    ideal: float | None


def discard_sets(sets: Sequence[Verification]) -> dict[str, Discards]:
    """The curve of every set at its own threshold, and of all sets together."""
    compared = with_all({each.name: qualities(each) for each in sets})
    return {name: discard(*columns) for name, columns in compared.items()}


def qualities(measured: Verification) -> tuple[F64, Bool]:
    """Quality of each mated comparison (-1 where a print gave no template), and if it failed."""
    quality = np.array([p.template.quality if p.template else -1 for p in measured.prints])
    scores = measured.scores
    mated = scores.mated
    lower = np.minimum(quality[scores.first[mated]], quality[scores.second[mated]])
    return lower, scores.score[mated] < metrics.threshold_at(measured.found, FMR)


def discard(quality: F64, failed: Bool) -> Discards:
    """The curve of mated comparisons; where qualities are equal, chance decides who goes first."""
    fnmr = curve(quality, failed)
    return Discards(fnmr, area(fnmr), area(curve(~failed, failed)))


def curve(quality: F64 | Bool, failed: Bool) -> F64:
    """Expected FNMR after each share of GRID was discarded."""
    level = np.unique(quality, return_inverse=True)[1]
    gone = np.cumsum(np.bincount(level)) / len(quality)
    errors_gone = np.cumsum(np.bincount(level, failed)) / len(quality)
    left = failed.mean() - np.interp(GRID, [0, *gone], [0, *errors_gone])
    return np.maximum(left, 0) / (1 - GRID)


def area(fnmr: F64) -> float | None:
    """Mean over 0..MOST as a share of the begin; None where there is no error to foresee."""
    if fnmr[0] == 0:
        return None
    inside = GRID <= MOST
    return float(np.trapezoid(fnmr[inside], GRID[inside]) / MOST / fnmr[0])


def figures(curves: dict[str, Discards]) -> dict:
    """The figures as they are written: rates in percent."""
    return {
        name: {"area": each.area, "ideal": each.ideal, "fnmr": (100 * each.fnmr).tolist()}
        for name, each in curves.items()
    }
