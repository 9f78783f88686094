"""The spirals of a wave are found where they were put, and point to where a line begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.minutiae.dislocations import Dislocations, find
from engine.types import F32, Wave
from tests.preprocess.waves import turn

SIZE = 96


def wave(along: float, spirals: list[tuple[float, float, int]]) -> Wave:
    """Straight ridges along `along` rad, with spirals at (row, column) of a sign."""
    row, column = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    across = along + np.pi / 2
    phase = 2 * np.pi / 5 * (column * np.cos(across) - row * np.sin(across))
    strength = np.ones_like(phase)  # 0 in the middle of a spiral, as in every wave
    for r, c, sign in spirals:
        phase += sign * np.arctan2(r - row, column - c)
        strength = np.minimum(strength, np.hypot(row - r, column - c) / 4)
    orientation = np.full((SIZE, SIZE), along % np.pi, np.float32)
    # The quarter turn from an orientation in [0, π) may point against `across`.
    side = 1 if along % (2 * np.pi) < np.pi else -1
    real = (strength * np.cos(phase)).astype(np.float32)
    imaginary = (side * strength * np.sin(phase)).astype(np.float32)
    frequency = np.full_like(real, 1 / 5)
    return Wave(real, imaginary, np.hypot(real, imaginary), orientation, frequency, 1)


def nearest(found: Dislocations, row: float, column: float) -> int:
    return int(np.hypot(found.row - row, found.column - column).argmin())


@pytest.mark.parametrize("along", np.arange(8) * np.pi / 4 + 0.05)
def test_spirals_are_found_and_point_to_the_line_more(along: float) -> None:
    spirals = [(30.5, 30.5, 1), (60.3, 40.6, -1), (40.2, 70.8, 1)]
    found = find(wave(along, spirals))
    assert len(found) == 3
    for row, column, sign in spirals:
        which = nearest(found, row, column)
        assert np.hypot(found.row[which] - row, found.column[which] - column) < 0.5
        expected = along if sign > 0 else along + np.pi
        assert abs(turn(found.angle[which] - expected)) < 1e-3
    assert ((found.angle >= 0) & (found.angle < 2 * np.pi)).all()


def test_one_line_more_crosses_on_the_side_pointed_to() -> None:
    picture = wave(0.0, [(48.5, 48.5, 1)])
    found = find(picture)
    assert len(found) == 1

    def lines_crossed(distance: float) -> float:
        column = round(float(found.column[0] + distance * np.cos(found.angle[0])))
        phase = np.arctan2(picture.imaginary[:, column], picture.real[:, column])
        return abs(float(np.unwrap(phase)[-1] - np.unwrap(phase)[0])) / (2 * np.pi)

    assert lines_crossed(4) - lines_crossed(-4) == pytest.approx(1, abs=0.1)


def test_where_the_orientation_jumps_nothing_is_found() -> None:
    plain = wave(0.0, [])
    jump: F32 = plain.orientation.copy()
    jump[:, SIZE // 2 :] = np.float32(np.pi - 1e-3)
    flipped = plain.imaginary.copy()
    flipped[:, SIZE // 2 :] *= -1
    assert len(find(replace(plain, imaginary=flipped, orientation=jump))) == 0


def test_a_spiral_on_the_jump_is_found() -> None:
    plain = wave(0.0, [(48.5, 47.5, -1)])
    jump = plain.orientation.copy()
    jump[:, SIZE // 2 :] = np.float32(np.pi - 1e-3)
    flipped = plain.imaginary.copy()
    flipped[:, SIZE // 2 :] *= -1
    found = find(replace(plain, imaginary=flipped, orientation=jump))
    assert len(found) == 1
    assert abs(turn(found.angle[0] - np.pi)) < 0.01


def test_ahead_looks_along_the_angle_and_stays_inside() -> None:
    found = Dislocations(
        np.array([10.5, 2.0], np.float32),
        np.array([10.5, 2.0], np.float32),
        np.array([np.pi / 2, np.pi], np.float32),
        np.array([1, 1], np.int32),
    )
    row = np.repeat(np.arange(20, dtype=np.float32)[:, None], 20, axis=1)
    assert found.ahead(row, 5).tolist() == pytest.approx([5.5, 2])  # up the page is fewer rows
    assert found.ahead(row.T.copy(), 5)[1] == 0  # clipped at the edge
