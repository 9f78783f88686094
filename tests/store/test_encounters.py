"""Encounters: an index that follows sees what is active, and whose it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import Connection, inspect, text

from engine.errors import ConflictError, InputError, MakerMismatchError, NotFoundError
from engine.store import (
    case_holds,
    changes,
    decisions,
    encounters,
    galleries,
    hits,
    holdings,
    memberships,
    merging,
    persons,
    prints,
    records,
    submissions,
)
from engine.store.database import Database
from engine.store.encounters import Facts
from engine.store.holdings import NewItem
from engine.store.migrate import config
from engine.types import OffenseRecord
from tests.store.invented import hit, search
from tests.store.test_store import enrol, new

ACTIVE, INACTIVE = Facts("ACTIVE", "booking", "YQ==", '{"a": 1}'), Facts("INACTIVE", "booking")


class Follower:
    """An index of a gallery that catches up: whose templates it holds."""

    def __init__(self, connection: Connection, gallery: str) -> None:
        self.connection, self.gallery = connection, gallery
        self.held: dict[int, str] = {}
        self.sequence = 0

    def catch_up(self) -> list[str]:
        row = galleries.lookup(self.connection, self.gallery)
        if row is None:
            return []
        found = changes.since(self.connection, row.id, self.sequence)
        for batch in prints.read_templates(self.connection, found.added):
            for stored in batch:
                assert stored.id not in self.held
                self.held[stored.id] = stored.person
        for template_id in found.removed:
            del self.held[template_id]
        assert prints.count(self.connection, row) == len(self.held)
        self.sequence = found.sequence
        return sorted(self.held.values())


def item(finger: int, maker: str = "gabor-1") -> NewItem:
    sha256 = hashlib.sha256(bytes([finger])).hexdigest()
    return NewItem(finger, sha256, "[0]", None, "{}", b"image", b"template", maker, 80)


def create(
    connection: Connection,
    person: str,
    encounter: str,
    fingers: Iterable[int] = (1,),
    names: Iterable[str] = ("a",),
    facts: Facts = ACTIVE,
) -> encounters.EncounterRow:
    submission = submissions.begin(connection, "enrol")
    row = encounters.create(connection, person, encounter, facts, submission)
    holdings.put(connection, row, [item(finger) for finger in fingers], names, submission)
    return encounters.find(connection, person, encounter)


def test_an_index_follows_status_galleries_and_person(database: Database) -> None:
    with database.write() as connection:
        submission = submissions.begin(connection, "update")
        late, early = Follower(connection, "a"), Follower(connection, "a")
        other = Follower(connection, "b")

        def found() -> tuple[list[str], list[str]]:
            return early.catch_up(), other.catch_up()

        row = create(connection, "P1", "E1", (1, 2))
        create(connection, "P2", "E1")
        assert found() == (["P1", "P1", "P2"], [])
        holdings.set_status(connection, row, "INACTIVE", submission)
        assert found() == (["P2"], [])
        row = encounters.find(connection, "P1", "E1")
        holdings.set_galleries(connection, row, ["a", "b"], submission)
        assert found() == (["P2"], [])
        row = encounters.find(connection, "P1", "E1")
        holdings.set_status(connection, row, "ACTIVE", submission)
        assert found() == (["P1", "P1", "P2"], ["P1", "P1"])
        row = encounters.find(connection, "P1", "E1")
        for status in ("INACTIVE", "ACTIVE"):  # and the index has not looked in between
            holdings.set_status(connection, row, status, submission)
            row = encounters.find(connection, "P1", "E1")
        assert found() == (["P1", "P1", "P2"], ["P1", "P1"])
        holdings.set_galleries(connection, row, ["b"], submission)
        assert found() == (["P2"], ["P1", "P1"])
        row = encounters.find(connection, "P1", "E1")
        assert row.galleries == ("b",)
        with pytest.raises(ConflictError, match="nothing was moved"):
            merging.move(connection, [row], encounters.find_person(connection, "P2"), submission)
        row = create(connection, "P1", "E2", (1,), ("a", "b"))
        merging.move(connection, [row], encounters.find_person(connection, "P2"), submission)
        assert found() == (["P2", "P2"], ["P1", "P1", "P2"])
        assert late.catch_up() == ["P2", "P2"]
        holdings.clear(connection, encounters.find(connection, "P2", "E2"), submission)
        assert found() == (["P2"], ["P1", "P1"])


def test_inactive_encounters_go_with_their_person(database: Database) -> None:
    with database.write() as connection:
        submission = submissions.begin(connection, "remove")
        follower = Follower(connection, "a")
        create(connection, "P1", "E1", facts=INACTIVE)
        create(connection, "P1", "E2", (), ("a", "b"))
        assert follower.catch_up() == []
        a, b = (galleries.find(connection, name) for name in ("a", "b"))
        assert memberships.content(connection, a.id, 0, 9) == [("P1", "E1"), ("P1", "E2")]
        assert memberships.content(connection, a.id, 1, 9) == [("P1", "E2")]
        assert memberships.content(connection, None, 0, 1) == [("P1", "E1")]
        removed = persons.remove(connection, a, "P1", submission)
        assert (removed.persons, removed.templates, removed.images) == (0, 1, 1)
        assert persons.galleries_of(connection, "P1") == ["b"]
        assert persons.remove(connection, b, "P1", submission).persons == 1
        assert follower.catch_up() == []
        with pytest.raises(NotFoundError, match="no person 'P1'"):
            encounters.find(connection, "P1", "E1")


def test_what_is_kept_of_an_encounter_is_given_back(database: Database) -> None:
    with database.write() as connection:
        row = create(connection, "P1", "E1", (3, 1))
        assert row.facts == ACTIVE
        assert [kept.position for kept in encounters.prints_of(connection, row.id)] == [3, 1]
        (kept, _) = encounters.prints_of(connection, row.id, with_images=False)
        assert (kept.image, kept.template, kept.quality) == (None, b"template", 80)
        encounters.change(connection, row.id, INACTIVE)
        row = encounters.find(connection, "P1", "E1")
        assert row.facts == INACTIVE
        assert row.updated_at is not None
        with pytest.raises(ConflictError, match="'E1' already"):
            create(connection, "P1", "E1")
        with pytest.raises(NotFoundError, match="no encounter 'E9'"):
            encounters.find(connection, "P1", "E9")
        # another encounter may have the same prints
        create(connection, "P1", "E2", (3, 1))
        with pytest.raises(InputError, match="the same print"):
            create(connection, "P1", "E3", (3, 3))


def test_galleries_of_another_maker_refuse(database: Database) -> None:
    with database.write() as connection:
        row = create(connection, "P1", "E1")
        enrol(connection, "b", new("P2", maker="leader-1"))
        with pytest.raises(MakerMismatchError):
            holdings.set_galleries(connection, row, ["b"], 1)


def test_offense_records_follow_a_merge(database: Database) -> None:
    with database.write() as connection:
        submission = submissions.begin(connection, "merge")
        source, target = create(connection, "P1", "E1"), create(connection, "P2", "E2")
        a = galleries.find(connection, "a")
        mine = [OffenseRecord(name, charge=f"of P1 {name}") for name in ("R1", "R2", "R3")]
        theirs = [OffenseRecord(name, charge=f"of P2 {name}") for name in ("R2", "R3")]
        sent = [("P1", record) for record in mine] + [("P2", record) for record in theirs]
        records.attach(connection, a, sent, submission)
        records.correct(
            connection, None, "P1", "R3", change="sealed", reason="court", submission=submission
        )
        merging.move(connection, [source], target.person_id, submission)
        merging.join_persons(connection, "P1", "P2")
        found = {each.record_id: each for each in records.of_persons(connection, ["P2"])["P2"]}
        assert (found["R1"].charge, found["R2"].charge) == ("of P1 R1", "of P2 R2")
        assert found["R3"].disposition == "SEALED"
        assert len(records.history(connection, "P2")) == 4
        assert persons.lookup(connection, "P1") is None


def test_cases_that_wait_follow_a_merge(database: Database) -> None:
    def decide(number: int, person: str, examiner: str, conclusion: str = "exclusion") -> None:
        decisions.put(
            connection,
            number,
            person,
            examiner=examiner,
            conclusion=conclusion,
            submission=submission,
        )

    def cases() -> list[tuple[int, str, str]]:
        return [(x.search_id, x.person, x.stage) for x in hits.waiting(connection)]

    with database.write() as connection:
        submission = submissions.begin(connection, "merge")
        source, target = create(connection, "P1", "E1"), create(connection, "P2", "E2")
        for people in (["P1"], ["P1"], ["P1"], ["P1", "P2"], ["P1", "P2"]):
            search(connection, submission, *(hit(who, n) for n, who in enumerate(people, start=1)))
        decide(2, "P1", "Ada")
        case_holds.take(connection, (2, "P1"), "Bob", timedelta(minutes=5))
        for examiner in ("Ada", "Bob"):
            decide(3, "P1", examiner)
        decide(5, "P1", "Ada")
        decide(5, "P2", "Ada", "inconclusive")
        merging.move(connection, [source], target.person_id, submission)
        merging.join_persons(connection, "P1", "P2")
        assert cases() == [(1, "P2", "first"), (2, "P2", "second"), (4, "P2", "first"),
                           (5, "P2", "second")]  # fmt: skip
        assert case_holds.holders(connection, [2]) == {}
        assert hits.find(connection, 3, "P1").stage == "closed"
        # Both had been compared with the probe of search 5: neither decision is lost or doubled.
        assert [len(decisions.of_case(connection, 5, who)) for who in ("P1", "P2")] == [1, 1]


def test_a_person_who_leaves_a_gallery_leaves_no_records_there(database: Database) -> None:
    with database.write() as connection:
        submission = submissions.begin(connection, "update")
        row = create(connection, "P1", "E1", (1,), ("a", "b"))
        for name in ("a", "b"):
            gallery = galleries.find(connection, name)
            record = OffenseRecord(f"of {name}", charge="THEFT")
            records.attach(connection, gallery, [("P1", record)], submission)
        holdings.set_galleries(connection, row, ["b"], submission)
        (left,) = records.of_persons(connection, ["P1"])["P1"]
        assert left.record_id == "of b"


def test_the_migration_keeps_what_there_is(database: Database) -> None:
    settings = config()
    with database.write() as connection:
        enrol(connection, "a", new("P1"), new("P2"))
        enrol(connection, "b", new("P1"), new("P3"))
        persons.remove(connection, galleries.find(connection, "b"), "P3", 1)
        settings.attributes["connection"] = connection
        tables = ("persons", "prints", "images", "templates")
        before = [connection.execute(text(f"SELECT id FROM {t}" if t != "images" else
                  "SELECT print_id FROM images")).all() for t in tables]  # fmt: skip
        command.downgrade(settings, "0005")
        command.upgrade(settings, "head")
        after = [connection.execute(text(f"SELECT id FROM {t}" if t != "images" else
                 "SELECT print_id FROM images")).all() for t in tables]  # fmt: skip
        assert after == before
        assert [len(rows) for rows in before] == [2, 2, 2, 3]
        a, b = (galleries.find(connection, name) for name in ("a", "b"))
        assert len(memberships.content(connection, a.id, 0, 9)) == 2
        assert memberships.content(connection, b.id, 0, 9) == [("P1", "")]
        checks = {check["name"] for check in inspect(connection).get_check_constraints("prints")}
        assert checks == {"ck_prints_position"}
        enrol(connection, "a", new("P9"))
        newest = connection.execute(text("SELECT max(id) FROM templates")).scalar()
        assert newest == 5  # the fourth was removed, and its number is not used again
