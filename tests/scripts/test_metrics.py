"""Error rates on scores small enough to count by hand."""

from __future__ import annotations

import metrics
import numpy as np
import pytest

NONMATED = np.arange(1000) / 1000  # 0.000 to 0.999


def test_perfect_separation_has_no_errors():
    found = metrics.rates(np.array([2.0, 3.0]), NONMATED)
    assert metrics.equal_error_rate(found) == 0
    assert metrics.fnmr_at(found, 0) == 0


def test_equal_error_rate_by_hand():
    # at any threshold over 0.9: 100 of 1000 false matches; below, one of ten mates is missed
    mated = np.array([0.9] + [2.0] * 9)
    assert metrics.equal_error_rate(metrics.rates(mated, NONMATED)) == pytest.approx(0.1, abs=2e-3)


def test_equal_error_rate_where_false_matches_fall_below_a_level_of_misses():
    # one of four mates is missed over 0.1; between 0.1 and 0.9 false matches fall from 1/2 to 0
    mated, nonmated = np.array([0.1, 0.9, 0.9, 0.9]), np.array([0.0, 0.0, 0.3, 0.6])
    assert metrics.equal_error_rate(metrics.rates(mated, nonmated)) == 0.25


def test_fnmr_at_a_false_match_rate_by_hand():
    mated = np.array([0.5, 0.98, 0.9945, 2.0])
    found = metrics.rates(mated, NONMATED)
    assert metrics.fnmr_at(found, 1e-2) == 0.5  # threshold over 0.989: two mates pass
    assert metrics.fnmr_at(found, 1e-3) == 0.75  # threshold over 0.998
    assert metrics.fnmr_at(found, 0) == 0.75
    assert metrics.fnmr_at(found, [1e-2, 0]).tolist() == [0.5, 0.75]


def test_a_threshold_misses_what_its_rate_says():
    mated = np.array([-3.0, -1.5, 0.5, 2.0])  # scores may be logarithms: below 0 too
    nonmated = np.array([-4.0, -2.0, -1.0, 0.0])
    found = metrics.rates(mated, nonmated)
    for fmr, missed in ((1.0, 0), (0.5, 0.25), (0.25, 0.5), (0.0, 0.5)):
        threshold = metrics.threshold_at(found, fmr)
        assert np.mean(mated < threshold) == missed == metrics.fnmr_at(found, fmr)
        assert np.mean(nonmated >= threshold) <= fmr


def test_weights_are_as_good_as_copies():
    rng = np.random.default_rng(3)
    mated, nonmated = rng.normal(1, 1, 40).round(1), rng.normal(0, 1, 200).round(1)
    often, other = rng.integers(0, 3, 40), rng.integers(0, 3, 200)
    weighed = metrics.weigh(metrics.arrange(mated, nonmated), often, other)
    copied = metrics.rates(np.repeat(mated, often), np.repeat(nonmated, other))
    assert metrics.equal_error_rate(weighed) == metrics.equal_error_rate(copied)
    for fmr in (0.3, 0.1, 0.01, 0):
        assert metrics.fnmr_at(weighed, fmr) == metrics.fnmr_at(copied, fmr)


def test_a_failure_to_extract_is_missed_at_every_threshold():
    found = metrics.rates(np.array([-np.inf, 2.0]), NONMATED)
    assert found.fnmr.min() == 0.5
    assert metrics.fnmr_at(found, 1.0) == 0.5


def test_where_nothing_was_extracted_everything_is_missed():
    found = metrics.rates(np.full(2, -np.inf), np.full(3, -np.inf))
    assert metrics.fnmr_at(found, [1, 0]).tolist() == [1, 1]


def test_identical_scores_are_chance():
    same = np.zeros(10)
    assert metrics.equal_error_rate(metrics.rates(same, same)) == pytest.approx(0.5)


def test_rank_one_counts_ties_and_missing_probes_against_the_mate():
    scores = np.array([[3.0, 1.0], [2.0, 2.0], [-np.inf, -np.inf], [0.0, 1.0]])
    assert metrics.rank_one(scores, np.array([0, 0, 1, 1])) == 0.5


def test_mates_on_the_list_by_rank():
    rank = np.array([1, 1, 3, 20, 0])  # the last is not on the list
    assert metrics.hits(rank, [1, 5, 20]).mean(axis=0).tolist() == [0.4, 0.6, 0.8]


def test_one_kind_alone_is_refused():
    with pytest.raises(ValueError, match="mated and non-mated"):
        metrics.rates(np.zeros(3), np.zeros(0))
