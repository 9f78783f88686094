"""Retaining: how long what is kept, legal holds, and the deletion of what is past its time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.errors import TenprintError
from engine.service import remnants
from engine.service.exporting import digest
from engine.service.home import Home
from engine.service.journal import Entry, host, on_record
from engine.service.proving import without_others
from engine.service.results import NOBODY, Progress, Use
from engine.store import changes, expiry, exports, holds
from engine.store.audit import stamp
from engine.store.database import Database
from engine.store.expiry import (
    CLOSED,
    EMPTY,
    EXPORTS,
    IMAGES,
    KINDS,
    PROBES,
    SEARCHES,
    TASKS,
)
from engine.store.holds import Hold
from engine.store.schema import now

AT_ONCE = 500  # rows in one transaction
EXPORTS_AT_ONCE = 100_000  # files in one transaction: they are few
SAMPLE = 200  # images whose bytes are looked for after they were deleted
DELETED = (IMAGES, PROBES, SEARCHES, CLOSED, EMPTY, TASKS)  # in this order, with their rows
TABLES = (
    "images", "probe_prints", "searches", "search_candidates", "decisions", "offense_records",
    "encounters", "persons", "tasks",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Applied:
    """What was deleted (or would be) by kind, what is past its time and stays, and the proof: how
    the database forgets, what is left, and the last entry of the audit log about it."""

    dry_run: bool
    before: Mapping[str, str]
    deleted: Mapping[str, int]
    kept: Mapping[str, int]
    proof: Mapping[str, Any]


class Retention:
    """Timers and legal holds of one installation."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database

    def timers(self) -> dict[str, int | None]:
        """For how many days each kind is kept; None: for good."""
        with self._database.read() as connection:
            known = expiry.timers(connection)
        return {kind: known.get(kind) for kind in KINDS}

    def set_timers(
        self, wanted: Mapping[str, int | None], use: Use = NOBODY
    ) -> dict[str, int | None]:
        """Sets timers in days (None: none), and gives all of them. StoreError for what is no kind
        or no number of days."""
        with on_record(self._database, "retention", use) as entry:
            with self._database.write() as writer:
                expiry.put(writer, wanted, entry.submission)
                entry.tell(writer, "timers", timers=expiry.timers(writer))
            entry.outcome = ", ".join(
                f"{kind} {days or 'for good'}" for kind, days in wanted.items()
            )
        return self.timers()

    def hold(self, person: str, reason: str, use: Use = NOBODY) -> Hold:
        """Places a legal hold: nothing of the person is deleted until it is released."""
        with on_record(self._database, "hold", use, person, persons=[person]) as entry:
            with self._database.write() as writer:
                made = holds.place(writer, person, reason, entry.submission)
                entry.tell(writer, "held", persons=[person])
            entry.outcome = "on hold"
            return made

    def release(self, person: str, use: Use = NOBODY) -> Hold:
        """Ends a legal hold, and gives it as it was."""
        with on_record(self._database, "release", use, person, persons=[person]) as entry:
            with self._database.write() as writer:
                ended = holds.release(writer, person)
                entry.tell(writer, "released", persons=[person])
            entry.outcome = "released"
            return ended

    def holds(self) -> list[Hold]:
        """The legal holds that hold, oldest first."""
        with self._database.read() as connection:
            return holds.current(connection)

    def apply(
        self,
        *,
        dry_run: bool = False,
        use: Use = NOBODY,
        on_progress: Progress = lambda done, total: None,
    ) -> Applied:
        """Deletes what is past its time, a batch a transaction, each in the audit log; of a dry run
        counts only. Interrupted, run it again."""
        with on_record(self._database, "retain", use, "dry run" if dry_run else "") as entry:
            time = now()
            with self._database.read() as connection:
                before = expiry.limits(expiry.timers(connection), time)
                due = [kind for kind in DELETED if kind in before]
                counted = {kind: expiry.count(connection, kind, before) for kind in due}
                kept = {kind: expiry.count_kept(connection, kind, before) for kind in due}
                sample = (
                    expiry.sample_images(connection, before, SAMPLE) if IMAGES in before else []
                )
                if EXPORTS in before:
                    old = exports.before(connection, before[EXPORTS], host(), EXPORTS_AT_ONCE)
                    counted[EXPORTS] = len(old)
            proof: dict[str, Any] = {}
            if not dry_run:
                deleted = dict.fromkeys(counted, 0)
                total = sum(counted.values())
                for kind in due:
                    while number := self._delete_batch(entry, kind, before):
                        deleted[kind] += number
                        on_progress(min(sum(deleted.values()), total), total)
                if EXPORTS in before:
                    deleted[EXPORTS], kept[EXPORTS] = self._delete_exports(entry, before[EXPORTS])
                proof = self._prove(due, before, sample, deleted)
                counted = deleted
            words = ", ".join(f"{number} {kind}" for kind, number in counted.items() if number)
            entry.outcome = f"{words or 'nothing'} past their time" + (
                "" if dry_run else ", deleted"
            )
            entry.counted = {"dry_run": dry_run, "deleted": {} if dry_run else counted}
            limits = {kind: stamp(moment) for kind, moment in before.items()}
            return Applied(dry_run, limits, counted, kept, proof)

    def _delete_batch(self, entry: Entry, kind: str, before: Mapping[str, datetime]) -> int:
        with self._database.write() as writer:
            batch = expiry.delete_some(writer, kind, before, AT_ONCE)
            if batch.ids:
                entry.tell(
                    writer,
                    "expired",
                    kind=kind,
                    count=len(batch.ids),
                    before=stamp(before[kind]),
                    ids_sha256=hashlib.sha256(json.dumps(batch.ids).encode()).hexdigest(),
                    **dict[str, Any](batch.more),
                )
        return len(batch.ids)

    def _delete_exports(self, entry: Entry, before: datetime) -> tuple[int, int]:
        """Deletes files as they were written; gives how many are gone and how many stay: changed
        since, or with a legal hold on anyone, who may be in them."""
        with self._database.write() as writer:
            changes.lock(writer)
            old = exports.before(writer, before, host(), EXPORTS_AT_ONCE)
            if holds.current(writer):
                return 0, len(old)
            gone = [each for each in old if _unlink(Path(each.path), each.sha256)]
            if gone:
                exports.forget(writer, [each.id for each in gone])
                entry.tell(
                    writer,
                    "expired",
                    kind=EXPORTS,
                    count=len(gone),
                    before=stamp(before),
                    sha256=[each.sha256 for each in gone],
                )
        return len(gone), len(old) - len(gone)

    def _prove(
        self,
        due: list[str],
        before: Mapping[str, datetime],
        sample: list[bytes],
        deleted: Mapping[str, int],
    ) -> dict[str, Any]:
        """What the database says of the deletion, and what is still to be found of it."""
        statement = self._database.forget(*TABLES) if any(deleted.values()) else "nothing deleted"
        with self._database.read() as connection:
            left = {kind: expiry.count(connection, kind, before) for kind in due}
        wanted = set().union(*(remnants.pieces(image, remnants.EVERY_OF_IMAGE) for image in sample))
        found = self._find(wanted)
        if found:
            statement = f"{statement}; {self._database.rewrite()}"
            found = self._find(wanted)
        return {
            "database": statement,
            "left": left,
            "images_looked_for": len(sample),
            "pieces_looked_for": len(wanted),
            "pieces_found": len(found),
        }

    def _find(self, wanted: set[bytes]) -> set[bytes]:
        found = remnants.look_through(remnants.files_of_home(self._home), wanted)
        return without_others(self._database, set().union(*found.values()))


def _unlink(path: Path, sha256: str) -> bool:
    """Deletes a file that is as it was written; whether it is gone, or was gone before."""
    if not path.exists():
        return True
    try:
        if digest(path) != sha256:
            return False
        path.unlink()
    except (OSError, TenprintError):
        return False
    return True
