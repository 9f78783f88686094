"""Packs minutiae and ridge cells into the arrays that the kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.types import I16, I64, U8, Minutiae, Template
from kernels.packed import STEPS, Packed
from kernels.ridges import Cells


class PackedMinutiae(NamedTuple):
    """N prints' minutiae, one after the other: int16 px, uint8 1/256 turn, int64 (N + 1,)."""

    x: I16
    y: I16
    angle: U8
    start: I64


def pack_minutiae(prints: Sequence[Minutiae]) -> PackedMinutiae:
    """The geometry of these prints, rounded as a stored template rounds it."""
    count = np.array([len(minutiae) for minutiae in prints], np.int64)

    def joined(name: str) -> np.ndarray:
        parts = [getattr(minutiae, name) for minutiae in prints]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    steps = np.rint(joined("angle") * (STEPS / (2 * np.pi))).astype(np.int64)
    return PackedMinutiae(
        np.rint(joined("x")).astype(np.int16),
        np.rint(joined("y")).astype(np.int16),
        (steps % STEPS).astype(np.uint8),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(count)]),
    )


def pack_templates(*templates: Template) -> Packed:
    """One template as a probe, or several, for the kernels."""
    packed = pack_minutiae([template.minutiae for template in templates])
    codes = np.concatenate([template.codes for template in templates])
    return Packed(np.ascontiguousarray(codes.T), *packed)


def pack_cells(*templates: Template) -> Cells:
    """The ridge cells of one template as a probe, or of several, for the kernels."""
    prints = [template.cells for template in templates]
    shape = np.array([cells.values.shape for cells in prints], np.int64).reshape(-1, 2)
    values = [cells.values.ravel() for cells in prints]
    return Cells(
        np.concatenate([np.zeros(0, np.uint16), *values]),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(shape.prod(axis=1))]),
        shape[:, 1].astype(np.int16),
        np.array([cells.left for cells in prints], np.int16),
        np.array([cells.top for cells in prints], np.int16),
    )
