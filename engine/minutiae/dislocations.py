"""Finds where a ridge or a valley begins: the points around which the ridges' phase winds once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.minutiae.wave import Wave
from engine.types import F32, I32, Bool


@dataclass(frozen=True, slots=True)
class Dislocations:
    """n points of a wave around which its phase winds by one turn.

    row, column: float32, in pixels of the wave. angle: float32 rad in [0, 2π), y up, towards the
    side that has one line more. sign: int32, +1 where the phase winds counter-clockwise.
    """

    row: F32
    column: F32
    angle: F32
    sign: I32

    def __len__(self) -> int:
        return len(self.row)

    def take(self, which: Bool) -> Dislocations:
        """The dislocations under the mask `which`."""
        return Dislocations(
            self.row[which], self.column[which], self.angle[which], self.sign[which]
        )

    def ahead(self, values: F32, distance: float) -> F32:
        """What `values`, float32 H×W, holds `distance` pixels on (behind, if negative)."""
        row = np.rint(self.row - distance * np.sin(self.angle)).astype(np.intp)
        column = np.rint(self.column + distance * np.cos(self.angle)).astype(np.intp)
        height, width = values.shape
        return values[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]


def find(wave: Wave) -> Dislocations:
    """Every dislocation of `wave`, true and false.

    Minutiae are the spirals of a print's phase (Larkin & Fletcher, Optics Express 15, 2007), so
    they come without binarising and thinning: on the side to which the phase turns there is one
    ridge and one valley more.
    """
    low, high = _extremes(wave.orientation)
    # Where the orientation jumps by half a turn, so does the sign of the imaginary part.
    seam = high - low > np.pi / 2
    row, column = np.nonzero(_crossed(wave.real) & (_crossed(wave.imaginary) | seam))
    sign = _winding(wave, row, column)
    row, column, sign = row[sign != 0], column[sign != 0], sign[sign != 0]
    along = wave.orientation[row, column] + np.where(sign > 0, 0, np.float32(np.pi))
    # The point lies amid its four pixels.
    return Dislocations(
        row.astype(np.float32) + np.float32(0.5),
        column.astype(np.float32) + np.float32(0.5),
        along.astype(np.float32),
        sign,
    )


def _winding(wave: Wave, row: np.ndarray, column: np.ndarray) -> I32:
    """Turns of the phase around the 2×2 pixels that begin at `row`, `column`: int32 -1, 0 or 1."""
    # Counter-clockwise with y up: upper left, lower left, lower right, upper right.
    rows = row[:, None] + np.array([0, 1, 1, 0])
    columns = column[:, None] + np.array([0, 0, 1, 1])
    orientation = wave.orientation[rows, columns]
    opposed = np.cos(orientation - orientation[:, :1]) < 0
    sine = wave.imaginary[rows, columns]
    phase = np.arctan2(np.where(opposed, -sine, sine), wave.real[rows, columns])
    step = np.roll(phase, -1, axis=1) - phase
    turns = (np.mod(step + np.pi, 2 * np.pi) - np.pi).sum(axis=1) / (2 * np.pi)
    return np.rint(turns).astype(np.int32)


def _crossed(values: F32) -> Bool:
    low, high = _extremes(values)
    return (low < 0) & (high >= 0)


def _extremes(values: F32) -> tuple[F32, F32]:
    """The least and the greatest of every 2×2 pixels: float32 H-1×W-1 each."""
    corners = values[:-1, :-1], values[:-1, 1:], values[1:, :-1], values[1:, 1:]
    return np.minimum.reduce(corners), np.maximum.reduce(corners)
