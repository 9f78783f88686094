"""Submissions: one line for every use, with who asked, why, when, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from engine.store import rows
from engine.store.schema import now, submissions


@dataclass(frozen=True, slots=True)
class Submission:
    """One use of the system. `subject`: the person or gallery it was about, where there is one;
    never biometric content. `source`: the files or folders it came from. `case_id`: of the case
    that it served, as the one who asked calls it."""

    id: int
    verb: str
    jurisdiction: str
    purpose: str
    operator: str
    source: str
    subject: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    case_id: str


def begin(
    connection: Connection,
    verb: str,
    *,
    jurisdiction: str = "",
    purpose: str = "",
    operator: str = "",
    source: str = "",
    subject: str = "",
    case_id: str = "",
) -> int:
    """Opens a submission and gives its id."""
    values = {
        "verb": verb,
        "jurisdiction": jurisdiction,
        "purpose": purpose,
        "operator": operator,
        "source": source,
        "subject": subject,
        "started_at": now(),
        "outcome": "",
        "case_id": case_id,
    }
    return rows.add(connection, submissions, values)


def finish(connection: Connection, submission: int, outcome: str) -> None:
    """Closes a submission with its outcome in words."""
    connection.execute(
        update(submissions)
        .where(submissions.c.id == submission)
        .values(finished_at=now(), outcome=outcome)
    )


def read(connection: Connection, limit: int = 100) -> list[Submission]:
    """The newest submissions, newest first."""
    newest = connection.execute(select(submissions).order_by(submissions.c.id.desc()).limit(limit))
    return [Submission(**row) for row in newest.mappings()]
