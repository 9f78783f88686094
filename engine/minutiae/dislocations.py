"""Finds where a ridge or a valley begins: the points around which the ridges' phase winds once."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.types import F32, I32, Bool


@dataclass(frozen=True, slots=True)
class Dislocations:
    """n points of a picture around which the ridge phase winds by ±1 turn.

    row, column: int32, the upper left of the four pixels around the point. angle: float32 rad,
    towards the side that has one line more. amplitude: float32, strength of the ridges around.
    line: float32, the picture at a little distance in that direction: below 0 the line more is a
    ridge, above 0 a valley.
    """

    row: I32
    column: I32
    angle: F32
    sign: I32
    amplitude: F32
    line: F32


def find(
    ridges: F32, orientation: F32, frequency: F32, *, lookahead: float, neighbourhood: float
) -> Dislocations:
    """The dislocations of an enhanced picture.

    ridges: float32 H×W, swinging around 0, below on ridges. orientation: float32 H×W rad in [0, π).
    frequency: float32 H×W ridges per px. lookahead, neighbourhood: px of this picture.

    An enhanced print is a wave a·cos φ; its quadrature, by the narrow band, is the derivative
    across the ridges over -2πf. Minutiae are the spirals of φ (Larkin & Fletcher, Optics Express
    15, 2007), so they come without thinning: one line more lies at the side to which φ turns.
    """
    across = orientation + np.float32(np.pi / 2)
    quadrature = _quadrature(ridges, across, frequency)
    row, column, sign = _spirals(ridges, quadrature, across)
    angle = np.mod(across[row, column] - sign * np.float32(np.pi / 2), np.float32(2 * np.pi))
    strength = np.hypot(ridges, quadrature)
    amplitude = np.asarray(cv2.GaussianBlur(strength, (0, 0), neighbourhood), np.float32)
    height, width = ridges.shape
    ahead = (
        np.clip(np.rint(row + 0.5 - lookahead * np.sin(angle)), 0, height - 1).astype(np.int32),
        np.clip(np.rint(column + 0.5 + lookahead * np.cos(angle)), 0, width - 1).astype(np.int32),
    )
    return Dislocations(row, column, angle, sign, amplitude[row, column], ridges[ahead])


def _quadrature(ridges: F32, across: F32, frequency: F32) -> F32:
    right = np.asarray(cv2.Sobel(ridges, cv2.CV_32F, 1, 0, scale=1 / 8), np.float32)
    down = np.asarray(cv2.Sobel(ridges, cv2.CV_32F, 0, 1, scale=1 / 8), np.float32)
    slope = right * np.cos(across) - down * np.sin(across)
    return -slope / (np.float32(2 * np.pi) * frequency)


def _spirals(real: F32, imaginary: F32, across: F32) -> tuple[I32, I32, I32]:
    """Rows, columns and signs of the 2×2 pixels around which the phase winds once.

    Only where both parts change sign can it: the angles are taken for these alone.
    """
    low, high = _extremes(across)
    seam = high - low > np.pi / 2  # the direction across jumps by half a turn: signs say nothing
    row, column = np.nonzero(_crossed(real) & (_crossed(imaginary) | seam))
    # Counter-clockwise with y up: upper left, lower left, lower right, upper right.
    rows = row[:, None] + np.array([0, 1, 1, 0])
    columns = column[:, None] + np.array([0, 0, 1, 1])
    direction = across[rows, columns]
    opposed = np.cos(direction - direction[:, :1]) < 0
    sine = imaginary[rows, columns]
    phase = np.arctan2(np.where(opposed, -sine, sine), real[rows, columns])
    step = np.roll(phase, -1, axis=1) - phase
    turns = np.rint((np.mod(step + np.pi, 2 * np.pi) - np.pi).sum(axis=1) / (2 * np.pi))
    found = turns != 0
    return (
        row[found].astype(np.int32),
        column[found].astype(np.int32),
        turns[found].astype(np.int32),
    )


def _crossed(values: F32) -> Bool:
    low, high = _extremes(values)
    return (low < 0) & (high >= 0)


def _extremes(values: F32) -> tuple[F32, F32]:
    """The least and the greatest of every 2×2 pixels: float32 H-1×W-1 each."""
    corners = values[:-1, :-1], values[:-1, 1:], values[1:, :-1], values[1:, 1:]
    return np.minimum.reduce(corners), np.maximum.reduce(corners)
