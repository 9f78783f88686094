"""Timers, holds and their application: what is deleted is counted, logged and looked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.service import exporting
from engine.service.results import Probe, Use
from engine.service.tenprint import Tenprint
from engine.store.audit import Filter
from tests.prints_at_no_cost import Row

pytestmark = pytest.mark.sqlite  # looks into SQLite's files

OLD = "2020-01-01 00:00:00.000000"


@pytest.fixture
def filled(tenprint: Tenprint, make_row: Row) -> Tenprint:
    """P1 .. P3 with images; a search without a hit, a search with one that waits."""
    tenprint.enrol([make_row(f"P{finger}", finger, position=2) for finger in (1, 2, 3)])
    for finger in (99, 2):
        tenprint.identify([Probe("probe", (make_row("probe", finger),))])
    return tenprint


def age(tenprint: Tenprint) -> None:
    """Makes everything of the year 2020."""
    with closing(sqlite3.connect(tenprint.home.database)) as database:
        for table, column in (("prints", "created_at"), ("searches", "at"), ("exports", "at")):
            database.execute(f"UPDATE {table} SET {column} = ?", (OLD,))
        database.commit()


def count(tenprint: Tenprint, table: str) -> int:
    with closing(sqlite3.connect(tenprint.home.database)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_without_a_timer_nothing_is_deleted(filled: Tenprint) -> None:
    age(filled)
    assert set(filled.retention.timers().values()) == {None}
    made = filled.retention.apply()
    assert made.deleted == {}
    assert (count(filled, "searches"), count(filled, "images")) == (2, 3)


def test_a_dry_run_counts_and_deletes_nothing(filled: Tenprint) -> None:
    age(filled)
    filled.retention.set_timers({"searches": 365, "images": 365})
    made = filled.retention.apply(dry_run=True)
    assert made.deleted == {"images": 3, "searches": 1}
    assert made.kept == {"images": 0, "searches": 1}
    assert (count(filled, "searches"), count(filled, "images")) == (2, 3)
    assert all(each.fields["event"] != "expired" for each in filled.audit.show(Filter(), 99))


def test_what_is_past_its_time_goes_with_proof(
    filled: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.service.retaining.AT_ONCE", 2)
    age(filled)
    with closing(sqlite3.connect(filled.home.database)) as database:
        image = database.execute("SELECT data FROM images WHERE print_id = 1").fetchone()[0]
    middle = image[6000:6064]
    files = [path for path in filled.home.folder.rglob("*") if path.is_file()]
    assert any(middle in path.read_bytes() for path in files)
    filled.retention.set_timers({"searches": 365, "images": 365})
    steps: list[tuple[int, int]] = []
    made = filled.retention.apply(
        use=Use(operator="cron"), on_progress=lambda *step: steps.append(step)
    )
    assert made.deleted == {"images": 3, "searches": 1}
    assert steps[-1] == (4, 4)
    assert made.proof["left"] == {"images": 0, "searches": 0}
    assert made.proof["images_looked_for"] == 3
    assert made.proof["pieces_looked_for"] > 20
    assert made.proof["pieces_found"] == 0
    assert "overwritten" in made.proof["database"]
    files = [path for path in filled.home.folder.rglob("*") if path.is_file()]
    assert not any(middle in path.read_bytes() for path in files)
    logged = [each.fields for each in filled.audit.show(Filter(verb="retain"), 99)]
    batches = [(one["kind"], one["count"]) for one in logged if one["event"] == "expired"]
    assert batches == [("images", 2), ("images", 1), ("searches", 1)]
    assert logged[-1]["deleted"] == {"images": 3, "searches": 1}
    again = filled.retention.apply()
    assert set(again.deleted.values()) == {0}
    assert again.proof["database"] == "nothing deleted"


def test_a_hold_keeps_its_person(filled: Tenprint) -> None:
    age(filled)
    filled.retention.set_timers({"images": 365})
    filled.retention.hold("P1", "case 17")
    made = filled.retention.apply()
    assert (made.deleted, made.kept) == ({"images": 2}, {"images": 1})
    assert filled.prints_of("default", "P1")[0].image
    filled.retention.release("P1")
    assert filled.retention.apply().deleted == {"images": 1}
    events = [each.fields["event"] for each in filled.audit.show(Filter(person="P1"), 99)]
    assert {"held", "released"} <= set(events)


def test_exports_go_as_they_were_written(
    filled: Tenprint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept, changed, gone = (tmp_path / name for name in ("kept", "changed", "gone"))
    for file in (kept, changed, gone):
        filled.audit.export(Path(file.name))
    monkeypatch.chdir("/")
    changed.write_text("somebody's own words")
    gone.unlink()
    filled.retention.set_timers({"exports": 365})
    assert filled.retention.apply().deleted == {"exports": 0}
    age(filled)
    filled.retention.hold("P1", "case 17")  # who may be in any of them
    assert filled.retention.apply().deleted == {"exports": 0}
    filled.retention.release("P1")
    assert filled.retention.apply(dry_run=True).deleted == {"exports": 3}
    made = filled.retention.apply()
    assert (made.deleted, made.kept) == ({"exports": 2}, {"exports": 1})
    assert (kept.exists(), changed.exists()) == (False, True)
    assert count(filled, "exports") == 1


def test_reports_are_exports(filled: Tenprint, make_row: Row, tmp_path: Path) -> None:
    result = filled.identify([Probe("probe", (make_row("probe", 2),))])
    page = tmp_path / "report.html"
    filled.write_report(result, page, Use(operator="clerk"))
    told = filled.audit.show(Filter(verb="report"), 99)[-2].fields
    assert (told["event"], told["kind"], told["persons"]) == ("exported", "report", ["P2"])
    assert told["sha256"] == exporting.digest(page)


def test_timers_are_checked_and_told(filled: Tenprint) -> None:
    timers = filled.retention.set_timers({"searches": 365, "decisions": 1825})
    assert timers == {
        "images": None, "probes": None, "searches": 365, "decisions": 1825,
        "closed-records": None, "exports": None,
        "empty-encounters": None, "tasks": None,
    }  # fmt: skip
    with pytest.raises(StoreError, match="nothing is called 'prints'"):
        filled.retention.set_timers({"prints": 5})
    told = [each.fields for each in filled.audit.show(Filter(verb="retention"), 9)]
    assert told[1]["timers"] == {"searches": 365, "decisions": 1825}
    assert told[-1]["outcome"] == "refused"
