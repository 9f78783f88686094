"""What a probe looked like is kept for its examiners, sealed, and goes with whom it may be of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from engine.store import decisions, galleries, persons, probe_prints
from engine.store.database import Database
from engine.store.keyring import add_key
from engine.store.probe_prints import ProbeData
from engine.store.schema import images, search_probes
from engine.store.schema import probe_prints as table
from engine.store.sealing import Vault
from tests.store.invented import enrol, hit, identify, search

FINGERS = [ProbeData(b"template one", b"image one", 500.0), ProbeData(b"template two", None, None)]
SHA = f"{'P1':0>64}"  # of the print that `enrol` gives P1


@pytest.fixture
def sealed(target: Path | str, tmp_path: Path) -> Iterator[Database]:
    add_key(tmp_path / "keys")
    opened = Database(target, Vault(tmp_path / "keys"))
    yield opened
    opened.close()


def searched(connection: Connection, *people: str, sha256: str = "") -> int:
    """A search of two fingers with these hits, whose probe is kept."""
    found = [hit(person, rank) for rank, person in enumerate(people, start=1)]
    number = search(connection, identify(connection), *found)
    rows = [
        {
            "search_id": number, "number": n, "position": n, "sha256": sha256 or f"{n}",
            "source": f"{n}.png", "quality": 70,
        }
        for n in (1, 2)
    ]  # fmt: skip
    connection.execute(search_probes.delete().where(search_probes.c.search_id == number))
    connection.execute(search_probes.insert(), rows)
    probe_prints.keep(connection, number, FINGERS)
    return number


def kept(connection: Connection) -> list[int]:
    return sorted(set(connection.execute(select(table.c.search_id)).scalars()))


def close(connection: Connection, number: int, person: str, conclusion: str) -> None:
    for examiner in ("Ada", "Bob"):
        decisions.put(
            connection,
            number,
            person,
            examiner=examiner,
            conclusion=conclusion,
            submission=identify(connection),
        )


def remove(connection: Connection, person: str) -> None:
    persons.remove(connection, galleries.find(connection, "default"), person, 1)


def test_fingers_come_back_as_they_were_kept(sealed: Database) -> None:
    with sealed.write() as connection:
        number = searched(connection, "P1")
        first, second = probe_prints.of_search(connection, number)
        assert (first.template, first.image, first.ppi) == (b"template one", b"image one", 500.0)
        assert (second.template, second.image, second.ppi) == (b"template two", None, None)
        assert (first.number, first.position, first.quality, first.source) == (1, 1, 70, "1.png")
        stored = connection.execute(select(table.c.data, table.c.sealed_with)).all()
        assert len(stored) == 3
        assert all(key and b"one" not in data and b"two" not in data for data, key in stored)
        without = probe_prints.of_search(connection, number, images=False)
        assert [each.image for each in without] == [None, None]


def test_a_probe_that_is_enrolled_is_shown_by_its_enrolled_image(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, "default", "P1")
        connection.execute(images.insert(), [{"print_id": 1, "data": b"as enrolled"}])
        number = searched(connection, "P2", sha256=SHA)
        first, second = probe_prints.of_search(connection, number)
        assert (first.image, second.image) == (b"image one", b"as enrolled")


def test_probes_of_who_is_removed_go_too(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, "default", "P1", "P2")
        same_file = searched(connection, "P2", sha256=SHA)
        waits, identified = searched(connection, "P1"), searched(connection, "P1")
        excluded, both = searched(connection, "P1"), searched(connection, "P1", "P2")
        close(connection, identified, "P1", "identification")
        close(connection, excluded, "P1", "exclusion")
        assert kept(connection) == [same_file, waits, identified, excluded, both]
        remove(connection, "P1")
        # Of another person by the examiners' word, and still to be compared with P2.
        assert kept(connection) == [excluded, both]
        remove(connection, "P2")
        assert kept(connection) == [excluded]


def test_probes_go_with_their_search(database: Database) -> None:
    with database.write() as connection:
        number = searched(connection, "P1")
        searches = search_probes.c.search_id
        owner = next(iter(searches.foreign_keys)).column.table
        connection.execute(owner.delete().where(owner.c.id == number))
        assert kept(connection) == []
