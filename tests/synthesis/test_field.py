"""Orientation fields: classes, singularities and proportions."""

from __future__ import annotations

import numpy as np
import pytest

from engine.settings import FieldSettings
from engine.synthesis.field import orientation, turning
from engine.synthesis.patterns import Pattern, draw_fields

ONLY = {each: tuple(float(p == each) for p in Pattern) for each in Pattern}


def winding(pattern: Pattern, around: complex, radius: float = 8.0) -> float:
    """Half turns of the orientation on a circle around the point (y up) of one calm field."""
    settings = FieldSettings(proportions=ONLY[pattern], wave_sd=0.0)
    field = draw_fields(1, np.random.default_rng(3), settings)
    point = {0: 0j, 1: field.core[0, 0], 2: field.delta[0, 0]}[int(around.real)]
    circle = point + radius * np.exp(2j * np.pi * np.arange(90) / 90)
    theta = orientation(
        field, circle.real[None].astype(np.float32), -circle.imag[None].astype(np.float32)
    )[0]
    steps = np.diff(theta, append=theta[:1])
    return float(np.sum(np.mod(steps + np.pi / 2, np.pi) - np.pi / 2) / np.pi)


@pytest.mark.parametrize("pattern", [Pattern.LEFT_LOOP, Pattern.RIGHT_LOOP, Pattern.TENTED_ARCH])
def test_loops_turn_by_half_around_core_and_back_around_delta(pattern: Pattern) -> None:
    assert winding(pattern, 1 + 0j) == pytest.approx(1, abs=1e-3)
    assert winding(pattern, 2 + 0j) == pytest.approx(-1, abs=1e-3)


def test_arch_rises_to_the_middle_and_falls_after() -> None:
    settings = FieldSettings(proportions=ONLY[Pattern.ARCH], wave_sd=0.0)
    field = draw_fields(20, np.random.default_rng(7), settings)
    x = np.tile(np.array([-60.0, 0.0, 60.0], np.float32), (20, 1))
    theta = orientation(field, x, np.zeros_like(x))
    assert np.all(theta[:, 0] > 0.1)
    assert np.allclose(theta[:, 1], 0)
    assert np.all(theta[:, 2] < -0.1)


def test_turning_is_positive_where_ridges_spread() -> None:
    """An arch's ridges spread to the right of its left flank's foot: θ grows upwards there."""
    settings = FieldSettings(proportions=ONLY[Pattern.ARCH], wave_sd=0.0)
    field = draw_fields(10, np.random.default_rng(17), settings)
    x, y = np.full((10, 1), -60, np.float32), np.full((10, 1), 90, np.float32)
    theta = orientation(field, x, y)
    assert np.all(turning(field, x, y, theta, 4.0) > 0)


def test_same_seed_same_fields() -> None:
    x = np.random.default_rng(0).uniform(-150, 150, (2, 40, 30)).astype(np.float32)
    one, two = (
        orientation(draw_fields(40, np.random.default_rng(19), FieldSettings()), *x)
        for _ in range(2)
    )
    assert np.array_equal(one, two)
