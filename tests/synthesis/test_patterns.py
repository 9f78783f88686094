"""Pattern classes: natural proportions, and singularities where anatomy has them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.settings import FieldSettings
from engine.synthesis.field import orientation
from engine.synthesis.patterns import Pattern, draw_fields

ONLY = {each: tuple(float(p == each) for p in Pattern) for each in Pattern}


def test_left_loop_has_its_delta_on_the_right() -> None:
    for pattern, sign in ((Pattern.LEFT_LOOP, 1), (Pattern.RIGHT_LOOP, -1)):
        settings = FieldSettings(proportions=ONLY[pattern])
        field = draw_fields(200, np.random.default_rng(5), settings)
        assert np.mean(np.sign(field.delta[:, 0].real - field.core[:, 0].real) == sign) > 0.97


def test_classes_come_in_natural_proportions() -> None:
    settings = FieldSettings()
    field = draw_fields(20_000, np.random.default_rng(11), settings)
    share = np.bincount(field.pattern, minlength=len(Pattern)) / 20_000
    assert share == pytest.approx(np.array(settings.proportions), abs=0.012)


def test_ridges_are_level_below_the_deltas() -> None:
    field = draw_fields(500, np.random.default_rng(13), FieldSettings(wave_sd=0.0))
    theta = orientation(field, np.zeros((500, 1), np.float32), np.full((500, 1), 400, np.float32))
    assert np.abs(np.sin(theta)).max() < 0.05


def test_whorls_have_two_pairs_with_a_delta_on_each_side() -> None:
    settings = FieldSettings(proportions=ONLY[Pattern.WHORL])
    field = draw_fields(50, np.random.default_rng(3), settings)
    assert np.all(field.pairs == 2)
    assert np.all(field.delta[:, 0].real < field.delta[:, 1].real)
