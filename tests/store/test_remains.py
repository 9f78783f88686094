"""What is left of a person is counted by table, and bytes are found in rows that stay."""

from __future__ import annotations

from sqlalchemy import update

from engine.service.removal import TABLES
from engine.store import audit, galleries, persons, remains, submissions
from engine.store.database import Database
from engine.store.schema import images, templates
from tests.store.invented import ASSAULT, attach, enrol, hit, identify, search

PIECE = bytes(range(32))


def test_rows_are_counted_before_and_after(database: Database) -> None:
    with database.write() as writer:
        enrol(writer, "default", "P1", "P2")
        attach(writer, "P1", ASSAULT)
        writer.execute(images.insert(), [{"print_id": 1, "data": b"image"}])
        writer.execute(update(templates).where(templates.c.id == 1).values(data=b"template"))
        before = remains.holdings(writer, "P1")
        assert (before.templates, before.images) == ((b"template",), (b"image",))
        one_each = ("persons", "encounters", "prints", "offense_records", "images", "templates")
        assert remains.rows_left(writer, before) == dict.fromkeys(one_each, 1)
        persons.remove(writer, galleries.find(writer, "default"), "P1", 1)
        assert remains.rows_left(writer, before) == dict.fromkeys(one_each, 0)
        assert remains.holdings(writer, "P1").template_ids == ()
    said = database.forget(*TABLES)
    assert said.startswith(
        ("deleted content was overwritten", "VACUUM templates, images, probe_prints")
    )
    assert "failed" not in said


def test_the_logs_name_the_reference(database: Database) -> None:
    with database.write() as writer:
        search(writer, identify(writer), hit("P1", 1), hit("P2", 2))
        submissions.begin(writer, "remove", subject="P1")
        audit.append(writer, {"persons": ["P1"]})
        assert remains.named_in(writer, "P1") == {
            "submissions": 1, "search_candidates": 1, "decisions": 0, "holds": 0, "audit": 1,
        }  # fmt: skip


def test_bytes_of_rows_that_stay_are_found(database: Database) -> None:
    with database.write() as writer:
        enrol(writer, "default", "P1", "P2")
        assert not remains.is_in_a_row(writer, PIECE)
        writer.execute(images.insert(), [{"print_id": 2, "data": b"%_" + PIECE + b"\\x"}])
        assert remains.is_in_a_row(writer, PIECE)
        assert not remains.is_in_a_row(writer, PIECE[::-1])
        writer.execute(update(images).values(data=b""))
        writer.execute(update(templates).where(templates.c.id == 2).values(data=PIECE))
        assert remains.is_in_a_row(writer, PIECE)
