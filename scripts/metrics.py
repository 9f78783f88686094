"""Error rates from scores, after ISO/IEC 19795-1 and the FVC protocol: rates 0..1.

Scores grow with likeness; a comparison that a failure to extract made impossible has the score
-inf, so it is a miss at every threshold. What is said of comparisons holds for searches as well:
with the mate's score in each mated search and the best candidate's in each non-mated one, FMR is
FPIR and FNMR is FNIR.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rates:
    """False match and false non-match rates at every threshold that makes a difference.

    threshold: float64 (T,), ascending; fmr falls and fnmr grows along it, to 0 at the last.
    """

    threshold: F64
    fmr: F64
    fnmr: F64


@dataclass(frozen=True, slots=True)
class Steps:
    """Scores among the thresholds that make a difference: what resampling need not repeat.

    threshold: float64 (T,), ascending: below and just above each mated score, and inf; between
    two of them FNMR is constant. mated, nonmated: how many thresholds each score reaches.
    """

    threshold: F64
    mated: Index
    nonmated: Index


def arrange(mated: F64, nonmated: F64) -> Steps:
    """The steps of these scores. Raises ValueError where either kind of comparison is missing."""
    if not len(mated) or not len(nonmated):
        raise ValueError("error rates need mated and non-mated comparisons")
    scores = np.concatenate([mated, nonmated])
    lowest = scores[np.isfinite(scores)].min(initial=np.inf)
    own = mated[np.isfinite(mated)]
    threshold = np.unique(np.concatenate([[lowest], own, np.nextafter(own, np.inf), [np.inf]]))
    return Steps(
        threshold,
        np.searchsorted(threshold, mated, side="right"),
        np.searchsorted(threshold, nonmated, side="right"),
    )


def weigh(
    steps: Steps, mated: npt.NDArray | None = None, nonmated: npt.NDArray | None = None
) -> Rates:
    """The rates with a match declared at score >= threshold.

    mated, nonmated: how often each comparison counts, not all 0; without them once each.
    """
    size = len(steps.threshold)
    missed = np.cumsum(np.bincount(steps.mated, mated, size + 1))
    turned_away = np.cumsum(np.bincount(steps.nonmated, nonmated, size + 1))
    # the difference first: whole numbers are exact, and 0 stays 0
    passed = turned_away[-1] - turned_away[:size]
    return Rates(steps.threshold, passed / turned_away[-1], missed[:size] / missed[-1])


def rates(mated: F64, nonmated: F64) -> Rates:
    """FMR and FNMR of these scores. Raises ValueError where either kind is missing."""
    return weigh(arrange(mated, nonmated))


def equal_error_rate(found: Rates) -> float:
    """Where FMR and FNMR meet; the middle of the step where they jump past each other."""
    after = int(np.argmax(found.fnmr >= found.fmr))
    before = max(after - 1, 0)
    low = max(found.fnmr[before], found.fmr[after])
    high = min(found.fmr[before], found.fnmr[after])
    return float((low + high) / 2)


def fnmr_at(found: Rates, fmr: npt.ArrayLike) -> F64:
    """The lowest FNMR at a threshold with at most this FMR (0: ZeroFMR), for one or several."""
    return found.fnmr[_first(found, fmr)]


def threshold_at(found: Rates, fmr: float) -> float:
    """The lowest threshold of `found` with at most this FMR."""
    return float(found.threshold[_first(found, fmr)])


def _first(found: Rates, fmr: npt.ArrayLike) -> Index:
    return np.searchsorted(-found.fmr, -np.asarray(fmr, np.float64), side="left")


def rank_one(scores: F64, mate: Index) -> float:
    """Share of probes whose mate has the best score; ties count against it.

    scores: (probes, gallery). mate: (probes,), the mate's column.
    """
    own = scores[np.arange(len(scores)), mate]
    rivals = scores.copy()
    rivals[np.arange(len(scores)), mate] = -np.inf
    found = (own > rivals.max(axis=1)) & np.isfinite(own)
    return float(found.mean())


def hits(rank: Index, ranks: Sequence[int]) -> Bool:
    """Whether each mate is among the first 1, 5, 20, ...: bool (searches, ranks).

    rank: (searches,), of the mate on the candidate list from 1 on, 0 where it is not on it. The
    mean over searches is the cumulative match characteristic.
    """
    return (rank[:, None] > 0) & (rank[:, None] <= np.asarray(ranks))
