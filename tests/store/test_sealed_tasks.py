"""Requests and results of tasks are sealed where there are keys, each for its own place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from engine.errors import KeysError, StoreError
from engine.store import resealing, tasks
from engine.store.database import Database
from engine.store.keyring import add_key
from engine.store.schema import tasks as table
from engine.store.sealing import Vault
from engine.store.tasks import TaskRow

REQUEST, RESULT = b"a request with a print", b"a result with a person"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    add_key(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def sealed(target: Path | str, file: Path) -> Iterator[Database]:
    opened = Database(target, Vault(file))
    yield opened
    opened.close()


def add(database: Database, name: str) -> TaskRow:
    with database.write() as connection:
        tasks.add(
            connection, name, operation="identify", transaction="T", operator="me",
            callback="https://client/cb", priority=5, request=REQUEST,
        )  # fmt: skip
        return tasks.find(connection, name)


def done(database: Database, name: str) -> TaskRow:
    with database.write() as connection:
        tasks.done(connection, tasks.find(connection, name).id, name, RESULT)
        return tasks.find(connection, name)


def rotate(database: Database) -> tuple[int, list[str]]:
    """Reseals all; (how many, what was damaged)."""
    key, sealed, damaged = database.vault.key, 0, list[str]()
    with database.read() as connection:
        waiting = [held for held in resealing.census(connection) if key and held.key != key.id]
    for held in waiting:
        last: int | None = 0
        while last is not None:
            with database.write() as writer:
                batch = resealing.reseal(writer, held, last)
            last = batch.last
            sealed += batch.sealed
            damaged += batch.damaged
    return sealed, damaged


def held(database: Database) -> dict[str | None, int]:
    with database.read() as connection:
        counted = resealing.census(connection)
    return {each.key: each.count for each in counted if each.table == "tasks"}


def test_what_waits_is_sealed_and_what_is_over_is_gone(sealed: Database) -> None:
    key = sealed.vault.key
    assert key
    task = add(sealed, "a")
    assert task.sealed_with == key.id
    assert REQUEST not in task.request
    assert tasks.request_of(sealed.vault, task) == REQUEST
    task = done(sealed, "a")
    assert (task.request, task.sealed_with) == (b"", key.id)
    assert task.result and RESULT not in task.result
    assert tasks.result_of(sealed.vault, task) == RESULT
    assert held(sealed) == {key.id: 1}
    with sealed.write() as connection:
        tasks.delivered(connection, task.id)
        task = tasks.find(connection, "a")
    assert (task.request, task.result, task.sealed_with) == (b"", None, None)
    assert held(sealed) == {}


def test_without_keys_tasks_are_plain(database: Database) -> None:
    assert add(database, "a").request == REQUEST
    task = done(database, "a")
    assert (task.result, task.sealed_with) == (RESULT, None)
    assert tasks.result_of(database.vault, task) == RESULT


def test_a_value_opens_in_its_own_place_alone(sealed: Database) -> None:
    add(sealed, "a")
    moved = add(sealed, "b")
    with sealed.write() as connection:
        own = table.c.name == "a"
        connection.execute(update(table).where(own).values(request=moved.request))
        task = tasks.find(connection, "a")
    with pytest.raises(StoreError, match="tasks/a/request"):
        tasks.request_of(sealed.vault, task)
    with sealed.write() as connection:  # nor is a request taken for a result
        connection.execute(update(table).where(table.c.name == "b").values(result=moved.request))
        task = tasks.find(connection, "b")
    with pytest.raises(StoreError, match="tasks/b/result"):
        tasks.result_of(sealed.vault, task)
    with pytest.raises(KeysError, match="--keys"):
        tasks.request_of(Vault(), task)


def test_rotation_reaches_tasks(
    database: Database, target: Path | str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "BATCH", dict.fromkeys(resealing.BATCH, 1))
    add(database, "plain")
    add(database, "plain and done")
    done(database, "plain and done")
    keyed = Database(target, Vault(file))
    add(keyed, "sealed")
    old = keyed.vault.key
    assert old
    assert held(keyed) == {None: 2, old.id: 1}
    assert rotate(keyed) == (2, [])
    new = add_key(file)
    add(keyed, "spoiled")
    with keyed.write() as connection:
        spoiled = {"request": b"\1" * 60, "sealed_with": old.id}
        connection.execute(update(table).where(table.c.name == "spoiled").values(spoiled))
    count, damaged = rotate(keyed)
    assert (count, len(damaged)) == (3, 1)
    assert damaged[0].startswith("tasks/spoiled/request: ")
    assert held(keyed) == {new.id: 3, old.id: 1}
    with keyed.read() as connection:
        found = {each: tasks.find(connection, each) for each in ("plain", "sealed")}
        result = tasks.find(connection, "plain and done")
        stored = [data for row in connection.execute(select(table)) for data in row]
    for task in found.values():
        assert tasks.request_of(keyed.vault, task) == REQUEST
    assert tasks.result_of(keyed.vault, result) == RESULT
    assert not [each for each in stored if isinstance(each, bytes) and b"print" in each]
    keyed.close()
    with pytest.raises(KeysError, match="tasks are sealed"):  # told before anything is done
        Database(target)


def test_a_sealed_task_is_claimed_and_cleared_as_any_other(sealed: Database) -> None:
    add(sealed, "a")
    with sealed.write() as connection:
        (task,) = tasks.claim(connection, [tasks.PENDING], timedelta(seconds=30))
        assert tasks.request_of(sealed.vault, task) == REQUEST
        count, size = tasks.load(connection)
    assert count == 1
    assert size >= len(REQUEST)
