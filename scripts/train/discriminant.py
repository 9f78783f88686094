"""What learning takes from statistics: discriminant directions, and centres of clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from engine.types import F32


def separate(within: Any, total: Any, most: int, shrinkage: float) -> F32:
    """The `most` directions in which classes differ most for their spread within: (d, most).

    Fisher's linear discriminant: the leading eigenvectors of the total covariance (d, d) against
    that within classes, the latter shrunk by `shrinkage` towards a multiple of the unit matrix.
    Values of variance 1 within come out. What is learned on drawn prints and used on real ones
    wants much shrinkage: docs/experiments.md.
    """
    size = len(within)
    own = (1 - shrinkage) * within + shrinkage * np.trace(within) / size * np.eye(size)
    # few of many are found sooner by themselves
    only = [size - most, size - 1] if most < size // 4 else None
    _, directions = eigh(total, own, subset_by_index=only)
    return directions[:, ::-1][:, :most].astype(np.float32)


class Scatter:
    """Covariances within classes and in all, of values that come a batch at a time."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.classes = 0
        self.sum = np.zeros(size)
        self.square = np.zeros((size, size))
        self.inner = np.zeros((size, size))

    def add(self, values: F32, labels: npt.NDArray[np.int64]) -> None:
        """Adds values (n, d) with all those of their classes, labels (n,)."""
        order = np.argsort(labels, kind="stable")
        values = values[order]
        _, first, count = np.unique(labels[order], return_index=True, return_counts=True)
        centre = np.add.reduceat(values, first, axis=0) / count[:, None]
        inner = values - np.repeat(centre, count, axis=0)
        self.count += len(values)
        self.classes += len(first)
        self.sum += values.sum(axis=0)
        self.square += values.T @ values
        self.inner += inner.T @ inner

    @property
    def mean(self) -> F32:
        """float32 (d,)."""
        return np.asarray(self.sum / self.count, np.float32)

    @property
    def within(self) -> Any:
        """float64 (d, d)."""
        return self.inner / max(self.count - self.classes, 1)

    @property
    def total(self) -> Any:
        """float64 (d, d)."""
        mean = self.sum / self.count
        return self.square / self.count - np.outer(mean, mean)


def cluster(values: F32, count: int, rng: np.random.Generator, rounds: int = 20) -> F32:
    """`count` centres (count, d) of values (n, d) by Lloyd's algorithm."""
    centres = values[rng.choice(len(values), count, replace=False)]
    for _ in range(rounds):
        distance = (centres**2).sum(axis=1) - 2 * values @ centres.T
        nearest = distance.argmin(axis=1)
        for k in range(count):
            mine = values[nearest == k]
            if len(mine):
                centres[k] = mine.mean(axis=0)
    return centres
