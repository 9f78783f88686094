"""Intervals: they hold the truth as often as they say, and count dependent witnesses once."""

from __future__ import annotations

import metrics
import numpy as np
import pytest
from evaluation import intervals
from evaluation.intervals import Bootstrap

FEW = Bootstrap(resamples=200)


def test_every_resample_draws_as_many_fingers_as_there_are():
    drawn = intervals.draw(7, FEW)
    assert drawn.shape == (200, 7)
    assert (drawn.sum(axis=1) == 7).all()
    assert (drawn == intervals.draw(7, FEW)).all()  # the seed is part of the settings
    assert (drawn != intervals.draw(7, Bootstrap(200, seed=2))).any()


def test_the_truth_is_inside_as_often_as_stated():
    rng, held = np.random.default_rng(5), 0
    for _ in range(200):
        failed = rng.random((100, 1)) < 0.2
        shares = intervals.resample_shares(np.arange(100), failed, FEW)
        found = intervals.interval(shares, 100, FEW)
        held += bool(found.low[0] <= 0.2 <= found.high[0])
    assert 180 <= held <= 199  # of 95 %, which a bootstrap of 100 trials comes near to


def test_attempts_of_one_finger_are_one_witness():
    rng = np.random.default_rng(6)
    each = rng.random((50, 1)) < 0.3
    alone = intervals.resample_shares(np.arange(50), each, FEW)
    tenfold = intervals.resample_shares(np.repeat(np.arange(50), 10), np.repeat(each, 10, 0), FEW)
    assert tenfold == pytest.approx(alone)


def test_pairs_of_two_fingers_count_by_both():
    """Each of three fingers has one mated pair and one non-mated pair with each other one."""
    mated, nonmated = np.array([0.2, 0.6, 1.0]), np.array([0.1, 0.4, 0.8])
    one, other = np.array([0, 0, 1]), np.array([1, 2, 2])
    steps = metrics.arrange(mated, nonmated)
    resamples = intervals.resample_pairs(steps, np.arange(3), (one, other), FEW)
    drawn = intervals.draw(3, FEW)
    usable = [weight for weight in drawn if weight.max() < 3]  # thrice the same makes no pair
    for weight, found in zip(usable, resamples, strict=True):
        a, b, c = weight
        total = a * b + a * c + b * c
        # at the second mated score the third non-mated pair passes and the first mated fails
        at = int(np.flatnonzero(found.threshold == 0.6)[0])
        assert found.fmr[at] == pytest.approx(b * c / total)
        assert found.fnmr[at] == pytest.approx(a / 3)


def test_searches_count_by_the_probes_finger():
    finger = np.array([0, 0, 1])
    steps = metrics.arrange(np.array([0.5, 0.9, 0.9]), np.array([0.1, 0.2, 0.7]))
    drawn = intervals.draw(2, FEW)
    measured = intervals.measure(
        intervals.resample_searches(steps, finger, FEW), lambda found: metrics.fnmr_at(found, [0])
    )
    a, b = drawn.T
    # the threshold lies over 0.7 where finger 1 was drawn, else over 0.2: then nothing is missed
    assert measured[:, 0] == pytest.approx(np.where(b > 0, a / (2 * a + b), 0))


def test_no_error_leaves_the_rule_of_three():
    found = intervals.interval(np.zeros((200, 1)), 300, FEW)
    assert (found.low[0], found.high[0]) == (0, pytest.approx(0.01))
    assert intervals.interval(np.zeros((200, 1)), 2, FEW).high[0] == 1
