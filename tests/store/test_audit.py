"""The audit log: whoever changes it, the walk says where; what was written down finds the rest."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text, update

from engine.errors import StoreError
from engine.store import audit
from engine.store.audit import Filter
from engine.store.chain import BEGINNING, Checked, Head, check, link
from engine.store.database import Database
from engine.store.schema import audit as table

ENTRIES = 9
REFUSED = "the audit log is only added to"


@pytest.fixture
def log(database: Database) -> Database:
    """Entries 1 .. 9, each of a use of its own, by turns of two operators."""
    for number in range(1, ENTRIES + 1):
        with database.write() as writer:
            said = {"verb": "verify" if number % 3 else "identify", "operator": f"op{number % 2}"}
            audit.append(writer, {**said, "event": "end", "persons": [f"P{number}"]}, number)
    return database


def walk(database: Database, since: int = 0, noted: tuple[Head, ...] = ()) -> Checked:
    with database.read() as connection:
        before = audit.at(connection, since)
        assert before is not None
        return check(audit.lines(connection, since), before, expected=noted)


def free(connection: Connection) -> None:
    """Takes the triggers away, as only an owner of the database can."""
    if connection.dialect.name == "sqlite":
        for name in ("audit_no_update", "audit_no_delete", "audit_at_the_end"):
            connection.execute(text(f"DROP TRIGGER {name}"))
    else:
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))


def entry_of(connection: Connection, number: int) -> str:
    return str(connection.execute(select(table.c.entry).where(table.c.sequence == number)).scalar())


def hash_of(connection: Connection, number: int) -> str:
    return str(connection.execute(select(table.c.hash).where(table.c.sequence == number)).scalar())


def put(connection: Connection, number: int, **values: object) -> None:
    connection.execute(update(table).where(table.c.sequence == number).values(values))


def rewrite_from(connection: Connection, number: int) -> None:
    """Makes every hash anew from an entry on, as who knows how would."""
    before = hash_of(connection, number - 1) if number > 1 else BEGINNING
    last = connection.execute(select(func.max(table.c.sequence))).scalar_one()
    for each in range(number, last + 1):
        before = link(before, entry_of(connection, each))
        put(connection, each, hash=before)


def test_an_entry_is_what_the_document_says(log: Database) -> None:
    with log.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.sequence)).all()
    before = "0" * 64
    for number, row in enumerate(rows, start=1):
        said = json.loads(row.entry)
        assert (row.sequence, said["sequence"], said["submission"]) == (number, number, number)
        written = json.dumps(said, sort_keys=True, separators=(",", ":"))
        assert row.entry == written
        before = hashlib.sha256(before.encode() + written.encode()).hexdigest()
        assert row.hash == before
        assert said["at"] == row.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-4] + "Z"


def test_an_untouched_log_is_right(log: Database) -> None:
    found = walk(log)
    with log.read() as connection:
        assert found.head == audit.head(connection)
    assert (found.count, found.broken) == (ENTRIES, None)
    assert walk(log, since=4).count == ENTRIES - 4


def test_an_empty_log_is_right(database: Database) -> None:
    found = walk(database)
    assert (found.count, found.broken, found.head) == (0, None, Head(0, BEGINNING))


def test_what_fails_leaves_no_entry(log: Database) -> None:
    with pytest.raises(RuntimeError), log.write() as writer:
        audit.append(writer, {"event": "end"})
        raise RuntimeError
    assert walk(log).count == ENTRIES


def test_fields_of_the_log_itself_cannot_be_given(database: Database) -> None:
    with pytest.raises(StoreError, match="its at, sequence from"), database.write() as writer:
        audit.append(writer, {"sequence": 7, "at": "now"})
    with pytest.raises(ValueError, match="JSON"), database.write() as writer:
        audit.append(writer, {"llr": float("nan")})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET entry = '{}' WHERE sequence = 3",
        "UPDATE audit SET hash = '' WHERE sequence = 9",
        "DELETE FROM audit WHERE sequence = 9",
        "DELETE FROM audit",
        "INSERT INTO audit VALUES (11, '2026-01-01', 1, '{}', '')",
        "INSERT INTO audit VALUES (0, '2026-01-01', 1, '{}', '')",
    ],
)
def test_the_database_refuses_to_change_it(log: Database, statement: str) -> None:
    with pytest.raises(StoreError, match=REFUSED), log.write() as writer:
        writer.execute(text(statement))
    assert walk(log).broken is None


def test_nothing_replaces_or_empties_it(log: Database) -> None:
    with log.read() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
    way_round = (
        "INSERT OR REPLACE INTO audit VALUES (3, '2026-01-01', 1, '{}', '')"
        if is_sqlite
        else "TRUNCATE audit"
    )
    with pytest.raises(StoreError, match=REFUSED), log.write() as writer:
        writer.execute(text(way_round))
    assert walk(log).count == ENTRIES


def _change_content(connection: Connection) -> None:
    put(connection, 4, entry=entry_of(connection, 4).replace("op0", "op9"))


def _change_hash(connection: Connection) -> None:
    put(connection, 4, hash=hash_of(connection, 5))


def _rewrite_one(connection: Connection) -> None:
    _change_content(connection)
    put(connection, 4, hash=link(hash_of(connection, 3), entry_of(connection, 4)))


def _take_out(connection: Connection) -> None:
    connection.execute(table.delete().where(table.c.sequence == 4))


def _close_gap(connection: Connection) -> None:
    _take_out(connection)
    for number in range(5, ENTRIES + 1):
        put(connection, number, sequence=number - 1)


def _swap(connection: Connection) -> None:
    for number, place in ((4, 100), (5, 4), (100, 5)):
        put(connection, number, sequence=place)


def _put_in(connection: Connection) -> None:
    for number in range(ENTRIES, 3, -1):
        put(connection, number, sequence=number + 1)
    row = {"sequence": 4, "at": datetime(2026, 1, 1, tzinfo=UTC), "submission_id": 4}
    connection.execute(insert(table).values(**row, entry='{"sequence":4}', hash="0" * 64))


def _change_time_beside(connection: Connection) -> None:
    put(connection, 4, at=datetime(2020, 1, 1, tzinfo=UTC))


def _change_use_beside(connection: Connection) -> None:
    put(connection, 4, submission_id=1)


@pytest.mark.parametrize(
    ("tamper", "place", "words"),
    [
        (_change_content, 4, "not that of its content after the entry before: the content was"),
        (_change_hash, 4, "the hash was changed"),
        (_rewrite_one, 5, "not that of its content"),
        (_take_out, 4, "missing"),
        (_close_gap, 4, "not that of its content"),
        (_swap, 4, "not that of its content"),
        (_put_in, 4, "not that of its content"),
        (_change_time_beside, 4, "at is kept as '2020-01-01T00:00:00.00Z', the entry says '2"),
        (_change_use_beside, 4, "submission is kept as 1, the entry says 4"),
    ],
)
def test_the_walk_tells_the_first_broken_place(
    log: Database, tamper: Callable[[Connection], None], place: int, words: str
) -> None:
    with log.write() as writer:
        free(writer)
        tamper(writer)
    found = walk(log)
    assert found.broken is not None
    assert found.broken.sequence == place
    assert words in found.broken.what
    assert found.head.sequence == place - 1
    # What comes before is still told to be right, and a walk that begins later does not hide it.
    late = walk(log, since=2)
    assert late.broken == found.broken


def test_a_log_cut_off_or_made_anew_is_found_by_a_head_written_down(log: Database) -> None:
    with log.read() as connection:
        seventh, last = audit.at(connection, 7), audit.head(connection)
    assert seventh is not None
    assert walk(log, noted=(seventh, last)).broken is None
    with log.write() as writer:
        free(writer)
        writer.execute(table.delete().where(table.c.sequence > 7))
    assert walk(log).broken is None  # alone, what is left looks whole
    found = walk(log, noted=(last,))
    assert found.broken is not None
    assert (found.broken.sequence, found.broken.what) == (8, "missing: the log ends with entry 7")
    with log.write() as writer:
        _change_content(writer)
        rewrite_from(writer, 4)
    assert walk(log).broken is None
    found = walk(log, noted=(seventh,))
    assert found.broken is not None
    assert found.broken.sequence == 7
    assert seventh.hash in found.broken.what


def test_junk_is_a_finding_and_no_crash(log: Database) -> None:
    with log.write() as writer:
        free(writer)
        put(writer, 4, entry="[]")
        rewrite_from(writer, 4)
    found = walk(log)
    assert found.broken is not None
    assert "cannot be read" in found.broken.what


def test_a_time_that_is_none_is_a_finding(path: Path, sqlite: Database) -> None:
    with sqlite.write() as writer:
        audit.append(writer, {"event": "end"})
        free(writer)
        writer.execute(text("UPDATE audit SET at = 'yesterday'"))
    found = walk(sqlite)
    assert found.broken is not None
    assert "at is kept as" in found.broken.what


def test_entries_are_asked_for_by_whom_what_and_when(log: Database) -> None:
    with log.read() as connection:
        times = [json.loads(each.entry)["at"] for each in audit.read(connection)]
        one = [each.sequence for each in audit.read(connection, Filter(operator="op1"))]
        verbs = [each.sequence for each in audit.read(connection, Filter(verb="identify"))]
        person = [each.sequence for each in audit.read(connection, Filter(person="P4"))]
        part = [each.sequence for each in audit.read(connection, Filter(person="P"))]
        last = [each.sequence for each in audit.newest(connection, Filter(operator="op0"), 2)]
        future = Filter(start=datetime(2999, 1, 1, tzinfo=UTC))
        none = list(audit.read(connection, future))
        all_of_them = list(audit.read(connection, Filter(end=future.start)))
    assert one == [1, 3, 5, 7, 9]
    assert verbs == [3, 6, 9]
    assert (person, part) == ([4], [])
    assert last == [6, 8]
    assert none == []
    assert len(all_of_them) == len(times) == ENTRIES
    assert all_of_them[0].previous == BEGINNING
    assert [each.previous for each in all_of_them[1:]] == [each.hash for each in all_of_them[:-1]]


@pytest.mark.parametrize("person", ['a"b', "50%", "a_b", "a\\b", "Zoë", "a/b"])
def test_any_reference_can_be_asked_for(database: Database, person: str) -> None:
    with database.write() as writer:
        audit.append(writer, {"persons": [person]})
        audit.append(writer, {"persons": ["50x", "axb"]})
        found = list(audit.read(writer, Filter(person=person)))
    assert [each.sequence for each in found] == [1]
    assert walk(database).broken is None


def _append_many(target: Path | str) -> None:
    database = Database(target)
    for number in range(25):
        with database.write() as writer:
            audit.append(writer, {"process": os.getpid(), "number": number})
    database.close()


def test_several_processes_write_one_chain(target: Path | str, database: Database) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(target,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    found = walk(database)
    assert (found.count, found.broken) == (75, None)
    with database.read() as connection:
        said = [each.fields for each in audit.read(connection)]
    for process in {each["process"] for each in said}:
        own = [each["number"] for each in said if each["process"] == process]
        assert own == list(range(25))
