"""Every use leaves what the log must say, with what it tells of, and nothing it must not."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import pipeline
from engine.errors import (
    GalleryError,
    InputError,
    PolicyError,
    SettingsError,
    StoreError,
    TenprintError,
    UseError,
)
from engine.service.auditing import Head, read_head, verify_file
from engine.service.results import Probe, Use
from engine.service.tenprint import Tenprint
from engine.store import audit
from engine.store.audit import Filter
from engine.types import Degree, OffenseRecord
from tests.prints_at_no_cost import Row

USE = Use("County 7", "booking", "clerk", "/in/box.png", "17-221", "10.0.0.7")
ROBBERY = OffenseRecord("R1", "1299", "ROBBERY OF A BANK", Degree.FELONY, "convicted")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\dZ")
Said = dict[str, Any]


def said(tenprint: Tenprint, after: int = 0) -> list[Said]:
    """The log's entries after a number."""
    with tenprint._database.read() as connection:
        return [dict(each.fields) for each in audit.read(connection) if each.sequence > after]


@pytest.fixture
def filled(tenprint: Tenprint, make_row: Row) -> Tenprint:
    tenprint.enrol([make_row(f"P{finger}", finger, 2) for finger in (1, 2, 3)], use=USE)
    tenprint.attach_records([("P2", ROBBERY), ("P9", ROBBERY)], use=USE)
    return tenprint


@pytest.fixture
def probe(make_row: Row) -> Probe:
    return Probe("probe", (make_row("probe", 2, 2),))


def test_every_entry_says_what_cjis_asks(filled: Tenprint, probe: Probe) -> None:
    filled.identify([probe], use=USE)
    filled.queue(use=USE)
    filled.decide("1/P2", "identification", examiner="R.Ortiz", use=USE)
    filled.correct("P2", "R1", "sealed", reason="order", use=USE)
    filled.history("P2", use=USE)
    filled.verify(probe.prints[0], probe.prints[0], use=USE)
    filled.extract(probe.prints[0], use=USE)
    filled.rebuild("default", use=USE)
    filled.statistics(by=["level"], use=USE)
    filled.audit.show(Filter(), 1, use=USE)
    filled.audit.allow(["booking"], USE)
    filled.retention.set_timers({"searches": 9}, USE)
    filled.retention.hold("P2", "case", USE)
    filled.retention.release("P2", USE)
    filled.retention.apply(use=USE)
    filled.remove_person("P1", use=USE)
    filled.remove_gallery("default", use=USE)
    entries = said(filled)
    for entry in entries:
        assert TIME.fullmatch(entry["at"])
        assert (entry["operator"], entry["origin"]) == ("clerk", "10.0.0.7")
        assert entry["host"]
        assert entry["process"] > 0
        assert entry["event"]
        assert entry["outcome"] in ("begun", "done")
    verbs = {entry["verb"] for entry in entries}
    for verb in verbs:  # each use is one period
        own = [entry for entry in entries if entry["verb"] == verb]
        assert [own[0]["event"], own[-1]["event"]] == ["begin", "end"]
        assert (own[0]["purpose"], own[0]["case"]) == ("booking", "17-221")
        assert own[-1]["started"] <= own[-1]["at"]
        assert {entry["submission"] for entry in own} >= {own[0]["submission"]}
    assert verbs == {
        "enrol", "records", "identify", "queue", "decide", "correct", "history", "verify",
        "extract", "rebuild", "stats", "audit", "purposes", "retention", "hold", "release",
        "retain", "remove",
    }  # fmt: skip
    assert filled.audit.verify().broken is None


def of(entries: list[Said], event: str) -> Said:
    return next(entry for entry in entries if entry["event"] == event)


def test_a_search_says_where_what_was_looked_for_and_who_was_found(
    filled: Tenprint, probe: Probe, make_row: Row
) -> None:
    start = filled.audit.head().sequence
    none = Probe("none", (make_row("x", 99, 2),))
    filled.identify([probe, none], gallery_names=["default"], use=USE)
    entries = said(filled, start)
    hit, miss = (entry for entry in entries if entry["event"] == "searched")
    digest = hashlib.sha256(probe.prints[0].path.read_bytes()).hexdigest()
    assert (hit["galleries"], hit["sequences"]) == (["default"], {"default": 3})
    assert (hit["probes"], hit["persons"], hit["search"]) == ([digest], ["P2"], 1)
    assert miss["persons"] == []
    assert of(entries, "end")["hits"] == 1


def test_a_decision_says_who_verified(filled: Tenprint, probe: Probe) -> None:
    filled.identify([probe])
    start = filled.audit.head().sequence
    filled.decide("1/P2", "exclusion", examiner="R.Ortiz", notes="a scar", use=USE)
    made = of(said(filled, start), "decided")
    assert (made["examiner"], made["conclusion"]) == ("R.Ortiz", "exclusion")
    assert (made["persons"], made["search"]) == (["P2"], 1)


