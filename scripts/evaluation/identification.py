"""The figures of identification in a gallery of one size, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import metrics
import numpy as np
from metrics import F64

from engine.matching.thresholds import threshold
from evaluation import intervals
from evaluation.intervals import Bootstrap, Interval
from evaluation.searches import LISTED, Searches

FPIRS = (1e-2, 1e-3)  # FNIR is told at these, measured
STATED = (1e-1, 1e-2, 1e-3)  # and FPIR at the thresholds that the engine states for these
RANKS = (1, 5, LISTED)
GRID = np.logspace(-3, 0, 31)  # FPIR at which the curve of FNIR has its band


@dataclass(frozen=True, slots=True)
class Identification:
    """What was measured in one gallery; shares 0..1.

    found: FPIR and FNIR with the mate among the first LISTED, at every threshold. fnir: intervals
    at FPIRS. band: of FNIR at the FPIRs of GRID. ranks: intervals of the share of mates that are
    not among the first 1..LISTED. thresholds: of the engine for STATED. false, missed: intervals
    of FPIR and FNIR there.
    """

    searches: Searches
    found: metrics.Rates
    fnir: Interval
    band: Interval
    ranks: Interval
    thresholds: F64
    false: Interval
    missed: Interval


def identify(searches: Searches, bootstrap: Bootstrap) -> Identification:
    """Measures what came of the searches."""
    unit, mate, other = searches.unit, searches.column("mate"), searches.column("other")
    count = len(mate)
    steps = metrics.arrange(mate, other)
    fnir = intervals.measure(
        intervals.resample_searches(steps, unit, bootstrap),
        lambda found: metrics.fnmr_at(found, [*FPIRS, *GRID]),
    )
    thresholds = np.array([threshold(fpir, searches.persons) for fpir in STATED])
    unlisted = ~metrics.hits(searches.column("rank"), range(1, LISTED + 1))

    def share(happened: np.ndarray) -> Interval:
        return intervals.interval(
            intervals.resample_shares(unit, happened, bootstrap), count, bootstrap
        )

    return Identification(
        searches,
        metrics.weigh(steps),
        intervals.interval(fnir[:, : len(FPIRS)], count, bootstrap),
        intervals.interval(fnir[:, len(FPIRS) :], count, bootstrap),
        share(unlisted),
        thresholds,
        share(other[:, None] >= thresholds),
        share(mate[:, None] < thresholds),
    )


def figures(measured: Identification) -> dict:
    """The figures as they are written: rates and intervals in percent, times in ms.

    A mated search is lost by extraction (no template of probe or mate), by pre-selection (the
    mate is never compared), or else by comparison (not listed, or below the threshold).
    other_enrolled: how often the best non-mate is one of the roster; enrolled: their share of the
    gallery, which it would be if distractors were as like a probe as the roster's prints are.
    """
    searches, found = measured.searches, measured.found
    extracted, compared = searches.column("extracted"), searches.column("compared")
    took = searches.column("ms")[searches.column("ms") > 0]
    unextracted, unselected = np.mean(~extracted), np.mean(extracted & ~compared)
    listed = metrics.hits(searches.column("rank"), range(1, LISTED + 1)).mean(axis=0)
    return {
        "persons": searches.persons,
        "prints": searches.prints,
        "enrolled": percent(searches.enrolled / searches.persons),
        "other_enrolled": percent(np.mean(searches.column("other_enrolled"))),
        "searches": len(searches.outcomes),
        "extraction_error": percent(unextracted),
        "preselection_error": percent(unselected),
        **{f"rank{rank}": percent(listed[rank - 1]) for rank in RANKS},
        "cmc": percents(listed),
        "cmc_intervals": [
            [percent(1 - high), percent(1 - low)]
            for low, high in zip(measured.ranks.low, measured.ranks.high, strict=True)
        ],
        "at_measured_fpir": [
            {
                "fpir": percent(fpir),
                "threshold": metrics.threshold_at(found, fpir),
                "fnir": percent(fnir),
                "fnir_interval": _ends(measured.fnir, i),
                "comparison_error": percent(fnir - unextracted - unselected),
            }
            for i, (fpir, fnir) in enumerate(zip(FPIRS, metrics.fnmr_at(found, FPIRS), strict=True))
        ],
        "at_stated_fpir": [
            {
                "fpir": percent(fpir),
                "threshold": float(least),
                "measured_fpir": percent(np.mean(searches.column("other") >= least)),
                "measured_fpir_interval": _ends(measured.false, i),
                "fnir": percent(np.mean(searches.column("mate") < least)),
                "fnir_interval": _ends(measured.missed, i),
            }
            for i, (fpir, least) in enumerate(zip(STATED, measured.thresholds, strict=True))
        ],
        "search_ms": float(np.median(took)),
        "search_p95_ms": float(np.quantile(took, 0.95)),
    }


def percent(share: float) -> float:
    return 100 * float(share)


def percents(shares: F64) -> list[float]:
    return [percent(share) for share in shares]


def _ends(ends: Interval, i: int) -> list[float]:
    return [percent(ends.low[i]), percent(ends.high[i])]
