"""Tasks: what was accepted is done by one process at a time, and delivered or kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from engine.errors import NotFoundError
from engine.store import tasks
from engine.store.database import Database
from engine.store.sealing import Vault
from tests.store.conftest import Clock

HOLD = timedelta(seconds=30)
UNDELIVERED = (tasks.SCHEDULED, tasks.RETRY)


@pytest.fixture
def ticking(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(tasks, "now", clock)
    return clock


def add(connection: Connection, name: str, priority: int = 5) -> int:
    return tasks.add(
        connection, name, operation="identify", transaction="T", operator="me",
        callback="https://client/cb", priority=priority, request=b"probe",
    )  # fmt: skip


def claim(database: Database, *states: str, newest: int = 1) -> list[str]:
    with database.write() as connection:
        return [task.name for task in tasks.claim(connection, states, HOLD, newest)]


def test_higher_priorities_overtake_and_nobody_gets_a_task_twice(
    database: Database, ticking: Clock
) -> None:
    with database.write() as connection:
        for name, priority in (("a", 5), ("b", 0), ("c", 9), ("d", 5)):
            add(connection, name, priority)
        assert tasks.load(connection) == (4, 20)
    assert [claim(database, tasks.PENDING) for _ in range(3)] == [["c"], ["a"], ["d"]]
    assert claim(database, tasks.PENDING, newest=9) == ["b"]
    assert claim(database, tasks.PENDING) == []


def test_what_a_dead_process_held_is_done_by_another(database: Database, ticking: Clock) -> None:
    with database.write() as connection:
        task_id = add(connection, "a")
    assert claim(database, tasks.PENDING) == ["a"]
    ticking.tick(20)
    with database.write() as connection:
        tasks.hold_on(connection, [task_id], HOLD)
    ticking.tick(20)
    assert claim(database, tasks.PENDING) == []
    ticking.tick(20)
    assert claim(database, tasks.PENDING) == ["a"]
    with database.write() as connection:
        assert tasks.find(connection, "a").runs == 2
        tasks.let_go(connection, [task_id])
    assert claim(database, tasks.PENDING) == ["a"]


def test_a_result_is_delivered_again_until_it_is_given_up(
    database: Database, ticking: Clock
) -> None:
    with database.write() as connection:
        task_id = add(connection, "a")
        (task,) = tasks.claim(connection, [tasks.PENDING], HOLD)
        tasks.done(connection, task.id, task.name, b"[]")
        assert tasks.find(connection, "a").request == b""
    assert claim(database, *UNDELIVERED) == ["a"]
    with database.write() as connection:
        tasks.undelivered(connection, tasks.find(connection, "a"), "down", timedelta(seconds=5))
    assert claim(database, *UNDELIVERED) == []
    ticking.tick(6)
    assert claim(database, *UNDELIVERED) == ["a"]
    with database.write() as connection:
        tasks.undelivered(connection, tasks.find(connection, "a"), "down", None)
        found = tasks.find(connection, "a")
        assert (found.state, found.attempts, found.result) == (tasks.ERROR, 2, b"[]")
        tasks.redeliver(connection, "a")
    assert claim(database, *UNDELIVERED) == ["a"]
    with database.write() as connection:
        tasks.delivered(connection, task_id)
        found = tasks.find(connection, "a")
        assert (found.state, found.result) == (tasks.COMPLETED, None)
        with pytest.raises(NotFoundError, match="was delivered"):
            tasks.redeliver(connection, "a")


def test_a_failed_delivery_undoes_nothing_that_came_meanwhile(
    database: Database, ticking: Clock
) -> None:
    with database.write() as connection:
        task_id = add(connection, "a")
        tasks.done(connection, task_id, "a", b"[]")
        tasks.undelivered(connection, tasks.find(connection, "a"), "down", timedelta())
        (last,) = tasks.claim(connection, UNDELIVERED, HOLD)
        tasks.redeliver(connection, "a")
        tasks.undelivered(connection, last, "down", None)  # it was the last attempt
        assert tasks.find(connection, "a").state == tasks.SCHEDULED
    assert claim(database, *UNDELIVERED) == ["a"]
    with database.write() as connection:
        slow = tasks.find(connection, "a")
        tasks.delivered(connection, task_id)  # by another process, which took it for dead
        tasks.undelivered(connection, slow, "down", timedelta())
        assert tasks.find(connection, "a").state == tasks.COMPLETED


def test_what_only_reads_waits_until_it_is_delivered(database: Database, ticking: Clock) -> None:
    with database.write() as connection:
        for name in ("reads", "works"):
            task_id = add(connection, name)
        tasks.done(connection, task_id, "works", b"[]")
        tasks.leave(connection, tasks.find(connection, "reads").id)
        assert tasks.load(connection) == (1, 5)
    assert claim(database, tasks.PENDING) == []
    assert claim(database, *UNDELIVERED, newest=9) == ["reads", "works"]
    with database.write() as connection:
        left = tasks.find(connection, "reads")
        assert (tasks.request_of(Vault(), left), left.result) == (b"probe", None)
        tasks.undelivered(connection, left, "down", timedelta())
        assert tasks.load(connection) == (1, 5)
        tasks.delivered(connection, left.id)
        assert tasks.find(connection, "reads").request == b""
        assert tasks.load(connection) == (0, 0)


def test_a_clock_that_is_set_back_holds_up_no_task(database: Database, ticking: Clock) -> None:
    with database.write() as connection:
        add(connection, "to do")
        tasks.done(connection, add(connection, "to deliver"), "to deliver", b"[]")
    ticking.tick(-3600)
    assert claim(database, tasks.PENDING) == ["to do"]
    assert claim(database, *UNDELIVERED) == ["to deliver"]


def test_old_tasks_are_cleared_away(database: Database, ticking: Clock) -> None:
    with database.write() as connection:
        task_id = add(connection, "a")
        add(connection, "b")
        tasks.done(connection, tasks.find(connection, "a").id, "a", b"[]")
        tasks.delivered(connection, task_id)
        assert tasks.clear_away(connection, timedelta(days=7)) == 0
    ticking.tick(8 * 86400)
    with database.write() as connection:
        assert tasks.clear_away(connection, timedelta(days=7)) == 1
        assert tasks.find(connection, "b").state == tasks.PENDING
        with pytest.raises(NotFoundError, match="no task 'a'"):
            tasks.find(connection, "a")
