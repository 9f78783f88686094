"""Masters: ridges of the right period along the field, and minutiae that are really there."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.errors import SettingsError
from engine.settings import SynthesisSettings
from engine.synthesis.master import Master, make_master
from engine.types import MinutiaKind
from tests.kernels import fake_gpu, host_cuda

SETTINGS = SynthesisSettings()
SMALL = replace(SETTINGS, master=replace(SETTINGS.master, width=240, height=280))


@pytest.fixture(scope="module")
def master() -> Master:
    return make_master(2, SETTINGS)


def test_same_seed_same_finger() -> None:
    one, two, other = make_master(5, SMALL), make_master(5, SMALL), make_master(6, SMALL)
    assert np.array_equal(one.pixels, two.pixels)
    assert np.array_equal(one.minutiae.x, two.minutiae.x)
    assert not np.array_equal(one.pixels, other.pixels)


def test_ridges_grow_on_a_gpu_as_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(SMALL, master=replace(SMALL.master, width=96, height=104, rounds=4))
    here = make_master(5, few)
    monkeypatch.setattr("kernels.backend.resolve", lambda device: fake_gpu.OnHost)
    launched = []

    def launch(*arguments: object) -> None:
        launched.append(arguments)
        host_cuda.launch(*arguments)

    with fake_gpu.computing(launch):
        there = make_master(5, few)
    assert launched  # the CUDA text ran, not the reference
    assert np.abs(here.pixels.astype(int) - there.pixels).mean() < 0.1


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels.backend.gpu_name", lambda: None)
    with pytest.raises(SettingsError, match="no CUDA device"):
        make_master(5, replace(SMALL, master=replace(SMALL.master, device="gpu")))


def test_shapes_and_types(master: Master) -> None:
    shape = (SETTINGS.master.height, SETTINGS.master.width)
    assert master.pixels.shape == shape and master.pixels.dtype == np.uint8
    assert master.theta.shape == shape and master.theta.dtype == np.float32
    assert master.theta.min() >= 0 and master.theta.max() < np.pi
    low, high = SETTINGS.master.period_limits
    assert low <= master.period.min() and master.period.max() <= high
    assert set(np.unique(master.minutiae.kind)) == {MinutiaKind.ENDING, MinutiaKind.BIFURCATION}


def test_ridges_and_valleys_share_the_finger(master: Master) -> None:
    assert np.mean(master.pixels < 128) == pytest.approx(0.5, abs=0.06)
    assert np.mean((master.pixels > 64) & (master.pixels < 192)) < 0.45


def test_ridges_have_the_period_that_the_map_says(master: Master) -> None:
    """The strongest frequency of the spectrum of patches, against the mean of the map."""
    window = np.hanning(96)[:, None] * np.hanning(96)
    radius = np.hypot(np.fft.fftfreq(480)[:, None], np.fft.fftfreq(480))
    for top, left in ((40, 60), (40, 260), (380, 60), (380, 260)):
        patch = (slice(top, top + 96), slice(left, left + 96))
        power = np.abs(np.fft.fft2((master.pixels[patch] - 127.5) * window, (480, 480))) ** 2
        ring = power[(radius > 1 / 14) & (radius < 1 / 6)]
        period = ring.sum() / np.sum(ring * radius[(radius > 1 / 14) & (radius < 1 / 6)])
        assert period == pytest.approx(master.period[patch].mean(), rel=0.07)


def test_ridges_run_along_the_orientation(master: Master) -> None:
    """Doubled angle of the gradient, averaged, is across theta."""
    gray = cv2.GaussianBlur(master.pixels.astype(np.float32), (0, 0), 1.5)
    dx, dy = cv2.Sobel(gray, cv2.CV_32F, 1, 0), -cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    doubled = cv2.blur(dx * dx - dy * dy, (17, 17)) + 1j * cv2.blur(2 * dx * dy, (17, 17))
    off = np.abs(np.angle(np.exp(2j * master.theta) * -np.conj(doubled))) / 2
    assert np.median(off[30:-30, 30:-30]) < np.deg2rad(4)


def test_minutiae_density_is_that_of_fingers() -> None:
    """Per mm² of picture; real fingers have some 0.2 (docs/synthesis.md)."""
    found = [make_master(seed, SMALL).minutiae for seed in range(3)]
    area = SMALL.master.width * SMALL.master.height * (25.4 / 500) ** 2
    assert np.mean([len(each) / area for each in found]) == pytest.approx(0.22, abs=0.09)


def test_more_ridges_ahead_of_a_minutia_than_behind(master: Master) -> None:
    """Counts ridges on a line across, 12 px ahead and 12 px behind: one more ahead."""
    ridge = (master.pixels < 128).astype(np.float32)
    height, width = ridge.shape
    across = np.arange(-16, 16.1, 0.5)
    more = []
    for x, y, angle in zip(
        master.minutiae.x, master.minutiae.y, master.minutiae.angle, strict=True
    ):
        if not (40 < x < width - 40 and 40 < y < height - 40):
            continue
        counts = []
        for way in (12, -12):
            line_x = x + way * np.cos(angle) - across * np.sin(angle)
            line_y = y - way * np.sin(angle) - across * np.cos(angle)
            line = cv2.remap(
                ridge, line_x.astype(np.float32), line_y.astype(np.float32), cv2.INTER_LINEAR
            )
            counts.append(np.count_nonzero(np.diff(line.ravel() > 0.5)) / 2)
        more.append(counts[0] - counts[1])
    assert len(more) > 30
    # A border of a ridge is half a ridge; a neighbouring minutia may hide what one adds.
    assert np.mean(more) > 0.35
    assert np.mean(np.array(more) < 0) < 0.1
