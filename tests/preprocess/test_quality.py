"""The rating of a print falls with noise and with what is missing of it."""

from __future__ import annotations

import numpy as np

from engine.preprocess.analysis import analyse
from engine.preprocess.quality import rate
from engine.settings import PreprocessSettings, RatingSettings
from engine.types import Minutiae, RidgeMap
from tests.preprocess.waves import Arcs

SETTINGS = PreprocessSettings()
RATING = RatingSettings()


def minutiae(count: int, quality: int = 90) -> Minutiae:
    flat = np.zeros(count, np.float32)
    kind = np.ones(count, np.uint8)
    return Minutiae(flat, flat, flat, kind, np.full(count, quality, np.uint8))


def ridges(noise: float = 0) -> RidgeMap:
    return analyse(Arcs().image(noise), SETTINGS)


def cut(whole: RidgeMap, rows: int) -> RidgeMap:
    mask = whole.mask & (np.arange(len(whole.mask))[:, None] < rows)
    return RidgeMap(8, mask, whole.orientation, whole.frequency, whole.quality * mask)


def test_clear_prints_rate_high_and_noisy_ones_lower() -> None:
    ratings = [rate(ridges(noise), minutiae(40), RATING) for noise in (0, 60, 120)]
    assert 100 >= ratings[0] > 65
    assert ratings[0] > ratings[1] > ratings[2] > 0


def test_less_print_fewer_and_doubtful_minutiae_rate_lower() -> None:
    whole = ridges()
    best = rate(whole, minutiae(40), RATING)
    assert rate(cut(whole, 15), minutiae(40), RATING) < best
    assert rate(whole, minutiae(8), RATING) < best
    assert rate(whole, minutiae(40, quality=40), RATING) < best


def test_nothing_rates_nothing() -> None:
    whole = ridges()
    assert rate(whole, minutiae(0), RATING) == 0
    assert rate(cut(whole, 0), minutiae(40), RATING) == 0
