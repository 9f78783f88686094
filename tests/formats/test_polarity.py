"""Only what plainly has light ridges on dark counts as inverted."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formats.polarity import is_inverted
from engine.settings import PolaritySettings
from engine.types import U8
from tests.formats.samples import ridges

SETTINGS = PolaritySettings()
PRINT = ridges(400, 320)
BARE = PRINT[100:260, 80:240]  # ridges to all sides


def wet() -> U8:
    """Half of the print pressed to one black area."""
    pixels = PRINT.copy()
    pixels[200:, :][pixels[200:, :] < 249] = 5
    return pixels


def gray_background() -> U8:
    return np.where(PRINT == 250, 140, PRINT).astype(np.uint8)


@pytest.mark.parametrize(
    "pixels",
    [
        PRINT,
        BARE,
        255 - BARE,  # nobody can tell without background
        wet(),
        gray_background(),
        np.pad(PRINT, 40),  # the dark edge of a scanner
        np.pad(PRINT, ((0, 0), (0, 60)), constant_values=30),
        np.pad(BARE, 40),
        np.full((100, 100), 7, np.uint8),
        np.eye(90, dtype=np.uint8) * 255,
        np.pad(np.full((4, 4), 255, np.uint8), 60),
    ],
)
def test_in_doubt_a_print_is_as_it_should_be(pixels: U8) -> None:
    assert not is_inverted(pixels, SETTINGS)


@pytest.mark.parametrize("floor", [0, 20, 60])
def test_light_ridges_on_a_dark_background_are_inverted(floor: int) -> None:
    inverted = np.maximum(255 - PRINT, floor)
    noise = np.random.default_rng(3).integers(0, 6, PRINT.shape)
    assert is_inverted((inverted * 0.9 + noise).astype(np.uint8), SETTINGS)
