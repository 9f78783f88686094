"""Calibration: likelihood ratios, how rare they are alone and summed over fingers."""

from __future__ import annotations

import numpy as np
import pytest

from engine import pipeline
from engine.errors import SettingsError
from engine.matching import calibration
from engine.matching.calibration import LEAST, MOST, Nulls


def drawn_nulls(rng):
    """Normal likelihood ratios as a table with an exponential tail, and the ratios themselves."""
    llr = rng.normal(-3, 1, 2_000_000)
    share = np.logspace(0, -3, 40)
    knots = np.quantile(llr, 1 - share)
    excess = llr[llr > knots[-1]] - knots[-1]
    return Nulls(knots, np.log10(share), float(excess.mean()), 0.0), llr


def test_significance_is_the_share_that_is_as_high():
    nulls, llr = drawn_nulls(np.random.default_rng(0))
    for share in (0.5, 1e-2, 1e-4):
        level = np.quantile(llr, 1 - share)
        assert nulls.significance(level) == pytest.approx(-np.log10(share), abs=0.08)


def test_significance_grows_for_ever():
    nulls, _ = drawn_nulls(np.random.default_rng(0))
    score = nulls.significance([-9, -3, 0, 5, 50, 500])
    assert (np.diff(score) > 0).all()
    assert score[0] == 0


@pytest.mark.parametrize("fingers", [2, 4])
def test_sums_over_fingers_stay_chance_for_strangers(fingers):
    rng = np.random.default_rng(1)
    nulls, llr = drawn_nulls(rng)
    one = calibration.load("gabor")
    meaning = calibration.Calibration(one.with_ridges, one.without, nulls, "")
    sums = np.clip(rng.choice(llr, (fingers, 300_000)), LEAST, MOST).sum(axis=0)
    for level in (1, 2, 3):
        passed = (meaning.significance(sums, fingers) >= level).mean()
        assert passed == pytest.approx(10.0**-level, rel=0.3)


def test_a_second_finger_like_a_strangers_is_no_help():
    meaning = calibration.load("leader")
    alone = meaning.significance(4.0)
    assert meaning.significance(4.0 + LEAST, 2) < alone < meaning.significance(4.0 + 4.0, 2)


@pytest.mark.parametrize("extractor", pipeline.EXTRACTORS)
def test_what_ships_is_whole_and_moves_the_right_way(extractor):
    meaning = calibration.load(extractor)
    assert meaning.fitted_on
    for weights in (meaning.with_ridges, meaning.without):
        assert min(weights.pairing, weights.agreement, weights.likeness) > 0 > weights.minutiae
    assert meaning.with_ridges.coherence > 0 == meaning.without.coherence
    assert (np.diff(meaning.nulls.llr) > 0).all()
    assert (np.diff(meaning.nulls.log10_fmr) < 0).all()


def test_an_unknown_extractor_has_no_calibration():
    with pytest.raises(SettingsError, match="other"):
        calibration.load("other")
