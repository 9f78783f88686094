"""Failures: five of a subject from an address lock it for a while, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from engine.store import failures
from engine.store.database import Database
from engine.store.failures import EVERYBODY, Rules
from tests.store.conftest import Clock

HERE, THERE = "192.0.2.1", "192.0.2.2"
LOCK = failures.RULES.locked


@pytest.fixture
def ticking(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(failures, "now", clock)
    return clock


def fail(database: Database, subject: str = "me", client: str = HERE, **rules: int) -> bool:
    """Fails once; whether anybody was locked by it."""
    with database.write() as connection:
        made = failures.add(connection, client, subject, Rules(**rules))  # type: ignore[arg-type]
    return any(each.locked_until for each in made)


def locked(connection: Connection) -> set[tuple[str, str]]:
    found = failures.listing(connection)
    return {(each.client, each.subject) for each in found if each.locked_until}


def test_the_fifth_failure_locks_the_subject_from_that_address(
    database: Database, ticking: Clock
) -> None:
    assert [fail(database) for _ in range(4)] == [False] * 4
    assert not fail(database, client=THERE)
    assert not fail(database, "other")
    assert fail(database)
    until = ticking.time + LOCK
    ticking.tick(60)
    assert not fail(database)  # a lock is neither made longer nor told twice
    with database.read() as connection:
        assert locked(connection) == {(HERE, "me")}
        assert failures.listing(connection)[0].locked_until == until


def test_only_the_last_quarter_of_an_hour_counts(database: Database, ticking: Clock) -> None:
    for _ in range(4):
        assert not fail(database)
        ticking.tick(300)
    # 20 minutes after the first; three of the four are still in the time
    assert not fail(database)
    assert not fail(database, client=THERE)
    ticking.tick(1)
    assert [fail(database) for _ in range(2)] == [False, True]


def test_what_is_over_is_forgotten(database: Database, ticking: Clock) -> None:
    for _ in range(5):
        fail(database)
    ticking.tick(60)
    fail(database, "other")
    ticking.tick(LOCK.total_seconds() - 61)
    with database.write() as connection:
        assert failures.expire(connection) == []
    ticking.tick(1)
    with database.write() as connection:
        assert [each.subject for each in failures.expire(connection)] == ["me"]
    ticking.tick(60)
    with database.write() as connection:
        assert [each.subject for each in failures.expire(connection)] == ["other"]
        assert failures.listing(connection) == []
    assert not fail(database)  # and counts from the beginning


@pytest.mark.parametrize(
    ("client", "subject", "left"),
    [
        (HERE, "me", {(HERE, "you"), (THERE, "me")}),
        (None, "me", {(HERE, "you")}),
        (HERE, None, {(THERE, "me")}),
    ],
)
def test_a_caller_is_forgotten(
    database: Database, client: str | None, subject: str | None, left: set[tuple[str, str]]
) -> None:
    for one, other in ((HERE, "me"), (HERE, "you"), (THERE, "me")):
        fail(database, other, one)
    with database.write() as connection:
        failures.forget(connection, client, subject)
        assert {(each.client, each.subject) for each in failures.listing(connection)} == left


def test_an_address_that_fails_for_many_subjects_is_locked_whole(
    database: Database, ticking: Clock
) -> None:
    assert [fail(database, f"s{n}", subjects=3) for n in range(4)] == [False, False, False, True]
    ticking.tick()
    assert not fail(database, "s9", subjects=3)  # locked already
    with database.read() as connection:
        assert locked(connection) == {(HERE, EVERYBODY)}
    assert not fail(database, "s0", THERE, subjects=3)


def test_what_another_process_forgot_meanwhile_is_not_told_twice(
    database: Database, ticking: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(database)
    ticking.tick(16 * 60)
    with database.write() as connection:
        seen = failures.listing(connection)
        assert [each.subject for each in failures.expire(connection)] == ["me"]
        monkeypatch.setattr(failures, "listing", lambda _: seen)
        assert failures.expire(connection) == []


def test_the_table_stays_small(database: Database, ticking: Clock) -> None:
    for _ in range(5):
        fail(database, "locked", rows=20)
    for number in range(100):
        ticking.tick(timedelta(milliseconds=10).total_seconds())
        fail(database, "me", f"192.0.2.{number}", rows=20)
    with database.read() as connection:
        found = failures.listing(connection)
    assert len(found) <= 20
    assert found[0].subject == "locked"  # others go first, the oldest of them
    assert {"192.0.2.99", HERE} <= {each.client for each in found}
    assert "192.0.2.0" not in {each.client for each in found}
