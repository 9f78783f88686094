"""The queue follows every decision and correction at once, and any past one can be made again."""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import GalleryError, PolicyError, SettingsError, StoreError
from engine.risk.policy import list_policies, load_policy
from engine.risk.tables import POLICIES
from engine.service.queueing import explain_case, find_case
from engine.service.results import IdentifyReport, Probe, QueueReport, Use
from engine.service.tenprint import Tenprint
from engine.store import schema
from engine.types import Degree, OffenseRecord
from tests.prints_at_no_cost import Row
from tests.risk.records import any_records

MURDER = OffenseRecord("R1", "0999", "HOMICIDE", Degree.FELONY, "convicted", None, "", 1200)
ROBBERY = OffenseRecord("R1", "1299", "ROBBERY", Degree.FELONY, "convicted", None, "", 240)
TRESPASS = OffenseRecord("R1", "5707", "TRESPASSING", Degree.MISDEMEANOR, "convicted", None, "", 3)
START = datetime(2026, 3, 1, 8, tzinfo=UTC)


class Clock:
    """The time that the database takes; moved on by hand."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = START
        for module in ("changes", "corrections", "decisions", "rule_sets", "searches", "versions"):
            patch.setattr(f"engine.store.{module}.now", self, raising=False)
        patch.setattr("engine.service.searching.now", self)
        patch.setattr("engine.service.queueing.now", self)
        patch.setattr(schema, "now", self)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, hours: float) -> datetime:
        """Moves on, and gives the moment just before."""
        before = self.now + timedelta(hours=hours / 2)
        self.now += timedelta(hours=hours)
        return before


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def searched(clock: Clock, tenprint: Tenprint, make_row: Row) -> Tenprint:
    """P1 .. P3 enrolled with records, and hit by a search an hour later."""
    tenprint.enrol([make_row(f"P{finger}", finger) for finger in range(5)], gallery="criminal")
    offenses = [("P1", TRESPASS), ("P2", MURDER), ("P3", ROBBERY)]
    tenprint.attach_records(offenses, gallery="criminal")
    clock.wait(1)
    probes = [Probe(f"of P{finger}", (make_row("x", finger),)) for finger in (1, 2, 3)]
    tenprint.identify(probes, use=Use(jurisdiction="Harris"), policy="sc-2009-list")
    clock.wait(1)
    return tenprint


def order(report: QueueReport) -> list[tuple[str, str]]:
    return [(item.hit.person, item.place.tier) for item in report.queue]


def wait_list(tenprint: Tenprint, at: datetime | None = None) -> list[tuple[str, str]]:
    return order(tenprint.queue(policy="sc-2009-list", at=at))


AT_FIRST = [("P2", "Level 1"), ("P3", "Level 1"), ("P1", "Level 3")]


def test_hits_wait_in_order_of_severity(searched: Tenprint) -> None:
    report = searched.queue(policy="sc-2009-list")
    assert order(report) == AT_FIRST
    assert [item.place.case.case_id for item in report.queue] == ["2/P2", "3/P3", "1/P1"]
    assert {item.hit.jurisdiction for item in report.queue} == {"Harris"}
    assert report.decided == 0
    assert report.notes == ()
    past = searched.queue(policy="sc-2009-list", at=START + timedelta(days=1))
    assert past.notes == (
        "what was sealed or expunged since is shown as it was recorded then",
        "policy sc-2009-list was in force from 2008-10-27 to 2010-06-29",
    )
    assert wait_list(searched) == order(searched.queue(policy="sc-2009-list", gallery="criminal"))


def test_a_decided_case_leaves_the_queue_and_stays_in_that_of_before(
    searched: Tenprint, clock: Clock
) -> None:
    before = clock.wait(1)
    made = searched.decide("2/P2", "identification", examiner="Ortiz", notes="14 points")
    assert (made.search_id, made.person, made.conclusion) == (2, "P2", "identification")
    clock.wait(1)
    half = clock.wait(1)
    assert wait_list(searched) == AT_FIRST  # it waits for another examiner
    assert [item.hit.stage for item in searched.queue().queue] == ["second", "first", "first"]
    searched.decide("2/P2", "identification", examiner="Reyes")
    clock.wait(1)
    assert wait_list(searched) == AT_FIRST[1:]
    assert searched.queue(policy="sc-2009-list").decided == 1
    assert wait_list(searched, before) == wait_list(searched, half) == AT_FIRST
    with pytest.raises(StoreError, match="is closed"):
        searched.decide("2/P2", "exclusion", examiner="Ortiz")
    searched.decide("1/P1", "identification", examiner="Ortiz")
    with pytest.raises(StoreError, match="decided by Ortiz before"):
        searched.decide("1/P1", "exclusion", examiner="Ortiz")
    with pytest.raises(StoreError, match="a supervisor decides where two examiners differ"):
        searched.decide("1/P1", "exclusion", examiner="Sue", supervisor=True)
    searched.decide("1/P1", "exclusion", examiner="Reyes")
    with pytest.raises(StoreError, match="waits for a supervisor"):
        searched.decide("1/P1", "exclusion", examiner="Eve")
    assert searched.decide("1/P1", "exclusion", examiner="Eve", supervisor=True).closes


@pytest.mark.parametrize(
    ("case", "says"), [("P2", "names no case"), ("2/P9", "P9"), ("77/P2", "77"), ("x/y", "no case")]
)
def test_a_case_that_is_none_is_not_decided(searched: Tenprint, case: str, says: str) -> None:
    with pytest.raises(GalleryError, match=says):
        searched.decide(case, "exclusion", examiner="Ortiz")


def test_a_correction_orders_anew_at_once_and_the_past_stays(
    searched: Tenprint, clock: Clock
) -> None:
    first = clock.wait(1)
    searched.correct("P2", "R1", "amended", fields={"disposition": "Dismissed"}, reason="appeal")
    second = clock.wait(1)
    assert wait_list(searched) == [AT_FIRST[1], AT_FIRST[2], ("P2", "no counting record")]
    searched.correct("P3", "R1", "expunged", reason="court order 17-221")
    third = clock.wait(1)
    assert wait_list(searched)[0] == ("P1", "Level 3")
    searched.correct("P3", "R1", "restored", reason="wrong person")
    clock.wait(1)
    assert wait_list(searched)[0] == ("P3", "Level 1")
    assert wait_list(searched, first) == AT_FIRST
    assert wait_list(searched, second)[0] == ("P3", "Level 1")
    assert wait_list(searched, third)[0] == ("P1", "Level 3")
    told = [(each.change, each.reason) for each in searched.history("P3")]
    assert told == [("added", ""), ("expunged", "court order 17-221"), ("restored", "wrong person")]


def test_what_is_expunged_shows_nothing_of_what_it_was(searched: Tenprint) -> None:
    searched.correct("P2", "R1", "expunged", reason="court order")
    item = find_case(searched.queue(policy="sc-2009-list"), "2/P2")
    told = explain_case(item)
    assert told.assessment.dropped == {"expunged": 1}
    assert told.records == ()
    said = " ".join([item.place.reason, told.assessment.reason, *told.assessment.changes])
    assert "omicide" not in said + str(item.place.case.records).lower()
    sent = searched.attach_records([("P2", MURDER)], gallery="criminal")
    assert (sent.added, sent.updated, sent.refused) == (0, 0, 1)


def test_the_rules_of_a_past_day_are_used_for_it(
    searched: Tenprint, clock: Clock, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    text = (POLICIES / "sc-2009-list.toml").read_text().replace("sc-2009-list", "own")
    text = text.replace("effective_to = 2010-06-29\n", "")
    own.write_text(text.replace("level = 3", "level = 2"))  # one level fewer: see due_days
    own.write_text(own.read_text().replace("[3, 5, 14, 30, 60]", "[3, 5, 14, 60]"))
    assert order(searched.queue(policy=own))[2] == ("P1", "Level 2")
    then = clock.wait(1)
    own.write_text(text)
    assert order(searched.queue(policy=own))[2] == ("P1", "Level 3")
    past = searched.queue(policy=own, at=then)
    assert (order(past)[2], past.past) == (("P1", "Level 2"), True)
    assert past.notes == ("what was sealed or expunged since is shown as it was recorded then",)
    own.unlink()
    assert order(searched.queue(policy="own", at=then)) == order(past)
    with pytest.raises(PolicyError, match="no policy 'own' was in use on 2026-02-28"):
        searched.queue(policy="own", at=START - timedelta(days=1))


def test_a_policy_that_was_not_in_use_then_says_so(searched: Tenprint, clock: Clock) -> None:
    then = clock.wait(1)
    report = searched.queue(policy="harm-tiers", at=then)
    assert report.notes[0] == "policy harm-tiers was not in use yet: ordered by its rules of today"


def test_a_case_is_explained_in_full(searched: Tenprint) -> None:
    report = searched.queue(policy="sc-2009-list")
    told = explain_case(find_case(report, "2"))
    assert told.item.hit.person == "P3"
    (line,) = told.records
    assert (line.record.record_id, line.lane, line.coding.field) == ("R1", "conviction", "ncic")
    assert told.assessment.rule == "robbery"
    assert told.assessment.table == load_policy("sc-2009-list").table
    assert any(change.startswith("Without record R1") for change in told.assessment.changes)
    with pytest.raises(GalleryError, match="no case '9/P9' waits"):
        find_case(report, "9/P9")


def test_a_person_who_was_removed_waits_no_more(searched: Tenprint) -> None:
    searched.remove_person("P2")
    assert wait_list(searched) == AT_FIRST[1:]


def test_one_gallery_has_its_own_queue(searched: Tenprint, make_row: Row, clock: Clock) -> None:
    searched.enrol([make_row("P8", 8)], gallery="immigration")
    searched.attach_records([("P8", MURDER)], gallery="immigration")
    searched.identify([Probe("of P8", (make_row("x", 8),))])
    clock.wait(1)
    assert wait_list(searched)[0] == ("P2", "Level 1")
    assert len(wait_list(searched)) == 4
    for name, people in (("criminal", ["P2", "P3", "P1"]), ("immigration", ["P8"])):
        report = searched.queue(policy="sc-2009-list", gallery=name)
        assert [item.hit.person for item in report.queue] == people
    for examiner in ("Ortiz", "Reyes"):
        searched.decide("4/P8", "exclusion", examiner=examiner)
    counts = [searched.queue(policy="sc-2009-list", gallery=g).decided for g in ("criminal", None)]
    assert counts == [0, 1]
    searched.remove_person("P2", gallery="criminal")
    assert len(searched.queue(policy="sc-2009-list", gallery="criminal").queue) == 2


def test_what_was_overdue_is_told_as_of_the_moment(searched: Tenprint, clock: Clock) -> None:
    soon = clock.wait(2)
    clock.wait(24 * 40)  # the traffic offense is overdue after 30 days
    late = [item.place.overdue for item in searched.queue(policy="sc-2009-list").queue]
    assert late == [True] * 3
    past = searched.queue(policy="sc-2009-list", at=soon)
    assert [item.place.overdue for item in past.queue] == [False] * 3
    for examiner in ("Ortiz", "Reyes"):
        searched.decide("1/P1", "exclusion", examiner=examiner)
    clock.wait(1)
    assert searched.queue(policy="sc-2009-list").decided == 1
    assert searched.queue(policy="sc-2009-list", at=soon).decided == 0


def test_the_future_cannot_be_asked_for(searched: Tenprint) -> None:
    with pytest.raises(SettingsError, match="has not come yet"):
        searched.queue(at=datetime.now(UTC) + timedelta(days=1))


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    records=st.lists(st.lists(any_records(), max_size=4), min_size=3, max_size=3),
    policy=st.sampled_from(list_policies()),
)
def test_severity_changes_no_score_no_threshold_and_no_candidate(
    searched: Tenprint,
    make_row: Row,
    records: list[list[OffenseRecord]],
    policy: str,
) -> None:
    """Whatever is recorded, and under every policy, the same probes find the same candidates with
    the same scores under the same threshold; only the order of work is another."""
    probes = [Probe(f"of P{finger}", (make_row("x", finger),)) for finger in (1, 2, 3)]
    plain = searched.identify(probes, policy="sc-2010-conviction")
    sent = [
        (f"P{number}", replace(one, record_id=f"{number}.{place}"))
        for number, own in enumerate(records, start=1)
        for place, one in enumerate(own)
    ]
    searched.attach_records(sent, gallery="criminal")
    again = searched.identify(probes, policy=policy)
    assert found_by(again) == found_by(plain)
    hits = [sorted(astuple(item.hit)[1:7] for item in report.queue) for report in (plain, again)]
    assert hits[0] == hits[1]
    assert len(hits[0]) == 3


def found_by(report: IdentifyReport) -> list[tuple[object, ...]]:
    """All that the searches of a report decided."""
    searches = [searched.search for searched in report.searches]
    return [
        (
            (found.threshold, found.fpir, found.gallery_size, found.compared),
            [(c.person, c.gallery, c.rank, c.score, c.llr, c.gap) for c in found.candidates],
            [c.over_threshold for c in found.candidates],
        )
        for found in searches
        if found
    ]
