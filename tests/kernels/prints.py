"""Prints as the kernels read them, for tests: minutiae, deformations and ridges by hand."""

from __future__ import annotations

import numpy as np

from kernels.deformation import Deformation
from kernels.packed import Packed
from kernels.ridges import CELL, Cells, encode

IDENTITY = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def minutiae(*prints, codes=None):
    """Packed from one (x, y, angle) a print: px and rad counter-clockwise, y down."""
    count = [len(x) for x, _, _ in prints]
    x, y, angle = (np.concatenate([np.zeros(0), *part]) for part in zip(*prints, strict=True))
    if codes is None:
        codes = np.zeros((4, len(x)), np.uint64)
    steps = np.rint(angle * 256 / (2 * np.pi)).astype(np.int64)
    return Packed(
        np.ascontiguousarray(codes),
        np.rint(x).astype(np.int16),
        np.rint(y).astype(np.int16),
        (steps % 256).astype(np.uint8),
        np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
    )


def draw(rng, counts, words=4, alike=0.0):
    """Random prints; a share `alike` of minutiae repeats a few codes, so that ties happen."""
    total = sum(counts)
    codes = rng.integers(0, 2**64, (words, total), dtype=np.uint64)
    few = rng.integers(0, 2**64, (words, 3), dtype=np.uint64)
    same = rng.random(total) < alike
    codes[:, same] = few[:, rng.integers(0, 3, same.sum())]
    return Packed(
        np.ascontiguousarray(codes),
        rng.integers(-50, 800, total).astype(np.int16),
        rng.integers(-50, 800, total).astype(np.int16),
        rng.integers(0, 256, total).astype(np.uint8),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
    )


def cut(prints, first, last):
    a, b = int(prints.start[first]), int(prints.start[last])
    return Packed(
        prints.codes[:, a:b].copy(),
        *(getattr(prints, name)[a:b].copy() for name in ("x", "y", "angle")),
        prints.start[first : last + 1] - a,
    )


NOTHING = (np.zeros(0),) * 3


def scatter(rng, n, apart=0.0, size=300):
    """n minutiae at random, at least `apart` px from each other."""
    places = []
    while len(places) < n:
        place = rng.uniform(0, size, 2)
        if all(np.hypot(*(place - other)) >= apart for other in places):
            places.append(place)
    x, y = np.array(places).reshape(-1, 2).T
    return x, y, rng.uniform(0, 2 * np.pi, n)


def affine_of(turn=0.0, along=1.0, across=1.0, dx=0.0, dy=0.0):
    """Six numbers: stretched along x and y, turned counter-clockwise as seen (y down), shifted."""
    cos, sin = np.cos(turn), np.sin(turn)
    return along * cos, across * sin, -along * sin, across * cos, dx, dy


def laid(affine, x, y):
    xx, xy, yx, yy, x0, y0 = affine
    return xx * x + xy * y + x0, yx * x + yy * y + y0


def moved(print_, turn=0.0, **how):
    """A print's minutiae after `affine_of`, their directions turned with them."""
    x, y, angle = print_
    return *laid(affine_of(turn, **how), x, y), angle + turn


def lie(*affines, x=(), y=(), partner=None, weight=None, rest=None, reach=50.0, held=0.05):
    """A Deformation by hand: of one probe with minutiae at x, y, on a candidate for each affine."""
    shape = len(x), len(affines)
    return Deformation(
        np.array(x, np.float32),
        np.array(y, np.float32),
        np.ascontiguousarray(np.array(affines, np.float32).reshape(-1, 6).T),
        np.full(shape, 255, np.uint8) if partner is None else np.array(partner, np.uint8),
        np.zeros(shape, np.float32) if weight is None else np.array(weight, np.float32),
        np.zeros((2, *shape), np.float32) if rest is None else np.array(rest, np.float32),
        reach,
        held,
    )


def cells(*grids, left=0, top=0):
    """Cells of prints from their grids, uint16 h×w."""
    return Cells(
        np.concatenate([np.zeros(0, np.uint16), *(grid.ravel() for grid in grids)]),
        np.cumsum([0, *(grid.size for grid in grids)]).astype(np.int64),
        np.array([grid.shape[1] for grid in grids], np.int16),
        np.full(len(grids), left, np.int16),
        np.full(len(grids), top, np.int16),
    )


def sampled(phase, shape, left=0, top=0):
    """A grid of cells from a smooth field of phase, rad, over x, y in px: uint16 h×w."""
    x = ((np.arange(shape[1]) + left + 0.5) * CELL - 0.5)[None]
    y = ((np.arange(shape[0]) + top + 0.5) * CELL - 0.5)[:, None]
    tiny = 1e-3
    right = (phase(x + tiny, y) - phase(x - tiny, y)) / (2 * tiny)
    down = (phase(x, y + tiny) - phase(x, y - tiny)) / (2 * tiny)
    along = np.arctan2(-right, -down) % (2 * np.pi)
    value = np.where(along < np.pi, 1, -1) * phase(x, y)
    frequency = np.hypot(right, down) / (2 * np.pi)
    return encode(along % np.pi, frequency, value % (2 * np.pi), np.ones(shape, bool))
