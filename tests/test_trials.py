"""A gallery searched for its own: who does not count, what is measured, who stands out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine import trials
from engine.errors import GalleryError
from engine.index.gallery import Entry, Gallery
from engine.matching import thresholds
from engine.settings import Settings, TrialSettings
from engine.trials import Trial
from tests.templates import draw_templates

MADE = draw_templates(12, 2, seed=31)
WHEN = date(2026, 1, 2)
SETTINGS = Settings()


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    made = Gallery("drawn")
    made.add([Entry(1 + i, f"P{i}", impressions[0]) for i, impressions in enumerate(MADE)])
    return made


@pytest.fixture(scope="module")
def large() -> Gallery:
    """Named persons enough, and prints that nobody looks at."""
    made = Gallery("large")
    made.add([Entry(1 + i, f"P{i}", MADE[0][0]) for i in range(1000)])
    return made


def simulate(location: float, scale: float, searches: int = 1000) -> list[Trial]:
    """Searches of 999 persons, and of a third, whose best scores are known in distribution."""
    rng = np.random.default_rng(8)
    per_third = rng.gumbel(location - scale * np.log(3), scale, (3, searches))
    scores = (per_third + np.log(999)) / np.log(10)
    return [
        Trial(f"P{i}", f"P{(i + 7) % 1000}", float(scores[:, i].max()), -1.0, float(scores[0, i]))
        for i in range(searches)
    ]


def test_the_person_searched_for_does_not_count(gallery: Gallery) -> None:
    fewer = frozenset({"P1", "P3"})
    trial = trials.run("P3", [MADE[3][1]], gallery, fewer, SETTINGS)
    alone = trials.run("P99", [MADE[3][1]], gallery, fewer, SETTINGS)
    assert alone.best == "P3" != trial.best
    assert trial.score < alone.score == alone.score_fewer
    assert trial.score_fewer <= trial.score
    with pytest.raises(GalleryError, match="nobody but 'P0'"):
        only = Gallery("one")
        only.add([Entry(1, "P0", MADE[0][0])])
        trials.run("P0", [MADE[0][1]], only, fewer, SETTINGS)


def test_the_part_of_the_gallery_is_drawn_once(large: Gallery) -> None:
    drawn = trials.draw_fewer(large, TrialSettings())
    assert len(drawn) == 333
    assert drawn == trials.draw_fewer(large, TrialSettings())
    assert drawn != trials.draw_fewer(large, TrialSettings(seed=2))


def test_stated_rates_come_true_where_the_shipped_calibration_is_off(large: Gallery) -> None:
    found = trials.measure(simulate(-2.0, 1.2), 1, large, WHEN, SETTINGS)
    assert (found.site.location, found.site.scale) == pytest.approx((-2.0, 1.2), abs=0.15)
    assert (found.site.searches, found.site.persons, found.site.fingers) == (1000, 999, 1)
    assert [(each.stated, each.persons) for each in found.checks] == [
        (0.1, 999),
        (0.01, 999),
        (0.1, 333),
        (0.01, 333),
    ]
    assert all(each.low <= each.stated <= each.high for each in found.checks)
    assert found.checks[0].shipped < 0.05
    assert found.suspects == ()


def test_a_low_rate_is_checked_only_where_enough_errors_can_be_expected(large: Gallery) -> None:
    bold = replace(SETTINGS, trials=TrialSettings(errors=1))
    found = trials.measure(simulate(0, 1), 1, large, WHEN, bold)
    assert [each.stated for each in found.checks[:3]] == [0.1, 0.01, 0.001]


def test_who_is_enrolled_twice_is_named_and_left_out(large: Gallery) -> None:
    plain = simulate(0, 1)
    twice = [
        replace(plain[5], best="P9", score=18.0, llr=12.0),
        replace(plain[9], best="P5", score=17.5, llr=12.0),
        replace(plain[11], score=17.0, llr=-0.1),  # rare, but no mate
        *(each for i, each in enumerate(plain) if i not in (5, 9, 11)),
    ]
    found = trials.measure(twice, 1, large, WHEN, SETTINGS)
    (pair,) = found.suspects
    assert (pair.person, pair.other, pair.score) == ("P5", "P9", 18.0)
    assert found.site.searches == 998
    assert found.curve.measured[0] == 17.0


def test_the_curve_goes_through_what_was_measured(large: Gallery) -> None:
    found = trials.measure(simulate(-1.0, 1.1), 1, large, WHEN, SETTINGS)
    curve = found.curve
    tenth = np.interp(curve.measured[100], curve.score, curve.site)
    assert tenth == pytest.approx(0.1, abs=0.02)
    assert (curve.low <= curve.site).all()
    assert (curve.site <= curve.high).all()
    assert curve.shipped == pytest.approx(thresholds.rate(curve.score, 999))
