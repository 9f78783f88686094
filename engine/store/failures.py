"""Failures: who failed to show who they are, from which address, and who is locked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from engine.store import changes
from engine.store.schema import failures, now

EVERYBODY = ""  # the subject of a lock on a whole address


@dataclass(frozen=True, slots=True)
class Rules:
    """When who is locked, and how much is remembered at most (docs/security.md says why)."""

    most: int = 5  # failures of a subject from an address; the last one locks
    within: timedelta = timedelta(minutes=15)
    locked: timedelta = timedelta(minutes=15)
    subjects: int = 100  # that fail from one address; more lock the address
    rows: int = 10_000  # in all; then the oldest are forgotten


RULES = Rules()


@dataclass(frozen=True, slots=True)
class Failing:
    """A caller that failed. times: of the last failures, oldest first. locked_until: None where it
    is not locked."""

    client: str
    subject: str
    times: tuple[datetime, ...]
    locked_until: datetime | None


def listing(connection: Connection) -> list[Failing]:
    """All that is remembered, the locked first, then the newest."""
    order = (failures.c.locked_until.is_(None), failures.c.last_at.desc())
    return [_read(row) for row in connection.execute(select(failures).order_by(*order)).all()]


def add(connection: Connection, client: str, subject: str, rules: Rules = RULES) -> list[Failing]:
    """Counts a failure; gives what changed: what is remembered of the caller now, and the lock on
    the whole address where it comes with it. Nothing changes for a caller that is locked."""
    changes.lock(connection)  # so that two processes count one after the other
    moment = now()
    before = _find(connection, client, subject)
    if _is_locked(before, moment):
        return []
    since = moment - rules.within
    earlier = tuple(each for each in before.times if each > since) if before else ()
    times = (*earlier, moment)[-rules.most :]
    until = moment + rules.locked if len(times) >= rules.most else None
    made = [Failing(client, subject, times, until)]
    if before is None:
        _make_room(connection, rules)
        others = select(func.count()).where(
            failures.c.client == client, failures.c.last_at > since, failures.c.subject != EVERYBODY
        )
        many = connection.execute(others).scalar_one() >= rules.subjects
        if many and not _is_locked(_find(connection, client, EVERYBODY), moment):
            made.append(Failing(client, EVERYBODY, (moment,), moment + rules.locked))
    for each in made:
        _write(connection, each)
    return made


def forget(connection: Connection, client: str | None, subject: str | None) -> list[Failing]:
    """Forgets the failures of a caller (None: of any address, of any subject); gives them."""
    which = []
    if client is not None:
        which.append(failures.c.client == client)
    if subject is not None:
        which.append(failures.c.subject == subject)
    found = [_read(row) for row in connection.execute(select(failures).where(*which)).all()]
    connection.execute(delete(failures).where(*which))
    return found


def is_over(failing: Failing, moment: datetime, rules: Rules = RULES) -> bool:
    """Whether nothing is to be remembered of it any more."""
    if failing.locked_until is not None:
        return failing.locked_until <= moment
    return failing.times[-1] <= moment - rules.within


def expire(connection: Connection, rules: Rules = RULES) -> list[Failing]:
    """Forgets what is over, and gives it; not what another process forgets at the same time."""
    moment = now()
    over = [each for each in listing(connection) if is_over(each, moment, rules)]
    return [each for each in over if _forget_one(connection, each)]


def _forget_one(connection: Connection, failing: Failing) -> bool:
    own = (failures.c.client == failing.client, failures.c.subject == failing.subject)
    return connection.execute(delete(failures).where(*own)).rowcount == 1


def _make_room(connection: Connection, rules: Rules) -> None:
    """Forgets the oldest where there are too many; who is locked stays so as long as there are
    others."""
    count = connection.execute(select(func.count()).select_from(failures)).scalar_one()
    if count < rules.rows:
        return
    key = (failures.c.client, failures.c.subject)
    order = (failures.c.locked_until.is_not(None), failures.c.last_at)
    oldest = select(*key).order_by(*order).limit(max(1, rules.rows // 10))
    for client, subject in connection.execute(oldest).all():
        own = (failures.c.client == client, failures.c.subject == subject)
        connection.execute(delete(failures).where(*own))


def _is_locked(failing: Failing | None, moment: datetime) -> bool:
    return bool(failing and failing.locked_until and failing.locked_until > moment)


def _find(connection: Connection, client: str, subject: str) -> Failing | None:
    own = (failures.c.client == client, failures.c.subject == subject)
    row = connection.execute(select(failures).where(*own)).first()
    return _read(row) if row else None


def _write(connection: Connection, failing: Failing) -> None:
    own = (failures.c.client == failing.client, failures.c.subject == failing.subject)
    values = {
        "times": " ".join(str(each.timestamp()) for each in failing.times),
        "last_at": failing.times[-1],
        "locked_until": failing.locked_until,
    }
    if not connection.execute(failures.update().where(*own).values(values)).rowcount:
        key = {"client": failing.client, "subject": failing.subject}
        connection.execute(failures.insert().values({**key, **values}))


def _read(row: Sequence[object]) -> Failing:
    client, subject, times, _, until = row
    moments = tuple(datetime.fromtimestamp(float(each), UTC) for each in str(times).split())
    return Failing(
        str(client), str(subject), moments, until if isinstance(until, datetime) else None
    )
