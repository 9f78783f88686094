"""The figures of verification on one set of prints, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import metrics
import numpy as np
from metrics import F64

from engine.settings import Settings
from evaluation import intervals
from evaluation.comparisons import Scores, compare_all
from evaluation.intervals import Bootstrap, Interval
from evaluation.prints import Print, number

FMRS = {"fmr100": 1e-2, "fmr1000": 1e-3, "zero_fmr": 0.0}  # the FVC protocol's
ERRORS = ("eer", *FMRS)
GRID = np.logspace(-5, 0, 51)  # FMR at which a DET curve has its band


@dataclass(frozen=True, slots=True)
class Verification:
    """What was measured on one set.

    resampled: float64 (resamples, 4), ERRORS in each. band: of FNMR at the FMRs of GRID.
    """

    name: str
    prints: Sequence[Print]
    scores: Scores
    found: metrics.Rates
    resampled: F64
    band: Interval

    @property
    def n_mated(self) -> int:
        return int(self.scores.mated.sum())

    @property
    def n_nonmated(self) -> int:
        return int((~self.scores.mated).sum())


def verify(
    name: str, prints: Sequence[Print], settings: Settings, bootstrap: Bootstrap
) -> Verification:
    """Compares all prints of a set. ValueError where they make no mated or non-mated pair."""
    scores = compare_all(prints, settings)
    mated = scores.mated
    steps = metrics.arrange(scores.score[mated], scores.score[~mated])
    finger = number([each.finger for each in prints])
    one, other = finger[scores.first], finger[scores.second]
    resampled = intervals.measure(
        intervals.resample_pairs(steps, one[mated], (one[~mated], other[~mated]), bootstrap),
        lambda found: np.append(errors(found), metrics.fnmr_at(found, GRID)),
    )
    few, band = np.split(resampled, [len(ERRORS)], axis=1)
    return Verification(
        name,
        prints,
        scores,
        metrics.weigh(steps),
        few,
        intervals.interval(band, int(mated.sum()), bootstrap),
    )


def errors(found: metrics.Rates) -> F64:
    """ERRORS of these rates: float64 (4,), 0..1."""
    return np.append(metrics.equal_error_rate(found), metrics.fnmr_at(found, list(FMRS.values())))


def figures(measured: Verification, bootstrap: Bootstrap) -> dict:
    """The figures of one set: rates and intervals in percent, times in ms and µs."""
    prints, scores = measured.prints, measured.scores
    found = zip(ERRORS, 100 * errors(measured.found), strict=True)
    return {
        **{name: float(value) for name, value in found},
        "rank1": 100 * rank_one(prints, scores.square),
        "fte": 100 * float(np.mean([each.template is None for each in prints])),
        "n_mated": measured.n_mated,
        "n_nonmated": measured.n_nonmated,
        "extract_ms": 1e3 * float(np.median([each.cpu for each in prints])),
        "compare_us": scores.compare_us,
        "intervals": percent_intervals(measured.resampled, measured.n_mated, bootstrap),
    }


def mean(sets: Sequence[dict], all_measured: Sequence[Verification], bootstrap: Bootstrap) -> dict:
    """The mean of the sets' figures; that of their resamples, for they were drawn apart."""
    same = min(len(each.resampled) for each in all_measured)
    resampled = np.mean([each.resampled[:same] for each in all_measured], axis=0)
    trials = sum(each.n_mated for each in all_measured)
    rates = [name for name in sets[0] if name != "intervals" and not name.startswith("n_")]
    return {
        **{name: float(np.mean([row[name] for row in sets])) for name in rates},
        "intervals": percent_intervals(resampled, trials, bootstrap),
    }


def with_all(columns: Mapping[str, tuple[np.ndarray, ...]]) -> dict[str, tuple[np.ndarray, ...]]:
    """The columns of every set, and those of all sets one after the other."""
    joined = tuple(np.concatenate(parts) for parts in zip(*columns.values(), strict=True))
    return {**columns, "all sets": joined}


def percent_intervals(resampled: F64, trials: int, bootstrap: Bootstrap) -> dict:
    """Lower and upper end of each of ERRORS, percent."""
    ends = intervals.interval(resampled, trials, bootstrap)
    return {
        name: [float(100 * low), float(100 * high)]
        for name, low, high in zip(ERRORS, ends.low, ends.high, strict=True)
    }


def rank_one(prints: Sequence[Print], square: F64) -> float:
    """Share of probes whose mate comes first among the first impressions of every finger.

    square: score of each print, as the probe, with each; the gallery's own rows are not read."""
    enrolled: dict[str, int] = {}
    for i, each in enumerate(prints):
        enrolled.setdefault(each.finger, i)
    gallery = list(enrolled.values())
    probes = [i for i in range(len(prints)) if enrolled[prints[i].finger] != i]
    column = {prints[i].finger: k for k, i in enumerate(gallery)}
    mate = np.array([column[prints[i].finger] for i in probes])
    return metrics.rank_one(square[probes][:, gallery], mate)
