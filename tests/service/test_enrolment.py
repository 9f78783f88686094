"""Enrolment: each print once, whatever is wrong with others, and whatever happens in between."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine import pipeline
from engine.errors import GalleryError, MakerMismatchError, SettingsError
from engine.formats.manifest import PrintRow
from engine.service import enrolment
from engine.service.results import Use
from engine.service.tenprint import Tenprint
from engine.settings import ImageLimits, Settings
from engine.store import submissions
from engine.store.database import Database
from engine.types import OffenseRecord
from tests.prints_at_no_cost import Row, extract


def held(tenprint: Tenprint, gallery: str = "default") -> tuple[int, int, int]:
    """Persons, prints and images of a gallery."""
    contents = tenprint.info(gallery).contents
    return contents.persons, contents.templates, contents.images


def test_enrolling_again_does_nothing(tenprint: Tenprint, make_row: Row) -> None:
    rows = [make_row("P1", 1, position=2), make_row("P1", 2, position=7), make_row("P2", 3)]
    first = tenprint.enrol([*rows, rows[0]])
    assert (first.enrolled, first.already, first.rejected) == (3, 1, ())
    again = tenprint.enrol(rows)
    assert (again.enrolled, again.already) == (0, 3)
    assert held(tenprint) == (2, 3, 3)
    assert tenprint.info("default").sequence == 3


def test_a_bad_input_costs_only_itself(tenprint: Tenprint, make_row: Row, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.png"
    garbage.write_bytes(b"\x89PNG\r\n\x1a\n but no more")
    rows = [
        make_row("P1", 1),
        PrintRow("P2", make_row("P2", 1).position, garbage),
        PrintRow("P3", make_row("P3", 1).position, tmp_path / "absent.png"),
        make_row("P4", 255),
        replace(make_row("P5", 4), person="P" * 201),
        make_row("P6", 5),
    ]
    report = tenprint.enrol(rows)
    assert report.enrolled == 2
    assert [Path(item.source).name for item in report.rejected] == [
        row.path.name for row in rows[1:5]
    ]
    assert "no such file" in report.rejected[1].reason
    assert report.rejected[2].reason == "too little of a fingerprint"
    assert "longer than 200" in report.rejected[3].reason


def test_a_defect_in_the_extractor_costs_one_print(
    tenprint: Tenprint,
    make_row: Row,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def defective(*arguments: object) -> None:
        raise ZeroDivisionError("by zero")

    row = make_row("P1", 1)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "extract", defective)
        report = tenprint.enrol([row, make_row("P2", 2)])
    assert report.enrolled == 0
    assert "ZeroDivisionError" in report.rejected[0].reason
    assert "by zero" in caplog.text and "by zero" not in report.rejected[0].reason
    assert tenprint.enrol([row]).enrolled == 1


def test_an_interrupted_enrolment_is_finished_by_running_it_again(
    tenprint: Tenprint, make_row: Row
) -> None:
    rows = [make_row(f"P{number}", number) for number in range(10)]

    def interrupt(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tenprint.enrol(rows, on_progress=interrupt)
    assert held(tenprint) == (4, 4, 4)
    report = tenprint.enrol(rows)
    assert (report.enrolled, report.already) == (6, 4)
    assert held(tenprint) == (10, 10, 10)


def _enrol_slowly(home: Path, rows: list[PrintRow]) -> None:
    def slow(*arguments: object) -> object:
        time.sleep(0.05)
        return extract(*arguments)  # type: ignore[arg-type]

    pipeline.extract = slow  # type: ignore[assignment]
    enrolment.COMMIT_AFTER = 2
    with Tenprint(home) as tenprint:
        tenprint.enrol(rows, workers=1)


def test_a_killed_enrolment_loses_and_doubles_nothing(tenprint: Tenprint, make_row: Row) -> None:
    rows = [make_row(f"P{number}", number) for number in range(40)]
    home = tenprint.home.folder
    victim = multiprocessing.get_context("spawn").Process(target=_enrol_slowly, args=(home, rows))
    victim.start()
    database = Database(tenprint.home.database)
    while not _enrolled(database):
        time.sleep(0.02)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    before = _enrolled(database)
    assert 0 < before < len(rows)
    report = tenprint.enrol(rows)
    assert (report.enrolled, report.already) == (len(rows) - before, before)
    assert held(tenprint) == (40, 40, 40)
    assert tenprint.info("default").sequence == 40
    database.close()


def _enrolled(database: Database) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM templates").scalar_one())


def test_images_are_not_kept_where_that_is_refused(tenprint: Tenprint, make_row: Row) -> None:
    row = make_row("P1", 1)
    tenprint.enrol([row], keep_images=False)
    assert held(tenprint) == (1, 1, 0)
    tenprint.enrol([make_row("P2", 2)])
    (kept,) = tenprint.prints_of("default", "P2")
    assert kept.image is not None
    assert kept.image.startswith(b"\x89PNG")


def test_a_gallery_keeps_to_its_extractor(tenprint: Tenprint, make_row: Row) -> None:
    tenprint.enrol([make_row("P1", 1)], extractor="gabor")
    assert tenprint.enrol([make_row("P2", 2)]).enrolled == 1
    assert str(tenprint.info("default").maker).startswith("gabor-")
    with pytest.raises(MakerMismatchError, match=r"made by gabor-.*not leader-"):
        tenprint.enrol([make_row("P3", 3)], extractor="leader")
    with pytest.raises(SettingsError, match="no extractor"):
        tenprint.enrol([make_row("P3", 3)], extractor="other", gallery="new")


def test_a_gallery_keeps_to_its_settings(tenprint: Tenprint, make_row: Row) -> None:
    tenprint.enrol([make_row("P1", 1)])
    sharper = replace(Settings().leader, min_quality=0.9)
    with (
        Tenprint(tenprint.home.folder, Settings(leader=sharper)) as other,
        pytest.raises(MakerMismatchError, match="same extractor, version and settings"),
    ):
        other.enrol([make_row("P2", 2)])


def test_nothing_enrolled_makes_no_gallery(tenprint: Tenprint, make_row: Row) -> None:
    tenprint.enrol([make_row("P1", 255)], gallery="typo")
    assert tenprint.galleries() == []
    with pytest.raises(GalleryError, match="is no name"):
        tenprint.enrol([make_row("P1", 1)], gallery="../up")


def test_limits_on_files_hold(tenprint: Tenprint, make_row: Row) -> None:
    small = Settings(images=ImageLimits(max_file_bytes=1000))
    with Tenprint(tenprint.home.folder, small) as other:
        report = other.enrol([make_row("P1", 1)])
    assert "1,000 bytes" in report.rejected[0].reason


def test_records_are_attached_to_whom_the_gallery_knows(tenprint: Tenprint, make_row: Row) -> None:
    tenprint.enrol([make_row("P1", 1)])
    attached = tenprint.attach_records([("P1", OffenseRecord("R1")), ("P2", OffenseRecord("R2"))])
    assert (attached.added, attached.unknown_persons) == (1, ("P2",))
    assert tenprint.info("default").contents.records == 1


def test_every_use_is_on_record(tenprint: Tenprint, make_row: Row) -> None:
    use = Use(jurisdiction="County 7", purpose="booking", operator="clerk", source="desk")
    tenprint.enrol([make_row("P1", 1), make_row("P2", 255)], use=use)
    with pytest.raises(GalleryError):
        tenprint.remove_person("P9", use=use)
    database = Database(tenprint.home.database)
    with database.read() as connection:
        refused, enrolled = submissions.read(connection)
    database.close()
    assert (enrolled.verb, enrolled.subject) == ("enrol", "default")
    assert (enrolled.jurisdiction, enrolled.purpose) == ("County 7", "booking")
    assert enrolled.outcome == "1 enrolled, 0 already enrolled, 1 rejected"
    assert (refused.verb, refused.subject) == ("remove", "P9")
    assert refused.outcome == "refused: person 'P9' is in no gallery"
    assert refused.finished_at is not None
