"""The queue is total, explained, and moved by severity and waiting alone; nothing in it starves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PolicyError
from engine.risk.levels import assess, list_policies, load_policy, stand
from engine.risk.queue import Case, Place, measure_stability, rank
from engine.risk.suggesting import Suggestion
from engine.types import Degree
from tests.risk.records import any_records, record

POLICY = load_policy("sc-2009-list")
START = datetime(2010, 1, 1, tzinfo=UTC)
DAYS = dict(zip(POLICY.tiers, POLICY.aging.due_days, strict=True))
some = settings(max_examples=40, deadline=None, derandomize=True)


def case(case_id: str, ncic: str, hours: float = 0, disposition: str = "CONVICTED") -> Case:
    records = (record("r", ncic, Degree.FELONY, disposition),)
    return Case(case_id, START + timedelta(hours=hours), records)


def names(places: Sequence[Place]) -> list[str]:
    return [place.case.case_id for place in places]


def test_the_order_of_the_queue() -> None:
    cases = [
        case("nothing", "1101", disposition="DISMISSED"),
        case("traffic", "5499"),
        case("burglary", "2202"),
        case("unknown", "9999"),
        case("murder charge", "0911", disposition="PENDING"),
        case("robbery A, late", "1201", 2),
        case("robbery B, early", "1201", 1),
        case("murder", "0911", 9),
    ]
    places = rank(cases, POLICY)
    assert names(places) == [
        "murder",
        "robbery B, early",
        "robbery A, late",
        "murder charge",
        "unknown",
        "burglary",
        "traffic",
        "nothing",
    ]
    assert [place.place for place in places] == list(range(1, 9))
    assert places[0].reason == (
        "Level 1; by conviction; murder and other willful killing;"
        " waiting since 2010-01-01 09:00 UTC"
    )
    assert [place.tied for place in places] == [1, 2, 2, 1, 1, 1, 1, 1]
    assert "; as severe as 1 other;" in places[1].reason
    assert places[4].tier == "needs review"


@pytest.mark.parametrize(
    "charge", ["ATTEMPTED ROBBERY", "CONSPIRACY TO COMMIT ROBBERY", "SOLICITATION OF ROBBERY"]
)
def test_what_was_not_completed_comes_after_what_was(charge: str) -> None:
    done = Case("a", START + timedelta(hours=5), (record("r", charge="ROBBERY"),))
    tried = Case("b", START, (record("r", charge=charge),))
    places = rank([tried, done], POLICY)
    assert [(place.case.case_id, place.tier) for place in places] == [
        ("a", "Level 1"),
        ("b", "Level 1"),
    ]


def test_inside_a_level_the_scale_decides_and_the_other_scale_may_differ() -> None:
    cases = [case("drugs", "3510"), case("weapon", "5212")]
    assert names(rank(cases, POLICY)) == ["drugs", "weapon"]
    assert names(rank(cases, POLICY.by("cambridge-chi-2026"))) == ["weapon", "drugs"]
    (tier,) = measure_stability(cases, POLICY)["cambridge-chi-2026"]
    assert (tier.tier, tier.cases, tier.tau, tier.moved) == ("Level 1", 2, -1.0, 1.0)
    with pytest.raises(PolicyError, match="there are ussg-2016"):
        POLICY.by("no-such-scale")


def test_no_scale_moves_a_case_to_another_tier() -> None:
    cases = [case(str(n), c) for n, c in enumerate(["0911", "3510", "2202", "5499", "9999", ""])]
    for other in POLICY.scales:
        found = rank(cases, POLICY.by(other))
        tiers = {place.case.case_id: place.tier for place in rank(cases, POLICY)}
        assert {place.case.case_id: place.tier for place in found} == tiers


def test_a_time_without_a_zone_is_utc() -> None:
    naive = Case("a", datetime(2010, 1, 1), case("", "1201").records)
    assert names(rank([case("b", "1201", 1), naive], POLICY)) == ["a", "b"]


def test_a_case_twice_is_refused() -> None:
    with pytest.raises(PolicyError, match="twice"):
        rank([case("a", "1201"), case("a", "0911")], POLICY)


def test_one_place_in_so_many_goes_to_the_longest_overdue() -> None:
    waiting = [case("traffic", "5499"), case("older traffic", "5499", -24), case("bounced", "2606")]
    fresh = [case(f"murder {n}", "0911", 24 * DAYS["Level 3"]) for n in range(9)]
    at = START + timedelta(days=DAYS["Level 3"], hours=1)
    places = rank([*waiting, *fresh], POLICY, at)
    assert POLICY.aging.one_in == 5
    assert [n for n, place in enumerate(places, 1) if place.tier == "Level 3"] == [5, 10, 12]
    older = places[4]
    assert (older.case.case_id, older.overdue, older.by_severity) == ("older traffic", True, 11)
    assert "one place in 5 goes to overdue cases: by severity it would be at 11" in older.reason
    assert not places[0].overdue
    assert names(rank([*waiting, *fresh], POLICY)).index("older traffic") == 10


def test_what_was_done_before_brings_the_turn_of_overdue_cases_nearer() -> None:
    cases = [case("traffic", "5499"), *(case(f"m{n}", "0911", 1e4) for n in range(9))]
    at = START + timedelta(hours=1e4)
    at_places = [names(rank(cases, POLICY, at, served)).index("traffic") + 1 for served in range(6)]
    assert at_places == [5, 4, 3, 2, 1, 5]


def test_nothing_starves_however_much_that_is_severe_comes_in() -> None:
    """A murder comes in for each case that is done; the one traffic offense is reached all the
    same, by the day that its policy says and no later than `one_in` cases after."""
    queue = [case("traffic", "5499"), *(case(f"old {n}", "0911") for n in range(20))]
    per_day, done_at = 2, None
    for step in range(400):  # as many are done as steps were taken
        at = START + timedelta(days=step / per_day)
        first = rank(queue, POLICY, at, step)[0].case
        queue.remove(first)
        if first.case_id == "traffic":
            done_at = step / per_day
            break
        queue.append(Case(f"new {step}", at, case("", "0911").records))
    # Overdue after 30 days; then at most the murders that were overdue before, one in five each.
    assert done_at is not None
    assert DAYS["Level 3"] <= done_at <= DAYS["Level 3"] + POLICY.aging.one_in * 30 / per_day


def test_a_place_tells_the_whole_reason() -> None:
    (place,) = rank([case("a", "1201")], POLICY, START)
    assert place.assessment == assess(place.case.records, POLICY)
    assert place.assessment.rule == "robbery"
    assert place.due == START + timedelta(days=DAYS["Level 1"])


def test_words_nobody_can_code_get_a_suggestion_and_no_level() -> None:
    (place,) = rank([Case("a", START, (record("r", charge="ZZGRBL QXQ"),))], POLICY)
    assert place.tier == "needs review"
    assert place.suggestion is not None
    assert 0 <= place.suggestion.probability <= 1
    (coded,) = rank([case("b", "1201")], POLICY)
    assert coded.suggestion is None


people = st.lists(st.tuples(any_records(), st.integers(0, 3)), max_size=8)


@some
@given(people, st.randoms(use_true_random=False), st.integers(0, 90), st.integers(0, 9))
def test_the_order_of_input_never_matters(people, random, days, served) -> None:  # type: ignore[no-untyped-def]
    cases = [Case(str(n), START + timedelta(h), (one,)) for n, (one, h) in enumerate(people)]
    at = START + timedelta(days=days)
    places = rank(cases, POLICY, at, served)
    shuffled = rank(random.sample(cases, len(cases)), POLICY, at, served)
    assert names(shuffled) == names(places)
    assert [place.place for place in places] == list(range(1, len(cases) + 1))
    assert sorted(names(places)) == sorted(one.case_id for one in cases)


@some
@given(people)
def test_review_is_never_behind_a_lower_level(people) -> None:  # type: ignore[no-untyped-def]
    cases = [Case(str(n), START + timedelta(h), (one,)) for n, (one, h) in enumerate(people)]
    tiers = [place.standing.tier for place in rank(cases, POLICY)]
    assert tiers == sorted(tiers)
    assert POLICY.tiers[:2] == ("Level 1", "needs review")


@some
@given(
    st.lists(any_records(), max_size=5),
    st.text(max_size=8),
    st.dates(date(1990, 1, 1), date(2026, 1, 1)),
    st.sampled_from(list_policies()),
)
def test_only_offense_facts_move_a_place(records, name, day, policy_name) -> None:  # type: ignore[no-untyped-def]
    """Ids and dates of the records, and what a case is called, tell nothing of severity."""
    policy = load_policy(policy_name)
    plain = [replace(one, record_id=str(n), offense_date=None) for n, one in enumerate(records)]
    renamed = [
        replace(one, record_id=f"{name}{n}", offense_date=day) for n, one in enumerate(plain)
    ]
    assert stand(renamed, policy) == stand(plain, policy)


def test_a_suggestion_that_is_not_sure_enough_moves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = {"ZQX A": ("robbery", 0.9), "ZQX B": ("robbery", 0.4), "ZQX C": ("gambling", 0.9)}

    def suggest_many(charges: Sequence[str]) -> list[Suggestion]:
        return [
            Suggestion(*said[charge], "violent", 0.9, Degree.FELONY, 0.9, 5.0, "made up")
            for charge in charges
        ]

    monkeypatch.setattr("engine.risk.queue.suggest_many", suggest_many)
    cases = [Case(charge, START, (record("r", charge=charge),)) for charge in reversed(said)]
    places = rank(cases, POLICY)
    assert names(places) == ["ZQX A", "ZQX B", "ZQX C"]  # B stands where the table has the unknown
    assert {place.tier for place in places} == {"needs review"}


def test_what_is_overdue_is_said_by_the_moment_asked_for() -> None:
    due = START + timedelta(days=DAYS["Level 1"])
    for hours, overdue in ((-1, False), (1, True)):
        (place,) = rank([case("a", "0911")], POLICY, due + timedelta(hours=hours))
        assert (place.overdue, place.due) == (overdue, due)
