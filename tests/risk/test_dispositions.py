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
        # a conviction beside something that did not undo it
        ("Not guilty plea entered; convicted", "convicted"),
        ("Convicted, appeal dismissed", "convicted"),
        ("Appeal dismissed; conviction affirmed", "convicted"),
        ("Conviction affirmed; not reversed", "convicted"),
        ("Sentence reduced - guilty", "convicted"),
        ("Guilty; sentence vacated; resentenced", "convicted"),
        ("Guilty, discharged from jail", "convicted"),
        ("Convicted; capias quashed", "convicted"),
        ("Deferred adj probation revoked; adjudicated guilty; 5 yrs TDCJ", "convicted"),
        ("Diversion failed - convicted", "convicted"),
        ("Convicted - delinquent in payment of fines", "convicted"),
        ("Juvenile: No; Guilty", "convicted"),
        ("Sealed: N Disposition: Guilty", "convicted"),
        ("Expunged: no. Convicted", "convicted"),
        ("Convicted, restricted by court order from driving", "convicted"),
        ("Convicted, not sealed", "convicted"),
        ("Convicted; pardon denied", "convicted"),
        ("Guilty. Victim juvenile", "convicted"),
        ("CONVICTED; VICTIM A MINOR", "convicted"),
        ("Guilty - juvenile victim", "convicted"),
        # what only speaks of an outcome is no outcome
        ("Pardon denied", "unrecognised"),
        ("Expunged: no", "unrecognised"),
        ("Not sealed", "unrecognised"),
        ("Charges not dropped", "unrecognised"),
        ("Appeal dismissed", "unrecognised"),
        ("Discharged from probation", "unrecognised"),
        ("Expungement Denied", "unrecognised"),
        ("Warrant quashed", "unrecognised"),
        ("Reduced to misd", "unrecognised"),
        ("Plea withdrawn - trial set", "pending"),
        ("Plea of not guilty withdrawn", "pending"),
        # undone all the same
        ("Guilty verdict set aside", "dismissed"),
        ("VACATED CONVICTION", "dismissed"),
        ("Conviction reversed on appeal", "dismissed"),
        ("Conviction vacated; remanded for new trial", "unrecognised"),
        ("Not found guilty", "acquitted"),
        ("Not convicted", "dismissed"),
        ("Adjourned in contemplation of dismissal", "deferred"),
        ("NO INFO FILED", "not prosecuted"),
        # common short forms
        ("CONV", "convicted"),
        ("JAIL 90 DAYS", "convicted"),
        ("SENT TO DOC", "convicted"),
        ("DSMD", "dismissed"),
        ("DSM", "dismissed"),
        ("NG", "acquitted"),
        ("NP", "not prosecuted"),
        ("DA REJECT", "not prosecuted"),
        ("NOLPROS", "not prosecuted"),
        ("ADJ W/H", "deferred"),
        ("DADJ", "deferred"),
        ("PBJ", "deferred"),
        ("ACD", "deferred"),
        ("PTI", "diverted"),
        ("ARD", "diverted"),
        ("NO DISPO", "none recorded"),
        ("DISPO NOT RECEIVED", "none recorded"),
        # other letters
        ("ＧＵＩＬＴＹ", "convicted"),
        ("ＤＩＳＭＩＳＳＥＤ", "dismissed"),
        ("有罪", "unrecognised"),
        ("Виновен", "unrecognised"),
    ],
)
def test_words_to_state(text: str, state: str) -> None:
    assert read_disposition(text).state == state


@pytest.mark.parametrize(
    "text",
    [
        "Convicted; charge 2 dismissed",
        "GUILTY CT 1; CT 2 DISMISSED",
        "NOT GUILTY CT 1; GUILTY CT 2",
        "CONVICTED; NO ACTION ON PROBATION",
        "guilty: declined to impose fine",
        "CONVICTED/DECEASED",
        "Guilty - fine suspended, discharged",
        "Convicted as an adult - juvenile",
        "Guilty; sentence vacated; charge dropped",
        "Never was convicted",
        "not, as claimed, convicted",
    ],
)
def test_two_outcomes_are_left_to_a_person(text: str) -> None:
    assert read_disposition(text).state == "unrecognised"


CONVICTIONS = ("CONVICTED", "GUILTY", "SENTENCED", "NOLO CONTENDERE", "CONV", "TIME SERVED")
DROPS = (
    "DISMISSED", "DROPPED", "WITHDRAWN", "QUASHED", "DISCHARGED", "NOLLE PROSEQUI", "DECLINED",
    "NO ACTION", "DECEASED", "DIVERSION", "JUVENILE", "ACQUITTED", "NOT GUILTY", "DSMD", "NO BILL",
)  # fmt: skip


@pytest.mark.parametrize("convicted", CONVICTIONS)
def test_no_word_swallows_a_conviction_nor_a_conviction_an_acquittal(convicted: str) -> None:
    for other in DROPS:
        for text in (f"{convicted}; CT 2 {other}", f"CT 1 {other}; CT 2 {convicted}"):
            assert read_disposition(text).state == "unrecognised", text


def test_who_the_victim_is_changes_nothing() -> None:
    for outcome, state in (("GUILTY", "convicted"), ("DISMISSED", "dismissed")):
        for victim in ("VICTIM JUVENILE", "JUV VICTIM", "VICTIM WAS A MINOR", "VICT. DECEASED"):
            assert read_disposition(f"{outcome}. {victim}").state == state


def test_case_and_punctuation_do_not_matter() -> None:
    assert read_disposition("nolle-pros.") == read_disposition("NOLLE  PROS")


def test_every_state_can_be_reached() -> None:
    table = vocabulary()
    assert {rule.state for rule in table.rules} | {"unrecognised"} == set(table.states)
