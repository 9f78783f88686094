"""Exports: files with personal data that the system wrote, as long as they are to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from engine.store import rows
from engine.store.schema import exports, now


@dataclass(frozen=True, slots=True)
class Export:
    """A file: of which kind, on which machine, where, and the SHA-256 of what was written."""

    kind: str
    host: str
    path: str
    sha256: str
    id: int = 0  # none yet


def put(connection: Connection, export: Export, submission: int) -> int:
    """Keeps where a file was written; gives its id."""
    row = {
        "kind": export.kind,
        "host": export.host,
        "path": export.path,
        "sha256": export.sha256,
        "at": now(),
        "submission_id": submission,
    }
    return rows.add(connection, exports, row)


def before(connection: Connection, time: datetime, host: str, limit: int) -> list[Export]:
    """Those written before a time on this machine, oldest first, `limit` at most."""
    query = (
        select(*(exports.c[name] for name in Export.__dataclass_fields__))
        .where(exports.c.at < time, exports.c.host == host)
        .order_by(exports.c.at, exports.c.id)
        .limit(limit)
    )
    return [Export(*row) for row in connection.execute(query)]


def forget(connection: Connection, ids: Sequence[int]) -> None:
    """Forgets files that are no more."""
    connection.execute(delete(exports).where(exports.c.id.in_(ids)))
