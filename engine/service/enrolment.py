"""Enrolment: many extract, one writes, and what was written stays written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing

from engine.errors import InputError
from engine.formats.manifest import PrintRow
from engine.service.inputs import load
from engine.service.journal import Entry
from engine.service.results import EnrolReport, Progress, Rejected
from engine.service.workers import Job, Outcome, Refused, extract_all
from engine.settings import Settings
from engine.store import changes, galleries, prints
from engine.store.database import Database
from engine.store.prints import NewPrint, PrintKey

COMMIT_AFTER = 32  # prints
COMMIT_EVERY = 1.0  # seconds: what a kill can cost


class Enrolment:
    """The prints of one submission on their way into one gallery, which the first print makes."""

    def __init__(
        self,
        database: Database,
        name: str,
        entry: Entry,
        settings: Settings,
        *,
        keep_images: bool,
        on_progress: Progress,
    ) -> None:
        self._database = database
        self._name = name
        with database.read() as connection:
            self._gallery = galleries.lookup(connection, name)
        self._entry = entry
        self._settings = settings
        self._keep_images = keep_images
        self._on_progress = on_progress
        self._began = self._committed = time.monotonic()
        self._enrolled = self._already = 0
        self._rejected: list[Rejected] = []
        self._waiting: list[NewPrint] = []

    def run(self, rows: Sequence[PrintRow], workers: int) -> None:
        """Enrols the rows; interrupted, keeps what is extracted. `report` says how far it came."""
        try:
            with closing(extract_all(self._jobs(rows), self._settings, workers)) as outcomes:
                for job, outcome in outcomes:
                    self._take(job, outcome)
                    self._commit_if_due()
                    self._on_progress(self._done, len(rows))
        finally:
            self._commit()
        self._on_progress(self._done, len(rows))

    def report(self) -> EnrolReport:
        """What became of the prints so far."""
        return EnrolReport(
            self._name,
            self._entry.submission,
            self._enrolled,
            self._already,
            tuple(self._rejected),
            time.monotonic() - self._began,
        )

    @property
    def _done(self) -> int:
        waiting = len(self._waiting)
        return self._enrolled + self._already + len(self._rejected) + waiting

    def _jobs(self, rows: Sequence[PrintRow]) -> Iterator[Job]:
        """What has to be extracted: readable, and neither in the gallery nor on its way there."""
        sent: set[PrintKey] = set()
        for row in rows:
            try:
                job = load(row, self._settings.images)
            except InputError as error:
                self._rejected.append(Rejected(error.source, error.reason))
                continue
            key = _key(job)
            if key in sent or self._has(key):
                self._already += 1
                self._on_progress(self._done, len(rows))
                continue
            sent.add(key)
            yield job

    def _has(self, key: PrintKey) -> bool:
        if self._gallery is None:
            return False
        with self._database.read() as connection:
            return prints.is_enrolled(connection, self._gallery, key)

    def _take(self, job: Job, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            self._rejected.append(Rejected(str(job.row.path), outcome.reason))
            return
        self._waiting.append(
            NewPrint(
                _key(job),
                job.row.encounter,
                str(job.row.path),
                job.row.ppi,
                job.data if self._keep_images else None,
                outcome.template,
                outcome.maker,
                outcome.quality,
            )
        )

    def _commit_if_due(self) -> None:
        due = self._committed + COMMIT_EVERY
        if len(self._waiting) >= COMMIT_AFTER or time.monotonic() >= due:
            self._commit()

    def _commit(self) -> None:
        if self._waiting:
            with self._database.write() as connection:
                changes.lock(connection)
                self._gallery = galleries.ensure(connection, self._name)
                fresh = prints.enrol(
                    connection, self._gallery, self._waiting, self._entry.submission
                )
                new = [
                    item.key.person
                    for item, is_new in zip(self._waiting, fresh, strict=True)
                    if is_new
                ]
                if new:
                    last = changes.latest(connection)
                    self._entry.tell(
                        connection,
                        "enrolled",
                        galleries=[self._name],
                        persons=sorted(set(new)),
                        prints=len(new),
                        changes=[last - len(new) + 1, last],
                    )
            self._enrolled += sum(fresh)
            self._already += len(fresh) - sum(fresh)  # another process was faster
            self._waiting.clear()
        self._committed = time.monotonic()


def _key(job: Job) -> PrintKey:
    return PrintKey(job.row.person, int(job.row.position), job.sha256)
