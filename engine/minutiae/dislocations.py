"""Finds where a ridge or a valley begins: the points around which the ridges' phase winds once."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.types import F32, I32, Bool, Wave

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Dislocations:
    """n points of a wave around which its phase winds by one turn.

    row, column: float32, in pixels of the wave, between them too. angle: float32 rad in [0, 2π),
    y up, towards the side that has one line more. sign: int32, +1 where the phase winds
    counter-clockwise.
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

    def move(self, distance: float) -> tuple[F32, F32]:
        """Rows and columns `distance` pixels on along the angle."""
        step = np.float32(distance)
        row, column = self.row - step * np.sin(self.angle), self.column + step * np.cos(self.angle)
        return row.astype(np.float32), column.astype(np.float32)

    def ahead(self, values: F32, distance: float) -> F32:
        """What `values`, float32 H×W, holds `distance` pixels on (behind, if negative)."""
        if not len(self):
            return np.zeros(0, np.float32)
        row, column = self.move(distance)
        there = cv2.remap(
            values, column[None], row[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(there, np.float32).reshape(-1)


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
    real, imaginary = _corners(wave, row, column)
    sign = _winding(real, imaginary)
    found = sign != 0
    down, right = _zero(real[found], imaginary[found])
    row, column, sign = row[found], column[found], sign[found]
    along = wave.orientation[row, column] + np.where(sign > 0, 0, np.float32(np.pi))
    return Dislocations(
        row.astype(np.float32) + down,
        column.astype(np.float32) + right,
        np.mod(along, 2 * np.pi).astype(np.float32),
        sign,
    )


def _corners(wave: Wave, row: Index, column: Index) -> tuple[F32, F32]:
    """The wave at the 2×2 pixels that begin at `row`, `column`: float32 n×4 each.

    Counter-clockwise with y up: upper left, lower left, lower right, upper right. All with the sign
    that the first one's orientation gives.
    """
    rows = row[:, None] + np.array([0, 1, 1, 0])
    columns = column[:, None] + np.array([0, 0, 1, 1])
    orientation = wave.orientation[rows, columns]
    opposed = np.cos(orientation - orientation[:, :1]) < 0
    imaginary = wave.imaginary[rows, columns]
    return wave.real[rows, columns], np.where(opposed, -imaginary, imaginary)


def _winding(real: F32, imaginary: F32) -> I32:
    """Turns of the phase around the four corners: int32 -1, 0 or 1."""
    phase = np.arctan2(imaginary, real)
    step = np.roll(phase, -1, axis=1) - phase
    turns = (np.mod(step + np.pi, 2 * np.pi) - np.pi).sum(axis=1) / (2 * np.pi)
    return np.rint(turns).astype(np.int32)


def _zero(real: F32, imaginary: F32) -> tuple[F32, F32]:
    """Where within its four corners the wave is 0, down and right: the plane through them."""
    corners = np.stack([real, imaginary], axis=1)
    down = (corners[:, :, 1] + corners[:, :, 2] - corners[:, :, 0] - corners[:, :, 3]) / 2
    right = (corners[:, :, 2] + corners[:, :, 3] - corners[:, :, 0] - corners[:, :, 1]) / 2
    slopes = np.stack([down, right], axis=2).astype(np.float64)
    # A flat spot has no zero of its own: the middle must do.
    flat = np.abs(np.linalg.det(slopes)) < np.finfo(np.float32).eps
    slopes[flat] = np.eye(2)
    shift = np.linalg.solve(slopes, -corners.mean(axis=2)[:, :, None])[:, :, 0]
    shift[flat] = 0
    place = np.clip(shift + 0.5, 0, 1).astype(np.float32)
    return place[:, 0], place[:, 1]


def _crossed(values: F32) -> Bool:
    low, high = _extremes(values)
    return (low < 0) & (high >= 0)


def _extremes(values: F32) -> tuple[F32, F32]:
    """The least and the greatest of every 2×2 pixels: float32 H-1×W-1 each."""
    corners = values[:-1, :-1], values[:-1, 1:], values[1:, :-1], values[1:, 1:]
    return np.minimum.reduce(corners), np.maximum.reduce(corners)