def test_enrolment_says_who_and_which_changes(filled: Tenprint) -> None:
    made = of(said(filled), "enrolled")
    assert (made["persons"], made["prints"]) == (["P1", "P2", "P3"], 3)
    assert made["changes"] == [1, 3]
    assert of(said(filled), "attached")["persons"] == ["P2"]  # P9 is unknown
    filled.remove_person("P2")
    gone = of(said(filled), "removed")
    assert (gone["templates"], gone["records"], gone["changes"]) == (1, 1, [4, 4])


def test_nothing_is_said_that_must_not_be(filled: Tenprint, probe: Probe) -> None:
    filled.identify([probe], use=USE)
    filled.decide("1/P2", "exclusion", examiner="R.Ortiz", notes="a scar on the left", use=USE)
    filled.correct("P2", "R1", "amended", fields={"charge": "THEFT"}, reason="typing", use=USE)
    with pytest.raises(TenprintError):
        filled.verify(replace(probe.prints[0], path=Path("/in/Jane Doe.png")), probe.prints[0])
    text = json.dumps(said(filled))
    for never in ("ROBBERY", "THEFT", "1299", "scar", "typing", "box.png", "Jane", "prints/"):
        assert never not in text


def refused_limits(tenprint: Tenprint, probe: Probe) -> None:
    tenprint.identify([probe], fpir=2.0, use=USE)


def refused_policy(tenprint: Tenprint, probe: Probe) -> None:
    tenprint.identify([probe], policy="none", use=USE)


def refused_case(tenprint: Tenprint, probe: Probe) -> None:
    tenprint.decide("nonsense", "exclusion", examiner="R", use=USE)


def refused_removal(tenprint: Tenprint, probe: Probe) -> None:
    tenprint.remove_person("P9", use=USE)


def refused_calibration(tenprint: Tenprint, probe: Probe) -> None:
    tenprint.calibrate("default", fpir=0.0, use=USE)


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (refused_limits, SettingsError),
        (refused_policy, PolicyError),
        (refused_case, GalleryError),
        (refused_removal, GalleryError),
        (refused_calibration, SettingsError),
    ],
)
def test_a_refusal_is_on_record(
    filled: Tenprint,
    probe: Probe,
    refused: Callable[[Tenprint, Probe], None],
    error: type[Exception],
) -> None:
    start = filled.audit.head().sequence
    with pytest.raises(error):
        refused(filled, probe)
    entries = said(filled, start)
    assert [entry["event"] for entry in entries] == ["begin", "end"]
    assert (entries[-1]["outcome"], entries[-1]["error"]) == ("refused", error.__name__)


@pytest.mark.parametrize(
    ("raised", "outcome"), [(ZeroDivisionError, "failed"), (KeyboardInterrupt, "interrupted")]
)
def test_a_failure_is_on_record(
    filled: Tenprint,
    probe: Probe,
    monkeypatch: pytest.MonkeyPatch,
    raised: type[BaseException],
    outcome: str,
) -> None:
    def fail(*arguments: object) -> None:
        raise raised

    monkeypatch.setattr(pipeline, "verify", lambda *arguments, **options: fail())
    with pytest.raises(raised):
        filled.verify(*probe.prints, *probe.prints, use=USE)
    assert said(filled)[-1]["outcome"] == outcome


def test_a_use_that_is_killed_leaves_its_beginning(filled: Tenprint, probe: Probe) -> None:
    """The first entry is durable before any work."""
    start = filled.audit.head().sequence
    seen: list[Said] = []

    def look(done: int, total: int) -> None:
        seen.extend(said(filled, start))

    filled.identify([probe], use=USE, on_progress=look)
    assert [entry["event"] for entry in seen] == ["begin"]


