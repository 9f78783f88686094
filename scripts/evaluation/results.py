"""All that was measured, and every figure of it as it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation import discards, identification, likelihoods, pairs, verification
from evaluation.discards import Discards
from evaluation.identification import Identification
from evaluation.intervals import Bootstrap
from evaluation.likelihoods import Meaning
from evaluation.pairs import Pair
from evaluation.verification import Verification


@dataclass(frozen=True, slots=True)
class Measured:
    """Verification on every set, identification in every gallery; of the sets, and of all
    together, what quality foresees and what scores mean; the pairs that make the errors."""

    sets: Sequence[Verification]
    galleries: Sequence[Identification]
    quality: Mapping[str, Discards]
    meaning: Mapping[str, Meaning]
    worst_mated: Sequence[Pair]
    best_nonmated: Sequence[Pair]


def gather(sets: Sequence[Verification], galleries: Sequence[Identification]) -> Measured:
    """Everything, from the comparisons and the searches."""
    return Measured(
        sets,
        galleries,
        discards.discard_sets(sets),
        likelihoods.judge_sets(sets),
        pairs.worst_mated(sets),
        pairs.best_nonmated(sets),
    )


def figures(measured: Measured, bootstrap: Bootstrap) -> dict:
    """Every figure: rates in percent, times in ms and µs."""
    rows = [verification.figures(each, bootstrap) for each in measured.sets]
    return {
        "sets": {each.name: row for each, row in zip(measured.sets, rows, strict=True)},
        "mean": verification.mean(rows, measured.sets, bootstrap),
        "identification": [identification.figures(each) for each in measured.galleries],
        "quality": discards.figures(measured.quality),
        "meaning": likelihoods.figures(measured.meaning),
        "worst_mated": [pair.told() for pair in measured.worst_mated],
        "best_nonmated": [pair.told() for pair in measured.best_nonmated],
    }


def raw_scores(sets: Sequence[Verification]) -> dict[str, np.ndarray]:
    """Every comparison of every set: which prints, score, mated or not; and the prints' names."""
    raw = {
        f"{each.name}/{part}": getattr(each.scores, part)
        for each in sets
        for part in ("first", "second", "score", "mated")
    }
    return raw | {f"{each.name}/prints": np.array([p.name for p in each.prints]) for each in sets}
