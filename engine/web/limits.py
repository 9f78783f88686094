"""Limits: how much of anything the service takes at once, so that its memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """All that bounds the service. Threads wait for others most of the time: for worker processes,
    for the search thread, for the database."""

    body_bytes: int = 16 * MIB  # of one request: ten fingers at 500 ppi, uncompressed, are less
    bodies_bytes: int = 256 * MIB  # of all requests that are at work or wait
    header_seconds: float = 30.0  # for a body to come in whole
    items: int = 20  # prints of one request
    galleries: int = 100  # that one encounter is in: each may be made by naming it
    text: int = 4096  # characters of a field that is only kept
    kept_json: int = 65_536  # characters of contextual or client data
    candidates: int = 1000
    listed: int = 100_000  # lines of a gallery's content at once
    work_threads: int = 16
    work_waiting: int = 64
    read_threads: int = 4
    read_waiting: int = 128
    search_waiting: int = (
        128  # at least work_threads and task_threads: those never meet a full line
    )
    search_threads: int = 2  # one reads embeddings and lists while the other's pairs are compared
    search_batch: int = 4  # searches of one thread at a time, which are kept and answered together
    task_threads: int = 2
    tasks: int = 10_000  # that are not done yet
    tasks_bytes: int = 4096 * MIB  # of their requests, in the database
    task_runs: int = 10  # a task that was begun so often and not done is given up
    hold: timedelta = timedelta(seconds=30)  # what a dead process held, another takes after this
    deliver_threads: int = 2
    deliver_seconds: float = 10.0  # for one delivery
    deliver_attempts: int = 8  # then it is given up until the client asks
    deliver_first: timedelta = timedelta(seconds=2)  # until the second attempt, doubled each time
    deliver_most: timedelta = timedelta(minutes=10)
    keep_tasks: timedelta = timedelta(days=7)  # after their end
    look_again: float = 0.5  # seconds between looks for tasks of other processes
    key_seconds: float = 30.0  # at least, between two readings of the keys
    stop_seconds: int = 60  # for requests at work when the service ends

    def share(self, tenants: int) -> Limits:
        """What each of so many tenants gets: its part of the threads that work and of the room for
        bodies, so that one alone can fill neither. Lines and tasks are each one's own anyway."""
        if tenants == 1:
            return self
        return replace(
            self,
            work_threads=max(2, self.work_threads // tenants),
            bodies_bytes=max(self.body_bytes, self.bodies_bytes // tenants),
        )


DEFAULT_PRIORITY = 5
PRIORITIES = range(10)  # 9 the highest
