"""Messy dispositions, with the traps that have misled others."""

from __future__ import annotations

import pytest

from engine.risk.dispositions import read_disposition, vocabulary


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("CONVICTED-PROBATION", "convicted"),
        ("CONVICTED COMMITTED TO PRISON", "convicted"),
        ("Judgment on Plea of Guilty", "convicted"),
        ("Guilty But Mentally Ill", "convicted"),
        ("Finding - Guilty", "convicted"),
        ("nolo contendere", "convicted"),
        ("JAIL", "convicted"),
        ("Suspended Execution of Sentence", "convicted"),
        ("PLED NOT GUILTY, FOUND GUILTY", "convicted"),
        ("CONVICTED; MOTION TO DISMISS DENIED", "convicted"),
        ("JUVENILE TRIED AS AN ADULT, CONVICTED", "convicted"),
        ("JUVENILE CASE TRANSFERRED TO ADULT COURT", "transferred"),
        ("CONVICTED AS AN ADULT", "convicted"),
        ("CONVICTED, DISCHARGED FROM PROBATION 2004", "convicted"),
        ("not guilty", "acquitted"),
        ("Finding - Not Guilty", "acquitted"),
        ("NOT GUILTY BY REASON OF INSANITY", "acquitted"),
        ("PLEADED NOT GUILTY", "pending"),
        ("DISMISSED", "dismissed"),
        ("CONVICTION SET ASIDE", "dismissed"),
        ("GUILTY PLEA WITHDRAWN, DISMISSED", "dismissed"),
        ("NOT CONVICTED", "dismissed"),
        ("DISCHARGED", "dismissed"),
        ("Conditional Discharge", "deferred"),
        ("Suspended Imposition of Sentence", "deferred"),
        ("ADJUDICATION WITHHELD", "deferred"),
        ("NOLLE PROSEQUI", "not prosecuted"),
        ("PROS REL-DET ONLY-LACK OF SUFF EVID", "not prosecuted"),
        ("REL/DET ONLY/ADMISS EVIDENCE INSUFF", "not prosecuted"),
        ("no complaint", "not prosecuted"),
        ("DIVERSION COMPLETED", "diverted"),
        ("CONVICTED - EXPUNGED", "expunged"),
        ("EXPUNGEMENT DENIED, CONVICTED", "convicted"),
        ("Record sealed", "sealed"),
        ("SEALED INDICTMENT", "pending"),
        ("ADJUDICATED DELINQUENT", "juvenile"),
        ("EXTRADITED", "transferred"),
        ("PENDING", "pending"),
        ("SET FOR TRIAL - GUILTY PLEA OFFERED", "pending"),
        ("convicted of lesser offense", "unrecognised"),
        ("", "none recorded"),
        ("  - ", "none recorded"),
        ("No disposition on file", "none recorded"),
        ("UNKNOWN", "none recorded"),
        ("xq17", "unrecognised"),
    ],
)
def test_words_to_state(text: str, state: str) -> None:
    assert read_disposition(text).state == state


def test_case_and_punctuation_do_not_matter() -> None:
    assert read_disposition("nolle-pros.") == read_disposition("NOLLE  PROS")


def test_every_state_can_be_reached() -> None:
    table = vocabulary()
    assert {state for state, _ in table.rules} | {"unrecognised"} == set(table.states)
