"""Figures of a set of prints by their minutiae, and how far two sets lie apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from engine.types import F64, PPI, Minutiae, MinutiaKind

NEAR, NEARER = 60.0, 25.0  # px, within which pairs are looked at
LEAST = 4  # minutiae of a print that has figures
MM = 25.4 / PPI  # of a px


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a set: a value for each print or minutia, and what it weighs in the mean."""

    values: F64
    weights: F64

    @property
    def mean(self) -> float:
        """Of all that the values stand for, pairs or minutiae."""
        return float(np.average(self.values, weights=self.weights))

    @property
    def sd(self) -> float:
        """Standard deviation of the values."""
        return float(self.values.std())

    def at(self, *percent: float) -> list[float]:
        """Percentiles of the values."""
        return [float(each) for each in np.percentile(self.values, percent)]


Figures = Mapping[str, Figure]


def measure(prints: Sequence[Minutiae]) -> Figures:
    """All figures of a set of prints; those of fewer than four minutiae are left out."""
    used = [each for each in prints if len(each) >= LEAST]
    found: dict[str, list[tuple[F64, F64]]] = {name: [] for name in MEASURES}
    for each in used:
        for name, of in MEASURES.items():
            found[name].append(of(each))
    return {
        name: Figure(*(np.concatenate(part) for part in zip(*rows, strict=True)))
        for name, rows in found.items()
    }


def distance(one: Figure, other: Figure) -> float:
    """The largest difference between the cumulative shares of two figures' values, 0..1, as
    Kolmogorov and Smirnov measure it."""
    values = np.concatenate([one.values, other.values])
    share = [
        np.searchsorted(np.sort(each.values), values, side="right") / len(each.values)
        for each in (one, other)
    ]
    return float(np.abs(share[0] - share[1]).max())


def _each(values: npt.NDArray[np.floating]) -> tuple[F64, F64]:
    """A value for each minutia."""
    return values.astype(np.float64), np.ones(len(values))


def _mean(values: npt.NDArray[np.generic]) -> tuple[F64, F64]:
    """The mean of a print, which weighs as much as it has values; none where it has none."""
    if not values.size:
        return np.empty(0), np.empty(0)
    return np.array([values.mean()], np.float64), np.array([float(values.size)])


def _gaps(minutiae: Minutiae) -> F64:
    """px between all minutiae, n×n; infinite from each to itself."""
    place = (minutiae.x + 1j * minutiae.y).astype(np.complex128)
    gap = np.abs(place[:, None] - place)
    np.fill_diagonal(gap, np.inf)
    return gap


def _turns(minutiae: Minutiae, reach: float) -> F64:
    """rad between the directions of all pairs within `reach` px, each counted twice."""
    angle = minutiae.angle.astype(np.float64)
    between = np.angle(np.exp(1j * (angle[:, None] - angle)))
    return between[_gaps(minutiae) < reach]


def _bend(minutiae: Minutiae) -> tuple[F64, F64]:
    turns = np.abs(_turns(minutiae, NEAR))
    return _mean(np.minimum(turns, np.pi - turns))


def _alike(reach: float) -> Callable[[Minutiae], tuple[F64, F64]]:
    return lambda minutiae: _mean(np.abs(_turns(minutiae, reach)) < np.pi / 2)


def _density(minutiae: Minutiae) -> tuple[F64, F64]:
    """Minutiae per mm² of their convex hull."""
    area = ConvexHull(np.stack([minutiae.x, minutiae.y], axis=1)).volume * MM * MM
    return _each(np.array([len(minutiae) / max(area, 1.0)]))


MEASURES: Mapping[str, Callable[[Minutiae], tuple[F64, F64]]] = {
    "count": lambda each: _each(np.array([len(each)])),
    "density": _density,
    "nearest": lambda each: _each(_gaps(each).min(axis=1)),
    "neighbours": lambda each: _each((_gaps(each) < NEAR).sum(axis=1)),
    "direction": lambda each: _each(each.angle),
    "down": lambda each: _mean(each.angle > np.pi),
    "bend": _bend,
    "alike": _alike(NEAR),
    "alike_near": _alike(NEARER),
    "endings": lambda each: _mean(each.kind == MinutiaKind.ENDING),
    "confidence": lambda each: _each(each.quality / 100),
}
