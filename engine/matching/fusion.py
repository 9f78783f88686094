"""Fuses the fingers of one person into one score.

A finger's evidence is its log10 likelihood ratio. Those of several fingers add up, each clipped,
so that one finger neither damns nor proves a person alone. A finger that the person has no print
of says nothing against them; one whose print stands under another position (prints get
swapped) still counts, a little less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.matching.calibration import LEAST, MOST
from engine.types import F32, F64, I64, U8


class Best(NamedTuple):
    """The best print of each of n persons for one probe finger.

    llr: float64 (n,) log10, less what is taken off for choosing among several prints and for
    positions that differ. which: int64 (n,), index into the prints compared.
    """

    llr: F64
    which: I64


def finalists(owner: I64, scores: F32, most: int) -> I64:
    """The owners of the best comparison scores: int64, at most `most` persons, best first."""
    order = np.argsort(-scores, kind="stable")
    people, first = np.unique(owner[order], return_index=True)
    return people[np.argsort(first, kind="stable")][:most]


def best_of(owner: I64, llr: F64, position: U8, probe_position: int, misplaced: float) -> Best:
    """For each of n persons, the print that speaks most for this probe finger.

    owner: int64, whose each print is, every number 0..n-1 at least once. llr, position: of each
    print. The best of m prints is chosen, so log10 m is taken off (a union bound), and
    `misplaced` more where both positions are known and differ. Where a person has no print that
    could be this finger, the others may speak for them, but not against: NaN where they would.
    """
    differs = (position != probe_position) & (position != 0) & (probe_position != 0)
    worth = llr - misplaced * differs
    order = np.lexsort((-worth, owner))
    which = order[np.unique(owner[order], return_index=True)[1]]
    prints = np.bincount(owner)
    best = worth[which] - np.log10(prints)
    missing = np.bincount(owner, differs) == prints
    return Best(np.where(missing & (best <= 0), np.nan, best), which)


def one_each(positions: Sequence[int], llr: F64) -> F64:
    """One row for each finger of the probe: impressions of one finger are no independent evidence.

    positions: of the k impressions; 0, unknown, counts as a finger of its own. llr: float64 (k, n)
    for each of n persons. Of m impressions of a finger the one that speaks most stands, less
    log10 m. Returns float64 (fingers, n).
    """
    fingers = by_finger(positions)
    return np.array([np.fmax.reduce(llr[of]) - np.log10(len(of)) for of in fingers])


def by_finger(positions: Sequence[int]) -> list[list[int]]:
    """The impressions of each finger, as indices, by their positions."""
    rows: dict[int, list[int]] = {}
    for i, position in enumerate(positions):
        rows.setdefault(position or -1 - i, []).append(i)
    return list(rows.values())


def fuse(llr: F64) -> tuple[F64, I64]:
    """Log10 likelihood ratios of n persons from those of their k fingers, and of how many fingers:
    float64 (k, n), NaN where a person has no such finger, to float64 (n,) and int64 (n,).

    Each is clipped to LEAST..MOST before they add up; a single finger is not.
    """
    counted = (~np.isnan(llr)).sum(axis=0)
    total = np.where(counted == 1, np.nansum(llr, 0), np.nansum(np.clip(llr, LEAST, MOST), 0))
    return total, counted
