"""The queue is total, explained, and moved by severity and waiting alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PolicyError
from engine.risk.levels import assess, load_policy
from engine.risk.queue import TIERS, Case, rank
from engine.types import Assessment, Degree
from tests.risk.records import any_records, record

POLICY = load_policy("sc-2009-list")
START = datetime(2010, 1, 1, tzinfo=UTC)


def assessed(ncic: str, disposition: str = "CONVICTED") -> Assessment:
    return assess([record("r", ncic, Degree.FELONY, disposition)], POLICY)


def case(case_id: str, assessment: Assessment, hours: int = 0) -> Case:
    return Case(case_id, START + timedelta(hours=hours), assessment)


def test_the_order_of_the_queue() -> None:
    cases = [
        case("nothing", assessed("1101", "DISMISSED")),
        case("traffic", assessed("5499")),
        case("burglary", assessed("2202")),
        case("unknown", assessed("9999")),
        case("murder charge", assessed("0911", "PENDING")),
        case("robbery A, late", assessed("1201"), hours=2),
        case("robbery B, early", assessed("1201"), hours=1),
        case("murder", assessed("0911"), hours=9),
    ]
    places = rank(cases)
    assert [place.case.case_id for place in places] == [
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
    assert places[4].tier == "needs review"


def test_a_time_without_a_zone_is_utc() -> None:
    naive = Case("a", datetime(2010, 1, 1), assessed("1201"))
    assert [place.case.case_id for place in rank([case("b", assessed("1201"), 1), naive])] == [
        "a",
        "b",
    ]


def test_a_case_twice_is_refused() -> None:
    with pytest.raises(PolicyError, match="twice"):
        rank([case("a", assessed("1201")), case("a", assessed("0911"))])


def test_assessments_of_different_rules_are_refused() -> None:
    other = assess([record("r", "0911")], load_policy("sc-2010-conviction"))
    with pytest.raises(PolicyError, match="different rules"):
        rank([case("a", assessed("1201")), case("b", other)])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(any_records(), st.integers(0, 3)), max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_order_of_input_never_matters_and_review_is_never_last(people, random) -> None:  # type: ignore[no-untyped-def]
    cases = [
        case(str(number), assess([one], POLICY), hours)
        for number, (one, hours) in enumerate(people)
    ]
    places = rank(cases)
    assert rank(random.sample(cases, len(cases))) == places
    tiers = [TIERS.index(place.tier) for place in places]
    assert tiers == sorted(tiers)
    review = [place.place for place in places if place.case.assessment.state == "needs-review"]
    lower = [place.place for place in places if place.tier in TIERS[2:]]
    assert not review or not lower or max(review) < min(lower)
