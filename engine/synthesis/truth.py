"""Reads the true minutiae of a made finger off the phase of its ridges."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engine.settings import MasterSettings
from engine.synthesis.field import Fields
from engine.synthesis.pose import full_turn
from engine.types import F32, Minutiae, MinutiaKind

C64 = npt.NDArray[np.complex64]


def read_minutiae(
    relief: F32, theta: F32, period: F32, field: Fields, settings: MasterSettings
) -> Minutiae:
    """Minutiae are where the phase of the ridges winds: the relief is cos φ, its slope along the
    normal -sin φ times the frequency, and around a new ridge φ gains a full turn."""
    slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=1 / 8)
    slope_y = cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=1 / 8)
    normal = -slope_x * np.sin(theta) - slope_y * np.cos(theta)
    signal: C64 = (relief - 1j * normal * period / (2 * np.pi)).astype(np.complex64)

    # Counter-clockwise (y up) around every square of four pixels. Where the neighbour's
    # orientation points the other way its phase runs backwards.
    corners = [
        (slice(None, -1), slice(None, -1)),
        (slice(1, None), slice(None, -1)),
        (slice(1, None), slice(1, None)),
        (slice(None, -1), slice(1, None)),
    ]
    first = theta[corners[0]]
    around = [
        np.where(np.cos(theta[each] - first) < 0, np.conj(signal[each]), signal[each])
        for each in corners
    ]
    winding = sum(
        np.angle(after * np.conj(before))
        for before, after in zip(around, around[1:] + around[:1], strict=True)
    )
    turns = np.rint(winding / (2 * np.pi)).astype(int)
    row, column = np.nonzero(turns)
    x = (column + 0.5).astype(np.float32)
    y = (row + 0.5).astype(np.float32)
    angle = first[row, column] + np.where(turns[row, column] > 0, 0, np.pi)
    keep = _certain(x, y, angle, relief.shape, field, settings)
    x, y, angle = x[keep], y[keep], angle[keep]

    # What lies between the branches, or goes on from the end, tells one kind from the other.
    ahead = settings.period / 2
    there = cv2.remap(
        relief,
        (x + ahead * np.cos(angle)).astype(np.float32),
        (y - ahead * np.sin(angle)).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    ending = there.reshape(-1) > 0
    return Minutiae(
        x=x,
        y=y,
        angle=full_turn(angle.astype(np.float32)),
        kind=np.where(ending, MinutiaKind.ENDING, MinutiaKind.BIFURCATION).astype(np.uint8),
        quality=np.full(len(x), 100, np.uint8),
    )


def _certain(
    x: F32,
    y: F32,
    angle: npt.NDArray[np.floating],
    shape: tuple[int, ...],
    field: Fields,
    settings: MasterSettings,
) -> npt.NDArray[np.bool_]:
    """Leaves out the rim, the cores and deltas, and pairs so close that no ridge lies between."""
    height, width = shape
    rim = settings.period
    keep = (x > rim) & (x < width - rim) & (y > rim) & (y < height - rim)
    pairs = int(field.pairs[0])
    for point in (*field.core[0, :pairs], *field.delta[0, :pairs]):
        off_x = x - (width - 1) / 2 - point.real
        off_y = y - (height - 1) / 2 + point.imag
        keep &= np.hypot(off_x, off_y) > settings.period
    gap = np.hypot(x[:, None] - x, y[:, None] - y)
    opposed = np.cos(angle[:, None] - angle) < 0
    keep &= ~np.any(opposed & (gap < settings.closest) & keep[None, :] & (gap > 0), axis=1)
    return keep
