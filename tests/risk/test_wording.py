"""Charges as dockets write them, in plain words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PolicyError
from engine.risk.tables import shared_files
from engine.risk.wording import normalise, read_wording, wording

TOKENS = [
    *sorted(wording().words),
    *(" ".join(key) for rows in wording().phrases.values() for key, _ in rows),
    *("A", "F2", "-", "/", "W/", "W/I", "(M1)", "[", "]", "<", "$", "1,500", "M", "V", "2", "."),
]


@pytest.mark.parametrize(
    ("charge", "words"),
    [
        ("AGG ASLT W/ DEADLY WPN", "AGGRAVATED ASSAULT WITH DEADLY WEAPON"),
        ("Aggr. Asslt. w/DW - F2", "AGGRAVATED ASSAULT WITH DEADLY WEAPON"),
        ("POSS W/I DEL CONT SUB", "POSSESSION WITH INTENT TO DELIVER CONTROLLED SUBSTANCE"),
        ("POSS W/INT TO DIST METH", "POSSESSION WITH INTENT TO DISTRIBUTE METHAMPHETAMINE"),
        ("SALE W/IN 1000 FT SCHOOL", "SALE WITHIN 1000 FT SCHOOL"),
        ("DRIVING W/O LIC", "DRIVING WITHOUT LICENSE"),
        ("POSS CS PG 1 <1G", "POSSESSION CONTROLLED SUBSTANCE PENALTY GROUP 1 <1G"),
        ("THEFT PROP >= $1,500 < $20K", "THEFT PROPERTY >=$1500 <$20K"),
        ("ROBBERY-F2(SMPD 05-53152)", "ROBBERY"),
        ("CAPITAL MURDER [RE-IND CR-18-0272]", "CAPITAL MURDER"),
        ("BURG HAB-F2/HCSO#C04-16474", "BURGLARY HABITATION"),
        ("Simple Assault Domestic (M1)", "SIMPLE ASSAULT DOMESTIC"),
        ("BURG OF M/V - A", "BURGLARY OF MOTOR VEHICLE"),
        ("D.W.I. 2ND", "DRIVING WHILE INTOXICATED SECOND"),
        ("FELONY B&E", "FELONY BREAKING AND ENTERING"),
        ("A&B DANGEROUS WEAPON", "ASSAULT AND BATTERY DANGEROUS WEAPON"),
        ("DEADLY CONDUCT [A] & [B]", "DEADLY CONDUCT A AND B"),
        ("PUB OFF", "PUBLIC OFFICER"),
        ("SEX OFF", "SEX OFFENSE"),
        ("SEX OFF FAIL TO COMPLY", "SEX OFFENDER FAILURE TO COMPLY"),
        ("MUDER", "MURDER"),
        ("ROBERRY", "ROBBERY"),
        ("KIDNAPING", "KIDNAPPING"),
        ("AGGRAVTED ROBEERY", "AGGRAVATED ROBBERY"),
        ("SUSBTANCE METHAMPHETMAINE", "SUBSTANCE METHAMPHETAMINE"),
        ("INTOXICATE", "INTOXICATE"),  # a word of its own, no misspelling
        ("ANOTHER'S", "ANOTHERS"),
        ("ＡＧＧ ＡＳＬＴ", "AGGRAVATED ASSAULT"),
        ("POSS ASSAULT WEAPON", "POSSESSION SEMIAUTOMATIC WEAPON"),
        ("NON-NEG MANSL", "NONNEGLIGENT MANSLAUGHTER"),
        ("", ""),
        ("(M1)", ""),
    ],
)
def test_plain_words(charge: str, words: str) -> None:
    assert normalise(charge) == words


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from(TOKENS), max_size=8).map(" ".join),
        st.lists(st.sampled_from(TOKENS), max_size=8).map("".join),
    )
)
def test_plain_words_stay_as_they_are(charge: str) -> None:
    words = normalise(charge)
    assert normalise(words) == words


def test_every_short_form_becomes_plain_words() -> None:
    table = wording()
    plain = {word for said in table.words.values() for word in said}
    assert not plain & set(table.words)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'SEX = "SX"', b'SEX = "SX MJ"', "'MJ' is short for two things"),
        (b'"MURDER", "PARA', b'"MURDER", "RAPE", "PARA', "too short"),
    ],
)
def test_a_table_that_does_not_hold_is_refused(old: bytes, new: bytes, says: str) -> None:
    files = dict(shared_files())
    assert old in files["abbreviations.toml"]
    files["abbreviations.toml"] = files["abbreviations.toml"].replace(old, new)
    with pytest.raises(PolicyError, match=says):
        read_wording(files)
