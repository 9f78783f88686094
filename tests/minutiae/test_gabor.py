"""Minutiae drawn into a print are found: place, direction and kind; gaps and borders give none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.minutiae.gabor import detect
from engine.preprocess.analysis import analyse
from engine.preprocess.enhance import enhance
from engine.preprocess.wave import read
from engine.settings import GaborSettings, PreprocessSettings
from engine.trace import SILENT, Recorder, Trace
from engine.types import U8, FingerImage, Minutiae, MinutiaKind
from tests.preprocess.waves import Arcs, turn

PREPROCESS, GABOR = PreprocessSettings(), GaborSettings()
SURE = 50


def extract(pixels: U8, trace: Trace = SILENT) -> Minutiae:
    image = FingerImage(pixels)
    ridges = enhance(image, analyse(image, PREPROCESS), PREPROCESS)
    return detect(image, ridges, read(ridges, PREPROCESS), GABOR, trace)


def sure(minutiae: Minutiae) -> Minutiae:
    return minutiae.take(minutiae.quality >= SURE)


@pytest.mark.parametrize("noise", [0, 30, 60])
@pytest.mark.parametrize("period", [7.5, 9.0, 11.0])
def test_drawn_minutiae_are_found(period: float, noise: float) -> None:
    arcs = Arcs(period)
    found = sure(extract(arcs.draw(noise)))
    truth = arcs.truth
    assert len(found) <= len(truth) + 1
    hits = confused = 0
    for x, y, angle, line in truth:
        which = int(np.hypot(found.x - x, found.y - y).argmin())
        near = np.hypot(found.x[which] - x, found.y[which] - y) < 5
        along = abs(turn(found.angle[which] - angle)) < np.deg2rad(12)
        hits += near and along
        # Halfway between ridge and valley a minutia is as much the one as the other.
        clear = near and abs(line) > 0.5
        expected = MinutiaKind.ENDING if line < 0 else MinutiaKind.BIFURCATION
        confused += clear and found.kind[which] != expected
    assert hits >= len(truth) - (noise > 50)
    assert confused <= (noise > 50)


def test_a_print_without_minutiae_has_no_sure_ones() -> None:
    assert len(sure(extract(Arcs(minutiae=()).draw(20)))) == 0


def test_gaps_and_bridges_give_no_minutiae() -> None:
    pixels = Arcs(minutiae=()).draw()
    rng = np.random.default_rng(3)
    for x, y in rng.integers(80, 240, (60, 2)):
        cv2.circle(pixels, (int(x), int(y)), 2, int(rng.choice([20, 240])), -1)
    assert len(sure(extract(pixels))) <= 1


def test_a_print_upside_down_has_its_minutiae_turned() -> None:
    pixels = Arcs().draw(10)
    height, width = pixels.shape
    upright, turned = extract(pixels), extract(np.ascontiguousarray(pixels[::-1, ::-1]))
    upright, turned = sure(upright), sure(turned)
    assert len(upright) == len(turned) > 0
    for x, y, angle in zip(upright.x, upright.y, upright.angle, strict=True):
        apart = np.hypot(turned.x - (width - 1 - x), turned.y - (height - 1 - y))
        assert apart.min() < 3
        assert abs(turn(turned.angle[apart.argmin()] - angle - np.pi)) < np.deg2rad(6)


def test_minutiae_are_in_order_in_range_and_the_same_each_time() -> None:
    pixels = Arcs().draw(60)
    first, second = extract(pixels), extract(pixels)
    assert (np.diff(first.quality.astype(int)) <= 0).all()
    assert (first.quality <= 100).all()
    assert ((first.angle >= 0) & (first.angle < np.float32(2 * np.pi))).all()
    assert ((first.x >= 0) & (first.x < pixels.shape[1])).all()
    assert ((first.y >= 0) & (first.y < pixels.shape[0])).all()
    assert first.x.dtype == first.y.dtype == first.angle.dtype == np.float32
    assert first.kind.dtype == first.quality.dtype == np.uint8
    for name in ("x", "y", "angle", "kind", "quality"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("shape", [(80, 80), (131, 97)])
def test_a_blank_of_any_size_has_none(shape: tuple[int, int]) -> None:
    assert len(extract(np.full(shape, 255, np.uint8))) == 0


def test_the_steps_can_be_seen() -> None:
    seen = Recorder()
    found = extract(Arcs().draw(), seen)
    assert len(seen.shown["minutiae.dislocations"]) >= len(seen.shown["minutiae.gabor"])
    assert len(seen.shown["minutiae.gabor"]) == len(found)
