"""One person and a whole queue are settled alike, and a key orders as its fields do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.risk import standing
from engine.risk.counting import BITS, NO_KEY, make_key, read_degree, read_key
from engine.risk.levels import assess
from engine.risk.policy import Policy, list_policies, load_policy
from engine.risk.standing import FEW, book_of, stand, stand_many
from engine.risk.tables import POLICIES
from engine.types import Degree
from tests.risk.records import any_records, record

some = settings(max_examples=60, deadline=None, derandomize=True)
fields = st.fixed_dictionaries(
    {name: st.integers(0, (1 << bits) - 1) for name, bits in BITS.items()}
)


@some
@given(fields, fields)
def test_a_key_orders_as_its_fields(one: dict[str, int], other: dict[str, int]) -> None:
    keys = make_key(**one), make_key(**other)
    ordered = [[each[name] for name in BITS] for each in (one, other)]
    assert (keys[0] < keys[1]) == (ordered[0] < ordered[1])
    assert read_key(keys[0]) == one
    assert max(keys) < NO_KEY


@some
@given(st.lists(st.lists(any_records(), max_size=6), max_size=12), st.sampled_from(list_policies()))
def test_many_at_once_stand_as_each_alone(people, name) -> None:  # type: ignore[no-untyped-def]
    policy = load_policy(name)
    alone = [stand(records, policy) for records in people]
    many = [*people, *[[]] * FEW]
    assert stand_many(many, policy)[: len(people)] == alone


@some
@given(st.lists(any_records(), max_size=6), st.sampled_from(list_policies()))
def test_an_assessment_is_the_standing_in_words(records, name) -> None:  # type: ignore[no-untyped-def]
    policy = load_policy(name)
    found, told = stand(records, policy), assess(records, policy)
    assert (told.state, told.level, told.lane, told.category) == (
        found.state,
        found.level,
        found.lane,
        found.category,
    )
    assert told.rule == (policy.rules[found.rule].id if found.rule >= 0 else "")


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """sc-2010-conviction, but a pending charge counts: rules of several records in both lanes."""
    own = tmp_path_factory.mktemp("policy") / "lanes.toml"
    text = (POLICIES / "sc-2010-conviction.toml").read_text(encoding="utf-8")
    text = text.replace('name = "sc-2010-conviction"', 'name = "lanes"')
    own.write_text(text.replace('pending = "drop"', 'pending = "charge"'), encoding="utf-8")
    return load_policy(own)


@some
@given(people=st.lists(st.lists(any_records(), max_size=6), max_size=12))
def test_many_at_once_stand_as_each_alone_in_both_lanes(people, lanes: Policy) -> None:  # type: ignore[no-untyped-def]
    alone = [stand(records, lanes) for records in people]
    assert stand_many([*people, *[[]] * FEW], lanes)[: len(people)] == alone


@pytest.mark.parametrize("others", [0, FEW])
@pytest.mark.parametrize(
    ("dispositions", "lane"),
    [
        (["CONVICTED", "CONVICTED"], "conviction"),
        (["CONVICTED", "CONVICTED", "PENDING"], "conviction"),
        (["CONVICTED", "PENDING", "PENDING"], "charge"),
        (["PENDING", "PENDING"], "charge"),
    ],
)
def test_a_rule_of_two_records_is_in_the_lane_of_the_second(
    lanes: Policy, dispositions: list[str], lane: str, others: int
) -> None:
    records = [record(str(n), "2202", Degree.FELONY, d) for n, d in enumerate(dispositions)]
    found = stand_many([records, *[[]] * others], lanes)[0]
    assert (lanes.rules[found.rule].id, found.lane) == ("two-felonies", lane)


def test_two_alike_without_an_id_are_two() -> None:
    policy = load_policy("sc-2010-conviction")
    twice = [record("", "2202", Degree.FELONY)] * 2
    assert assess(twice, policy).rule == "two-felonies"
    assert assess([record("a", "2202", Degree.FELONY)] * 2, policy).rule == "felony"


@pytest.mark.parametrize(
    ("degree", "months", "found"),
    [
        (Degree.UNKNOWN, 0, Degree.INFRACTION),
        (Degree.UNKNOWN, 12, Degree.MISDEMEANOR),
        (Degree.UNKNOWN, 13, Degree.FELONY),
        (Degree.FELONY, 13, Degree.FELONY),
        (Degree.FELONY, 12, Degree.UNKNOWN),
        (Degree.MISDEMEANOR, None, Degree.MISDEMEANOR),
    ],
)
def test_the_degree_of_a_record(degree: Degree, months: int | None, found: Degree) -> None:
    assert read_degree(record("a", degree=degree, months=months), 12)[0] is found


def test_a_rule_that_asks_for_traits_is_open_for_what_nobody_could_code(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    text = (POLICIES / "harm-tiers.toml").read_text(encoding="utf-8")
    head = text[: text.index("[[rule]]")].replace("harm-tiers", "own")
    rule = '[[rule]]\nid = "armed"\nlevel = 1\ntitle = "armed"\nsource = "x"\ntraits = ["weapon"]\n'
    own.write_text(head.replace("[2, 3, 7, 14, 30, 60]", "[2, 3, 60]") + rule, encoding="utf-8")
    policy = load_policy(own)
    assert stand([record("a", charge="QXQ ZZ")], policy).state == standing.REVIEW
    assert stand([record("a", "1314")], policy).level == 1
    assert stand([record("a", "1306")], policy).state == standing.NOTHING


def test_what_is_dismissed_is_counted_as_that_before_its_code() -> None:
    dropped = assess([record("a", "0301", disposition="DISMISSED")], load_policy("harm-tiers"))
    assert dropped.dropped == {"dismissed": 1}


def test_every_record_of_a_rule_is_named_and_its_loss_is_told() -> None:
    policy = load_policy("sc-2010-conviction")
    thefts = [record(name, "2303", Degree.MISDEMEANOR) for name in "abcd"]
    found = assess(thefts, policy)
    assert (found.rule, found.level) == ("three-misdemeanors", 2)
    assert "Together with record b, record c." in found.reason
    assert "record d" not in found.reason
    assert found.changes[-1] == (
        "Without record a and record b and record c (dismissed, sealed, expunged): Level 3."
    )


def test_a_book_that_began_anew_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = load_policy("harm-tiers").by("ussg-2016")
    records = [record(str(n), code) for n, code in enumerate(["0911", "1201", "2303", "5499"])]
    first = book_of(policy).number(records)
    monkeypatch.setattr("engine.risk.counting.REMEMBERED", 1)
    assert book_of(policy).number([*records, record("x", "3510")])[:4] == first
    assert book_of(policy).number(records) == first


def test_persons_alike_share_one_standing() -> None:
    policy = load_policy("harm-tiers")
    one, other = (stand([record(name, "1201", Degree.FELONY)], policy) for name in "ab")
    assert one is other
    assert stand([], policy).state == standing.NOTHING
