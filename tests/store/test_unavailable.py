"""A connection that breaks is told apart from what the database refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from engine.errors import StoreError, UnavailableError
from engine.store.database import Database

END_ITSELF = text("SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_broken_connection_is_no_error_of_what_was_asked(target: Path | str) -> None:
    if not isinstance(target, str):
        pytest.skip("SQLite has no connection that others can break")
    database = Database(target)
    try:
        with pytest.raises(UnavailableError), database.write() as connection:
            connection.execute(END_ITSELF)
        with database.read() as connection:  # the next has a new one
            assert connection.execute(text("SELECT 1")).scalar() == 1
    finally:
        database.close()


def test_what_is_refused_is_not_to_be_asked_again(target: Path | str) -> None:
    if not isinstance(target, str):
        pytest.skip("SQLite tells of a table that is not there as it tells of a lock")
    database = Database(target)
    try:
        with pytest.raises(StoreError) as caught, database.read() as connection:
            connection.execute(text("SELECT * FROM no_such_table"))
        assert not isinstance(caught.value, UnavailableError)
    finally:
        database.close()
