"""Cost and reliability of likelihood ratios, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation import likelihoods

THREE = np.log10(3)


def test_saying_nothing_costs_one_bit():
    assert likelihoods.cllr(np.zeros(3), np.zeros(5)) == pytest.approx(1)


def test_cost_by_hand():
    # a ratio of 3 of mates costs log2(1 + 1/3); of 1/3 of non-mates the same
    assert likelihoods.cllr(np.array([THREE]), np.array([-THREE])) == pytest.approx(np.log2(4 / 3))
    # and the wrong way round log2(1 + 3)
    assert likelihoods.cllr(np.array([-THREE]), np.array([THREE])) == pytest.approx(2)


def test_restated_ratios_are_the_shares_in_pools():
    # ordered: non, non, mated | non, mated, mated: the third and fourth violate the order
    mated, nonmated = np.array([0.3, 0.5, 0.6]), np.array([0.1, 0.2, 0.4])
    mine, theirs = likelihoods.restate(mated, nonmated)
    assert mine.tolist() == [0, np.inf, np.inf]  # the pool of one each says nothing
    assert theirs.tolist() == [-np.inf, -np.inf, 0]


def test_restated_ratios_do_not_depend_on_how_many_of_a_kind_there_are():
    mated, nonmated = np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    mine, theirs = likelihoods.restate(mated, np.repeat(nonmated, 10))
    assert mine == pytest.approx(np.log10([2, 2, 1 / 2]))  # 2/3 over 1/3, and the reverse
    assert theirs[::10] == pytest.approx(np.log10([2, 1 / 2, 1 / 2]))


def test_the_least_cost_is_that_of_separated_kinds_at_zero_and_of_the_same_scores_at_one():
    assert likelihoods.judge(np.array([2.0, 3.0]), np.array([1.0])).least == 0
    same = np.array([0.0, 1.0, 2.0])
    assert likelihoods.judge(same, same).least == pytest.approx(1)


def test_true_ratios_cost_what_they_must():
    """Normal scores a unit apart have the log ratio x - 1/2 at x."""
    rng = np.random.default_rng(8)
    mated, nonmated = rng.normal(1, 1, 20_000), rng.normal(0, 1, 20_000)
    told = likelihoods.judge((mated - 0.5) / np.log(10), (nonmated - 0.5) / np.log(10))
    assert told.least <= told.cost == pytest.approx(told.least, abs=0.01)
    # twice too sure costs more, and its order still no more than before
    bold = likelihoods.judge((mated - 0.5) / np.log(5), (nonmated - 0.5) / np.log(5))
    assert bold.cost > told.cost
    assert bold.least == pytest.approx(told.least)


def test_reliability_by_hand():
    mated, nonmated = np.array([1.0, 1.2, 3.0, -20.0]), np.array([1.1, -2.0, -2.2, -2.4])
    found = likelihoods.reliability(mated, nonmated)
    assert found.stated == pytest.approx([-20, -2.2, 1.1, 3])  # empty decades are not there
    assert found.mated.tolist() == [1, 0, 2, 1]
    assert found.nonmated.tolist() == [0, 3, 1, 0]
    assert found.measured == pytest.approx([np.inf, -np.inf, np.log10(2), np.inf])
