"""The ridge map of a drawn print is the one it was drawn with; what is no print has no mask."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from engine.preprocess.analysis import analyse
from engine.settings import PreprocessSettings
from engine.trace import Recorder
from engine.types import F64, U8, FingerImage
from tests.preprocess.waves import Arcs

SETTINGS = PreprocessSettings()
SHAPE = (360, 320)
RNG = np.random.default_rng(11)


def deep(arcs: Arcs) -> tuple[F64, F64, np.ndarray]:
    """Centres of the blocks, and which lie well within the print."""
    x, y = np.meshgrid(np.arange(4.0, arcs.width, 8), np.arange(4.0, arcs.height, 8))
    return x, y, cv2.erode(arcs.inside.astype(np.uint8), np.ones((33, 33)))[4::8, 4::8] > 0


@pytest.mark.parametrize("noise", [0, 40])
@pytest.mark.parametrize("period", [6.5, 9.0, 12.0])
def test_orientation_and_frequency_are_those_drawn(period: float, noise: float) -> None:
    arcs = Arcs(period, minutiae=())
    ridges = analyse(arcs.image(noise), SETTINGS)
    x, y, inside = deep(arcs)
    apart = ridges.orientation - arcs.across(x, y) - np.pi / 2
    apart = np.abs((apart + np.pi / 2) % np.pi - np.pi / 2)
    assert np.median(apart[inside]) < np.deg2rad(2)
    assert np.quantile(apart[inside], 0.95) < np.deg2rad(6)
    assert ((ridges.orientation >= 0) & (ridges.orientation < np.float32(np.pi))).all()
    assert np.median(ridges.frequency[inside]) == pytest.approx(1 / period, rel=0.06)


def test_a_turned_print_has_its_orientation_turned() -> None:
    pixels = Arcs(height=320, width=320).draw()
    upright = analyse(FingerImage(pixels), SETTINGS)
    turned = analyse(FingerImage(np.ascontiguousarray(np.rot90(pixels))), SETTINGS)
    apart = turned.orientation - np.rot90(upright.orientation) - np.pi / 2
    apart = np.abs((apart + np.pi / 2) % np.pi - np.pi / 2)
    assert np.median(apart[turned.mask]) < np.deg2rad(1)
    both = (turned.mask & np.rot90(upright.mask)).sum()
    assert both > 0.95 * max(turned.mask.sum(), upright.mask.sum())


@pytest.mark.parametrize(
    ("noise", "dark", "light"), [(0, 40, 220), (25, 40, 220), (3, 200, 235), (8, 20, 90)]
)
def test_the_mask_is_the_print(noise: float, dark: float, light: float) -> None:
    arcs = Arcs()
    ridges = analyse(arcs.image(noise, dark, light), SETTINGS)
    inside = arcs.inside[4::8, 4::8]
    assert (ridges.mask & inside).sum() > 0.78 * (ridges.mask | inside).sum()


def test_a_print_on_an_uneven_ground_is_found() -> None:
    arcs = Arcs()
    x, y = arcs.grid
    pixels = np.where(arcs.inside, arcs.draw(), 90 + 0.3 * x + 0.1 * y)
    pixels = np.clip(0.7 * pixels + 0.2 * y + RNG.normal(0, 4, pixels.shape), 0, 255)
    ridges = analyse(FingerImage(pixels.astype(np.uint8)), SETTINGS)
    inside = arcs.inside[4::8, 4::8]
    assert (ridges.mask & inside).sum() > 0.75 * (ridges.mask | inside).sum()


def test_quality_falls_with_noise_and_is_nothing_outside() -> None:
    maps = [analyse(Arcs().image(noise), SETTINGS) for noise in (0, 50, 100)]
    means = [float(ridges.quality[ridges.mask].mean()) for ridges in maps]
    assert 1 >= means[0] > means[1] + 0.05 > means[2] + 0.1
    for ridges in maps:
        assert not ridges.quality[~ridges.mask].any()
        assert not ridges.frequency[~ridges.mask].any()
        assert (ridges.frequency[ridges.mask] > 0).all()


def text() -> U8:
    page = np.full(SHAPE, 255, np.uint8)
    for line in range(20, SHAPE[0], 22):
        cv2.putText(page, "name and date of birth 0123", (4, line), 0, 0.6, 0, 1, cv2.LINE_AA)
    return page


def lines(step: int, both: bool) -> U8:
    page = np.full(SHAPE, 255, np.uint8)
    page[::step] = 0
    page[1::step] = 0
    if both:
        page[:, ::step] = 0
    return page


def blotches(sigma: float) -> U8:
    noise = cv2.GaussianBlur(np.random.default_rng(2).standard_normal(SHAPE), (0, 0), sigma)
    return np.clip(128 + 60 * noise / noise.std(), 0, 255).astype(np.uint8)


def screen() -> U8:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.where((x // 8 + y // 8) % 2, 230, 20).astype(np.uint8)


NOT_PRINTS: dict[str, Callable[[], U8]] = {
    "blank": lambda: np.full(SHAPE, 255, np.uint8),
    "black": lambda: np.zeros(SHAPE, np.uint8),
    "faint noise": lambda: RNG.normal(240, 3, SHAPE).astype(np.uint8),
    "noise": lambda: RNG.integers(0, 256, SHAPE).astype(np.uint8),
    "blotches like ridges": lambda: blotches(2.5),
    "blotches": lambda: blotches(6),
    "gradient": lambda: np.linspace(0, 255, SHAPE[1] * SHAPE[0]).reshape(SHAPE).astype(np.uint8),
    "chequerboard": screen,
    "text": text,
    "ruled page": lambda: lines(10, both=False),
    "squared page": lambda: lines(12, both=True),
}


@pytest.mark.parametrize("name", NOT_PRINTS)
def test_what_is_no_print_has_almost_no_mask(name: str) -> None:
    ridges = analyse(FingerImage(NOT_PRINTS[name]()), SETTINGS)
    area = ridges.mask.sum() * (ridges.block / 500 * 25.4) ** 2
    assert area < SETTINGS.min_area_mm2 / 4


@pytest.mark.parametrize("shape", [(80, 80), (81, 95), (127, 250)])
def test_blocks_cover_images_of_any_size(shape: tuple[int, int]) -> None:
    ridges = analyse(FingerImage(Arcs().draw()[100:, 40:][: shape[0], : shape[1]]), SETTINGS)
    blocks = (-(-shape[0] // 8), -(-shape[1] // 8))
    for values in (ridges.mask, ridges.orientation, ridges.frequency, ridges.quality):
        assert values.shape == blocks
    assert ridges.mask.dtype == bool
    assert ridges.orientation.dtype == ridges.frequency.dtype == ridges.quality.dtype == np.float32


def test_the_steps_can_be_seen_and_change_nothing() -> None:
    seen = Recorder()
    ridges = analyse(Arcs().image(), SETTINGS, seen)
    assert {"preprocess.contrast", "preprocess.mask", "preprocess.orientation"} <= set(seen.shown)
    assert np.array_equal(ridges.mask, analyse(Arcs().image(), SETTINGS).mask)
