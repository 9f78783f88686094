"""The journal: every use leaves a submission, with its outcome however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.errors import TenprintError
from engine.service.results import Use
from engine.store import submissions
from engine.store.database import Database


@dataclass(slots=True)
class Entry:
    """The line of one use. outcome: in words, set while the use goes on."""

    submission: int
    outcome: str = "failed"


@contextmanager
def on_record(database: Database, verb: str, use: Use, subject: str = "") -> Iterator[Entry]:
    """Opens a submission for the block, and closes it with the entry's outcome or the error."""
    with database.write() as writer:
        submission = submissions.begin(
            writer,
            verb,
            jurisdiction=use.jurisdiction,
            purpose=use.purpose,
            operator=use.operator,
            source=use.source,
            subject=subject,
        )
    entry = Entry(submission)
    try:
        yield entry
    except TenprintError as error:
        entry.outcome = f"refused: {error}"
        raise
    except KeyboardInterrupt:
        entry.outcome = f"interrupted: {entry.outcome}"
        raise
    finally:
        with database.write() as writer:
            submissions.finish(writer, submission, entry.outcome)
