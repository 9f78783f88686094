"""Fusion: fingers add up within bounds, the best print is chosen fairly, missing says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from engine.matching import fusion
from engine.matching.calibration import LEAST, MOST

UNKNOWN = np.zeros(5, np.uint8)


def test_one_finger_fused_is_that_finger():
    alone = np.array([[-30.0, 0.5, 3.0, 80.0]])
    total, counted = fusion.fuse(alone)
    np.testing.assert_array_equal(total, alone[0])
    assert counted.tolist() == [1, 1, 1, 1]


def test_fingers_add_up_and_none_decides_alone():
    fingers = np.array([[1.0, -50.0, 90.0], [2.5, 4.0, -1.0]])
    np.testing.assert_allclose(fusion.fuse(fingers)[0], [3.5, LEAST + 4, MOST - 1])


def test_choosing_among_prints_costs_their_number():
    owner = np.array([0, 0, 1, 0, 0])
    best = fusion.best_of(owner, np.array([1.0, 5.0, 3.0, 2.0, 0.0]), UNKNOWN, 2, misplaced=1.0)
    assert best.which.tolist() == [1, 2]
    assert best.llr.tolist() == pytest.approx([5 - np.log10(4), 3])


def test_another_position_costs_but_does_not_exclude():
    owner, llr = np.array([0, 0]), np.array([4.0, 5.5])
    position = np.array([2, 3], np.uint8)
    best = fusion.best_of(owner, llr, position, 2, misplaced=1.0)
    assert best.which.tolist() == [1]
    assert best.llr[0] == pytest.approx(4.5 - np.log10(2))
    best = fusion.best_of(owner, llr, position, 2, misplaced=2.0)
    assert best.which.tolist() == [0]


def test_a_missing_finger_says_nothing_against_a_person():
    owner, llr = np.array([0, 1, 2]), np.array([-5.0, -5.0, -5.0])
    position = np.array([3, 2, 0], np.uint8)  # another finger, this one, unknown
    best = fusion.best_of(owner, llr, position, 2, misplaced=1.0)
    np.testing.assert_array_equal(best.llr, [np.nan, -5, -5])
    total, counted = fusion.fuse(np.array([best.llr, [1.0, 1.0, np.nan]]))
    np.testing.assert_allclose(total, [1, 1 + LEAST, -5])
    assert counted.tolist() == [1, 2, 1]


def test_finalists_are_the_owners_of_the_best_scores():
    owner = np.array([7, 3, 7, 5, 3])
    scores = np.array([0.1, 0.9, 0.95, 0.2, 0.3], np.float32)
    assert fusion.finalists(owner, scores, 2).tolist() == [7, 3]
    assert fusion.finalists(owner, scores, 9).tolist() == [7, 3, 5]


def test_impressions_of_one_finger_count_once():
    llr = np.array([[3.0, 1.0], [5.0, 0.0], [2.0, 4.0], [1.0, 1.0]])
    fingers = fusion.one_each([2, 2, 0, 0], llr)
    two = np.log10(2)
    np.testing.assert_allclose(fingers, [[5 - two, 1 - two], [2, 4], [1, 1]])
