"""Fuses the fingers of one person into one score.

A finger's evidence is its significance: -log10 of the share of non-mated comparisons that agree
as well. Independent fingers are combined by Fisher's method (Statistical Methods for Research
Workers, 1925, section 21.1): minus twice the sum of the logarithms is chi-square distributed, and
its tail is again such a share. One finger fused is that finger; a finger that says nothing costs
little; the threshold means the same for any number of fingers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincc, gammaln

from engine.types import F32, F64, I64, U8


class Best(NamedTuple):
    """The best print of each of n persons for one probe finger.

    significance: float64 (n,), after what is taken off for choosing among several prints and for
    positions that differ, 0 at least. which: int64 (n,), index into the prints compared.
    """

    significance: F64
    which: I64


def finalists(owner: I64, scores: F32, most: int) -> I64:
    """The owners of the best comparison scores: int64, at most `most` persons, best first."""
    order = np.argsort(-scores, kind="stable")
    people, first = np.unique(owner[order], return_index=True)
    return people[np.argsort(first, kind="stable")][:most]


def best_of(
    owner: I64, significance: F64, position: U8, probe_position: int, misplaced: float
) -> Best:
    """For each of n persons, the print that speaks most for this probe finger.

    owner: int64, whose each print is, every number 0..n-1 at least once. significance, position:
    of each print. The best of m prints is chosen, so log10 m is taken off (Bonferroni), and
    `misplaced` more where both positions are known and differ.
    """
    differs = (position != probe_position) & (position != 0) & (probe_position != 0)
    worth = significance - misplaced * differs
    order = np.lexsort((-worth, owner))
    which = order[np.unique(owner[order], return_index=True)[1]]
    return Best(np.maximum(worth[which] - np.log10(np.bincount(owner)), 0), which)


def one_each(positions: Sequence[int], significance: F64, llr: F64) -> tuple[F64, F64]:
    """One row for each finger of the probe: impressions of one finger are no independent evidence.

    positions: of the k impressions; 0, unknown, counts as a finger of its own. significance, llr:
    float64 (k, n), for each of n persons. Of m impressions of a finger the one that speaks most
    stands, and log10 m is taken off its significance. Returns float64 (fingers, n) each.
    """
    rows: dict[int, list[int]] = {}
    for i, position in enumerate(positions):
        rows.setdefault(position or -1 - i, []).append(i)
    weight, ratio = [], []
    for finger in rows.values():
        mine = significance[finger]
        best = mine.argmax(axis=0)[None]
        weight.append(np.maximum(mine.max(axis=0) - np.log10(len(finger)), 0))
        ratio.append(np.take_along_axis(llr[finger], best, axis=0)[0])
    return np.array(weight), np.array(ratio)


def fuse(significances: F64) -> F64:
    """Fused significance of n persons from that of their k fingers: float64 (k, n) to (n,)."""
    k = len(significances)
    half = significances.sum(axis=0) * np.log(10)  # half the chi-square statistic, 2k degrees
    tail = gammaincc(k, half)
    # far out the tail underflows: half^(k-1) e^-half / (k-1)! is its leading term
    far = (k - 1) * np.log(np.maximum(half, 1)) - half - gammaln(k)
    logarithm = np.where(tail > 1e-200, np.log(np.maximum(tail, 1e-300)), far)
    return np.asarray(-logarithm / np.log(10) + 0.0, np.float64)
