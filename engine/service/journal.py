"""The journal: every use leaves a submission and its entries in the audit log, however it ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection

from engine.errors import TenprintError, UseError
from engine.service.results import Use
from engine.store import audit, changes, purposes, submissions
from engine.store.chain import Head
from engine.store.database import Database
from engine.store.schema import now

BEGAN, ENDED = "begin", "end"  # the events of every use
PERSONS_IN_ENTRY = 500
DONE, REFUSED, FAILED, INTERRUPTED = "done", "refused", "failed", "interrupted"


@dataclass(slots=True)
class Entry:
    """The line of one use. outcome: in words, set while the use goes on. counted: numbers that its
    last entry in the audit log tells. refusal: why the use is not allowed, "" where it is."""

    submission: int
    verb: str
    use: Use
    began: datetime
    outcome: str = "failed"
    counted: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""
    ended: bool = False

    def tell(
        self, connection: Connection, event: str, *, outcome: str = DONE, **fields: Any
    ) -> Head:
        """Writes an entry of the audit log about what the caller's transaction does.

        fields: what JSON can say, by name; references of persons go into `persons`. Never content
        of prints, words of an offense, a name.
        """
        told = _told(event, self.verb, self.use, outcome)
        return audit.append(connection, {**fields, **told}, self.submission)

    def tell_of_many(
        self, connection: Connection, event: str, persons: Sequence[str], **fields: Any
    ) -> Head:
        """Writes what concerns many persons, as entries of a length that can be read."""
        parts = [
            persons[start : start + PERSONS_IN_ENTRY]
            for start in range(0, len(persons), PERSONS_IN_ENTRY)
        ] or [[]]
        for number, part in enumerate(parts, start=1):
            of: dict[str, Any] = {"part": [number, len(parts)]} if len(parts) > 1 else {}
            head = self.tell(connection, event, persons=[*part], **of, **fields)
        return head


def note(connection: Connection, verb: str, event: str, use: Use, **fields: Any) -> Head:
    """Writes an entry of the audit log about something that is no use of anybody's data, and so
    has no submission: who came in, and who was kept out."""
    return audit.append(connection, {**fields, **_told(event, verb, use, DONE)})


def _told(event: str, verb: str, use: Use, outcome: str) -> dict[str, Any]:
    """What every entry says."""
    return {
        "event": event,
        "verb": verb,
        "operator": use.operator,
        "origin": use.origin,
        "host": host(),
        "process": os.getpid(),
        "outcome": outcome,
    }


@contextmanager
def on_record(
    database: Database, verb: str, use: Use, subject: str = "", **told: Any
) -> Iterator[Entry]:
    """Opens a submission for the block, and closes it with the entry's outcome or the error; the
    audit log gets an entry for both, each in the same transaction.

    told: more for the log's first entry, such as persons or galleries. UseError where the use has
    a purpose that is not allowed; that is on record too.
    """
    with _writing(database) as writer:
        entry = _begin(writer, verb, use, subject, told)
    state, kind = FAILED, ""
    try:
        if entry.refusal:
            raise UseError(entry.refusal)
        yield entry
        state = DONE
    except TenprintError as error:
        entry.outcome = f"refused: {error}"
        state, kind = REFUSED, type(error).__name__
        raise
    except KeyboardInterrupt:
        entry.outcome = f"interrupted: {entry.outcome}"
        state = INTERRUPTED
        raise
    except BaseException as error:
        kind = type(error).__name__
        raise
    finally:
        with _writing(database) as writer:
            _end(writer, entry, state, kind)


@contextmanager
def on_record_together(
    database: Database, verb: str, uses: Sequence[Use], subject: str = ""
) -> Iterator[list[Entry]]:
    """Opens a submission for each of several uses that are made together, all in one transaction.
    `end` each in the transaction that keeps what came of it, and say so (`Entry.ended`) when that
    is done; the others fail when the block ends. `Entry.refusal` says which are not allowed."""
    with _writing(database) as writer:
        entries = [_begin(writer, verb, use, subject, {}) for use in uses]
    kind = ""
    try:
        yield entries
    except BaseException as error:
        kind = type(error).__name__
        raise
    finally:
        left = [entry for entry in entries if not entry.ended]
        if left:
            with _writing(database) as writer:
                for entry in left:
                    _end(writer, entry, FAILED, kind)


def end(connection: Connection, entry: Entry, refused: TenprintError | None = None) -> None:
    """Closes a submission in the caller's transaction: done, or refused with an error."""
    if refused is not None:
        entry.outcome = f"refused: {refused}"
    _end(
        connection,
        entry,
        DONE if refused is None else REFUSED,
        "" if refused is None else type(refused).__name__,
    )


@contextmanager
def _writing(database: Database) -> Iterator[Connection]:
    with database.write() as writer:
        changes.lock(writer)
        yield writer


def _begin(writer: Connection, verb: str, use: Use, subject: str, told: Mapping[str, Any]) -> Entry:
    began = now()
    submission = submissions.begin(
        writer,
        verb,
        jurisdiction=use.jurisdiction,
        purpose=use.purpose,
        operator=use.operator,
        source=use.source,
        subject=subject,
        case_id=use.case_id,
    )
    entry = Entry(submission, verb, use, began)
    why = {
        "jurisdiction": use.jurisdiction,
        "purpose": use.purpose,
        "case": use.case_id,
        "subject": subject,
    }
    entry.tell(writer, BEGAN, outcome="begun", **told, **why)
    entry.refusal = purposes.refusal(verb, use.purpose, purposes.allowed(writer))
    return entry


def _end(writer: Connection, entry: Entry, state: str, kind: str) -> None:
    """Ends the submission in words, and its use in the log without any: they may say too much."""
    submissions.finish(writer, entry.submission, entry.outcome)
    period = {"started": audit.stamp(entry.began)}  # and ended when the entry was written
    errors = {"error": kind} if kind else {}
    entry.tell(writer, ENDED, outcome=state, **entry.counted, **errors, **period)


@cache
def host() -> str:
    """The name of this machine, as the log says where something happened."""
    return socket.gethostname()
