"""Examining: two examiners, blind; a supervisor where they differ; the record only afterwards."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import cv2
import numpy as np
import pytest

from engine.errors import ConflictError, NotFoundError, StoreError
from engine.service.examining import (
    CLOSED,
    FIRST,
    OTHERS,
    SECOND,
    SUPERVISION,
    DeskCase,
    Examiner,
    Examining,
)
from engine.service.results import Probe, Use
from engine.service.tenprint import Tenprint
from engine.store import case_holds, schema
from engine.store.audit import Filter
from engine.types import Degree, OffenseRecord
from tests.prints_at_no_cost import Row

ADA, BOB, EVE = Examiner("Ada"), Examiner("Bob"), Examiner("Eve")
SUE = Examiner("Sue", supervisor=True)
MURDER = OffenseRecord(
    "R1", ncic="0901", charge="MURDER", degree=Degree.FELONY, disposition="convicted"
)
SECRETS = ("P1", "P2", "MURDER", "R1", "Level", "criminal")


@pytest.fixture
def filled(tenprint: Tenprint, make_row: Row) -> Tenprint:
    """Four persons of two fingers each; a probe that hits P1, on record for murder, and one that
    hits P2, who came first and has no record."""
    rows = [make_row(f"P{who}", 10 * who + place, place) for who in range(1, 5) for place in (2, 7)]
    tenprint.enrol(rows, gallery="criminal")
    tenprint.attach_records([("P1", MURDER)], gallery="criminal")
    probes = [
        Probe(f"latent-{who}", tuple(make_row("x", 10 * who + place, place) for place in (2, 7)))
        for who in (2, 1)
    ]
    tenprint.identify(probes, use=Use(jurisdiction="Harris"))
    return tenprint


@pytest.fixture
def desk(filled: Tenprint) -> Examining:
    return filled.examining()


def decide(desk: Examining, key: str, *made: tuple[Examiner, str]) -> str:
    stage = ""
    for who, conclusion in made:
        desk.open(key, who)
        stage = desk.decide(key, who, conclusion)
    return stage


def test_cases_come_in_order_of_work_without_what_is_on_record(desk: Examining) -> None:
    cases, count = desk.waiting(ADA)
    assert count == 2
    assert [(case.place, case.probe, case.stage) for case in cases] == [
        (1, "latent-1", FIRST),
        (2, "latent-2", FIRST),
    ]
    assert all(case.may_decide and case.held == "" for case in cases)
    told = " ".join(str(getattr(case, each.name)) for case in cases for each in fields(DeskCase))
    assert not any(secret in told for secret in SECRETS)
    assert desk.waiting(ADA, limit=1, offset=1) == (cases[1:], 2)
    assert desk.waiting(ADA, stages=[SUPERVISION]) == ([], 0)


def test_an_opened_case_shows_both_prints_with_their_pairs(desk: Examining) -> None:
    key = desk.waiting(ADA)[0][0].key
    opened = desk.open(key, ADA)
    assert [each.number for each in opened.compared] == [1, 2]
    for each, position in zip(opened.compared, (2, 7), strict=True):
        assert each.probe.position == each.candidate.position == position
        assert each.probe.image and each.candidate.image
        assert len(each.pairs) > 20
        for side, column in ((each.probe, 0), (each.candidate, 1)):
            assert each.pairs[:, column].max() < len(side.minutiae)
            assert (side.width, side.height) == (300, 400)
    assert not any(secret in repr(opened) for secret in SECRETS)


@pytest.mark.parametrize("side", ["probe", "candidate"])
def test_pictures_are_those_of_the_prints(desk: Examining, side: str) -> None:
    key = desk.waiting(ADA)[0][0].key
    desk.open(key, ADA)
    first, second = (
        cv2.imdecode(
            np.frombuffer(desk.picture(key, ADA, number, side, "original"), np.uint8),
            cv2.IMREAD_UNCHANGED,
        )
        for number in (1, 2)
    )
    assert first.shape == second.shape == (120, 100)
    # The corner names the finger; the picture of noise may have been taken for inverted.
    assert {int(first[0, 0]), int(second[0, 0])} in ({12, 17}, {243, 238})
    enhanced = desk.picture(key, ADA, 1, side, "enhanced")
    assert enhanced != desk.picture(key, ADA, 1, side, "original")
    for wrong in ((3, side, "original"), (1, "both", "original"), (1, side, "x-ray")):
        with pytest.raises(NotFoundError):
            desk.picture(key, ADA, *wrong)
    with pytest.raises(ConflictError, match="open the case first"):
        desk.picture(key, BOB, 1, side, "original")


def test_two_who_agree_close_a_case_and_then_see_the_record(desk: Examining) -> None:
    key = desk.waiting(ADA)[0][0].key
    assert decide(desk, key, (ADA, "identification")) == SECOND
    with pytest.raises(ConflictError, match="compare before you see the record"):
        desk.reveal(key, ADA)
    (own, _), count = desk.waiting(ADA)
    assert (count, own.key, own.stage, own.may_decide) == (2, key, SECOND, False)
    with pytest.raises(ConflictError, match="decided by Ada before"):
        desk.open(key, ADA)
    with pytest.raises(ConflictError, match="decided by ADA  before"):
        desk.open(key, Examiner("ADA "))
    assert "identification" not in repr(desk.open(key, BOB))
    assert desk.decide(key, BOB, "identification", "clear") == CLOSED
    assert [case.probe for case in desk.waiting(ADA)[0]] == ["latent-2"]
    shown = desk.reveal(key, ADA)
    assert (shown.person, shown.gallery, shown.conclusion) == ("P1", "criminal", "identification")
    assert [(each.examiner, each.notes, each.closes) for each in shown.decisions] == [
        ("Ada", "", False),
        ("Bob", "clear", True),
    ]
    assert shown.explanation.assessment.level == 1
    assert [line.record.charge for line in shown.explanation.records] == ["MURDER"]
    assert desk.picture(key, ADA, 1, "candidate", "original")
    for wrong in (desk.open, desk.reveal):
        with pytest.raises((ConflictError, NotFoundError)):
            wrong(key, EVE)
    with pytest.raises(NotFoundError, match="you decided no case"):
        desk.picture(key, EVE, 1, "candidate", "original")
    assert [each.number for each in desk.reveal(key, SUE).compared] == [1, 2]


def test_a_supervisor_who_was_neither_closes_what_two_dispute(desk: Examining) -> None:
    key = desk.waiting(ADA)[0][0].key
    with pytest.raises(ConflictError, match="not have this case open"):
        desk.decide(key, SUE, "exclusion")
    stage = decide(desk, key, (SUE, "inconclusive"), (BOB, "exclusion"))
    assert stage == SUPERVISION
    assert [case.key for case in desk.waiting(SUE, stages=[SUPERVISION])[0]] == [key]
    for who in (ADA, BOB):
        with pytest.raises(ConflictError):
            desk.open(key, who)
    with pytest.raises(ConflictError, match="decided by Sue before"):
        desk.open(key, SUE)
    other = Examiner("Otto", supervisor=True)
    assert "exclusion" not in repr(desk.open(key, other))
    assert desk.decide(key, other, "exclusion") == CLOSED
    assert [each.role for each in desk.reveal(key, BOB).decisions] == [
        "examiner",
        "examiner",
        "supervisor",
    ]
    assert [[case.key for case in desk.closed(who)[0]] for who in (BOB, ADA, SUE)] == [
        [key], [], [key],
    ]  # fmt: skip


def test_a_case_is_open_to_one_at_a_time(
    desk: Examining, filled: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (case.key for case in desk.waiting(ADA)[0])
    assert desk.next(ADA).key == first  # type: ignore[union-attr]
    with pytest.raises(ConflictError, match="another examiner has this case open"):
        desk.open(first, BOB)
    assert desk.next(BOB).key == second  # type: ignore[union-attr]
    assert desk.next(EVE) is None
    assert desk.next(ADA).key == first  # type: ignore[union-attr]
    assert desk.waiting(EVE)[0][0].held == OTHERS
    desk.release(first, EVE)  # not hers
    assert desk.next(EVE) is None
    desk.release(first, ADA)
    with pytest.raises(ConflictError, match="do not have this case open"):
        desk.decide(first, ADA, "exclusion")
    assert desk.next(EVE).key == first  # type: ignore[union-attr]
    later = schema.now() + timedelta(minutes=31)
    monkeypatch.setattr(case_holds, "now", lambda: later)
    assert desk.next(ADA).key == first  # type: ignore[union-attr]


def test_what_is_no_case_is_not_found(desk: Examining) -> None:
    for key in ("", "1", "1-", "-1", "x-1", "9-1", "1-1", "1-1-1", "١-١", f"{10**30}-1"):
        with pytest.raises(NotFoundError, match="no case"):
            desk.open(key, ADA)


def test_what_will_not_do_leaves_the_case_as_it_was(desk: Examining) -> None:
    key = desk.waiting(ADA)[0][0].key
    desk.open(key, ADA)
    with pytest.raises(StoreError, match="no conclusion"):
        desk.decide(key, ADA, "match")
    assert desk.decide(key, ADA, "exclusion") == SECOND


def test_who_was_removed_is_not_compared(desk: Examining, filled: Tenprint) -> None:
    key = desk.waiting(ADA)[0][0].key
    filled.remove_person("P1")
    with pytest.raises(NotFoundError):
        desk.open(key, ADA)
    assert desk.next(ADA).probe == "latent-2"  # type: ignore[union-attr]


def test_every_look_is_on_record(desk: Examining, filled: Tenprint) -> None:
    key = desk.waiting(ADA)[0][0].key
    decide(desk, key, (ADA, "exclusion"), (BOB, "exclusion"))
    desk.reveal(key, BOB)
    told = [
        (entry.fields["event"], entry.fields["examiner"], entry.fields.get("stage"))
        for entry in filled.audit.show(Filter(person="P1"), 99)
        if "examiner" in entry.fields
    ]
    assert told == [
        ("opened", "Ada", FIRST),
        ("decided", "Ada", SECOND),
        ("opened", "Bob", SECOND),
        ("decided", "Bob", CLOSED),
        ("revealed", "Bob", None),
    ]
