"""Auditing: the log checked, shown and exported; and what the system may be used for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import Any

from engine.errors import StoreError
from engine.service import log_file
from engine.service.exporting import keep_export
from engine.service.journal import on_record
from engine.service.log_file import Exported, verify_file
from engine.service.results import NOBODY, Progress, Use
from engine.store import audit, purposes
from engine.store.audit import Entry, Filter
from engine.store.chain import BEGINNING, Break, Checked, Head, check
from engine.store.database import Database

__all__ = [
    "Audit",
    "Break",
    "Checked",
    "Entry",
    "Exported",
    "Filter",
    "Head",
    "read_head",
    "verify_file",
]


EVERYTHING = Filter()


class Audit:
    """The audit log of one installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self) -> Head:
        """The last entry's number and hash, to be written down where nobody here can change it."""
        with self._database.read() as connection:
            return audit.head(connection)

    def verify(
        self,
        *,
        since: int = 0,
        head: Head | None = None,
        against: Path | None = None,
        on_progress: Progress = lambda done, total: None,
    ) -> Checked:
        """Walks the log and says where it is first not what was written.

        since: begins after this entry. head: an entry as it was written down: the log must have it
        still. against: an export, whose entries it must have still. StoreError where there is no
        entry `since`, InputError where the file is none.
        """
        with self._database.read() as connection:
            before = audit.at(connection, since)
            if before is None:
                raise StoreError(f"the audit log has no entry {since}")
            total = audit.count(connection, since)
            kept = log_file.read(against) if against else ()
            heads = (Head(number, hashed) for number, _, hashed, _ in kept)
            noted: Iterator[Head] = merge(
                [head] if head else [], heads, key=lambda each: each.sequence
            )
            for each in noted:
                if each.sequence > since:
                    noted = chain([each], noted)
                    break
                there = audit.at(connection, each.sequence)  # the walk does not come by
                if there != each:
                    found = there.hash if there else "missing"
                    what = f"its hash is {found}, {each.hash} was written down"
                    return Checked(before, before, Break(each.sequence, what))
            return check(
                audit.lines(connection, since),
                before,
                expected=noted,
                on_progress=lambda done: on_progress(done, total),
            )

    def export(
        self,
        path: Path,
        wanted: Filter = EVERYTHING,
        *,
        use: Use = NOBODY,
        on_progress: Progress = lambda done, total: None,
    ) -> Exported:
        """Writes entries as JSON Lines, each with its hash and the one before: whole, or not at
        all. TenprintError where the file cannot be written."""
        told: dict[str, Any] = {"persons": [wanted.person]} if wanted.person else {}
        with on_record(self._database, "export", use, "audit", **told) as entry:
            with self._database.read() as connection:
                total = audit.count(connection)
                made = log_file.write(path, audit.read(connection, wanted), total, on_progress)
            with self._database.write() as writer:
                keep_export(
                    writer, entry, "audit", path, first=made.first, last=made.last,
                    count=made.entries, **told,
                )  # fmt: skip
            entry.outcome = f"{made.entries} entries exported"
            return made

    def show(self, wanted: Filter, limit: int, *, use: Use = NOBODY) -> list[Entry]:
        """The last entries that are asked for, in their order."""
        told: dict[str, Any] = {"persons": [wanted.person]} if wanted.person else {}
        with (
            on_record(self._database, "audit", use, **told) as entry,
            self._database.read() as connection,
        ):
            found = audit.newest(connection, wanted, limit)
            entry.outcome = f"{len(found)} entries shown"
            entry.counted = {"shown": len(found)}
            return found

    def purposes(self) -> tuple[str, ...]:
        """The purposes that are allowed; none: any."""
        with self._database.read() as connection:
            return purposes.allowed(connection)

    def allow(self, wanted: Sequence[str], use: Use = NOBODY) -> tuple[str, ...]:
        """Allows these purposes and no others from now on, or (none) any."""
        with on_record(self._database, "purposes", use) as entry:
            with self._database.write() as writer:
                purposes.put(writer, wanted, entry.submission)
                entry.tell(writer, "purposes", allowed=[*purposes.allowed(writer)])
            entry.outcome = ", ".join(wanted) or "any purpose"
        return self.purposes()


def read_head(text: str) -> Head:
    """A head as `Head` is written: NUMBER:HASH. ValueError where it is none."""
    number, _, hashed = text.strip().partition(":")
    if (
        not number.isdigit()
        or len(hashed) != len(BEGINNING)
        or set(hashed) - set("0123456789abcdef")
    ):
        raise ValueError(f"{text!r} is no head: write NUMBER:HASH, as tenprint audit head does")
    return Head(int(number), hashed)
