"""Compares every print of a set with every other: the scores of verification."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.index.packing import pack_cells, pack_minutiae
from engine.matching import calibration, comparison
from engine.settings import Settings
from engine.types import CODE_WORDS
from evaluation.prints import Print
from kernels.packed import Packed
from kernels.ridges import Cells


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
    """log10 likelihood ratios of each probe with every print (-inf where there can be none), and µs
    of a comparison."""
    usable = np.array([each.template is not None for each in prints])
    held, place = pack(prints), np.cumsum(usable) - 1
    everyone = np.arange(len(held.minutiae), dtype=np.int64)
    meaning = calibration.load(settings.extractor)
    rows, took = [], []
    for i in probes:
        row = np.full(len(prints), -np.inf)
        if usable[i]:
            begin = time.thread_time()
            found = comparison.compare(
                take(held, place[i]), held, everyone, settings.rescoring, settings.comparison
            )
            row[usable] = meaning.llr(found)
            took.append(1e6 * (time.thread_time() - begin) / len(everyone))
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


def by_probe(probes: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Each of the probes of many pairs, given for each pair, with the places of its pairs: all that
    one call compares."""
    order = np.argsort(probes, kind="stable")
    each, starts = np.unique(probes[order], return_index=True)
    return list(zip(each, np.split(order, starts[1:]), strict=True))


def pack(prints: Iterable[Print]) -> comparison.Prints:
    """The prints as the kernels read them, without those that have no template."""
    templates = [each.template for each in prints if each.template]
    packed = pack_minutiae([template.minutiae for template in templates])
    none = np.zeros((0, CODE_WORDS), np.uint64)  # where nothing at all could be extracted
    codes = np.concatenate([none, *(template.codes for template in templates)])
    minutiae = Packed(np.ascontiguousarray(codes.T), *packed)
    return comparison.Prints(minutiae, pack_cells(*templates))


def take(prints: comparison.Prints, i: int) -> comparison.Prints:
    """Print i alone, as a probe."""
    minutiae, cells = prints
    a, b = minutiae.start[i], minutiae.start[i + 1]
    geometry = (part[a:b] for part in (minutiae.x, minutiae.y, minutiae.angle))
    alone = Packed(minutiae.codes[:, a:b], *geometry, np.array([0, b - a], np.int64))
    c, d = cells.start[i], cells.start[i + 1]
    edges = (part[i : i + 1] for part in (cells.width, cells.left, cells.top))
    return comparison.Prints(
        alone, Cells(cells.values[c:d], np.array([0, d - c], np.int64), *edges)
    )
