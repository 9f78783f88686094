"""A removal is proved by real bytes: they are in the files before, and nowhere after."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import GalleryError, HoldError
from engine.service import rotation
from engine.service.results import Probe, Use
from engine.service.tenprint import Tenprint
from engine.settings import Settings
from engine.store import remains
from engine.store.audit import Filter
from engine.store.database import Database
from engine.types import OffenseRecord
from tests.prints_at_no_cost import Row
from tests.store.invented import leave_behind

pytestmark = pytest.mark.sqlite  # looks into SQLite's files


@pytest.fixture
def filled(tenprint: Tenprint, make_row: Row) -> Tenprint:
    """P1 .. P6 in one gallery, P1 in another one too."""
    rows = [make_row(f"P{finger}", finger, position=2) for finger in range(1, 7)]
    tenprint.enrol(rows, gallery="criminal")
    tenprint.enrol(rows[:1], gallery="border")
    tenprint.attach_records([("P1", OffenseRecord("R1", charge="ROBBERY"))], gallery="criminal")
    tenprint.identify([Probe("probe", (make_row("probe", 1),))], gallery_names=["criminal"])
    return tenprint


def held(tenprint: Tenprint, person: str) -> remains.Holdings:
    database = Database(tenprint.home.database)
    with database.read() as connection:
        found = remains.holdings(connection, person)
    database.close()
    return found


def files_with(folder: Path, content: bytes) -> set[str]:
    """The files that hold the middle of some content: a page of the database has no more."""
    middle = content[len(content) // 2 :][:64]
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.suffix for path in files if middle in path.read_bytes()}


def test_what_was_in_the_files_is_nowhere(filled: Tenprint) -> None:
    before = held(filled, "P1")
    assert len(before.templates) == 2
    folder = filled.home.folder
    for content in (*before.templates, *before.images):
        assert files_with(folder, content) & {".sqlite", ".sqlite-wal"}
    moved: list[tuple[int, int]] = []
    proof = filled.remove_with_proof(
        "P1", use=Use(operator="clerk"), on_progress=lambda *step: moved.append(step)
    )
    assert proof.clean
    for content in (*before.templates, *before.images):
        assert files_with(folder, content) == set()
    said = proof.document
    assert json.loads(proof.text) == said
    assert said["removed"] == {"persons": 1, "templates": 2, "images": 1, "records": 1}
    assert set(said["rows_left"].values()) == {0}
    assert said["pieces_looked_for"] > 20
    assert said["database"] == "deleted content was overwritten, and the write-ahead log emptied"
    assert sum(file["pieces_before"] for file in said["files"]) >= said["pieces_looked_for"]
    assert {file["pieces_after"] for file in said["files"]} == {0}
    assert {Path(file["file"]).name for file in said["files"]} >= {"tenprint.sqlite"}
    assert set(said["in_indexes"].values()) == {0}
    assert said["reference_named_in_logs"]["search_candidates"] == 1
    assert moved[-1][0] == moved[-1][1]


def test_the_audit_log_has_the_removal_and_the_proof(filled: Tenprint) -> None:
    proof = filled.remove_with_proof("P1", use=Use(operator="clerk", purpose="court order"))
    entries = filled.audit.show(Filter(person="P1"), 99)
    removed = next(each for each in entries if each.fields["event"] == "removed")
    assert proof.document["audit"] == {"sequence": removed.sequence, "hash": removed.hash}
    assert removed.fields["galleries"] == ["border", "criminal"]
    proved = next(each for each in entries if each.fields["event"] == "proved")
    assert proved.fields["sha256"] == hashlib.sha256(proof.text).hexdigest()
    assert proved.fields["removal"] == removed.sequence
    assert filled.audit.verify().broken is None


def test_the_same_file_of_another_person_and_gallery_stays_by_right(
    filled: Tenprint, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.service.proving.LOOKED_UP", 0)
    row = make_row("P7", 7, position=2)
    filled.enrol([row, replace(row, person="P8")], gallery="criminal")
    content = held(filled, "P8").templates[0]
    proof = filled.remove_with_proof("P7")
    assert proof.clean
    assert files_with(filled.home.folder, content)
    one = filled.remove_with_proof("P1", gallery="border")
    assert one.clean
    assert one.document["still_in_galleries"] == ["criminal"]
    assert one.document["removed"]["persons"] == 0


def test_the_same_bytes_in_a_row_that_stays_are_there_by_right(
    filled: Tenprint, make_row: Row
) -> None:
    row = make_row("P7", 7, position=2)
    filled.enrol([row], gallery="criminal")
    with row.path.open("ab") as file:
        file.write(b"after the end")  # another file, the same template
    filled.enrol([replace(row, person="P8")], gallery="criminal")
    content = held(filled, "P8").templates[0]
    proof = filled.remove_with_proof("P7")
    assert proof.clean
    assert files_with(filled.home.folder, content)


def test_what_stays_behind_is_told(filled: Tenprint) -> None:
    template = held(filled, "P1").templates[0]
    copy = filled.home.folder / "copies" / "someone's.bin"
    copy.parent.mkdir()
    copy.write_bytes(b"..." + template)
    proof = filled.remove_with_proof("P1")
    assert not proof.clean
    assert [fault.endswith("pieces in files") for fault in proof.document["faults"]] == [True]
    found = {file["file"]: file["pieces_after"] for file in proof.document["files"]}
    assert found["copies/someone's.bin"] > 20
    assert found["tenprint.sqlite"] == 0


def test_what_a_probe_that_hit_looked_like_is_looked_for_too(filled: Tenprint) -> None:
    database = Database(filled.home.database)
    with database.read() as connection:
        probes = remains.probes(connection, "P1")
    database.close()
    assert [each.is_image for each in probes] == [False, True]
    image = probes[1].data
    assert files_with(filled.home.folder, image)
    (filled.home.folder / "copy.bin").write_bytes(image)
    proof = filled.remove_with_proof("P1")
    found = {file["file"]: file["pieces_after"] for file in proof.document["files"]}
    assert found["copy.bin"] > 5
    assert found["tenprint.sqlite"] == 0
    assert not proof.clean


def test_a_probe_that_another_case_needs_stays_by_right(filled: Tenprint, make_row: Row) -> None:
    filled.enrol([make_row("P7", 1, position=2)], gallery="criminal")  # of the same finger
    row = make_row("probe", 1)
    filled.identify([Probe("both", (row,))], gallery_names=["criminal"])
    assert filled.remove_with_proof("P1").clean
    assert files_with(filled.home.folder, row.path.read_bytes())
    assert filled.remove_with_proof("P7").clean
    assert not files_with(filled.home.folder, row.path.read_bytes())


def test_what_another_program_left_in_the_file_goes_too(filled: Tenprint) -> None:
    template = held(filled, "P1").templates[0]
    leave_behind(filled.home.database, template)
    proof = filled.remove_with_proof("P1")
    assert proof.clean
    assert "the file was written anew" in proof.document["database"]
    assert files_with(filled.home.folder, template) == set()


def test_a_reader_that_keeps_the_write_ahead_log_is_told(
    filled: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.database.BUSY_TIMEOUT", 0.01)
    other = Database(filled.home.database)
    with Tenprint(filled.home.folder) as impatient, other.read() as connection:
        held_before = remains.holdings(connection, "P1")  # the view begins with this
        proof = impatient.remove_with_proof("P1")
        assert held_before.person_id is not None
    other.close()
    assert not proof.clean
    assert "could not be emptied" in proof.document["database"]


def test_an_index_that_still_has_the_person_is_told(
    filled: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.rebuild("criminal")
    monkeypatch.setattr(filled._indexes, "refresh", lambda row: None)
    proof = filled.remove_with_proof("P1", gallery="criminal")
    assert not proof.clean
    assert any(fault.startswith("1 templates in ") for fault in proof.document["faults"])


def test_a_database_that_lies_elsewhere_is_looked_through_too(
    tmp_path: Path, free_extraction: None, make_row: Row
) -> None:
    elsewhere = tmp_path / "elsewhere" / "prints.sqlite"
    elsewhere.parent.mkdir()
    with Tenprint(tmp_path / "home", database=f"sqlite:///{elsewhere}") as tenprint:
        tenprint.enrol([make_row("P1", 1)])
        proof = tenprint.remove_with_proof("P1")
    files = {file["file"]: file for file in proof.document["files"]}
    counted = [files[name] for name in files if name.startswith(str(elsewhere))]
    assert sum(file["pieces_before"] for file in counted) >= proof.document["pieces_looked_for"]
    assert {file["pieces_after"] for file in counted} == {0}
    assert proof.clean


def test_nothing_is_proved_where_nothing_can_be_removed(filled: Tenprint) -> None:
    with pytest.raises(GalleryError, match="in no gallery"):
        filled.remove_with_proof("P9")
    filled.retention.hold("P1", "case 5")
    with pytest.raises(HoldError):
        filled.remove_with_proof("P1")
    with pytest.raises(HoldError):
        filled.remove_gallery("border")
    assert len(held(filled, "P1").templates) == 2


def test_a_proof_reads_what_is_sealed(tmp_path: Path, free_extraction: None, make_row: Row) -> None:
    keys = tmp_path / "keys"
    rotation.make_key(keys)
    with Tenprint(tmp_path / "sealed", Settings(device="cpu"), keys=keys) as sealed:
        sealed.enrol([make_row(f"P{finger}", finger) for finger in (1, 2)])
        sealed.identify([Probe("probe", (make_row("probe", 2),))])
    with Tenprint(tmp_path / "sealed", Settings(device="cpu"), keys=keys) as sealed:
        proof = sealed.remove_with_proof("P1")
        (saved,) = proof.document["in_indexes"].values()
        assert (saved, proof.clean) == (0, True)
