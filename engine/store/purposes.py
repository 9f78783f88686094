"""Purposes: what the system may be used for; as long as none is named, for anything."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from engine.errors import UseError
from engine.store import changes
from engine.store.schema import REFERENCE_LENGTH, purposes

# Those that need one.
VERBS = (
    "enrol", "update", "read", "merge", "move", "status", "galleries", "records", "identify",
    "verify", "queue", "examine", "decide", "reveal", "correct",
)  # fmt: skip


def allowed(connection: Connection) -> tuple[str, ...]:
    """The purposes that are allowed, sorted; none where any is."""
    query = select(purposes.c.purpose).order_by(purposes.c.purpose)
    return tuple(connection.execute(query).scalars())


def put(connection: Connection, wanted: Sequence[str], submission: int) -> None:
    """Allows these purposes and no others from now on; none: any. UseError where one is empty or
    longer than a purpose can be."""
    for purpose in wanted:
        if not 0 < len(purpose.strip()) <= REFERENCE_LENGTH:
            raise UseError(f"{purpose!r} is no purpose: use 1 to {REFERENCE_LENGTH} letters")
    changes.lock(connection)
    connection.execute(delete(purposes))
    rows = [{"purpose": each, "submission_id": submission} for each in dict.fromkeys(wanted)]
    if rows:
        connection.execute(insert(purposes), rows)


def refusal(verb: str, purpose: str, known: Sequence[str]) -> str:
    """Why a use with this purpose is refused where these are allowed; "" where it is not."""
    if verb not in VERBS or not known or purpose in known:
        return ""
    given = f"purpose {purpose!r} is not allowed here" if purpose else "a purpose is required here"
    return f"{given}: use --purpose (over HTTP X-Purpose) with one of {', '.join(known)}"
