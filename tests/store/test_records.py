"""Offense records: every version stays, what was closed stays closed, any past day can be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, func, insert, select, text

from engine.errors import GalleryError, StoreError
from engine.store import galleries, persons, records, schema, submissions
from engine.store.database import Database
from engine.store.migrate import config
from engine.types import Degree, OffenseRecord
from tests.store.conftest import Clock
from tests.store.invented import ASSAULT, attach, correct, enrol

CONVICTED = replace(ASSAULT, disposition="CONVICTED")
SECRET = "a charge that must not stay on the disk after a removal"


@pytest.fixture
def filled(database: Database, clock: Clock) -> Database:
    """P1 with ASSAULT in the galleries default and other, both attached at noon."""
    with database.write() as writer:
        for gallery in ("default", "other"):
            enrol(writer, gallery, "P1")
            attach(writer, "P1", ASSAULT, gallery=gallery)
    clock.tick()
    return database


def of(connection: Connection, *at: object) -> tuple[OffenseRecord, ...]:
    return records.of_persons(connection, ["P1"], *at)["P1"]  # type: ignore[arg-type]


def test_a_record_sent_again_is_a_new_version(filled: Database, clock: Clock) -> None:
    with filled.write() as connection:
        sent = attach(connection, "P1", ASSAULT, CONVICTED)
        assert sent == records.Attached(0, 1, 1, ())
        assert of(connection) == (ASSAULT, CONVICTED)  # the other gallery says what it said
        first, second = records.history(connection, "P1", "default")
    assert (first.record, second.record) == (ASSAULT, CONVICTED)
    assert (first.change, second.change) == ("added", "amended")
    assert first.superseded_at == second.recorded_at == clock.time
    assert second.superseded_at is None
    assert (second.operator, second.purpose, second.gallery) == ("clerk", "feed", "default")


def test_records_stand_as_they_stood_at_a_time(filled: Database, clock: Clock) -> None:
    added = clock.time - timedelta(seconds=1)
    with filled.write() as connection:
        amended = clock.time
        correct(connection, "amended", disposition="CONVICTED")
        sealed = clock.tick()
        correct(connection, "sealed")
        moment = timedelta(microseconds=10_000)
        assert of(connection, added - moment) == ()
        assert of(connection, added) == of(connection, amended - moment) == (ASSAULT,)
        assert of(connection, amended) == of(connection, sealed - moment) == (CONVICTED,)
        assert of(connection, sealed) == of(connection) != (CONVICTED,)
        restored = clock.tick()
        correct(connection, "restored")
        assert of(connection, restored - moment) == of(connection, sealed)
        assert of(connection, restored) == (CONVICTED,)


def test_two_versions_of_one_moment_leave_the_later(filled: Database, clock: Clock) -> None:
    with filled.write() as connection:
        correct(connection, "amended", degree=Degree.MISDEMEANOR)
        correct(connection, "amended", degree=3, disposition="CONVICTED")
        assert of(connection, clock.time) == of(connection) == (CONVICTED,)


def test_a_clock_set_back_ends_no_version_before_it_begins(filled: Database, clock: Clock) -> None:
    noon = clock.time - timedelta(seconds=1)
    clock.tick(-3600)
    with filled.write() as connection:
        correct(connection, "amended", disposition="CONVICTED")
        assert of(connection, noon - timedelta(seconds=1)) == ()
        assert of(connection, noon) == (CONVICTED,)


@pytest.mark.parametrize("change", ["sealed", "expunged"])
def test_a_closed_record_says_nothing_but_its_id(filled: Database, change: str) -> None:
    with filled.write() as connection:
        made = correct(connection, change, reason="order 17")
        blank = OffenseRecord("R1", disposition=change.upper())
        assert of(connection) == (blank,)
        assert (made.record, made.change, made.reason) == (blank, change, "order 17")
        assert (made.operator, made.purpose) == ("judge", "court")
        said = [version.record for version in records.history(connection, "P1", "default")]
        assert said == [ASSAULT, blank]


@pytest.mark.parametrize("change", ["sealed", "expunged"])
def test_what_was_closed_does_not_come_back_when_it_is_sent(filled: Database, change: str) -> None:
    with filled.write() as connection:
        enrol(connection, "third", "P1")
        correct(connection, change)
        blank = of(connection)
        sent = attach(connection, "P1", CONVICTED, ASSAULT, OffenseRecord("R2"))
        assert sent == records.Attached(1, 0, 0, (), 2, (f"R1 of P1: {change} in default",))
        assert attach(connection, "P1", ASSAULT, gallery="third").refused == 1
        assert of(connection) == (*blank, OffenseRecord("R2"))


def test_a_restored_record_says_what_it_said_before(filled: Database) -> None:
    with filled.write() as connection:
        attach(connection, "P1", CONVICTED)
        correct(connection, "sealed")
        correct(connection, "expunged")
        assert correct(connection, "restored").record == CONVICTED
        assert set(of(connection)) == {CONVICTED, ASSAULT}
        other = records.history(connection, "P1", "other")
        assert [version.change for version in other] == ["added", "sealed", "expunged", "restored"]
        assert other[-1].record == ASSAULT
        again = attach(connection, "P1", replace(CONVICTED, statute="16-3-601"))
        assert (again.updated, again.refused) == (1, 0)


def test_a_record_restored_in_one_gallery_stays_closed_in_the_other(filled: Database) -> None:
    with filled.write() as connection:
        correct(connection, "sealed")
        correct(connection, "restored", gallery="other")
        assert of(connection) == (OffenseRecord("R1", disposition="SEALED"), ASSAULT)
        assert attach(connection, "P1", CONVICTED, gallery="default").refused == 1
        assert attach(connection, "P1", CONVICTED, gallery="other").updated == 1
        assert correct(connection, "restored").gallery == "default"
        assert of(connection) == (CONVICTED, ASSAULT)


def test_the_same_id_of_two_galleries_is_two_records(filled: Database) -> None:
    """Feeds that number from 1 must not hide each other's records."""
    theft = OffenseRecord("R1", "2303", "SHOPLIFTING", Degree.MISDEMEANOR, "CONVICTED")
    with filled.write() as connection:
        enrol(connection, "third", "P1")
        assert attach(connection, "P1", theft, gallery="third").added == 1
        assert of(connection) == (ASSAULT, theft)
        correct(connection, "sealed", gallery="third")
        assert of(connection)[0] == ASSAULT
        assert attach(connection, "P1", theft, gallery="third").refused == 1
        # Another gallery may not bring back what was closed; its own record of that id may come.
        enrol(connection, "fourth", "P1")
        assert attach(connection, "P1", theft, gallery="fourth").refused == 1
        fraud = OffenseRecord("R1", "2699", "FRAUD")
        assert attach(connection, "P1", fraud, gallery="fourth").added == 1


