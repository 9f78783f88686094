"""Statistics agree with counting by hand, whatever they are counted by."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import SettingsError
from engine.risk.policy import load_policy
from engine.service import statistics
from engine.service.statistics import KEYS, Counts, Statistics, gather
from engine.store.database import Database
from tests.decided_searches import START, Made, convict, fill, submit

POLICY = load_policy("sc-2010-conviction")
NOTHING = POLICY.tiers[-1]
ENDS = ("identification", "exclusion", "inconclusive")


@pytest.fixture
def database(target: Path | str) -> Iterator[Database]:
    opened = Database(target)
    yield opened
    opened.close()


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as writer:
        fill(writer)
    return database


def counts(found: Statistics) -> dict[tuple[str, ...], Counts]:
    return {row.keys: row.counts for row in found.rows}


def short(one: Counts) -> tuple[int, ...]:
    return one.submissions, one.searches, one.hits, one.decided, one.waiting


def test_a_few_searches_are_counted_as_by_hand(filled: Database) -> None:
    found = gather(filled, POLICY, by=("level",))
    assert {key: short(one) for key, one in counts(found).items()} == {
        ("Level 1",): (2, 3, 3, 2, 1),
        (NOTHING,): (1, 1, 1, 1, 0),
        ("no hit",): (2, 1, 0, 0, 0),
    }
    assert short(found.total) == (3, 4, 4, 3, 1)
    one = counts(found)["Level 1",]
    assert (one.identifications, one.exclusions, one.inconclusive) == (2, 0, 0)
    assert one.share_decided == pytest.approx(2 / 3)
    assert (found.policy, found.table, found.levels) == (POLICY.name, POLICY.table, POLICY.tiers)


def test_the_decision_that_closed_a_case_counts_and_is_timed(filled: Database) -> None:
    found = counts(gather(filled, POLICY, by=("month",)))["2026-02",]
    assert (found.identifications, found.inconclusive) == (1, 0)
    assert (found.median_hours, found.p90_hours) == (40.0, 40.0)
    assert found.oldest_waiting is None


def test_what_waits_longest_is_told(filled: Database) -> None:
    found = gather(filled, POLICY, by=("jurisdiction", "month"))
    one = counts(found)["Harris", "2026-01"]
    assert one.oldest_waiting == START + timedelta(minutes=1)
    waited = found.made - START - timedelta(minutes=1)
    assert found.days_waiting(one) == pytest.approx(waited / timedelta(days=1))


def test_rows_are_sorted_by_the_keys_as_they_were_asked_for(filled: Database) -> None:
    keys = [row.keys for row in gather(filled, POLICY, by=("month", "level", "jurisdiction")).rows]
    assert keys == [
        ("2026-01", "Level 1", "Harris"),
        ("2026-01", NOTHING, "Harris"),
        ("2026-01", "no hit", "Harris"),
        ("2026-02", "Level 1", "(not stated)"),
        ("2026-02", "no hit", "Harris"),
    ]


def test_a_period_has_its_first_moment_and_not_its_end(filled: Database) -> None:
    later = datetime(2026, 2, 1, tzinfo=UTC)
    january = gather(filled, POLICY, by=("month",), end=later)
    february = gather(filled, POLICY, by=("month",), start=later)
    assert [row.keys for row in january.rows] == [("2026-01",)]
    assert [row.keys for row in february.rows] == [("2026-02",)]
    assert (january.total.hits, february.total.hits) == (3, 1)
    assert (january.total.submissions, february.total.submissions) == (1, 2)
    within = gather(filled, POLICY, by=(), start=START + timedelta(seconds=1), end=later)
    assert (within.total.searches, within.total.hits) == (2, 1)


def test_levels_follow_the_records_as_they_are_now(filled: Database) -> None:
    with filled.write() as writer:
        convict(writer, {"P3": "0901"})
        submit(writer, "Harris", Made(START, {"P3": [], "P4": []}))
    before = gather(filled, POLICY, by=()).total.hits_by_level
    with filled.write() as writer:
        convict(writer, {"P4": "0901"})
    after = gather(filled, POLICY, by=()).total.hits_by_level
    assert (before[0], before[-1]) == (4, 2)
    assert (after[0], after[-1]) == (5, 1)


@pytest.mark.parametrize("by", [(), KEYS])
def test_an_empty_database_gives_no_rows(database: Database, by: tuple[str, ...]) -> None:
    found = gather(database, POLICY, by=by)
    assert (found.rows, found.by_month) == ((), ())
    assert short(found.total) == (0, 0, 0, 0, 0)
    assert found.total.hits_by_level == (0,) * len(POLICY.tiers)
    assert (found.total.median_hours, found.total.share_decided) == (None, None)


@pytest.mark.parametrize("by", [("levels",), ("month", "month")])
def test_wrong_keys_are_refused(database: Database, by: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="level, jurisdiction, month"):
        gather(database, POLICY, by=by)


def test_a_period_that_ends_before_it_starts_is_refused(database: Database) -> None:
    with pytest.raises(SettingsError, match="ends before"):
        gather(database, POLICY, by=(), start=START, end=START)


def tier_of(person: str) -> int:
    return int(person[1:]) % len(POLICY.tiers)


def made_at_random(seed: int) -> list[tuple[str, datetime, list[Made]]]:
    """Submissions that may go on over the end of a month, and some that search nothing."""
    rng = random.Random(seed)
    made = []
    for _ in range(40):
        began = START + timedelta(hours=rng.randrange(80 * 24))
        times = [began + timedelta(hours=9 * n) for n in range(rng.choice([0, 1, 1, 5, 20]))]
        made.append((rng.choice(["", "Cook", "Harris"]), began, [chance(rng, at) for at in times]))
    return made


def chance(rng: random.Random, at: datetime) -> Made:
    people = rng.sample([f"P{n}" for n in range(1, 30)], rng.choice([0, 0, 1, 2, 4]))
    times = {
        person: sorted(rng.sample(range(1, 500), rng.choice([0, 1, 1, 3]))) for person in people
    }
    return Made(at, {p: [(rng.choice(ENDS), hour / 4) for hour in times[p]] for p in people})


def counted_by_hand(
    made: Sequence[tuple[str, datetime, list[Made]]], by: Sequence[str]
) -> dict[tuple[str, ...], dict[str, Any]]:
    """The same with sets, one search and one hit after the other."""
    sets: defaultdict[tuple[str, ...], defaultdict[str, Any]]
    sets = defaultdict(lambda: defaultdict(set))

    def group(level: str, where: str, at: datetime) -> defaultdict[str, Any]:
        values = {"level": level, "jurisdiction": where or "(not stated)", "month": f"{at:%Y-%m}"}
        return sets[tuple(values[key] for key in by)]

    for number, (where, began, searches) in enumerate(made):
        if not searches:
            group("no hit", where, began)["submissions"].add(number)
        for one in searches:
            for level in {POLICY.tiers[tier_of(person)] for person in one.hits} or {"no hit"}:
                group(level, where, one.at)["submissions"].add(number)
                group(level, where, one.at)["searches"].add((number, one.at))
            for person, decided in one.hits.items():
                counted = group(POLICY.tiers[tier_of(person)], where, one.at)
                counted["hits"].add((number, one.at, person))
                end = decided[-1][0] if decided else "waiting"
                counted[end].add((number, one.at, person))
                if decided:
                    counted["hours"].add((number, one.at, person, decided[-1][1]))
    return {key: dict(found) for key, found in sets.items()}


@pytest.mark.parametrize(
    "by", [(), ("level",), ("month",), ("jurisdiction", "level"), ("month", "jurisdiction"), KEYS]
)
def test_statistics_agree_with_sets(
    database: Database, monkeypatch: pytest.MonkeyPatch, by: tuple[str, ...]
) -> None:
    made = made_at_random(7)
    with database.write() as writer:
        for where, began, searches in made:
            submit(writer, where, *searches, began=began)
        convict(writer, {f"P{n}": f"{n:04d}" for n in range(1, 30)})
    monkeypatch.setattr(
        statistics,
        "stand",
        lambda records, policy: SimpleNamespace(tier=int(records[0].ncic) % len(policy.tiers)),
    )
    found = counts(gather(database, POLICY, by=by))
    expected = counted_by_hand(made, by)
    assert set(found) == set(expected)
    for key, sets in expected.items():
        one = found[key]
        for name in ("submissions", "searches", "hits", "waiting"):
            assert getattr(one, name) == len(sets.get(name, ())), (key, name)
        ends = (one.identifications, one.exclusions, one.inconclusive)
        assert ends == tuple(len(sets.get(end, ())) for end in ENDS)
        hours = sorted(item[-1] for item in sets.get("hours", ()))
        assert one.median_hours == (median(hours) if hours else None)
        if len(hours) > 1:
            assert one.p90_hours == pytest.approx(quantiles(hours, n=10, method="inclusive")[-1])
