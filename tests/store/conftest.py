"""The fixtures of the database's tests: an empty database, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.store import decisions, rule_sets, searches, submissions, versions
from engine.store.database import Database


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def tick(self, seconds: float = 1) -> datetime:
        self.time += timedelta(seconds=seconds)
        return self.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (decisions, rule_sets, searches, submissions, versions):
        monkeypatch.setattr(module, "now", made)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tenprint.sqlite"


@pytest.fixture
def sqlite(path: Path) -> Iterator[Database]:
    opened = Database(path)
    yield opened
    opened.close()


@pytest.fixture
def database(target: Path | str) -> Iterator[Database]:
    """An empty database, of SQLite and of PostgreSQL."""
    opened = Database(target)
    yield opened
    opened.close()
