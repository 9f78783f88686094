"""Sealing: nothing readable is stored, nothing can be put in another row, no key no content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from engine.errors import KeysError, StoreError
from engine.store import (
    encounters,
    galleries,
    holdings,
    merging,
    prints,
    resealing,
    schema,
    submissions,
)
from engine.store.database import Database
from engine.store.keyring import add_key, make_key
from engine.store.migrate import config
from engine.store.prints import NewPrint, PrintKey
from engine.store.resealing import Held
from engine.store.schema import images, templates
from engine.store.sealing import OVERHEAD, Vault, used_keys

TEMPLATE, IMAGE = b"TPT minutiae of one finger", b"\x89PNG pixels of one finger"
MAKER = "gabor-1.d1.e1.00000000"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    add_key(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def sealed(target: Path | str, file: Path) -> Iterator[Database]:
    """A database with keys, P1 and P2 in it."""
    opened = Database(target, Vault(file))
    enrol(opened, "P1", "P2")
    yield opened
    opened.close()


def enrol(database: Database, *persons: str) -> None:
    new = [
        NewPrint(
            PrintKey(name, 2, f"{name:0>64}"), "", "", None, IMAGE + name.encode(),
            TEMPLATE + name.encode(), MAKER, 80,
        )
        for name in persons
    ]  # fmt: skip
    with database.write() as writer:
        submission = submissions.begin(writer, "enrol")
        prints.enrol(writer, galleries.ensure(writer, "default"), new, submission)


def content(database: Database, person: str) -> tuple[bytes, bytes | None]:
    with database.read() as connection:
        gallery = galleries.find(connection, "default")
        (found,) = prints.of_person(connection, gallery, person)
        (same,) = prints.of_encounter(connection, gallery, person)
        ((again,),) = prints.read_templates(connection, [found.template_id])
    assert same.data == again.data == found.template
    return found.template, found.image


def raw(database: Database) -> list[bytes]:
    with database.read() as connection:
        return [
            *connection.execute(select(templates.c.data).order_by(templates.c.id)).scalars(),
            *connection.execute(select(images.c.data).order_by(images.c.print_id)).scalars(),
        ]


def keys_of(database: Database) -> list[tuple[str, str | None, int]]:
    with database.read() as connection:
        return [(item.table, item.key, item.count) for item in resealing.census(connection)]


def rotate(database: Database) -> tuple[int, list[str]]:
    """Everything under the first key; how many were, and what was damaged."""
    done, damaged = 0, list[str]()
    with database.read() as connection:
        waiting = resealing.census(connection)
    assert database.vault.key
    for held in waiting:
        last: int | None = 0
        while held.key != database.vault.key.id and last is not None:
            with database.write() as writer:
                batch = resealing.reseal(writer, held, last)
            last, done = batch.last, done + batch.sealed
            damaged += batch.damaged
    return done, damaged


@given(value=st.binary(max_size=300), place=st.text(max_size=20), bit=st.integers(min_value=0))
def test_a_changed_bit_a_shorter_value_or_another_place_is_noticed(
    value: bytes, place: str, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    vault = Vault(_KEYS.get(tmp_path_factory))
    data, key = vault.seal(value, place)
    assert len(data) == len(value) + OVERHEAD
    assert vault.open(data, key, place) == value
    at, mask = divmod(bit % (8 * len(data)), 8)
    changed = data[:at] + bytes([data[at] ^ 1 << mask]) + data[at + 1 :]
    for wrong in (changed, data[:-1], data + b"\0", b""):
        with pytest.raises(StoreError):
            vault.open(wrong, key, place)
    with pytest.raises(StoreError, match="from another row"):
        vault.open(data, key, place + "1")
    assert vault.seal(value, place)[0] != data  # a nonce of its own


class _KEYS:
    """One keyring for all examples."""

    file: Path | None = None

    @classmethod
    def get(cls, factory: pytest.TempPathFactory) -> Path:
        if cls.file is None:
            cls.file = factory.mktemp("keys") / "keys"
            add_key(cls.file)
        return cls.file


def test_without_keys_nothing_is_sealed(database: Database) -> None:
    enrol(database, "P1")
    assert raw(database) == [TEMPLATE + b"P1", IMAGE + b"P1"]
    assert keys_of(database) == [("templates", None, 1), ("images", None, 1)]


def test_with_keys_nothing_readable_is_stored(sealed: Database, target: Path | str) -> None:
    assert content(sealed, "P1") == (TEMPLATE + b"P1", IMAGE + b"P1")
    for data in raw(sealed):
        assert TEMPLATE not in data
        assert IMAGE not in data
    assert len(set(raw(sealed))) == 4
    if isinstance(target, Path):
        for path in target.parent.glob(f"{target.name}*"):
            assert TEMPLATE not in path.read_bytes()


def test_rows_cannot_be_swapped(sealed: Database) -> None:
    first, second, *_ = raw(sealed)
    with sealed.write() as writer:
        for number, data in ((1, second), (2, first)):
            writer.execute(update(templates).where(templates.c.id == number).values(data=data))
    for person in ("P1", "P2"):
        with pytest.raises(StoreError, match="put there from another row"):
            content(sealed, person)


def test_a_template_cannot_be_moved_to_another_gallery(sealed: Database) -> None:
    with sealed.write() as writer:
        other = galleries.ensure(writer, "other")
        writer.execute(update(templates).values(gallery_id=other.id))
    with sealed.read() as connection, pytest.raises(StoreError, match="from another row"):
        prints.of_person(connection, other, "P1")


@pytest.mark.parametrize("wrong", [False, True])
def test_without_the_key_nothing_opens_and_nothing_is_damaged(
    sealed: Database, target: Path | str, file: Path, tmp_path: Path, wrong: bool
) -> None:
    before = raw(sealed)
    other = tmp_path / "other"
    add_key(other)
    words = "is not in .*other" if wrong else "name the file of keys with --keys or TENPRINT_KEYS"
    with pytest.raises(KeysError, match=words):
        Database(target, Vault(other if wrong else None))
    assert raw(sealed) == before
    assert content(sealed, "P2") == (TEMPLATE + b"P2", IMAGE + b"P2")


def test_who_opened_without_keys_cannot_enrol_beside_sealed_prints(
    database: Database, target: Path | str, file: Path
) -> None:
    enrol(database, "BEFORE")
    keyed = Database(target, Vault(file))
    enrol(keyed, "P1")
    keyed.close()
    with pytest.raises(KeysError, match="TENPRINT_KEYS"):
        enrol(database, "AFTER")
    assert [count for _, _, count in keys_of(database)] == [1, 1, 1, 1]


def test_what_is_plain_stays_readable_until_it_is_rotated(
    database: Database, target: Path | str, file: Path
) -> None:
    enrol(database, "OLD")
    keyed = Database(target, Vault(file))
    enrol(keyed, "NEW")
    key = keyed.vault.key
    assert key
    assert keys_of(keyed) == [
        ("templates", None, 1), ("templates", key.id, 1), ("images", None, 1), ("images", key.id, 1)
    ]  # fmt: skip
    assert content(keyed, "OLD")[0] == TEMPLATE + b"OLD"
    assert rotate(keyed) == (2, [])
    assert keys_of(keyed) == [("templates", key.id, 2), ("images", key.id, 2)]
    assert content(keyed, "OLD") == (TEMPLATE + b"OLD", IMAGE + b"OLD")
    assert not any(TEMPLATE in data or IMAGE in data for data in raw(keyed))
    assert rotate(keyed) == (0, [])
    with pytest.raises(KeysError), database.read() as connection:
        prints.of_person(connection, galleries.find(connection, "default"), "OLD")
    keyed.close()


def test_an_old_key_gives_way_to_a_new_one(sealed: Database, file: Path) -> None:
    old = sealed.vault.key
    new = add_key(file)  # while the database is open
    enrol(sealed, "P3")
    assert old
    assert keys_of(sealed)[:2] == sorted(
        [("templates", old.id, 2), ("templates", new.id, 1)], key=lambda item: item[1]
    )
    assert rotate(sealed) == (4, [])
    assert [item[1] for item in keys_of(sealed)] == [new.id, new.id]
    for person in ("P1", "P2", "P3"):
        assert content(sealed, person)[0] == TEMPLATE + person.encode()


def test_a_damaged_row_stops_no_rotation(
    sealed: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "BATCH", dict.fromkeys(resealing.BATCH, 1))
    with sealed.write() as writer:
        writer.execute(update(templates).where(templates.c.id == 1).values(data=b"\1" * 60))
    old, new = sealed.vault.key, add_key(file)
    done, (damaged,) = rotate(sealed)
    assert done == 3
    assert damaged.startswith("templates/1/1: ")
    assert old
    assert (("templates", old.id, 1) in keys_of(sealed)) and new.id == sealed.vault.keys[0].id


def test_rotation_without_the_old_key_changes_nothing(
    sealed: Database, target: Path | str, file: Path, tmp_path: Path
) -> None:
    old, before = sealed.vault.key, raw(sealed)
    file.unlink()
    add_key(file)
    assert old
    fresh = Vault(file)
    with (
        pytest.raises(KeysError, match=f"key {old.id} is not in"),
        sealed.write() as writer,
    ):
        connection = writer.execution_options(**fresh.options)
        resealing.reseal(connection, Held("templates", old.id, 2), 0)
    assert raw(sealed) == before


def test_a_keyring_that_goes_away_while_it_is_in_use_costs_nothing(
    sealed: Database, file: Path
) -> None:
    file.unlink()
    enrol(sealed, "P3")
    assert content(sealed, "P3")[0] == TEMPLATE + b"P3"


def test_keys_in_use_are_found_whatever_their_number(database: Database) -> None:
    keys = sorted(make_key().id for _ in range(3))
    enrol(database, *(f"P{number}" for number in range(6)))
    with database.write() as writer:
        assert used_keys(writer) == []
        for number in range(1, 6):
            writer.execute(
                update(schema.images)
                .where(images.c.print_id == number)
                .values(sealed_with=keys[number % 3])
            )
        assert used_keys(writer) == keys


def test_the_tables_of_sealed_data_cannot_be_taken_back(sealed: Database) -> None:
    settings = config()
    with pytest.raises(RuntimeError, match="are sealed"), sealed.write() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0003")
    assert content(sealed, "P1")[0] == TEMPLATE + b"P1"


def test_encounters_are_sealed_and_follow_gallery_and_person(sealed: Database) -> None:
    facts = encounters.Facts("ACTIVE", "booking")
    with sealed.write() as writer:
        number = submissions.begin(writer, "enrol")
        row = encounters.create(writer, "P3", "E1", facts, number)
        item = holdings.NewItem(2, "3" * 64, "[0]", None, "{}", IMAGE, TEMPLATE, MAKER, 80)
        holdings.put(writer, row, [item], ["default"], number)
        row = encounters.find(writer, "P3", "E1")
        holdings.set_galleries(writer, row, ["default", "other"], number)
        row = encounters.find(writer, "P3", "E1")
        merging.move(writer, [row], encounters.find_person(writer, "P1"), number)
        (kept,) = encounters.prints_of(writer, row.id)
        assert (kept.template, kept.image) == (TEMPLATE, IMAGE)
        held = encounters.templates_of(writer, encounters.find_person(writer, "P1"))
        assert [each.gallery for each in held if each.data == TEMPLATE] == ["default", "other"]
    assert not any(TEMPLATE in value or IMAGE in value for value in raw(sealed))
