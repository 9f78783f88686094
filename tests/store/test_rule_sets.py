"""Rule sets: kept once, and known for any time since they came into use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select

from engine.errors import StoreError
from engine.store import rule_sets, schema
from engine.store.database import Database
from tests.store.conftest import Clock
from tests.store.invented import identify

OLD = {"policy.toml": b"level = 1\r\n", "charges.toml": "§ 16".encode()}
NEW = OLD | {"policy.toml": b"level = 2\n"}
MOMENT = timedelta(microseconds=10_000)


def use(connection: Connection, stamp: str, files: dict[str, bytes], policy: str = "sc") -> None:
    rule_sets.keep(connection, policy, stamp, files, identify(connection))


def count(connection: Connection) -> tuple[int, int]:
    """Sets kept and uses noted."""
    sets, uses = (
        connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (schema.rule_sets, schema.rule_uses)
    )
    return sets, uses


def test_the_rules_of_any_time_are_known(database: Database, clock: Clock) -> None:
    with database.write() as connection:
        assert rule_sets.last_stamp(connection, "sc") is None
        noon = clock.time
        use(connection, "1+a", OLD)
        second = clock.tick()
        use(connection, "2+b", NEW)
        third = clock.tick()
        use(connection, "1+a", OLD)
        assert count(connection) == (2, 3)

        def rules(at: object) -> dict[str, bytes] | None:
            return rule_sets.in_force(connection, "sc", at)  # type: ignore[arg-type]

        assert rules(noon - MOMENT) is None
        assert rules(noon) == rules(second - MOMENT) == OLD
        assert rules(second) == rules(third - MOMENT) == NEW
        assert rules(third) == rules(third + timedelta(days=999)) == OLD
        assert rule_sets.last_stamp(connection, "sc") == "1+a"


def test_rules_used_again_are_not_written_again(database: Database, clock: Clock) -> None:
    with database.write() as connection:
        for _ in range(3):
            use(connection, "1+a", OLD)
            use(connection, "1+a", NEW, policy="federal")
            clock.tick()
        assert count(connection) == (2, 2)
        assert rule_sets.in_force(connection, "sc", clock.time) == OLD
        assert rule_sets.in_force(connection, "federal", clock.time) == NEW
        assert rule_sets.in_force(connection, "other", clock.time) is None


def test_one_stamp_names_one_set_of_files(database: Database) -> None:
    with database.write() as connection:
        use(connection, "1+a", OLD)
        with pytest.raises(StoreError, match=r"sc 1\+a was used before with other files"):
            use(connection, "1+a", NEW)
        with pytest.raises(StoreError, match="UTF-8"):
            use(connection, "3+c", {"policy.toml": b"\xff"})
        assert count(connection) == (1, 1)
