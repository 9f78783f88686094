"""Compares every print of a set with every other: the scores of verification."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.index.packing import pack_minutiae
from engine.matching.rescoring import rescore
from engine.settings import Settings
from engine.types import CODE_WORDS
from evaluation.prints import Print
from kernels.packed import Packed


@dataclass(frozen=True, slots=True)
class Scores:
    """All comparisons of one set: of print first[i] with second[i], -inf where impossible.

    square: the same and the other way round, a row for each print as the probe."""

    square: np.ndarray
    first: np.ndarray
    second: np.ndarray
    score: np.ndarray
    mated: np.ndarray
    compare_us: float


def compare_rows(
    prints: Sequence[Print], probes: Iterable[int], settings: Settings
) -> tuple[list[np.ndarray], list[float]]:
    """Scores of each probe with every print (-inf where impossible), and µs of a comparison."""
    usable = np.array([each.template is not None for each in prints])
    packed, place = pack(prints), np.cumsum(usable) - 1
    everyone = np.arange(len(packed), dtype=np.int64)
    rows, took = [], []
    for i in probes:
        row = np.full(len(prints), -np.inf)
        if usable[i]:
            begin = time.thread_time()
            scores = rescore(take(packed, place[i]), packed, everyone, settings.rescoring)
            took.append(1e6 * (time.thread_time() - begin) / len(everyone))
            row[usable] = scores
        rows.append(row)
    return rows, took


def compare_all(prints: Sequence[Print], settings: Settings) -> Scores:
    """Every pair of prints of a set, once."""
    rows, took = compare_rows(prints, range(len(prints)), settings)
    first, second = np.triu_indices(len(prints), 1)
    finger = np.array([each.finger for each in prints])
    square = np.stack(rows)
    return Scores(
        square,
        first,
        second,
        square[first, second],
        finger[first] == finger[second],
        float(np.median(took)) if took else 0.0,
    )


def pack(prints: Iterable[Print]) -> Packed:
    """The prints as the kernels read them; one without a template has no minutiae."""
    templates = [each.template for each in prints if each.template]
    packed = pack_minutiae([template.minutiae for template in templates])
    none = np.zeros((0, CODE_WORDS), np.uint64)  # where nothing at all could be extracted
    codes = np.concatenate([none, *(template.codes for template in templates)])
    return Packed(np.ascontiguousarray(codes.T), *packed)


def take(packed: Packed, i: int) -> Packed:
    """Print i alone, as a probe."""
    a, b = packed.start[i], packed.start[i + 1]
    alone = np.array([0, b - a], np.int64)
    return Packed(packed.codes[:, a:b], packed.x[a:b], packed.y[a:b], packed.angle[a:b], alone)
