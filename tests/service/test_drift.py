"""Drift: bounds against numbers made by hand, and what counts as a false positive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import comb

import pytest
from sqlalchemy import Connection, insert, select, update

from engine.service import drift
from engine.service.drift import Drift, DriftSettings, bounds
from engine.store.database import Database
from engine.store.schema import now, search_galleries, searches
from tests.decided_searches import Made, submit

EXCLUDED = [("inconclusive", 1.0), ("exclusion", 2.0)]
IDENTIFIED = [("exclusion", 1.0), ("exclusion", 2.0), ("identification", 3.0)]
UNSURE = [("inconclusive", 1.0), ("inconclusive", 2.0)]
FALSE, TRUE, OPEN, DOUBTFUL = {"P1": EXCLUDED}, {"P1": IDENTIFIED}, {"P1": []}, {"P1": UNSURE}


@pytest.mark.parametrize(
    ("events", "trials", "lower", "upper"),
    [
        (0, 10, 0.0, 1 - 0.025**0.1),  # nothing in ten: (1 - p)^10 = 0.025
        (10, 10, 0.025**0.1, 1.0),
        (1, 10, 1 - 0.975**0.1, 0.4450),  # upper: tables of Clopper and Pearson (1934)
        (0, 0, 0.0, 1.0),
        (5, 10, 0.1871, 0.8129),
    ],
)
def test_bounds_are_those_of_clopper_and_pearson(
    events: int, trials: int, lower: float, upper: float
) -> None:
    assert bounds(events, trials, 0.95) == pytest.approx((lower, upper), abs=5e-5)


def test_a_bound_is_where_what_was_seen_has_the_probability_of_the_tail() -> None:
    lower, upper = bounds(3, 40, 0.99)

    def at_most(most: int, rate: float) -> float:
        return sum(comb(40, n) * rate**n * (1 - rate) ** (40 - n) for n in range(most + 1))

    assert 1 - at_most(2, lower) == pytest.approx(0.005)
    assert at_most(3, upper) == pytest.approx(0.005)


def test_more_events_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="3 events in 2 trials"):
        bounds(3, 2, 0.95)


@pytest.fixture
def database(target: str, request: pytest.FixtureRequest) -> Database:
    opened = Database(target)
    request.addfinalizer(opened.close)
    return opened


def test_searches_count_by_what_became_of_their_cases(database: Database) -> None:
    at = now() - timedelta(days=1)
    hits = [FALSE, TRUE, OPEN, DOUBTFUL, *[{}] * 7]
    with database.write() as connection:
        keep(connection, [Made(at, each) for each in hits], fpir=0.01)
        # Somebody was excluded, somebody else identified: the search is mated.
        keep(connection, [Made(at, {"P1": EXCLUDED, "P2": IDENTIFIED})], fpir=0.5)
    criminal, border = by_name(database, "criminal", "border")
    assert border.searches == criminal.searches == 10  # twelve but two that are mated
    assert (criminal.excluded, criminal.open) == (1, 2)
    assert criminal.promised == pytest.approx(0.01)
    assert criminal.observed == 0.1
    assert criminal.lower == bounds(1, 10, 0.95)[0] < 0.01
    assert criminal.upper == bounds(3, 10, 0.95)[1]
    assert not criminal.drifted


def test_a_search_with_two_exclusions_is_one_false_positive(database: Database) -> None:
    with database.write() as connection:
        keep(connection, [Made(now(), {"P1": EXCLUDED, "P2": EXCLUDED})])
    assert by_name(database, "criminal")[0].excluded == 1


def test_a_candidate_counts_for_its_own_gallery(database: Database) -> None:
    with database.write() as connection:
        keep(connection, [Made(now(), FALSE)], galleries=("criminal", "missing"))
    criminal, missing = by_name(database, "criminal", "missing")
    assert (criminal.excluded, missing.excluded) == (1, 0)
    assert (criminal.searches, missing.searches) == (1, 1)


def test_only_the_window_counts(database: Database) -> None:
    with database.write() as connection:
        keep(connection, [Made(now() - timedelta(days=days), FALSE) for days in (1, 20, 40)])
    month, day = DriftSettings(window=timedelta(days=30)), DriftSettings(timedelta(hours=1))
    assert [each.searches for each in drift.measure(database, month)] == [2, 2]
    assert drift.measure(database, day) == []


def test_drift_is_more_than_chance(database: Database) -> None:
    """Two in forty is chance where one in a hundred was promised (lower bound 0.0061); five is
    none (0.0419)."""
    with database.write() as connection:
        keep(connection, [Made(now(), FALSE)] * 2 + [Made(now())] * 38, fpir=0.01)
    assert not by_name(database, "criminal")[0].drifted
    with database.write() as connection:
        keep(connection, [Made(now(), FALSE)] * 3, fpir=0.01)
    found = by_name(database, "criminal")[0]
    assert (found.excluded, found.searches) == (5, 43)
    assert found.drifted


def keep(
    connection: Connection,
    made: Sequence[Made],
    fpir: float = 1e-3,
    galleries: Sequence[str] = ("criminal", "border"),
) -> None:
    """Searches of these galleries that promise this FPIR."""
    submission = submit(connection, "", *made)
    own = searches.c.submission_id == submission
    connection.execute(update(searches).where(own).values(fpir=fpir))
    ids = connection.scalars(select(searches.c.id).where(own)).all()
    connection.execute(
        insert(search_galleries),
        [{"search_id": each, "gallery": name, "sequence": 1} for each in ids for name in galleries],
    )


def by_name(database: Database, *names: str) -> list[Drift]:
    found = {each.gallery: each for each in drift.measure(database)}
    return [found[name] for name in names]
