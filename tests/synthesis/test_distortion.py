"""Plastic distortion and poses."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from engine.settings import PressSettings
from engine.synthesis.distortion import Press, carry, displace, draw_presses
from engine.synthesis.pose import Pose, full_turn, lift, place


def press(**values: float) -> Press:
    base = {each.name: 0.0 for each in fields(Press) if each.name != "roll"}
    base |= {"width": 40.0, "height": 60.0, "elasticity": 1.5} | values
    return Press(**{name: np.full((1, 1), value, np.float32) for name, value in base.items()})


def row(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_nothing_moves_where_the_skin_grips() -> None:
    x, y = row(0, 39, 0, -20), row(0, 0, 59, 30)
    moved = displace(press(pull_x=9, pull_y=-5, twist=0.2), x, y)
    assert np.allclose(moved, (x, y))


def test_everything_moves_by_the_traction_far_outside() -> None:
    x, y = row(200, 0), row(0, 300)
    moved_x, moved_y = displace(press(pull_x=9, pull_y=-5), x, y)
    assert np.allclose(moved_x - x, 9) and np.allclose(moved_y - y, -5)


def test_torsion_turns_directions_far_outside() -> None:
    _, moved_y, angle = carry(press(twist=0.1), row(200), row(0), row(0.3))
    assert angle == pytest.approx(np.array([[0.4]]), abs=1e-3)
    # Counter-clockwise as seen: a point on the right goes up, and up is less y.
    assert moved_y[0, 0] == pytest.approx(-200 * np.sin(0.1), rel=1e-3)


def test_displacements_have_the_size_that_the_authors_show() -> None:
    presses = draw_presses(2000, np.random.default_rng(0), PressSettings())
    x, y = np.tile(row(90, -90, 0), (2000, 1)), np.tile(row(-60, 60, 150), (2000, 1))
    moved_x, moved_y = displace(presses, x, y)
    assert 4 < np.hypot(moved_x - x, moved_y - y).mean() < 15


def test_lift_is_the_inverse_of_place() -> None:
    rng = np.random.default_rng(1)
    pose = Pose(*(rng.uniform(-3, 300, (5, 1)).astype(np.float32) for _ in range(3)))
    x, y = rng.uniform(-200, 200, (2, 5, 40)).astype(np.float32)
    assert np.allclose(lift(pose, *place(pose, x, y)), (x, y), atol=1e-3)


def test_a_positive_turn_is_counter_clockwise() -> None:
    pose = Pose(row(np.pi / 2), row(0), row(0))
    x, y = place(pose, row(10), row(0))
    assert (x[0, 0], y[0, 0]) == pytest.approx((0, -10), abs=1e-5)


def test_full_turn_never_reaches_a_full_turn() -> None:
    angles = full_turn(np.array([-1e-9, 0, 7, -7, 2 * np.pi], np.float32))
    assert np.all((angles >= 0) & (angles < np.float32(2 * np.pi)))


def test_skin_never_folds() -> None:
    """The determinant of the Jacobian stays positive, by differences over one pixel."""
    presses = draw_presses(400, np.random.default_rng(2), PressSettings())
    grid = np.mgrid[-140:141:20, -220:221:20].reshape(2, 1, -1).astype(np.float32)
    x, y = (np.tile(each, (400, 1)) for each in grid)
    at, right, down = (displace(presses, x + dx, y + dy) for dx, dy in ((0, 0), (1, 0), (0, 1)))
    turn = (right[0] - at[0]) * (down[1] - at[1]) - (right[1] - at[1]) * (down[0] - at[0])
    assert turn.min() > 0.2
