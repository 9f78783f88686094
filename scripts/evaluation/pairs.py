"""The pairs that make the errors: mated ones that agree least, non-mated ones that agree most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine import pipeline
from engine.formats.images import read_image
from engine.report.draw import draw_pairs
from engine.report.page import Picture, encode_picture
from engine.settings import Settings
from engine.types import U8
from evaluation.prints import Print
from evaluation.verification import Verification

SHOWN = 8  # pairs of each kind


@dataclass(frozen=True, slots=True)
class Pair:
    """Two prints of one set that were compared."""

    folder: str
    one: Print
    other: Print
    score: float

    def told(self) -> dict:
        """The pair by names."""
        return {
            "set": self.folder,
            "one": self.one.name,
            "other": self.other.name,
            "score": self.score,
        }


def worst_mated(sets: Sequence[Verification], most: int = SHOWN) -> list[Pair]:
    """The mated pairs of the lowest scores, lowest first. Pairs that a failure to extract made
    impossible are no such comparison."""
    return sorted(_extreme(sets, True, most), key=lambda pair: pair.score)[:most]


def best_nonmated(sets: Sequence[Verification], most: int = SHOWN) -> list[Pair]:
    """The non-mated pairs of the highest scores, highest first."""
    return sorted(_extreme(sets, False, most), key=lambda pair: -pair.score)[:most]


def draw(pair: Pair, settings: Settings) -> Picture:
    """Both prints side by side, with the minutiae that the comparison paired."""
    probe, candidate = pair.one.template, pair.other.template
    assert probe and candidate  # they were compared
    drawn = draw_pairs(
        _pixels(pair.one),
        probe.minutiae,
        _pixels(pair.other),
        candidate.minutiae,
        pipeline.compare(probe, candidate, settings).pairs,
        captions=(pair.one.name, pair.other.name),
    )
    return encode_picture(drawn, f"{pair.one.name} beside {pair.other.name}")


def _extreme(sets: Sequence[Verification], mated: bool, most: int) -> list[Pair]:
    """The lowest mated or highest non-mated pairs of every set."""
    found = []
    for each in sets:
        scores = each.scores
        which = np.flatnonzero((scores.mated == mated) & np.isfinite(scores.score))
        order = np.argsort(scores.score[which] if mated else -scores.score[which], kind="stable")
        found += [
            Pair(
                each.name,
                each.prints[scores.first[i]],
                each.prints[scores.second[i]],
                float(scores.score[i]),
            )
            for i in which[order[:most]]
        ]
    return found


def _pixels(each: Print) -> U8 | None:
    return read_image(each.path).pixels if each.path else None
