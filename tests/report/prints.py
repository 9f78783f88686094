"""A print drawn by formula, with minutiae at known places."""

from __future__ import annotations

import numpy as np

from engine.types import U8, Minutiae, MinutiaKind, RidgeMap

HEIGHT, WIDTH, BLOCK = 160, 120, 8


def ridges_at(angle: float) -> U8:
    """Parallel ridges, 9 px apart, with the given angle."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    across = x * np.sin(angle) + y * np.cos(angle)
    return np.round(127 + 120 * np.cos(2 * np.pi * across / 9)).astype(np.uint8)


def ridge_map(angle: float) -> RidgeMap:
    """The map of `ridges_at`, with a border of blocks outside the finger."""
    shape = (HEIGHT // BLOCK, WIDTH // BLOCK)
    mask = np.zeros(shape, bool)
    mask[2:-2, 2:-2] = True
    return RidgeMap(
        BLOCK,
        mask,
        np.full(shape, angle, np.float32),
        np.full(shape, 1 / 9, np.float32),
        np.where(mask, 0.8, 0).astype(np.float32),
    )


def minutiae_at(places: list[tuple[float, float]], quality: int = 100) -> Minutiae:
    """Endings and bifurcations in turn, all with tails to the right."""
    x, y = np.array(places, np.float32).T
    kinds = [MinutiaKind.ENDING, MinutiaKind.BIFURCATION]
    kind = np.array([kinds[index % 2] for index in range(len(places))], np.uint8)
    return Minutiae(x, y, np.zeros(len(x), np.float32), kind, np.full(len(x), quality, np.uint8))
