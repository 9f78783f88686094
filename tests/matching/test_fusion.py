"""Fusion: one finger is itself, chance stays chance, the best print is chosen fairly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from engine.matching import fusion


def test_one_finger_fused_is_that_finger():
    alone = np.array([[0.0, 0.5, 3.0, 80.0, 400.0]])
    np.testing.assert_allclose(fusion.fuse(alone), alone[0], atol=1e-9)


@pytest.mark.parametrize("k", [2, 10])
def test_fused_is_fishers_tail(k):
    rng = np.random.default_rng(0)
    parts = rng.exponential(2, (k, 50))
    expected = -chi2.logsf(2 * np.log(10) * parts.sum(axis=0), 2 * k) / np.log(10)
    np.testing.assert_allclose(fusion.fuse(parts), expected, rtol=1e-9)


def test_far_tails_keep_growing():
    grown = fusion.fuse(np.array([[100.0, 200, 300, 1000], [100.0, 200, 300, 1000]]))
    assert np.isfinite(grown).all()
    assert (np.diff(grown) > 150).all()
    assert grown[0] == pytest.approx(200 - np.log10(200 * np.log(10)), abs=0.2)


def test_chance_stays_chance_for_any_number_of_fingers():
    rng = np.random.default_rng(1)
    for k in (1, 2, 10):
        fused = fusion.fuse(-np.log10(rng.random((k, 200_000))))
        assert (fused >= 2).mean() == pytest.approx(0.01, rel=0.1)


def test_choosing_among_prints_costs_their_number():
    owner = np.array([0, 0, 1, 0, 0])
    worth = np.array([1.0, 5.0, 3.0, 2.0, 0.0])
    unknown = np.zeros(5, np.uint8)
    best = fusion.best_of(owner, worth, unknown, 2, misplaced=1.0)
    assert best.which.tolist() == [1, 2]
    assert best.significance.tolist() == pytest.approx([5 - np.log10(4), 3])


def test_another_position_costs_but_does_not_exclude():
    owner, worth = np.array([0, 0]), np.array([4.0, 5.5])
    position = np.array([2, 3], np.uint8)
    best = fusion.best_of(owner, worth, position, 2, misplaced=1.0)
    assert best.which.tolist() == [1]
    assert best.significance[0] == pytest.approx(4.5 - np.log10(2))
    best = fusion.best_of(owner, worth, position, 2, misplaced=2.0)
    assert best.which.tolist() == [0]


def test_finalists_are_the_owners_of_the_best_scores():
    owner = np.array([7, 3, 7, 5, 3])
    scores = np.array([0.1, 0.9, 0.95, 0.2, 0.3], np.float32)
    assert fusion.finalists(owner, scores, 2).tolist() == [7, 3]
    assert fusion.finalists(owner, scores, 9).tolist() == [7, 3, 5]


def test_impressions_of_one_finger_count_once():
    worth = np.array([[3.0, 1.0], [5.0, 0.0], [2.0, 4.0], [1.0, 1.0]])
    ratio = np.array([[1.0, -1.0], [2.0, -2.0], [3.0, -3.0], [4.0, -4.0]])
    fingers, ratios = fusion.one_each([2, 2, 0, 0], worth, ratio)
    two = np.log10(2)
    np.testing.assert_allclose(fingers, [[5 - two, 1 - two], [2, 4], [1, 1]])
    np.testing.assert_array_equal(ratios, [[2, -1], [3, -3], [4, -4]])