def test_one_gallery_may_be_corrected_alone(filled: Database, clock: Clock) -> None:
    with filled.write() as connection:
        correct(connection, "amended", gallery="other", charge="ASSAULT 2ND")
        assert of(connection) == (ASSAULT, replace(ASSAULT, charge="ASSAULT 2ND"))
        clock.tick()
        correct(connection, "sealed", gallery="default")
        clock.tick()
        correct(connection, "amended", charge="ASSAULT 3RD")
        sealed = OffenseRecord("R1", disposition="SEALED")
        assert of(connection) == (sealed, replace(ASSAULT, charge="ASSAULT 3RD"))
        said = records.history(connection, "P1")
    assert [(version.gallery, version.change) for version in said] == [
        ("default", "added"),
        ("other", "added"),
        ("other", "amended"),
        ("default", "sealed"),
        ("other", "amended"),
    ]


@pytest.mark.parametrize(
    ("asked", "error", "reason"),
    [
        ({"change": "amended", "charges": "X"}, StoreError, "no field charges to amend: .*charge"),
        ({"change": "amended", "degree": 9}, StoreError, "9 is no degree"),
        ({"change": "amended", "charge": "ASSAULT"}, StoreError, "'R1' of .*says that already"),
        ({"change": "amended"}, StoreError, "needs fields"),
        ({"change": "sealed", "charge": "X"}, StoreError, "give no fields"),
        ({"change": "deleted"}, StoreError, "'deleted' is no change: use amended"),
        ({"change": "restored"}, StoreError, "neither sealed nor expunged"),
        ({"change": "sealed", "person": "P9"}, GalleryError, "no person 'P9'"),
        ({"change": "sealed", "record_id": "R9"}, GalleryError, "'P1' has no offense record 'R9'"),
        ({"change": "sealed", "gallery": "none"}, GalleryError, "no gallery 'none'"),
        ({"change": "sealed", "gallery": "empty"}, GalleryError, "'R1' in gallery 'empty'"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(
    filled: Database, asked: dict[str, str], error: type[Exception], reason: str
) -> None:
    with filled.write() as connection:
        galleries.ensure(connection, "empty")
        with pytest.raises(error, match=reason):
            correct(connection, **asked)  # type: ignore[arg-type]
        assert len(records.history(connection, "P1")) == 2


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("sealed", "sealed", "is sealed already"),
        ("expunged", "expunged", "is expunged already"),
        ("expunged", "sealed", "is expunged: restore it first"),
        ("expunged", "amended", "is expunged: restore it first"),
        ("sealed", "amended", "is sealed: restore it first"),
    ],
)
def test_a_closed_record_can_only_be_restored(
    filled: Database, first: str, second: str, reason: str
) -> None:
    fields = {"charge": "X"} if second == "amended" else {}
    with filled.write() as connection:
        correct(connection, first)
        with pytest.raises(StoreError, match=reason):
            correct(connection, second, **fields)  # type: ignore[arg-type]


def test_the_history_of_nobody_is_refused(filled: Database) -> None:
    with filled.read() as connection:
        with pytest.raises(GalleryError, match="no person 'P9'"):
            records.history(connection, "P9")
        with pytest.raises(GalleryError, match="no gallery 'none'"):
            records.history(connection, "P1", "none")


def test_a_record_has_one_current_version(filled: Database) -> None:
    table = schema.offense_records
    with filled.read() as connection:
        row = dict(connection.execute(select(table)).mappings().first() or {})
    del row["id"]
    with pytest.raises(StoreError, match=r"(?i)unique"), filled.write() as connection:
        connection.execute(insert(table).values(row))


def test_counts_are_of_records_not_of_versions(filled: Database) -> None:
    with filled.write() as connection:
        attach(connection, "P1", CONVICTED, OffenseRecord("R2"))
        correct(connection, "sealed", record_id="R2")
        gallery = galleries.find(connection, "default")
        assert galleries.contents(connection, gallery).records == 2
        submission = submissions.begin(connection, "remove")
        assert persons.remove(connection, gallery, "P1", submission).records == 2
        left = records.history(connection, "P1")
        assert [(version.gallery, version.record) for version in left] == [("other", ASSAULT)]


def test_all_that_a_removed_person_was_said_to_have_done_leaves_the_disk(
    path: Path, sqlite: Database
) -> None:
    with sqlite.write() as connection:
        enrol(connection, "default", "P1", "P2")
        attach(connection, "P1", replace(ASSAULT, charge=SECRET))
        correct(connection, "expunged", reason=SECRET)
    sqlite.forget()
    assert path.read_bytes().count(SECRET.encode()) == 2
    with sqlite.write() as connection:
        submission = submissions.begin(connection, "remove")
        gallery = galleries.find(connection, "default")
        persons.remove(connection, gallery, "P1", submission)
        rows = connection.execute(select(func.count()).select_from(schema.offense_records))
        assert rows.scalar_one() == 0
    sqlite.forget()
    for file in path.parent.iterdir():
        assert SECRET.encode() not in file.read_bytes()


def test_many_persons_are_read_at_once(database: Database, clock: Clock) -> None:
    count = 2 * records.READ_AT_ONCE + 1
    names = [f"P{number}" for number in range(count)]
    with database.write() as connection:
        enrol(connection, "default", "P0")
        attach(connection, "P0", ASSAULT)
        table = schema.offense_records
        row = dict(connection.execute(select(table)).mappings().one())
        del row["id"]
        added = [
            {"id": number + 2, "reference": name, "created_at": clock.time}
            for number, name in enumerate(names[1:])
        ]
        connection.execute(insert(schema.persons), added)
        connection.execute(insert(table), [row | {"person_id": item["id"]} for item in added])
    with database.read() as connection:
        found = records.of_persons(connection, [*names, "P0", "nobody"])
    assert found == dict.fromkeys(names, (ASSAULT,)) | {"nobody": ()}


def test_records_from_before_there_were_versions_are_carried_over(
    database: Database, clock: Clock
) -> None:
    settings = config()
    with database.write() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")
        command.upgrade(settings, "0002")
        time = "2025-05-05 05:05:05.050000"
        zone = "+00:00" if connection.dialect.name == "postgresql" else ""
        for statement in (
            "INSERT INTO persons (reference, created_at) VALUES ('P1', :time)",
            "INSERT INTO galleries (name, created_at) VALUES ('default', :time)",
            "INSERT INTO submissions (verb, jurisdiction, purpose, operator, source, subject,"
            " started_at, outcome) VALUES ('records', '', 'feed', 'clerk', '', '', :time, '')",
            "INSERT INTO offense_records (person_id, gallery_id, submission_id, record_id, ncic,"
            " charge, degree, disposition, offense_date, jurisdiction, max_sentence_months,"
            " updated_at) VALUES (1, 1, 1, 'R1', '1399', 'ASSAULT', 3, 'PENDING', '2020-02-29',"
            " 'XX', 36, :time)",
        ):
            connection.execute(text(statement), {"time": time + zone})
        command.upgrade(settings, "head")
    old = replace(ASSAULT, nibrs="", statute="")
    with database.write() as connection:
        (version,) = records.history(connection, "P1")
        assert (version.record, version.change, version.reason) == (old, "added", "")
        assert version.recorded_at.isoformat() == "2025-05-05T05:05:05.050000+00:00"
        assert (version.superseded_at, version.operator) == (None, "clerk")
        enrol(connection, "default", "P1")
        assert attach(connection, "P1", old, CONVICTED).updated == 1
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0002")
        kept = connection.execute(text("SELECT charge, disposition FROM offense_records")).all()
    assert [tuple(row) for row in kept] == [("ASSAULT", "CONVICTED")]
