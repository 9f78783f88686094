"""Auditing: the log checked, shown and exported; and what the system may be used for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import InputError, StoreError, TenprintError
from engine.service.exporting import keep_export
from engine.service.journal import on_record
from engine.service.results import NOBODY, Progress, Use
from engine.store import audit, purposes
from engine.store.audit import Entry, Filter
from engine.store.chain import BEGINNING, Break, Checked, Head, Line, canonical, check
from engine.store.database import Database

__all__ = ["Audit", "Break", "Checked", "Entry", "Exported", "Filter", "Head", "read_head"]


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into a file: how many entries, from which to which, and the file's SHA-256."""

    entries: int
    first: int
    last: int
    sha256: str


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
            noted = iter([head] if head else ())
            if against is not None:
                noted = (Head(sequence, hashed) for sequence, _, hashed, _ in _read(against))
            expected = []
            for each in noted:  # what is noted of entries before the walk is looked up
                if each.sequence > since:
                    expected = [each]
                    break
                there = audit.at(connection, each.sequence)
                if there != each:
                    what = f"its hash is {there.hash if there else 'missing'}"
                    return Checked(
                        before, before, Break(each.sequence, what + f", not {each.hash}")
                    )
            return check(
                audit.lines(connection, since),
                before,
                expected=_chained(expected, noted),
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
                made = _write(path, audit.read(connection, wanted), total, on_progress)
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


def verify_file(
    path: Path,
    *,
    since: int = 0,
    head: Head | None = None,
    on_progress: Progress = lambda done, total: None,
) -> Checked:
    """Walks an exported log, without a database; it must begin after entry `since`. InputError
    where the file cannot be read or is no export."""
    total = path.stat().st_size if path.is_file() else 0
    before = Head(0, BEGINNING)
    if since:
        found = next((each for each in _read(path) if each[0] > since), None)
        if found is not None:
            before = Head(since, found[3])
    lines = (Line(sequence, entry, hashed, {}) for sequence, entry, hashed, _ in _read(path, since))
    return check(
        lines,
        before,
        expected=iter([head] if head else ()),
        on_progress=lambda done: on_progress(done, max(done, total)),
    )


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


def _chained(first: list[Head], rest: Iterator[Head]) -> Iterator[Head]:
    yield from first
    yield from rest


def _write(path: Path, entries: Iterator[Entry], total: int, on_progress: Progress) -> Exported:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    count = first = last = 0
    digest = hashlib.sha256()
    try:
        with partial.open("xb") as file:
            for each in entries:
                line = (
                    f'{{"entry":{each.entry},"hash":"{each.hash}","previous":"{each.previous}"}}\n'
                )
                file.write(line.encode())
                digest.update(line.encode())
                first, last, count = first or each.sequence, each.sequence, count + 1
                if count % audit.READ_AT_ONCE == 0:
                    on_progress(each.sequence, total)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise TenprintError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    on_progress(total, total)
    return Exported(count, first, last, digest.hexdigest())


def _read(path: Path, since: int = 0) -> Iterator[tuple[int, str, str, str]]:
    """(number, canonical entry, hash, hash before) of each line of an export."""
    number = 0
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                number += 1
                document: dict[str, Any] = json.loads(line)
                fields = document["entry"]
                if fields["sequence"] > since:
                    yield (
                        fields["sequence"],
                        canonical(fields),
                        document["hash"],
                        document["previous"],
                    )
    except OSError as error:
        raise InputError(str(path), str(error.strerror)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}:{number}", "no line of an exported audit log") from error
