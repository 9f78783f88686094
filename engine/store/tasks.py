"""Tasks: requests that a callback answers, kept until their result is delivered.

pending (to be done) → scheduled (to be delivered) → completed, or retry (to be delivered again,
later), or error (given up, until somebody asks for it again).
A task that only reads is done whenever it is delivered, and has no result here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from engine.errors import NotFoundError
from engine.store import rows
from engine.store.schema import now, tasks
from engine.store.sealing import Vault, task_place, vault_of

REQUEST, RESULT = "request", "result"
PENDING, SCHEDULED, RETRY = "pending", "scheduled", "retry"
ERROR, COMPLETED = "error", "completed"
NOTHING = b""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task. request, result: as they are stored, see `request_of` and `result_of`. runs: how
    often it was begun. attempts: of its delivery. reason: why the last one failed. held_until: by
    a process at work on it."""

    id: int
    name: str
    operation: str
    transaction_name: str
    operator: str
    callback: str
    priority: int
    state: str
    request: bytes
    result: bytes | None
    sealed_with: str | None
    failed: bool
    runs: int
    attempts: int
    reason: str
    created_at: datetime
    due_at: datetime
    held_until: datetime | None
    ended_at: datetime | None


def add(
    connection: Connection,
    name: str,
    *,
    operation: str,
    transaction: str,
    operator: str,
    callback: str,
    priority: int,
    request: bytes,
) -> int:
    """Keeps a request and gives its id."""
    moment = now()
    sealed, key = vault_of(connection).seal(request, task_place(name, REQUEST))
    row = {
        "name": name,
        "operation": operation,
        "transaction_name": transaction,
        "operator": operator,
        "callback": callback,
        "priority": priority,
        "state": PENDING,
        "request": sealed,
        "sealed_with": key,
        "failed": False,
        "runs": 0,
        "attempts": 0,
        "reason": "",
        "created_at": moment,
        "due_at": moment,
    }
    return rows.add(connection, tasks, row)


def find(connection: Connection, name: str, operator: str | None = None) -> TaskRow:
    """The task of that name (and that operator, where one is named); NotFoundError where there is
    none."""
    row = connection.execute(select(tasks).where(tasks.c.name == name)).mappings().first()
    if row is None or operator not in (None, row["operator"]):
        raise NotFoundError(f"there is no task {name!r}, or it was cleared away")
    return TaskRow(**row)


def request_of(vault: Vault, task: TaskRow) -> bytes:
    """What `add` was given. KeysError without its key, StoreError where it is damaged."""
    return vault.open(task.request, task.sealed_with, task_place(task.name, REQUEST))


def result_of(vault: Vault, task: TaskRow) -> bytes:
    """What `done` was given, likewise."""
    return vault.open(task.result or NOTHING, task.sealed_with, task_place(task.name, RESULT))


def load(connection: Connection) -> tuple[int, int]:
    """How many tasks are still to be done, and of how many bytes their requests are."""
    length = func.length(tasks.c.request)  # which no database reads the content for
    query = select(func.count(), func.coalesce(func.sum(length), 0)).where(
        tasks.c.state.in_((PENDING, SCHEDULED, RETRY)),
        length > 0,  # those that were left, too
    )
    count, total = connection.execute(query).one()
    return int(count), int(total)


def claim(
    connection: Connection, states: Sequence[str], hold: timedelta, newest: int = 1
) -> list[TaskRow]:
    """Up to `newest` tasks in these states that are due and that nobody is at work on, the highest
    priority first, then the oldest; nobody else gets them for as long as `hold`."""
    moment = now()
    query = (
        select(tasks.c.id)
        .where(_due(states, moment))
        .order_by(tasks.c.priority.desc(), tasks.c.id)
        .limit(newest)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.execute(query).scalars())
    own = tasks.c.id.in_(ids)
    runs = tasks.c.runs + (1 if PENDING in states else 0)
    connection.execute(update(tasks).where(own).values(held_until=moment + hold, runs=runs))
    found = connection.execute(
        select(tasks).where(own).order_by(tasks.c.priority.desc(), tasks.c.id)
    )
    return [TaskRow(**row) for row in found.mappings()]


def any_due(connection: Connection, states: Sequence[str]) -> bool:
    """Whether `claim` would find a task."""
    query = select(tasks.c.id).where(_due(states, now())).limit(1)
    return connection.execute(query).first() is not None


