"""Sites in the database: replaced whole, read while they fit, gone with their gallery."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlalchemy import func, select

from engine.store import galleries, schema, sites, submissions
from engine.store.database import Database
from engine.types import Site

ONE = Site(-1.5, 1.1, 0.04, 0.03, -0.4, 1, 2000, 4999, date(2026, 1, 2))
TEN = replace(ONE, fingers=10, location=0.3)


def put(database: Database, *measured: Site, scoring: str = "now", fpir: float = 1e-3) -> None:
    with database.write() as writer:
        submission = submissions.begin(writer, "calibrate")
        gallery = galleries.ensure(writer, "default")
        sites.put(writer, gallery, measured, scoring, fpir=fpir, submission=submission)


def test_sites_are_kept_by_number_of_fingers_and_replaced_together(database: Database) -> None:
    put(database, TEN, ONE)
    with database.read() as connection:
        gallery = galleries.find(connection, "default")
        assert sites.of(connection, gallery, "now") == (ONE, TEN)
        assert gallery.fpir == 1e-3
    put(database, replace(ONE, scale=0.9), fpir=1e-2)
    with database.read() as connection:
        gallery = galleries.find(connection, "default")
        assert sites.of(connection, gallery, "now") == (replace(ONE, scale=0.9),)
        assert gallery.fpir == 1e-2


def test_sites_of_other_scores_are_passed_over(database: Database) -> None:
    put(database, ONE, scoring="before")
    with database.read() as connection:
        assert sites.of(connection, galleries.find(connection, "default"), "now") == ()


def test_sites_go_with_their_gallery(database: Database) -> None:
    put(database, ONE)
    with database.write() as writer:
        galleries.drop(writer, galleries.find(writer, "default"))
    with database.read() as connection:
        left = connection.execute(select(func.count()).select_from(schema.sites)).scalar_one()
    assert left == 0
