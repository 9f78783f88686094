"""What is fitted to non-mated searches: right within its own intervals, whatever else is there."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import pytest

from engine.errors import GalleryError, SettingsError
from engine.matching import thresholds
from engine.matching.thresholds import adjust, choose, excess, interval, joint, outliers
from engine.types import F64, Site

PERSONS = 1000
LOCATION, SCALE = -2.0, 1.3


def best_scores(rng: np.random.Generator, searches: int) -> F64:
    """Of searches in a gallery where the shipped calibration is off by LOCATION and SCALE."""
    return (rng.gumbel(LOCATION, SCALE, searches) + np.log(PERSONS)) / np.log(10)


def fit(scores: F64, pairs: npt.NDArray[np.int64]) -> Site:
    """What is fitted to searches with one finger."""
    return thresholds.fit(scores, pairs, persons=PERSONS, fingers=1, made=date(2026, 1, 2))


def site(location: float, scale: float, fingers: int = 1) -> Site:
    return Site(location, scale, 0.05, 0.04, -0.4, fingers, 1000, PERSONS, date(2026, 1, 2))


@pytest.mark.parametrize("fpir", [0.3, 1e-3, 1e-7])
@pytest.mark.parametrize("persons", [1, 40, 1_000_000])
def test_a_threshold_is_passed_at_the_rate_it_is_for(fpir: float, persons: int) -> None:
    score = thresholds.threshold(fpir, persons)
    assert thresholds.rate(score, persons) == pytest.approx(fpir)


@pytest.mark.parametrize("fpir", [0.0, 1.0, -1.0, float("nan")])
def test_a_rate_is_between_0_and_1(fpir: float) -> None:
    with pytest.raises(SettingsError, match="between 0 and 1"):
        thresholds.threshold(fpir, 10)


def test_scores_that_hardly_differ_tell_nothing() -> None:
    with pytest.raises(GalleryError, match="hardly differ"):
        fit(np.zeros(300), np.arange(300))


def test_the_truth_lies_within_the_intervals_as_often_as_they_say() -> None:
    rng, trials = np.random.default_rng(1), 60
    inside = np.zeros(3)
    for _ in range(trials):
        found = fit(best_scores(rng, 300), np.arange(300))
        score = thresholds.threshold(1e-3, PERSONS)
        raw = found.location + found.scale * excess(score, PERSONS)
        real = -np.expm1(-np.exp(-(raw - LOCATION) / SCALE))
        low, high = interval(score, PERSONS, found)
        inside += (
            abs(found.location - LOCATION) < 1.96 * found.location_sd,
            abs(found.scale - SCALE) < 1.96 * found.scale_sd,
            low < real < high,
        )
    assert (inside >= 50).all()  # 57 expected; 49 or fewer have a chance of 1 in 2,000


def test_a_comparison_seen_from_both_ends_is_one_witness() -> None:
    scores = best_scores(np.random.default_rng(2), 300)
    once = fit(scores, np.arange(300))
    twice = fit(np.tile(scores, 2), np.tile(np.arange(300), 2))
    apart = fit(np.tile(scores, 2), np.arange(600))
    assert twice.scale_sd == pytest.approx(once.scale_sd, rel=0.02)
    assert apart.scale_sd == pytest.approx(once.scale_sd / np.sqrt(2), rel=0.02)


def test_what_lies_under_the_median_says_no_more_than_that() -> None:
    scores = best_scores(np.random.default_rng(3), 301)
    cut = np.where(scores < np.median(scores), 0, scores)
    whole, blind = (fit(each, np.arange(301)) for each in (scores, cut))
    assert blind == whole


def test_scores_that_hardly_differ_are_refused() -> None:
    with pytest.raises(GalleryError, match="shipped calibration stays in use"):
        fit(np.zeros(300), np.arange(300))


def test_duplicates_stand_out_and_non_mates_do_not() -> None:
    scores = best_scores(np.random.default_rng(4), 300)
    assert not outliers(scores).any()
    scores[:30] += 12  # a tenth of all
    assert np.flatnonzero(outliers(scores)).tolist() == list(range(30))


def test_the_shipped_meaning_is_the_site_0_and_1() -> None:
    scores = np.linspace(0, 20, 50)
    assert adjust(scores, site(0, 1)) == pytest.approx(scores)


def test_a_higher_score_never_means_less() -> None:
    assert (np.diff(adjust(np.linspace(0, 20, 50), site(LOCATION, SCALE))) >= 0).all()
    assert adjust(0.0, site(3, 1)) == 0


@pytest.mark.parametrize("persons", [PERSONS // 3, PERSONS, 20 * PERSONS])
def test_adjusted_scores_keep_the_stated_rate_in_a_gallery_of_any_size(persons: int) -> None:
    # the best of n persons is the best of the others too: its location grows with SCALE·ln(n)
    rng = np.random.default_rng(5)
    moved = LOCATION + SCALE * np.log(persons / PERSONS)
    scores = (rng.gumbel(moved, SCALE, 20_000) + np.log(PERSONS)) / np.log(10)
    reached = adjust(scores, site(LOCATION, SCALE)) >= thresholds.threshold(0.05, persons)
    assert reached.mean() == pytest.approx(0.05, abs=0.006)  # 4 standard errors


def test_one_finger_and_several_keep_apart() -> None:
    sites = [site(0, 1, fingers) for fingers in (1, 2, 10)]
    chosen = [choose(sites, fingers) for fingers in (1, 2, 3, 6, 10)]
    assert [each.fingers for each in chosen if each] == [1, 2, 2, 10, 10]
    assert choose(sites[:1], 4) is None
    assert choose(sites[1:], 1) is None


def test_galleries_together_are_wrong_more_often_than_each() -> None:
    low, high = joint([(0.001, 0.002), (0.01, 0.03)])
    assert (low, high) == pytest.approx((0.011, 0.032), abs=1e-4)
