"""Ridges look the same in light and dark, strong and faint prints; blanks stay blank."""

from __future__ import annotations

import numpy as np
import pytest

from engine.preprocess.contrast import equalise
from engine.settings import PreprocessSettings
from tests.preprocess.waves import Arcs

SETTINGS = PreprocessSettings()
INSIDE = Arcs().inside[::2, ::2]


@pytest.mark.parametrize(("dark", "light"), [(120, 220), (10, 90), (60, 160)])
def test_faint_and_dark_prints_look_alike(dark: float, light: float) -> None:
    strong = equalise(Arcs().draw(), SETTINGS)
    other = equalise(Arcs().draw(dark=dark, light=light), SETTINGS)
    assert np.corrcoef(strong[INSIDE], other[INSIDE])[0, 1] > 0.9
    assert 0.65 < other[INSIDE].std() < 1.1


def test_ridges_stay_below_zero() -> None:
    pixels = Arcs().draw()
    contrast = equalise(pixels, SETTINGS)
    assert contrast[INSIDE & (pixels[::2, ::2] < 60)].mean() < -0.5


@pytest.mark.parametrize("shape", [(80, 80), (81, 83), (100, 161)])
def test_a_blank_is_nothing_at_any_size(shape: tuple[int, int]) -> None:
    contrast = equalise(np.full(shape, 200, np.uint8), SETTINGS)
    assert contrast.shape == (-(-shape[0] // 2), -(-shape[1] // 2))
    assert contrast.dtype == np.float32
    assert np.abs(contrast).max() < 1e-3


def test_noise_is_kept_small() -> None:
    noise = np.random.default_rng(1).normal(200, 1, (200, 200))
    assert equalise(noise.astype(np.uint8), SETTINGS).std() < 0.3
