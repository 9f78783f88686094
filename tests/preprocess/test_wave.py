"""The enhanced print is read as the wave that was drawn: strength, phase, direction, frequency."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.preprocess.wave import read
from engine.settings import PreprocessSettings
from tests.preprocess.waves import Plane, turn

SETTINGS = PreprocessSettings()


@pytest.mark.parametrize("along", [0.0, 0.6, np.pi / 2, 2.0, 3.1])
@pytest.mark.parametrize("period", [7.0, 9.0, 12.0])
def test_a_plane_wave_is_read_as_it_was_drawn(along: float, period: float) -> None:
    plane = Plane(along, period)
    wave = read(plane.ridges(), SETTINGS)
    assert wave.real.shape == (plane.height // 2, plane.width // 2)
    inner = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(wave.frequency, 1 / period, rtol=1e-5)
    assert np.abs(turn(2 * (wave.orientation - along))).max() < 1e-4
    # The middle of a pixel of two is between pixels.
    row, column = np.mgrid[: plane.height // 2, : plane.width // 2]
    phase = plane.phase(2 * column + 0.5, 2 * row + 0.5)
    apart = turn(np.arctan2(wave.imaginary, wave.real) - phase)
    assert np.abs(apart[inner]).max() < 0.4
    assert 0.6 < wave.amplitude[inner].mean() < 1


def test_an_odd_image_is_covered() -> None:
    wave = read(Plane(1.0, 9.0, 121, 83).ridges(), SETTINGS)
    assert wave.real.shape == wave.amplitude.shape == wave.orientation.shape == (61, 42)


def test_it_asks_for_the_enhanced_image() -> None:
    with pytest.raises(ValueError, match="enhance the ridges first"):
        read(replace(Plane(1.0, 9.0).ridges(), enhanced=None), SETTINGS)
