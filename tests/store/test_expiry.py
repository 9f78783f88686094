"""What is past its time goes, and nothing else: not for persons on hold, not while work waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select, update

from engine.errors import GalleryError, HoldError, StoreError, UseError
from engine.store import (
    decisions,
    expiry,
    exports,
    holdings,
    holds,
    persons,
    probe_prints,
    purposes,
    records,
    schema,
    submissions,
    tasks,
)
from engine.store import encounters as store_encounters
from engine.store import galleries as store_galleries
from engine.store.database import Database
from engine.store.expiry import (
    CLOSED,
    DECISIONS,
    EMPTY,
    IMAGES,
    PROBES,
    SEARCHES,
    TASKS,
)
from engine.store.exports import Export
from engine.store.probe_prints import ProbeData
from engine.store.schema import (
    encounters,
    images,
    memberships,
    offense_records,
    prints,
    search_candidates,
    searches,
)
from engine.store.schema import exports as exports_table
from tests.store.invented import ASSAULT, attach, correct, enrol, hit, identify, search

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=100), NOW - timedelta(days=5)


def before(connection: Connection, **kept: int | None) -> dict[str, datetime]:
    """The limits under timers in days."""
    wanted = {kind.replace("_", "-"): days for kind, days in kept.items()}
    expiry.put(connection, wanted, submissions.begin(connection, "retention"))
    return expiry.limits(expiry.timers(connection), NOW)


def old_search(connection: Connection, *people: str, at: datetime = OLD) -> int:
    """A search with hits, kept at that time; another person is a candidate under the threshold."""
    hits = [hit(person, rank) for rank, person in enumerate(people, start=1)]
    made = search(connection, identify(connection), *hits, hit("P0", 9, over=False))
    connection.execute(update(searches).where(searches.c.id == made).values(at=at))
    return made


def decide(connection: Connection, search_id: int, person: str, at: datetime) -> None:
    for examiner in ("R", "S"):
        decide_once(connection, search_id, person, at, examiner)


def decide_once(
    connection: Connection, search_id: int, person: str, at: datetime, examiner: str
) -> None:
    submission = submissions.begin(connection, "decide")
    made = decisions.put(
        connection,
        search_id,
        person,
        examiner=examiner,
        conclusion="exclusion",
        submission=submission,
    )
    table = decisions.decisions
    connection.execute(update(table).where(table.c.id == made).values(at=at))


def ids(connection: Connection) -> list[int]:
    return list(connection.execute(select(searches.c.id).order_by(searches.c.id)).scalars())


def expire(connection: Connection, kind: str, limits: dict[str, datetime]) -> int:
    """Deletes all of a kind, two at a time; gives how many went."""
    gone = 0
    while batch := expiry.delete_some(connection, kind, limits, 2).ids:
        assert len(batch) <= 2
        gone += len(batch)
    return gone


def test_nothing_is_past_its_time_until_a_timer_is_set(database: Database) -> None:
    with database.write() as writer:
        assert expiry.timers(writer) == {}
        before(writer, searches=30, images=365)
        assert expiry.timers(writer) == {SEARCHES: 30, IMAGES: 365}
        before(writer, searches=None)
        assert expiry.timers(writer) == {IMAGES: 365}


@pytest.mark.parametrize(("kind", "days"), [("templates", 5), (SEARCHES, 0), (SEARCHES, 99_999)])
def test_what_is_no_timer_is_refused(database: Database, kind: str, days: int) -> None:
    with (
        pytest.raises(StoreError, match=r"nothing is called|are kept from"),
        database.write() as writer,
    ):
        expiry.put(writer, {kind: days}, 1)


def test_old_searches_go_with_their_candidates(database: Database) -> None:
    with database.write() as writer:
        for _ in range(5):
            old_search(writer)
        kept = old_search(writer, at=NEW)
        limits = before(writer, searches=30)
        assert expiry.count(writer, SEARCHES, limits) == 5
        assert expiry.delete_some(writer, SEARCHES, limits, 1).more == {
            "candidates": 1,
            "decisions": 0,
        }
        assert expire(writer, SEARCHES, limits) == 4
        assert ids(writer) == [kept]
        left = writer.execute(select(search_candidates.c.search_id)).scalars().all()
        assert left == [kept]


def test_a_search_waits_for_its_examiner_and_its_decisions(database: Database) -> None:
    with database.write() as writer:
        enrol(writer, "default", "P1", "P2")
        waits = old_search(writer, "P1", "P2")
        decide(writer, waits, "P1", OLD)
        done = old_search(writer, "P1")
        decide(writer, done, "P1", OLD)
        half = old_search(writer, "P1")
        decide_once(writer, half, "P1", OLD, "R")
        fresh = old_search(writer, "P1")
        decide(writer, fresh, "P1", NEW)
        gone = old_search(writer, "P9")  # nobody can decide it: the person is enrolled nowhere
        limits = before(writer, searches=30)
        assert expiry.count(writer, SEARCHES, limits) == 1  # decisions are kept for good
        assert expiry.count_kept(writer, SEARCHES, limits) == 4
        assert expire(writer, SEARCHES, limits) == 1
        assert gone not in ids(writer)
        limits = before(writer, decisions=50)
        assert expire(writer, SEARCHES, limits) == 1
        assert ids(writer) == [waits, half, fresh]
        assert len(decisions.of_case(writer, waits, "P1")) == 2
        with pytest.raises(StoreError, match="not deleted by themselves"):
            expiry.count(writer, DECISIONS, limits)


def test_what_a_probe_looked_like_goes_once_its_cases_are_closed(database: Database) -> None:
    with database.write() as writer:
        enrol(writer, "default", "P1", "P2")
        done, half, waits = (old_search(writer, "P1") for _ in range(3))
        held, fresh = old_search(writer, "P2"), old_search(writer, "P1", at=NEW)
        for search in (done, half, waits, held, fresh):
            probe_prints.keep(writer, search, [ProbeData(b"template", b"image", None)])
        for search in (done, fresh):
            decide(writer, search, "P1", OLD)
        decide(writer, held, "P2", OLD)
        decide_once(writer, half, "P1", OLD, "R")
        holds.place(writer, "P2", "case", submissions.begin(writer, "hold"))
        limits = before(writer, probes=30)
        assert expiry.count(writer, PROBES, limits) == 2
        assert expiry.count_kept(writer, PROBES, limits) == 6
        assert expire(writer, PROBES, limits) == 2
        left = select(schema.probe_prints.c.search_id).distinct()
        assert sorted(writer.execute(left).scalars()) == [half, waits, held, fresh]
        assert len(ids(writer)) == 5


def test_images_go_and_templates_stay(database: Database) -> None:
    with database.write() as writer:
        enrol(writer, "default", "P1", "P2", "P3")
        writer.execute(images.insert(), [{"print_id": i, "data": b"%d" % i} for i in (1, 2, 3)])
        writer.execute(update(prints).values(created_at=OLD))
        writer.execute(update(prints).where(prints.c.id == 3).values(created_at=NEW))
        holds.place(writer, "P1", "case", submissions.begin(writer, "hold"))
        limits = before(writer, images=30)
        assert (
            expiry.count(writer, IMAGES, limits),
            expiry.count_kept(writer, IMAGES, limits),
        ) == (
            1,
            1,
        )
        assert expiry.sample_images(writer, limits, 5) == [b"2"]
        assert expire(writer, IMAGES, limits) == 1
        assert sorted(writer.execute(select(images.c.print_id)).scalars()) == [1, 3]
        gallery = store_galleries.find(writer, "default")
        assert store_galleries.contents(writer, gallery).templates == 3
        holds.release(writer, "P1")
        assert expire(writer, IMAGES, limits) == 1


def test_what_closed_records_said_goes_and_they_stay_closed(database: Database) -> None:
    with database.write() as writer:
        enrol(writer, "default", "P1", "P2")
        attach(writer, "P1", ASSAULT)
        attach(writer, "P2", ASSAULT)
        correct(writer, "amended", charge="BATTERY")
        correct(writer, "sealed")
        correct(writer, "expunged")
        correct(writer, "amended", person="P2", charge="BATTERY")
        writer.execute(update(offense_records).values(recorded_at=OLD))
        limits = before(writer, closed_records=30)
        assert expire(writer, CLOSED, limits) == 3
        (left,) = records.history(writer, "P1")
        assert (left.change, left.record.charge) == ("expunged", "")
        assert len(records.history(writer, "P2")) == 2  # never closed: an old version stays
        assert attach(writer, "P1", ASSAULT).refused == 1
        with pytest.raises(StoreError, match="cannot be restored: what it said was deleted"):
            correct(writer, "restored")


def test_what_was_closed_lately_can_be_restored(database: Database) -> None:
    with database.write() as writer:
        enrol(writer, "default", "P1")
        attach(writer, "P1", ASSAULT)
        correct(writer, "sealed")
        writer.execute(update(offense_records).values(recorded_at=NEW))
        assert expire(writer, CLOSED, before(writer, closed_records=30)) == 0
        assert correct(writer, "restored").record == ASSAULT


def test_a_hold_stops_every_deletion(database: Database) -> None:
    with database.write() as writer:
        enrol(writer, "default", "P1", "P2")
        attach(writer, "P1", ASSAULT)
        correct(writer, "sealed")
        writer.execute(update(offense_records).values(recorded_at=OLD))
        named = old_search(writer)  # P0 is a candidate, under the threshold, and enrolled nowhere
        limits = before(writer, searches=30, closed_records=30)
        holds.place(writer, "P0", "case", submissions.begin(writer, "hold"))
        holds.place(writer, "P1", "case", submissions.begin(writer, "hold"))
        assert expire(writer, SEARCHES, limits) == expire(writer, CLOSED, limits) == 0
        gallery = store_galleries.find(writer, "default")
        with pytest.raises(HoldError, match="'P1' is on legal hold"):
            persons.remove(writer, gallery, "P1", 1)
        persons.remove(writer, gallery, "P2", 1)
        for person in ("P0", "P1"):
            holds.release(writer, person)
        assert expire(writer, SEARCHES, limits) == expire(writer, CLOSED, limits) == 1
        assert named not in ids(writer)
        persons.remove(writer, gallery, "P1", 1)


def test_holds_are_placed_once_and_on_whom_somebody_knows(database: Database) -> None:
    with database.write() as writer:
        enrol(writer, "default", "P1")
        submission = submissions.begin(writer, "hold")
        with pytest.raises(GalleryError, match="no person 'P9'"):
            holds.place(writer, "P9", "case", submission)
        with pytest.raises(HoldError, match="needs a reason"):
            holds.place(writer, "P1", " ", submission)
        with pytest.raises(HoldError, match="not on hold"):
            holds.release(writer, "P1")
        assert holds.place(writer, "P1", "case", submission).released_at is None
        with pytest.raises(HoldError, match="already"):
            holds.place(writer, "P1", "other", submission)
        holds.release(writer, "P1")
        assert holds.current(writer) == []
        holds.place(writer, "P1", "again", submission)
        assert [hold.reason for hold in holds.current(writer)] == ["again"]


def test_exports_are_known_until_they_are_gone(database: Database) -> None:
    with database.write() as writer:
        submission = submissions.begin(writer, "export")
        for number, at in enumerate((OLD, OLD, NEW)):
            export = Export("audit", "here", f"/log{number}", "ab" * 32)
            made = exports.put(writer, export, submission)
            own = exports_table.c.id == made
            writer.execute(update(exports_table).where(own).values(at=at))
        limit = NOW - timedelta(days=30)
        assert exports.before(writer, limit, "elsewhere", 9) == []
        (first,) = exports.before(writer, limit, "here", 1)
        assert first.path == "/log0"
        exports.forget(writer, [first.id])
        assert [each.path for each in exports.before(writer, limit, "here", 9)] == ["/log1"]
        count = select(func.count()).select_from(exports_table)
        assert writer.execute(count).scalar() == 2


def test_purposes_are_any_until_some_are_named(database: Database) -> None:
    with database.write() as writer:
        assert purposes.allowed(writer) == ()
        assert purposes.refusal("identify", "", ()) == ""
        purposes.put(writer, ["b", "a", "b"], submissions.begin(writer, "purposes"))
        known = purposes.allowed(writer)
        assert known == ("a", "b")
        assert purposes.refusal("identify", "a", known) == ""
        assert "'c' is not allowed here: use --purpose with one of a, b" in purposes.refusal(
            "identify", "c", known
        )
        assert "required" in purposes.refusal("enrol", "", known)
        assert purposes.refusal("remove", "", known) == ""  # deletion needs no leave
        purposes.put(writer, [], 1)
        assert purposes.allowed(writer) == ()
        for wrong in ("", " ", "x" * 201):
            with pytest.raises(UseError, match="is no purpose"):
                purposes.put(writer, [wrong], 1)


def empty(connection: Connection, person: str, name: str, at: datetime = OLD) -> int:
    """An encounter without a print in a gallery, last changed at that time."""
    facts = store_encounters.Facts("ACTIVE", "booking")
    submission = submissions.begin(connection, "enrol")
    made = store_encounters.create(connection, person, name, facts, submission)
    holdings.put(connection, made, [], ["criminal"], submission)
    own = encounters.c.id == made.id
    connection.execute(update(encounters).where(own).values(created_at=at))
    return made.id


def test_encounters_without_a_print_go_with_their_places_and_persons(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, "criminal", "P1")
        gone = [empty(connection, "P1", "E9"), empty(connection, "P2", "E1")]
        young = empty(connection, "P3", "E1", NEW)
        touched = empty(connection, "P4", "E1")
        connection.execute(
            update(encounters).where(encounters.c.id == touched).values(updated_at=NEW)
        )
        limits = before(connection, empty_encounters=30)
        assert expiry.count(connection, EMPTY, limits) == 2
        batch = expiry.delete_some(connection, EMPTY, limits, 9)
        assert (list(batch.ids), batch.more) == (gone, {"persons_gone": 1})
        left = set(connection.execute(select(memberships.c.encounter_id)).scalars())
        assert {young, touched} < left and not left & {*gone}
        assert persons.lookup(connection, "P1") is not None
        assert persons.lookup(connection, "P2") is None


def test_what_probes_looked_like_goes_with_an_empty_person(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, "default", "P1", "P2")
        for person in ("P1", "P2"):
            search = old_search(connection, person)
            probe_prints.keep(connection, search, [ProbeData(b"template", b"image", None)])
        person_id = store_encounters.find_person(connection, "P1")
        (row,) = store_encounters.of_person(connection, person_id)
        holdings.clear(connection, row, submissions.begin(connection, "update"))
        old = encounters.c.id == row.id
        connection.execute(update(encounters).where(old).values(created_at=OLD))
        assert expire(connection, EMPTY, before(connection, empty_encounters=30)) == 1
        left = select(schema.probe_prints.c.search_id).distinct()
        assert list(connection.execute(left).scalars()) == [search]


def test_an_empty_encounter_stays_for_a_hold_and_for_records(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, "criminal", "RECORDED")
        attach(connection, "RECORDED", ASSAULT, gallery="criminal")
        (row,) = store_encounters.of_person(
            connection, store_encounters.find_person(connection, "RECORDED")
        )
        holdings.clear(connection, row, submissions.begin(connection, "update"))
        connection.execute(update(encounters).values(created_at=OLD))
        empty(connection, "HELD", "E1")
        holds.place(connection, "HELD", "case 17", submissions.begin(connection, "hold"))
        limits = before(connection, empty_encounters=30)
        assert expire(connection, EMPTY, limits) == 0
        assert expiry.count_kept(connection, EMPTY, limits) == 2
        holds.release(connection, "HELD")
        assert expire(connection, EMPTY, limits) == 1


def test_tasks_that_ended_go_and_others_are_promised(database: Database) -> None:
    with database.write() as connection:
        rows = {}
        for name in ("ended", "young", "given up", "waits", "undelivered"):
            rows[name] = tasks.add(
                connection, name, operation="identify", transaction="T", operator="me",
                callback="", priority=5, request=b"{}",
            )  # fmt: skip
            if name != "waits":
                tasks.done(connection, rows[name], name, b"[]")
        for name in ("ended", "young"):
            tasks.delivered(connection, rows[name])
        tasks.undelivered(connection, tasks.find(connection, "given up"), "nobody there", None)
        connection.execute(update(tasks.tasks).values(created_at=OLD))
        for name, at in (("ended", OLD), ("young", NEW), ("given up", OLD)):
            own = tasks.tasks.c.name == name
            connection.execute(update(tasks.tasks).where(own).values(ended_at=at))
        limits = before(connection, tasks=30)
        assert expiry.count_kept(connection, TASKS, limits) == 2
        assert expire(connection, TASKS, limits) == 2
        left = set(connection.execute(select(tasks.tasks.c.name)).scalars())
        assert left == {"young", "waits", "undelivered"}