def hold_on(connection: Connection, ids: Sequence[int], hold: timedelta) -> None:
    """Says that somebody is still at work on these."""
    own = tasks.c.id.in_(ids) & tasks.c.held_until.is_not(None)
    connection.execute(update(tasks).where(own).values(held_until=now() + hold))


def let_go(connection: Connection, ids: Sequence[int]) -> None:
    """Says that nobody is at work on these any more."""
    connection.execute(update(tasks).where(tasks.c.id.in_(ids)).values(held_until=None))


def excuse(connection: Connection, task_id: int) -> None:
    """Takes one of the times back that a task was begun."""
    own = (tasks.c.id == task_id) & (tasks.c.runs > 0)
    connection.execute(update(tasks).where(own).values(runs=tasks.c.runs - 1))


def is_pending(connection: Connection, task_id: int) -> bool:
    """Whether a task is still to be done; ask under the clock's lock, as those who do it settle."""
    query = select(tasks.c.state).where(tasks.c.id == task_id)
    return connection.execute(query).scalar() == PENDING


def done(
    connection: Connection, task_id: int, name: str, result: bytes, *, failed: bool = False
) -> bool:
    """Keeps the result of a task, to be delivered at once; its request is forgotten. Changes
    nothing and gives False where it was done already."""
    sealed, key = vault_of(connection).seal(result, task_place(name, RESULT))
    own = (tasks.c.id == task_id) & (tasks.c.state == PENDING)
    values = {
        "state": SCHEDULED,
        "request": NOTHING,
        "result": sealed,
        "sealed_with": key,
        "failed": failed,
        "due_at": now(),
        "held_until": None,
    }
    return connection.execute(update(tasks).where(own).values(values)).rowcount == 1


def leave(connection: Connection, task_id: int) -> None:
    """Leaves a task that only reads to be done whenever it is delivered: its request stays."""
    own = (tasks.c.id == task_id) & (tasks.c.state == PENDING)
    values = {"state": SCHEDULED, "due_at": now(), "held_until": None}
    connection.execute(update(tasks).where(own).values(values))


def delivered(connection: Connection, task_id: int) -> None:
    """The client has the result; that and the request are forgotten."""
    _set(
        connection, task_id, state=COMPLETED, request=NOTHING, result=None, sealed_with=None,
        reason="", held_until=None, ended_at=now(),
    )  # fmt: skip


def undelivered(
    connection: Connection, task: TaskRow, reason: str, again: timedelta | None
) -> None:
    """The delivery failed: it is tried again after a time, or (None) given up. task: as it was
    claimed; where it was delivered or asked for again meanwhile, that stands."""
    own = (tasks.c.id == task.id) & (tasks.c.state == task.state)
    values = {
        "state": ERROR if again is None else RETRY,
        "attempts": task.attempts + 1,
        "reason": reason,
        "due_at": now() + (again or timedelta()),
        "held_until": None,
        "ended_at": now() if again is None else None,
    }
    failed = update(tasks).where(own, tasks.c.attempts == task.attempts).values(values)
    if not connection.execute(failed).rowcount:
        let_go(connection, [task.id])


def redeliver(connection: Connection, name: str, operator: str | None = None) -> None:
    """Delivers a result anew, as if it had not been tried. NotFoundError where there is no such
    task, or its result was delivered and forgotten; one not done yet is delivered anyway."""
    task = find(connection, name, operator)
    if task.state == COMPLETED:
        raise NotFoundError(f"the result of task {name!r} was delivered, and is not kept")
    if task.state != PENDING:
        own = tasks.c.id == task.id
        values = {"state": SCHEDULED, "attempts": 0, "due_at": now(), "ended_at": None}
        connection.execute(update(tasks).where(own).values(values))


def clear_away(connection: Connection, older: timedelta) -> int:
    """Deletes what was delivered or given up longer ago than that; gives the number."""
    old = tasks.c.state.in_((COMPLETED, ERROR)) & (tasks.c.ended_at < now() - older)
    return connection.execute(delete(tasks).where(old)).rowcount


def _due(states: Sequence[str], moment: datetime) -> ColumnElement[bool]:
    free = tasks.c.held_until.is_(None) | (tasks.c.held_until < moment)
    # Only who was tried waits for a time: a clock that is set back holds up nobody else.
    due = (tasks.c.state != RETRY) | (tasks.c.due_at <= moment)
    return tasks.c.state.in_(states) & due & free


def _set(connection: Connection, task_id: int, **values: object) -> None:
    connection.execute(update(tasks).where(tasks.c.id == task_id).values(values))
