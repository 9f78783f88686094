"""Error versus discard, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation import discards

# ten comparisons: two fail, of the lowest and of the fourth-lowest quality
QUALITY = np.arange(10)
FAILED = np.isin(QUALITY, [0, 3])


def at(curve: np.ndarray, share: float) -> float:
    return float(curve[np.searchsorted(discards.GRID, share - 1e-9)])


def test_the_curve_by_hand():
    curve = discards.curve(QUALITY, FAILED)
    assert at(curve, 0) == pytest.approx(0.2)
    assert at(curve, 0.1) == pytest.approx(1 / 9)  # the worst is gone: one of nine
    assert at(curve, 0.3) == pytest.approx(1 / 7)
    assert at(curve, 0.4) == pytest.approx(0)


def test_equal_qualities_go_by_chance():
    curve = discards.curve(np.zeros(10), FAILED)
    assert curve == pytest.approx(np.full(len(discards.GRID), 0.2))
    assert discards.area(curve) == pytest.approx(1)  # such a quality foresees nothing


def test_only_the_order_of_qualities_counts():
    assert discards.curve(QUALITY**3 - 50, FAILED) == pytest.approx(discards.curve(QUALITY, FAILED))


def test_perfect_foresight_discards_the_errors_first():
    found = discards.discard(QUALITY, FAILED)
    # all errors are gone after 20 %: FNMR is 1 - 0.8 / (1 - share) until there
    ideal = 1 + 0.8 * np.log(0.8) / 0.2
    assert found.ideal == pytest.approx(ideal / 0.2, rel=1e-3)
    assert found.ideal < found.area < 1


def test_without_errors_nothing_can_be_foreseen():
    found = discards.discard(QUALITY, np.zeros(10, bool))
    assert found.area is None
    assert not found.fnmr.any()
