"""The enhanced print shows the ridges that were drawn, without the noise laid over them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.preprocess.analysis import analyse
from engine.preprocess.enhance import enhance
from engine.settings import PreprocessSettings
from engine.types import U8, FingerImage, RidgeMap
from tests.preprocess.waves import Arcs

SETTINGS = PreprocessSettings()
ARCS = Arcs()
DEEP = cv2.erode(ARCS.inside.astype(np.uint8), np.ones((25, 25))) > 0


def enhanced(pixels: U8) -> tuple[U8, RidgeMap]:
    image = FingerImage(pixels)
    ridges = enhance(image, analyse(image, SETTINGS), SETTINGS)
    assert ridges.enhanced is not None
    return ridges.enhanced, ridges


def likeness(a: U8, b: U8) -> float:
    return float(np.corrcoef(a[DEEP].astype(float), b[DEEP].astype(float))[0, 1])


@pytest.mark.parametrize("noise", [30, 80])
def test_noise_goes_and_ridges_stay(noise: float) -> None:
    clean, noisy = ARCS.draw(), ARCS.draw(noise)
    picture, _ = enhanced(noisy)
    assert likeness(clean, picture) > max(0.85, likeness(clean, noisy))


def test_a_scratch_is_bridged() -> None:
    scratched = ARCS.draw()
    cv2.line(scratched, (80, 100), (220, 260), 250, 4)
    over = np.zeros_like(scratched)
    cv2.line(over, (80, 100), (220, 260), 1, 4)
    ridge = (over > 0) & DEEP & (ARCS.draw() < 80)
    picture, _ = enhanced(scratched)
    assert (picture[ridge] < 128).mean() > 0.85


def test_outside_the_mask_is_middle_gray() -> None:
    picture, ridges = enhanced(ARCS.draw(20))
    assert picture.shape == ARCS.inside.shape
    assert picture.dtype == np.uint8
    mask = ridges.mask.repeat(8, axis=0).repeat(8, axis=1)[: ARCS.height, : ARCS.width]
    assert (picture[~mask] == 128).all()
    assert picture[mask].std() > 25


def test_the_second_look_at_the_orientation_is_no_worse() -> None:
    image = ARCS.image(60)
    first = analyse(image, SETTINGS)
    second = enhance(image, first, SETTINGS)
    x, y = np.meshgrid(np.arange(4.0, ARCS.width, 8), np.arange(4.0, ARCS.height, 8))
    truth = ARCS.across(x, y) + np.pi / 2
    inside = DEEP[4::8, 4::8]

    def error(ridges: RidgeMap) -> float:
        apart = np.abs((ridges.orientation - truth + np.pi / 2) % np.pi - np.pi / 2)
        return float(np.quantile(apart[inside], 0.9))

    assert error(second) < error(first) + np.deg2rad(0.5)
    assert error(second) < np.deg2rad(8)


def test_an_image_without_ridges_stays_gray() -> None:
    picture, ridges = enhanced(np.full((120, 101), 200, np.uint8))
    assert not ridges.mask.any()
    assert (picture == 128).all()
