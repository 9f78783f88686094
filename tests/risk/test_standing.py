"""One person and a whole queue are settled alike, and a key orders as its fields do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.risk import standing
from engine.risk.counting import BITS, NO_KEY, make_key, read_key
from engine.risk.levels import assess
from engine.risk.policy import list_policies, load_policy
from engine.risk.standing import FEW, book_of, stand, stand_many
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
