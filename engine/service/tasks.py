"""The task list: requests that are done later, and their results until they are delivered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from engine.errors import ConflictError
from engine.service.results import Pending
from engine.store import tasks
from engine.store.database import Database
from engine.store.tasks import COMPLETED, ERROR, PENDING, RETRY, SCHEDULED, TaskRow

__all__ = [
    "COMPLETED",
    "ERROR",
    "PENDING",
    "RETRY",
    "SCHEDULED",
    "TaskList",
    "TaskRow",
    "require_pending",
    "settle",
]


class TaskList:
    """The tasks of one database, for every process that serves it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> tuple[int, int]:
        """How many tasks are to be done, and of how many bytes their requests are."""
        with self._database.read() as connection:
            return tasks.load(connection)

    def add(
        self,
        *,
        operation: str,
        transaction: str,
        operator: str,
        callback: str,
        priority: int,
        request: bytes,
    ) -> str:
        """Keeps a request: what this returns survives a restart. Gives its name."""
        name = str(uuid.uuid4())
        with self._database.write() as connection:
            tasks.add(
                connection,
                name,
                operation=operation,
                transaction=transaction,
                operator=operator,
                callback=callback,
                priority=priority,
                request=request,
            )
        return name

    def state(self, name: str, operator: str) -> str:
        """Where a task stands; NotFoundError where that operator has none of that name."""
        with self._database.read() as connection:
            return tasks.find(connection, name, operator).state

    def redeliver(self, name: str, operator: str) -> None:
        """Delivers a result again. NotFoundError likewise, or where it is not there any more."""
        with self._database.write() as connection:
            tasks.redeliver(connection, name, operator)

    def next_to_do(self, hold: timedelta) -> TaskRow | None:
        """The next task to do; nobody else gets it for as long as `hold`."""
        return self._next([PENDING], hold)

    def next_to_deliver(self, hold: timedelta) -> TaskRow | None:
        """The next result to deliver, likewise."""
        return self._next([SCHEDULED, RETRY], hold)

    def hold_on(self, ids: Sequence[int], hold: timedelta) -> None:
        """Says that this process is still at work on these."""
        if ids:
            with self._database.write() as connection:
                tasks.hold_on(connection, ids, hold)

    def excuse(self, task: TaskRow) -> None:
        """Takes a beginning back: it failed for what is no fault of the task."""
        with self._database.write() as connection:
            tasks.excuse(connection, task.id)

    def request_of(self, task: TaskRow) -> bytes:
        """What was kept to be done. KeysError where its key is not here, StoreError where it is
        damaged."""
        return tasks.request_of(self._database.vault, task)

    def result_of(self, task: TaskRow) -> bytes:
        """What is to be delivered, likewise."""
        return tasks.result_of(self._database.vault, task)

    def done(self, task: TaskRow, result: bytes, *, failed: bool) -> None:
        """Keeps a task's result until it is delivered; nothing where `settle` has kept it."""
        with self._database.write() as connection:
            tasks.done(connection, task.id, task.name, result, failed=failed)

    def leave(self, task: TaskRow) -> None:
        """Leaves a task that only reads to be done when it is delivered: of what is read no copy
        is kept, which would outlive the removal of whose it is."""
        with self._database.write() as connection:
            tasks.leave(connection, task.id)

    def delivered(self, task: TaskRow) -> None:
        """The client has the result."""
        with self._database.write() as connection:
            tasks.delivered(connection, task.id)

    def undelivered(self, task: TaskRow, reason: str, again: timedelta | None) -> None:
        """The client did not take the result; tried again after a time, or given up (None)."""
        with self._database.write() as connection:
            tasks.undelivered(connection, task, reason, again)

    def clear_away(self, older: timedelta) -> int:
        """Deletes what was delivered or given up longer ago than that; gives the number."""
        with self._database.write() as connection:
            return tasks.clear_away(connection, older)

    def _next(self, states: Sequence[str], hold: timedelta) -> TaskRow | None:
        with self._database.read() as connection:  # a look costs no writer anything
            if not tasks.any_due(connection, states):
                return None
        with self._database.write() as connection:
            return next(iter(tasks.claim(connection, states, hold)), None)


def require_pending(writer: Connection, task: Pending | None) -> None:
    """ConflictError where another process, which took a slow one for dead, has done the task.

    Call it with the clock's lock held, before the work that `settle` ends.
    """
    if task is not None and not tasks.is_pending(writer, task.id):
        raise ConflictError("the task was done by another process meanwhile")


def settle(writer: Connection, task: Pending | None) -> None:
    """Keeps a task's result in the transaction that does it: a process that dies leaves both or
    neither, so nothing is done twice and no result is lost."""
    if task is not None:
        tasks.done(writer, task.id, task.name, task.result)
