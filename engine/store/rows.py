"""Rows: inserts that give the new row's id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, insert, select


def add(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """Inserts a row and gives its id."""
    key = connection.execute(insert(table).values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def ensure(
    connection: Connection, table: Table, key: Mapping[str, Any], rest: Mapping[str, Any]
) -> int:
    """The id of the row with that key, inserted with `rest` where there is none."""
    query = select(table.c.id).where(*(table.c[name] == value for name, value in key.items()))
    found = connection.execute(query).scalar()
    return int(found) if found is not None else add(connection, table, {**key, **rest})
