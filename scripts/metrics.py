"""Error rates from comparison scores, after ISO/IEC 19795-1 and the FVC protocol: rates 0..1.

Scores grow with likeness; a comparison that a failure to extract made impossible has the score
-inf, so it is a miss at every threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rates:
    """False match and false non-match rates at every threshold that makes a difference.

    threshold: float64 (T,), ascending; fmr falls and fnmr grows along it.
    """

    threshold: F64
    fmr: F64
    fnmr: F64


def rates(mated: F64, nonmated: F64) -> Rates:
    """FMR and FNMR with a match declared at score >= threshold.

    Raises ValueError where either kind of comparison is missing.
    """
    if not len(mated) or not len(nonmated):
        raise ValueError("error rates need mated and non-mated comparisons")
    finite = np.concatenate([mated, nonmated])
    finite = finite[np.isfinite(finite)]
    threshold = np.unique(np.concatenate([finite, [np.inf]]))
    fnmr = np.searchsorted(np.sort(mated), threshold, side="left") / len(mated)
    fmr = 1 - np.searchsorted(np.sort(nonmated), threshold, side="left") / len(nonmated)
    return Rates(threshold, fmr, fnmr)


def equal_error_rate(found: Rates) -> float:
    """Where FMR and FNMR meet; the middle of the step where they jump past each other."""
    after = int(np.argmax(found.fnmr >= found.fmr))
    before = max(after - 1, 0)
    low = max(found.fnmr[before], found.fmr[after])
    high = min(found.fmr[before], found.fnmr[after])
    return float((low + high) / 2)


def fnmr_at(found: Rates, fmr: float) -> float:
    """The lowest FNMR at a threshold with at most this FMR (0: ZeroFMR)."""
    return float(found.fnmr[int(np.argmax(found.fmr <= fmr))])


def rank_one(scores: F64, mate: npt.NDArray[np.intp]) -> float:
    """Share of probes whose mate has the best score; ties count against it.

    scores: (probes, gallery). mate: (probes,), the mate's column.
    """
    own = scores[np.arange(len(scores)), mate]
    rivals = scores.copy()
    rivals[np.arange(len(scores)), mate] = -np.inf
    found = (own > rivals.max(axis=1)) & np.isfinite(own)
    return float(found.mean())
