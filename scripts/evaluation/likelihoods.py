"""Whether the likelihood ratios that the engine states are true: cost and reliability.

Ratios are mated over non-mated, log10; comparisons that a failure to extract made impossible have
none and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from metrics import F64
from scipy.optimize import isotonic_regression

from evaluation.verification import Verification, with_all

DECADES = np.arange(-10.5, 11.5)  # ends of the bins of log10 ratios; beyond them the last counts


@dataclass(frozen=True, slots=True)
class Reliability:
    """Stated ratios in bins of a decade, and how they turned out: float64, one of each bin.

    mated, nonmated: comparisons. stated: mean ratio. measured: log10 of the share of all mated
    over that of all non-mated comparisons that fell into it. Bins that are empty are not there.
    """

    mated: F64
    nonmated: F64
    stated: F64
    measured: F64


@dataclass(frozen=True, slots=True)
class Meaning:
    """cost, least: Cllr and minimal Cllr, bits."""

    cost: float
    least: float
    reliability: Reliability


def judge_sets(sets: Sequence[Verification]) -> dict[str, Meaning]:
    """The ratios of every set, and of all sets together."""
    stated = with_all({each.name: ratios(each) for each in sets})
    return {name: judge(*columns) for name, columns in stated.items() if all(map(len, columns))}


def ratios(measured: Verification) -> tuple[F64, F64]:
    """What the engine states of mated and of non-mated comparisons: a score is such a ratio."""
    scores = measured.scores
    made = np.isfinite(scores.score)
    return scores.score[made & scores.mated], scores.score[made & ~scores.mated]


def judge(mated: F64, nonmated: F64) -> Meaning:
    """Cost and reliability of ratios."""
    least = cllr(*restate(mated, nonmated))
    return Meaning(cllr(mated, nonmated), least, reliability(mated, nonmated))


def cllr(mated: F64, nonmated: F64) -> float:
    """Cost of ratios in bits, 1 for those that say nothing (Brümmer and du Preez,
    "Application-independent evaluation of speaker detection", Computer Speech and Language 20,
    2006)."""
    ten = np.log(10)
    miss = np.logaddexp(0, -ten * mated).mean()
    false = np.logaddexp(0, ten * nonmated).mean()
    return float((miss + false) / 2 / np.log(2))


def restate(mated: F64, nonmated: F64) -> tuple[F64, F64]:
    """The ratios that cost least and keep the order of these, by pooling adjacent violators
    (same paper, section 6)."""
    values, place = np.unique(np.concatenate([mated, nonmated]), return_inverse=True)
    mine, both = np.bincount(place[: len(mated)], minlength=len(values)), np.bincount(place)
    share = isotonic_regression(mine / both, weights=both).x
    with np.errstate(divide="ignore"):
        ratio = np.log10(share) - np.log10(1 - share) - np.log10(len(mated) / len(nonmated))
    return ratio[place[: len(mated)]], ratio[place[len(mated) :]]


def reliability(mated: F64, nonmated: F64) -> Reliability:
    """Stated ratios against what they turned out to be."""
    mine, theirs = (np.histogram(_inside(part), DECADES)[0] for part in (mated, nonmated))
    stated = np.concatenate([mated, nonmated])
    total = np.histogram(_inside(stated), DECADES, weights=stated)[0]
    some = mine + theirs > 0
    mine, theirs, total = mine[some], theirs[some], total[some]
    with np.errstate(divide="ignore"):
        measured = np.log10(mine / len(mated)) - np.log10(theirs / len(nonmated))
    return Reliability(mine, theirs, total / (mine + theirs), measured)


def figures(meanings: dict[str, Meaning]) -> dict:
    """The figures as they are written; what is infinite is null."""
    return {
        name: {
            "cllr": each.cost,
            "min_cllr": each.least,
            "reliability": {
                part: [float(x) if np.isfinite(x) else None for x in column]
                for part, column in asdict(each.reliability).items()
            },
        }
        for name, each in meanings.items()
    }


def _inside(ratio: F64) -> F64:
    return np.clip(ratio, DECADES[0], DECADES[-1])