@pytest.mark.sqlite
def test_what_cannot_be_logged_is_not_done(
    filled: Tenprint, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = audit.append

    def fail_at(event: str) -> None:
        def maybe(connection: Any, fields: Any, submission: int | None = None) -> Head:
            if fields["event"] == event:
                raise StoreError("the log is full")
            return append(connection, fields, submission)

        monkeypatch.setattr(audit, "append", maybe)

    fail_at("searched")
    with pytest.raises(StoreError, match="full"):
        filled.identify([probe])
    fail_at("removed")
    with pytest.raises(StoreError, match="full"):
        filled.remove_person("P1")
    fail_at("enrolled")
    with pytest.raises(StoreError, match="full"):
        filled.enrol([replace(probe.prints[0], person="P7")])
    with closing(sqlite3.connect(filled.home.database)) as database:
        assert database.execute("SELECT count(*) FROM searches").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM templates").fetchone() == (3,)


def test_purposes_are_required_where_some_are_named(filled: Tenprint, probe: Probe) -> None:
    assert filled.audit.allow(["booking", "training"], USE) == ("booking", "training")
    start = filled.audit.head().sequence
    for use in (Use(operator="clerk"), replace(USE, purpose="curiosity")):
        with pytest.raises(UseError, match="one of booking, training"):
            filled.identify([probe], use=use)
        with pytest.raises(UseError):
            filled.enrol([], use=use)
        with pytest.raises(UseError):
            filled.verify(*probe.prints, *probe.prints, use=use)
        with pytest.raises(UseError):
            filled.queue(use=use)
        with pytest.raises(UseError):
            filled.decide("1/P2", "exclusion", examiner="R", use=use)
    entries = said(filled, start)
    assert [entry["outcome"] for entry in entries] == ["begun", "refused"] * 10
    assert {entry["error"] for entry in entries[1::2]} == {"UseError"}
    assert entries[10]["purpose"] == "curiosity"
    assert filled.identify([probe], use=USE).queue
    filled.audit.allow([], USE)
    assert filled.identify([probe]).queue


def test_an_export_of_the_whole_log_is_verified_from_the_file(
    filled: Tenprint, tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    made = filled.audit.export(file, use=USE)
    assert made.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    found = verify_file(file)
    assert (found.count, found.broken) == (made.entries, None)
    assert (made.first, made.last) == (1, made.entries)
    assert found.head.sequence == made.last
    assert filled.audit.verify(against=file).broken is None
    assert of(said(filled, made.last), "exported")["sha256"] == made.sha256
    assert list(tmp_path.glob(".log*")) == []
    with pytest.raises(TenprintError, match="cannot be written"):
        filled.audit.export(tmp_path / "no" / "log.jsonl")


def change(lines: list[str]) -> list[str]:
    return [*lines[:3], lines[3].replace("clerk", "nobody"), *lines[4:]]


def drop(lines: list[str]) -> list[str]:
    return lines[:3] + lines[4:]


def swap(lines: list[str]) -> list[str]:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def behead(lines: list[str]) -> list[str]:
    return lines[3:]


@pytest.mark.parametrize(("tamper", "place"), [(change, 4), (drop, 4), (swap, 4), (behead, 1)])
def test_an_export_that_was_changed_is_told(
    filled: Tenprint, tmp_path: Path, tamper: Callable[[list[str]], list[str]], place: int
) -> None:
    file = tmp_path / "log.jsonl"
    filled.audit.export(file)
    file.write_text("\n".join(tamper(file.read_text().splitlines())))
    broken = verify_file(file).broken
    assert broken is not None
    assert broken.sequence == place


def test_an_export_that_was_cut_off_is_told_by_a_head(filled: Tenprint, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    head = filled.audit.head()
    filled.audit.export(file)
    assert verify_file(file, head=head).broken is None
    lines = file.read_text().splitlines()[: head.sequence - 1]
    file.write_text("\n".join(lines))
    assert verify_file(file).broken is None
    broken = verify_file(file, head=head).broken
    assert broken is not None
    assert broken.sequence == head.sequence
    part = verify_file(file, since=2)
    assert (part.count, part.broken) == (head.sequence - 3, None)


def test_the_log_is_compared_with_an_export_of_a_selection(
    filled: Tenprint, tmp_path: Path
) -> None:
    file = tmp_path / "of_P2.jsonl"
    made = filled.audit.export(file, Filter(person="P2"))
    assert made.entries < made.last
    assert filled.audit.verify(against=file).broken is None
    assert filled.audit.verify(against=file, since=made.last - 1).broken is None
    line = json.loads(file.read_text().splitlines()[0])
    number = line["entry"]["sequence"]
    file.write_text(json.dumps(line | {"hash": "ab" * 32}))
    for since in (0, number):
        broken = filled.audit.verify(against=file, since=since).broken
        assert broken is not None
        assert broken.sequence == number
        assert "was written down" in broken.what


def test_a_head_is_compared_wherever_the_walk_begins(filled: Tenprint) -> None:
    head = filled.audit.head()
    filled.retention.set_timers({"images": 9})
    assert filled.audit.verify(head=head).broken is None
    assert filled.audit.verify(head=head, since=head.sequence + 1).broken is None
    for wrong in (Head(2, head.hash), Head(9999, head.hash)):
        for since in (0, 3):
            assert filled.audit.verify(head=wrong, since=since).broken is not None
    with pytest.raises(StoreError, match="no entry 9999"):
        filled.audit.verify(since=9999)


def test_heads_are_read_as_they_are_printed(filled: Tenprint) -> None:
    head = filled.audit.head()
    assert read_head(f" {head}\n") == head
    for wrong in ("", "5", "5:ab", f"x:{head.hash}", f"5:{'G' * 64}"):
        with pytest.raises(ValueError, match="is no head"):
            read_head(wrong)


@pytest.mark.parametrize("text", ["no json", "[]", '{"entry":{}}', '{"entry":{"sequence":"x"}}'])
def test_a_file_that_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(InputError, match="no line of an exported audit log"):
        verify_file(file)
    with pytest.raises(InputError, match="No such file"):
        verify_file(tmp_path / "absent")
