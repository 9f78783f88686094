"""Every code has one explicit outcome, and no code ranks by what it says about a person."""

from __future__ import annotations

import pytest

from engine.risk.coding import code, offenses
from engine.types import OffenseRecord

NCIC_CODES = 464  # NIEM 5.0, OFFCodeSimpleType
STATUS = ("0301", "0302", "0303", "0399", "8003", "8004", "8005")
ABORTION = ("1401", "1402", "1403", "1404", "1499")
SAME_SEX = ("3602", "3603", "3609", "3610", "4003")


def code_of(ncic: str = "", charge: str = "") -> str | None:
    found = code(OffenseRecord("r", ncic=ncic, charge=charge))
    return found.category.id if found.category else None


def test_every_ncic_code_has_one_outcome() -> None:
    table = offenses()
    outcomes = [*table.by_code, *table.review, *table.unranked]
    assert len(outcomes) == len(set(outcomes)) == NCIC_CODES


@pytest.mark.parametrize("number", STATUS + ABORTION + SAME_SEX)
def test_codes_that_name_status_or_conduct_never_rank_by_themselves(number: str) -> None:
    found = code(OffenseRecord("r", ncic=number))
    assert found.category is None
    assert not found.ranks
    assert "does not rank by itself" in found.why


@pytest.mark.parametrize("number", SAME_SEX)
def test_such_a_record_still_ranks_by_the_words_of_its_charge(number: str) -> None:
    assert code_of(number, "AGGRAVATED ROBBERY") == "robbery"


@pytest.mark.parametrize(
    ("victims", "base"),
    [
        (("1104", "1105", "1106", "1107"), "1101"),
        (("1108", "1109", "1110", "1111"), "1102"),
        (("1112", "1113", "1114", "1115"), "1103"),
        (("1118", "1119"), "1198"),
        (("1120", "1121"), "1199"),
        (("1003",), "1004"),
        (("3614",), "3615"),
        (("3620", "3621"), "3699"),
        (("3802", "3803", "3809"), "3810"),
    ],
)
def test_the_victims_sex_and_age_change_nothing(victims: tuple[str, ...], base: str) -> None:
    assert {code_of(number) for number in victims} == {code_of(base)}


@pytest.mark.parametrize(
    ("number", "category"),
    [
        ("0911", "murder"),
        ("0909", "manslaughter"),
        ("1201", "robbery"),
        ("1313", "assault"),
        ("1314", "aggravated-assault"),
        ("2606", "bad-check"),
        ("3510", "drug-trafficking"),
        ("3512", "drug-possession"),
        ("3513", "drugs-unspecified"),
        ("3605", "indecency"),
        ("5499", "traffic"),
    ],
)
def test_codes_and_their_categories(number: str, category: str) -> None:
    assert code_of(number) == category


@pytest.mark.parametrize(
    ("charge", "category"),
    [
        ("AGG ASLT W/ DEADLY WPN", "aggravated-assault"),
        ("Attempted Murder", "murder"),
        ("ROBBERY / MURDER", None),  # two offenses: a person reads it
        ("FALSE REPORT OF KIDNAPPING", None),
        ("FAILURE TO APPEAR - BURGLARY", None),
        ("STATUTORY RAPE", "statutory-rape"),
        ("CRIMINALLY NEGLIGENT HOMICIDE", "manslaughter"),
        ("POSS W/INTENT TO DELIVER COCAINE", "drug-trafficking"),
        ("POSS COCAINE < 1G", "drug-possession"),
        ("SEXUAL ASSAULT OF A CHILD", "child-sexual-abuse"),
        ("GRAPE THEFT", None),
        ("", None),
    ],
)
def test_words_of_a_charge(charge: str, category: str | None) -> None:
    assert code_of("", charge) == category


def test_an_unknown_code_is_left_to_a_person() -> None:
    found = code(OffenseRecord("r", ncic="3903"))
    assert found.category is None
    assert found.ranks
    assert "unknown" in found.why


def test_a_code_that_says_too_little_is_left_to_a_person() -> None:
    assert code(OffenseRecord("r", ncic="7099")).ranks
    assert code_of("7099") is None


def test_the_exact_code_goes_before_the_words() -> None:
    assert code_of("2303", "MURDER") == "larceny"
