"""The database: what is acknowledged is there once, what is removed is gone."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import sqlite3
import threading
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, Table, insert, inspect, select, update

from engine.errors import GalleryError, MakerMismatchError, StoreError
from engine.store import changes, galleries, persons, prints, records, schema, searches, submissions
from engine.store.database import Database
from engine.store.migrate import config
from engine.store.prints import NewPrint, PrintKey
from engine.types import Candidate, Degree, OffenseRecord
from tests.store.invented import leave_behind

MAKER = "gabor-1.d1.e1.00000000"
SECRET = b"ridges that must not stay on the disk after a removal"


def new(person: str, position: int = 2, data: bytes = b"", maker: str = MAKER) -> NewPrint:
    """A print whose template says whose it is."""
    key = PrintKey(person, position, hashlib.sha256(person.encode() + data).hexdigest())
    template = f"{person}/{position}".encode() + data
    return NewPrint(key, "", f"{person}.png", 500.0, b"image" + data, template, maker, 80)


def enrol(connection: Connection, name: str, *items: NewPrint) -> list[bool]:
    submission = submissions.begin(connection, "enrol")
    return prints.enrol(connection, galleries.ensure(connection, name), items, submission)


def remove(connection: Connection, name: str, person: str) -> persons.Removed:
    submission = submissions.begin(connection, "remove", subject=person)
    return persons.remove(connection, galleries.find(connection, name), person, submission)


def content(connection: Connection, ids: tuple[int, ...]) -> list[bytes]:
    return [item.data for batch in prints.read_templates(connection, ids) for item in batch]


def test_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_migrations_also_write_postgresql() -> None:
    settings = config()
    settings.cmd_opts = type("Options", (), {"x": ["db=postgresql://"]})()
    sql = io.StringIO()
    settings.output_buffer = sql
    with redirect_stdout(io.StringIO()):
        command.upgrade(settings, "head", sql=True)
    for table in schema.metadata.tables:
        assert f"CREATE TABLE {table} (" in sql.getvalue()
    assert "data BYTEA NOT NULL" in sql.getvalue()
    assert "TIMESTAMP WITH TIME ZONE" in sql.getvalue()


def test_migrations_can_be_taken_back(database: Database) -> None:
    settings = config()
    with database.write() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_uses_of_before_the_audit_log_are_kept(database: Database) -> None:
    settings = config()
    with database.write() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0003")
        old = {"verb": "enrol", "outcome": "done"} | dict.fromkeys(
            ("jurisdiction", "purpose", "operator", "source", "subject"), ""
        )
        columns = [schema.submissions.c[name] for name in (*old, "started_at")]
        table = Table("submissions", MetaData(), *(Column(c.name, c.type) for c in columns))
        connection.execute(insert(table).values(**old, started_at=schema.now()))
        command.upgrade(settings, "head")
        (submission,) = submissions.read(connection)
    assert (submission.verb, submission.case_id) == ("enrol", "")


def test_a_file_that_is_no_database_is_refused_by_name(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"tenprint\.sqlite: .*not a database"):
        Database(path)


def test_a_database_of_a_newer_version_is_refused(path: Path, sqlite: Database) -> None:
    with sqlite.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="another version"):
        Database(path)


def _open_and_enrol(target: Path | str, person: str) -> None:
    database = Database(target)
    with database.write() as connection:
        enrol(connection, "default", new(person), new("everyone"))
    database.close()


def test_processes_may_open_and_write_a_new_database_at_once(empty_target: Path | str) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_open_and_enrol, args=(empty_target, f"P{number}"))
        for number in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    with Database(empty_target).read() as connection:
        gallery = galleries.find(connection, "default")
        assert persons.in_gallery(connection, gallery) == ["P0", "P1", "everyone"]
        assert changes.latest(connection) == prints.count(connection, gallery) == 3


def test_times_are_utc_to_a_hundredth_of_a_second(database: Database) -> None:
    with database.write() as connection:
        submissions.begin(connection, "enrol")
        (submission,) = submissions.read(connection)
    assert submission.started_at.tzinfo is UTC
    assert submission.started_at.microsecond % 10_000 == 0
    with pytest.raises(StoreError, match="no time zone"), database.write() as connection:
        naive = datetime(2026, 1, 1)
        connection.execute(update(schema.submissions).values(started_at=naive))


def test_enrolling_again_changes_nothing(database: Database) -> None:
    with database.write() as connection:
        assert enrol(connection, "default", new("P1"), new("P2"), new("P1")) == [True, True, False]
    with database.write() as connection:
        assert enrol(connection, "default", new("P2"), new("P3")) == [False, True]
        gallery = galleries.find(connection, "default")
        assert prints.is_enrolled(connection, gallery, new("P3").key)
        assert not prints.is_enrolled(connection, gallery, new("P3", position=3).key)
        assert changes.latest(connection) == 3
        assert galleries.contents(connection, gallery) == galleries.Contents(
            persons=3, templates=3, images=3, records=0, template_bytes=12, image_bytes=15
        )


def test_the_same_file_may_be_two_fingers_and_two_persons(database: Database) -> None:
    first = new("P1")
    finger = replace(first, key=replace(first.key, position=7))
    person = replace(first, key=replace(first.key, person="P2"))
    with database.write() as connection:
        assert enrol(connection, "default", first, finger, person) == [True, True, True]


def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        enrol(connection, "default", new("P1"))
        raise RuntimeError
    with database.read() as connection:
        assert galleries.listing(connection) == []
        assert changes.latest(connection) == 0


def test_a_gallery_refuses_a_second_maker(database: Database) -> None:
    other = new("P2", maker="leader-1.d1.e1.00000000")
    with database.write() as connection:
        enrol(connection, "default", new("P1"))
    with (
        pytest.raises(MakerMismatchError, match=r"made by gabor-1.*enrol into another gallery"),
        database.write() as connection,
    ):
        enrol(connection, "default", other)
    with database.write() as connection:
        assert enrol(connection, "other", other) == [True]


@pytest.mark.parametrize("name", ["", "../up", "a b", "-x", "x" * 65, "a/b"])
def test_bad_gallery_names_are_refused(database: Database, name: str) -> None:
    with pytest.raises(GalleryError, match="is no name"), database.write() as connection:
        galleries.ensure(connection, name)


def test_an_unknown_gallery_is_refused_with_those_there_are(database: Database) -> None:
    with database.write() as connection:
        galleries.ensure(connection, "immigration")
        with pytest.raises(GalleryError, match="no gallery 'criminal': there are: immigration"):
            galleries.find(connection, "criminal")


def test_an_index_follows_by_sequence_number(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, "a", new("P1"), new("P2"))
        enrol(connection, "b", new("P1"))
    with database.write() as connection:
        a = galleries.find(connection, "a")
        start = changes.since(connection, a.id, 0)
        assert content(connection, start.added) == [b"P1/2", b"P2/2"]
        assert (start.removed, start.sequence) == ((), 3)
        remove(connection, "a", "P1")
        enrol(connection, "a", new("P4"))
    with database.read() as connection:
        later = changes.since(connection, a.id, start.sequence)
        assert content(connection, later.added) == [b"P4/2"]
        assert later.removed == start.added[:1]
        assert later.sequence == changes.latest(connection) == changes.last_of(connection, a.id)
        # An index that starts from nothing never hears of the removed content.
        assert content(connection, changes.since(connection, a.id, 0).added) == [b"P2/2", b"P4/2"]


def test_template_ids_are_never_used_again(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, "a", new("P1"))
        gallery = galleries.find(connection, "a")
        (first,) = changes.since(connection, gallery.id, 0).added
        remove(connection, "a", "P1")
        enrol(connection, "a", new("P2"))
        (second,) = changes.since(connection, gallery.id, 0).added
    assert second > first


def test_a_person_removed_from_one_gallery_stays_in_the_other(database: Database) -> None:
    record = OffenseRecord("R1", charge="BURGLARY")
    with database.write() as connection:
        for name in ("criminal-history", "immigration"):
            enrol(connection, name, new("P1"))
        enrol(connection, "criminal-history", new("P1", position=7))
        a = galleries.find(connection, "criminal-history")
        records.attach(connection, a, [("P1", record)], submissions.begin(connection, "records"))
        removed = remove(connection, "criminal-history", "P1")
        assert removed == persons.Removed(persons=0, templates=2, images=1, records=1)
        assert persons.galleries_of(connection, "P1") == ["immigration"]
        assert records.of_persons(connection, ["P1"]) == {"P1": ()}
        b = galleries.find(connection, "immigration")
        (kept,) = prints.of_person(connection, b, "P1")
        assert (kept.position, kept.image) == (2, b"image")
        removed = remove(connection, "immigration", "P1")
        assert removed == persons.Removed(persons=1, templates=1, images=1, records=0)
        for table in (schema.persons, schema.encounters, schema.prints, schema.images):
            assert connection.execute(select(table)).all() == []
        with pytest.raises(GalleryError, match="has no person 'P1'"):
            remove(connection, "immigration", "P1")


def test_removed_content_leaves_the_disk(path: Path, sqlite: Database) -> None:
    with sqlite.write() as connection:
        enrol(connection, "default", new("P1", data=SECRET), new("P2"))
    sqlite.forget()
    assert SECRET in path.read_bytes()
    with sqlite.write() as connection:
        remove(connection, "default", "P1")
    sqlite.forget()
    for file in path.parent.iterdir():
        assert SECRET not in file.read_bytes()


def test_removed_content_leaves_the_disk_though_others_empty_the_log_too(
    path: Path, sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()

    def empty() -> None:
        other = sqlite3.connect(path, timeout=30)
        while not stop.is_set():
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()

    thread = threading.Thread(target=empty)
    thread.start()
    try:
        for number in range(30):
            with sqlite.write() as connection:
                enrol(connection, "default", new(f"P{number}", data=SECRET))
            with sqlite.write() as connection:
                remove(connection, "default", f"P{number}")
            sqlite.forget()
            assert not any(SECRET in file.read_bytes() for file in path.parent.iterdir())
    finally:
        stop.set()
        thread.join()
    assert caplog.text == ""


def test_a_log_that_cannot_be_emptied_is_told(
    path: Path,
    sqlite: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with sqlite.write() as connection:
        enrol(connection, "default", new("P1"))
    monkeypatch.setattr("engine.store.database.BUSY_TIMEOUT", 0.0)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM templates").fetchone()
    with sqlite.write() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 10")
        remove(connection, "default", "P1")
    sqlite.forget()
    reader.close()
    assert "another process reads for long" in caplog.text


def test_a_file_written_anew_has_nothing_that_others_left_in_it(
    path: Path, sqlite: Database
) -> None:
    with sqlite.write() as connection:
        enrol(connection, "default", new("P1"), new("P2"))
    leave_behind(path, SECRET)
    sqlite.forget()
    assert SECRET in path.read_bytes()
    assert sqlite.rewrite().startswith("the file was written anew; deleted content was overwritten")
    for file in path.parent.iterdir():
        assert SECRET not in file.read_bytes()
    with sqlite.read() as connection:
        assert prints.count(connection, galleries.find(connection, "default")) == 2


def test_records_are_attached_updated_and_refused(database: Database) -> None:
    full = OffenseRecord(
        "R1", "1399", "ASSAULT", Degree.FELONY, "PENDING", date(2020, 2, 29), "XX", 36
    )
    convicted = replace(full, disposition="CONVICTED")
    with database.write() as connection:
        enrol(connection, "default", new("P1"))
        gallery = galleries.find(connection, "default")
        submission = submissions.begin(connection, "records")
        sent = [("P1", full), ("P1", OffenseRecord("R2")), ("P9", full), ("P9", full)]
        first = records.attach(connection, gallery, sent, submission)
        assert first == records.Attached(2, 0, 0, ("P9",))
        again = records.attach(connection, gallery, [("P1", full), ("P1", convicted)], submission)
        assert again == records.Attached(0, 1, 1, ())
        found = records.of_persons(connection, ["P1", "P2"])
        assert set(found["P1"]) == {convicted, OffenseRecord("R2")}
        assert found["P2"] == ()


def test_a_search_is_kept_with_its_candidates(database: Database) -> None:
    probe = searches.ProbePrint(2, "ab" * 32, "probe.png", 77)
    candidates = [
        Candidate("P1", "default", 1, 9.5, 4.0, 6.0, True, ()),
        Candidate("P2", "other", 2, 3.5, -1.0, 0.0, False, ()),
    ]
    with database.write() as connection:
        submission = submissions.begin(connection, "identify", purpose="test")
        searches.save(
            connection,
            submission,
            probe="probe",
            maker=MAKER,
            fpir=1e-3,
            threshold=5.0,
            gallery_size=2,
            compared=2,
            max_candidates=20,
            probes=[probe],
            sequences={"default": 5, "other": 7},
            calibrations={"default": "shipped", "other": "measured"},
            candidates=candidates,
        )
        submissions.finish(connection, submission, "1 candidate over the threshold")
    with database.read() as connection:
        (search,) = searches.read(connection)
        (use,) = submissions.read(connection)
    assert search.probes == (probe,)
    assert search.sequences == {"default": 5, "other": 7}
    assert search.calibrations == {"default": "shipped", "other": "measured"}
    assert [(c.person, c.gallery, c.over_threshold) for c in search.candidates] == [
        ("P1", "default", True),
        ("P2", "other", False),
    ]
    assert use.purpose == "test"
    assert use.finished_at is not None
    assert use.finished_at >= use.started_at


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(StoreError, match=r"(?i)foreign key"), database.write() as connection:
        connection.execute(insert(schema.images).values(print_id=99, data=b""))


def test_sqlite_waits_rather_than_fails(path: Path, sqlite: Database) -> None:
    with sqlite.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert settings == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "synchronous": 2,
    }
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (0,)
