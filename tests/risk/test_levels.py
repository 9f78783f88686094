"""The two policies on records by hand, and what must hold for any records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.risk.coding import offenses
from engine.risk.levels import assess, explain, list_policies, load_policy
from engine.risk.policy import Policy
from engine.risk.tables import POLICIES
from engine.types import Degree, OffenseRecord
from tests.risk.records import CODES, COUNTING, DROPPED, any_records, record

BY_CONVICTION = load_policy("sc-2010-conviction")
BY_LIST = load_policy("sc-2009-list")
FELONY, MISDEMEANOR = Degree.FELONY, Degree.MISDEMEANOR
MURDER, BURGLARY, LARCENY, SELL_HEROIN, HAVE_HEROIN = "0911", "2202", "2303", "3510", "3512"

policies = st.sampled_from([BY_CONVICTION, BY_LIST, load_policy("harm-tiers")])
few = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("records", "level", "rule"),
    [
        ([record("a", MURDER)], 1, "aggravated-felony"),
        ([record("a", SELL_HEROIN, FELONY)], 1, "aggravated-felony"),
        ([record("a", BURGLARY, FELONY)], 2, "felony"),
        ([record("a", BURGLARY, FELONY), record("b", LARCENY, FELONY)], 1, "two-felonies"),
        ([record("a", BURGLARY, months=24)], 2, "felony"),
        ([record("a", LARCENY, months=12)], 3, "misdemeanor"),
        ([record(name, LARCENY, MISDEMEANOR) for name in "ab"], 3, "misdemeanor"),
        ([record(name, LARCENY, MISDEMEANOR) for name in "abc"], 2, "three-misdemeanors"),
    ],
)
def test_levels_by_conviction(records: list[OffenseRecord], level: int, rule: str) -> None:
    found = assess(records, BY_CONVICTION)
    assert (found.state, found.level, found.rule, found.lane) == (
        "level",
        level,
        rule,
        "conviction",
    )


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (record("a", BURGLARY), "neither degree nor maximum sentence"),
        (record("a", "", FELONY), "no NCIC code"),
        (record("a", "7099", MISDEMEANOR), "does not say which"),
        (record("a", MURDER, MISDEMEANOR), "misdemeanor as recorded"),
        (record("a", BURGLARY, MISDEMEANOR, months=60), "disagree"),
        (record("a", BURGLARY, FELONY, "DEFERRED"), "leaves open whether it counts"),
        (record("a", BURGLARY, FELONY, "zzz"), "unrecognised"),
    ],
)
def test_what_is_open_goes_to_review(one: OffenseRecord, says: str) -> None:
    found = assess([one], BY_CONVICTION)
    assert (found.state, found.level, found.record_id) == ("needs-review", None, "a")
    assert says in found.reason


def test_no_review_where_another_record_gives_level_1() -> None:
    found = assess([record("a", BURGLARY), record("b", MURDER)], BY_CONVICTION)
    assert (found.level, found.record_id) == (1, "b")


def test_no_review_where_the_open_fact_cannot_change_the_level() -> None:
    unsure = record("b", BURGLARY, MISDEMEANOR, "DEFERRED")
    found = assess([record("a", BURGLARY, FELONY), unsure], BY_CONVICTION)
    assert (found.state, found.level) == ("level", 2)


@pytest.mark.parametrize("disposition", ["PENDING", "", "TRANSFERRED"])
def test_a_charge_is_no_conviction(disposition: str) -> None:
    found = assess([record("a", MURDER, FELONY, disposition)], BY_CONVICTION)
    assert found.state == "no-record"
    assert sum(found.dropped.values()) == 1
    charged = assess([record("a", MURDER, FELONY, disposition)], BY_LIST)
    assert (charged.level, charged.lane) == (1, "charge")


def test_a_conviction_decides_before_a_more_severe_charge_in_its_level() -> None:
    found = assess([record("a", MURDER, disposition="PENDING"), record("b", "1201")], BY_LIST)
    assert (found.level, found.lane, found.record_id) == (1, "conviction", "b")


@pytest.mark.parametrize(
    ("ncic", "degree", "level"),
    [
        (MURDER, Degree.UNKNOWN, 1),
        (SELL_HEROIN, Degree.UNKNOWN, 1),
        (SELL_HEROIN, MISDEMEANOR, 2),
        (HAVE_HEROIN, FELONY, 1),
        (HAVE_HEROIN, Degree.UNKNOWN, 2),
        (BURGLARY, FELONY, 2),
        ("2606", FELONY, 3),  # a bad check
        ("5499", Degree.UNKNOWN, 3),  # traffic
        ("3605", FELONY, 2),  # no block rule for 36xx
        ("3618", FELONY, 1),
    ],
)
def test_levels_by_list(ncic: str, degree: Degree, level: int) -> None:
    assert assess([record("a", ncic, degree)], BY_LIST).level == level


@pytest.mark.parametrize("policy", [*map(load_policy, list_policies())], ids=lambda p: p.name)
@pytest.mark.parametrize("ncic", ["0301", "8003", "1401", "3602", "3610", "4003"])
def test_codes_of_status_or_conduct_give_no_level(ncic: str, policy: Policy) -> None:
    found = assess([record("a", ncic, FELONY)], policy)
    assert (found.state, found.dropped) == ("no-record", {"code does not rank": 1})


def test_every_code_has_its_outcome_under_every_policy() -> None:
    table = offenses()
    for policy in map(load_policy, list_policies()):
        states = {code: assess([record("a", code, FELONY)], policy).state for code in CODES}
        assert {code for code, state in states.items() if state == "level"} == set(table.by_code)
        assert {c for c, state in states.items() if state == "needs-review"} == set(table.review)
        assert {c for c, state in states.items() if state == "no-record"} == set(table.unranked)


def test_the_reason_names_record_field_rule_and_what_would_change_it() -> None:
    said = explain(
        assess([record("A7", BURGLARY, FELONY), record("B1", disposition="SEALED")], BY_CONVICTION)
    )
    for words in ("record A7", "NCIC 2202", "rule felony", "Would be Level 1 if", "1 sealed"):
        assert words in said
    assert BY_CONVICTION.table in said
    assert "B1" not in said


def test_a_record_given_twice_counts_once() -> None:
    found = assess([record("a", BURGLARY, FELONY)] * 2, BY_CONVICTION)
    assert (found.level, found.dropped) == (2, {"duplicate": 1})


def test_a_rule_met_by_convictions_goes_before_one_that_needs_a_charge(tmp_path: Path) -> None:
    text = (POLICIES / "sc-2010-conviction.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    text = text.replace('name = "sc-2010-conviction"', 'name = "own"')
    own.write_text(text.replace('pending = "drop"', 'pending = "charge"'), encoding="utf-8")
    policy = load_policy(own)
    two = [record("a", "1201", FELONY), record("b", "1201", FELONY, "PENDING")]
    found = assess(two, policy)
    assert (found.rule, found.level, found.lane) == ("two-felonies", 1, "charge")
    found = assess([*two, record("c", "5217")], policy)
    assert (found.rule, found.lane, found.record_id) == ("aggravated-felony", "conviction", "c")


def test_no_records() -> None:
    assert assess([], BY_LIST).state == "no-record"


def test_facts_about_a_person_cannot_be_given() -> None:
    with pytest.raises(TypeError):
        OffenseRecord("r", nationality="XX")  # type: ignore[call-arg]


@few
@given(st.lists(any_records(), max_size=6), policies, st.randoms(use_true_random=False))
def test_the_order_of_the_records_never_matters(records, policy, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(records, len(records))
    assert assess(shuffled, policy) == assess(records, policy)


@few
@given(st.lists(any_records(), max_size=5), any_records(DROPPED), policies)
def test_a_dropped_record_changes_nothing_but_its_count(records, extra, policy) -> None:  # type: ignore[no-untyped-def]
    before, after = assess(records, policy), assess([*records, extra], policy)
    assert replace(after, dropped={}) == replace(before, dropped={})
    assert sum(after.dropped.values()) == sum(before.dropped.values()) + 1


@few
@given(st.lists(any_records(COUNTING), max_size=5), any_records(), policies)
def test_one_more_record_never_lowers_a_level(records, extra, policy) -> None:  # type: ignore[no-untyped-def]
    before, after = assess(records, policy), assess([*records, extra], policy)
    if before.level is not None and after.level is not None:
        assert after.level <= before.level
    if before.level is not None or before.state == "needs-review":
        assert after.state != "no-record"
