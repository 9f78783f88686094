"""The task of oriented, and the noise that it makes ridges of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from devices import roofline
from devices.data import Data
from devices.sizes import Sizes
from devices.timing import Case
from engine.settings import MasterSettings
from kernels import backend, oriented

FIRST_ROUND, SETTLED = 1e-6, 1e-4  # between NumPy and a device, as oriented states them
SINGLE = 0.001  # share of pixels where a rounding may show

_master = MasterSettings()
GROWING = oriented.Growing(_master.reach, _master.bandwidth, _master.gain, _master.rounds)


def draw_pictures(rng: np.random.Generator, sizes: Sizes) -> list[np.ndarray]:
    """Noise, orientation and period that change slowly: float32 (N, H, W) each."""
    shape = sizes.pictures, sizes.height, sizes.width
    y, x = np.mgrid[: sizes.height, : sizes.width]
    at, bend = rng.uniform(0, 6, (2, sizes.pictures, 1, 1))
    theta = at + np.sin(x / 60 + bend) + np.cos(y / 50)
    period = 9 + np.cos(x / 70 + at) + 0 * y
    return [rng.standard_normal(shape, np.float32), *(np.float32(each) for each in (theta, period))]


def of_oriented(data: Data) -> Case:
    """Noise that becomes ridges: a piece is a pixel in a round."""
    sizes = data.sizes
    pixels = sizes.pictures * sizes.height * sizes.width
    count = data.turns(12 * pixels, 4)
    drawn = [draw_pictures(data.rng, sizes) for _ in range(count)]
    with data.device.use():
        on_device = [[backend.move(each, data.xp) for each in some] for some in drawn]

    def work(i: int) -> Any:
        return oriented.grow(*on_device[i % count], GROWING)

    def check(i: int, _: slice) -> None:
        first = [each[:1] for each in drawn[i]]
        once = replace(GROWING, rounds=1)
        got = data.run(lambda i: oriented.grow(*(each[:1] for each in on_device[i]), once), i)
        expected, limit = oriented.reference(*first, once), FIRST_ROUND * np.abs(first[0]).max()
        np.testing.assert_allclose(data.back(got), expected, rtol=0, atol=limit)
        got = data.back(data.run(work, i)[:1])
        other = (np.abs(got - oriented.reference(*first, GROWING)) > SETTLED).mean()
        assert other <= SINGLE, f"{other:.2%} of the pixels are others"

    cost = roofline.oriented(GROWING.reach)
    return data.case("oriented", pixels, count, cost, work, check, GROWING.rounds)
