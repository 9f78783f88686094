"""Sessions: found by a secret that is not kept, until they are unused or old."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine.store import sessions
from engine.store.database import Database
from engine.store.schema import sessions as table
from tests.store.conftest import Clock

MINUTE = 60.0


@pytest.fixture
def ticking(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(sessions, "now", clock)
    return clock


def test_only_the_digest_of_the_secret_is_kept(database: Database) -> None:
    with database.write() as connection:
        first, second = (sessions.begin(connection, "me", "a b") for _ in range(2))
        found = sessions.find(connection, first)
        assert found is not None
        assert (found.subject, found.scopes) == ("me", "a b")
        assert first != second
        stored = [str(value) for row in connection.execute(select(table)) for value in row]
        assert not [value for value in stored if first in value or second in value]
        assert sessions.find(connection, found.digest) is None
        assert sessions.find(connection, "") is None


def test_a_session_ends_unused_or_old(database: Database, ticking: Clock) -> None:
    with database.write() as connection:
        secret = sessions.begin(connection, "me", "a")
        unused = sessions.begin(connection, "you", "a")
    for _ in range(28):  # 11 h 40 min, in use
        ticking.tick(25 * MINUTE)
        with database.write() as connection:
            found = sessions.find(connection, secret)
            assert found is not None
            assert sessions.is_to_touch(found)
            sessions.touch(connection, found)
    with database.write() as connection:
        assert [each.subject for each in sessions.current(connection)] == ["me"]
        assert sessions.find(connection, unused) is None
        assert sessions.expire(connection) == 1
    ticking.tick(20 * MINUTE)
    with database.write() as connection:
        assert sessions.find(connection, secret) is None
        assert sessions.expire(connection) == 1
        assert sessions.current(connection) == []


def test_thirty_minutes_are_enough(database: Database, ticking: Clock) -> None:
    with database.write() as connection:
        secret = sessions.begin(connection, "me", "a")
        ticking.tick(30 * MINUTE - 1)
        assert sessions.find(connection, secret) is not None
        ticking.tick(1)
        assert sessions.find(connection, secret) is None


def test_sessions_are_ended(database: Database) -> None:
    with database.write() as connection:
        first, second, other = (sessions.begin(connection, who, "a") for who in ("me", "me", "you"))
        assert sessions.end(connection, first) == "me"
        assert sessions.end(connection, first) is None
        assert sessions.find(connection, first) is None
        assert sessions.end_all(connection, "me") == 1
        assert sessions.find(connection, second) is None
        assert sessions.find(connection, other) is not None
