"""The audit log: what was done, when, where, by whom and with which outcome; only added to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, type_coerce
from sqlalchemy.types import NullType

from engine.errors import StoreError
from engine.store import changes
from engine.store.chain import BEGINNING, Head, Line, canonical, link
from engine.store.schema import audit, now

READ_AT_ONCE = 10_000  # rows
OWN = ("at", "sequence", "submission")  # fields that every entry has from the log itself


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for; "" and None ask for all. start, end: times, the end not in it.
    person: among those that the entry tells of. operator, verb: exactly."""

    start: datetime | None = None
    end: datetime | None = None
    person: str = ""
    operator: str = ""
    verb: str = ""

    def takes(self, fields: Mapping[str, Any]) -> bool:
        """Whether the entry of these fields is one of them, but for its time."""
        return (
            (not self.person or self.person in fields.get("persons", ()))
            and (not self.operator or self.operator == fields.get("operator"))
            and (not self.verb or self.verb == fields.get("verb"))
        )


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. fields: what `entry`, its canonical JSON, says. previous: the hash before it."""

    sequence: int
    fields: Mapping[str, Any]
    entry: str
    hash: str
    previous: str


def stamp(time: datetime) -> str:
    """A time of UTC as entries have it: to 1/100 s, as CJIS asks."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 10_000:02}Z"


def append(
    connection: Connection, fields: Mapping[str, Any], submission: int | None = None
) -> Head:
    """Writes the next entry, in the caller's transaction, and gives its number and hash.

    fields: what JSON can say; never biometric content, words of an offense, or a person's name.
    The clock's lock is held from here to the end of the transaction, so that entries become
    visible in the order of their numbers, and the order is one over all processes.
    """
    changes.lock(connection)
    last = head(connection)
    time = now()
    own = {"at": stamp(time), "sequence": last.sequence + 1, "submission": submission}
    taken = sorted(own.keys() & fields.keys())
    if taken:
        raise StoreError(f"an entry has its {', '.join(taken)} from the log")
    entry = canonical({**fields, **own})
    made = Head(last.sequence + 1, link(last.hash, entry))
    row = {
        "sequence": made.sequence,
        "at": time,
        "submission_id": submission,
        "entry": entry,
        "hash": made.hash,
    }
    connection.execute(insert(audit).values(row))
    return made


def head(connection: Connection) -> Head:
    """The last entry; number 0 and the hash that stands before the first where there is none."""
    newest = select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)
    row = connection.execute(newest).first()
    return Head(row.sequence, row.hash) if row else Head(0, BEGINNING)


def at(connection: Connection, sequence: int) -> Head | None:
    """The entry of that number (0: what stands before the first); None where there is none."""
    if sequence == 0:
        return Head(0, BEGINNING)
    row = connection.execute(
        select(audit.c.sequence, audit.c.hash).where(audit.c.sequence == sequence)
    ).first()
    return Head(row.sequence, row.hash) if row else None


def count(connection: Connection, since: int = 0) -> int:
    """How many entries there are after that number."""
    query = select(func.count()).select_from(audit).where(audit.c.sequence > since)
    return int(connection.execute(query).scalar_one())


def lines(connection: Connection, since: int = 0) -> Iterator[Line]:
    """The entries after that number as they are kept, in their order, for `chain.check`."""
    query = (
        select(
            audit.c.sequence,
            type_coerce(audit.c.at, NullType()),  # whatever it is: a time that is none is a finding
            audit.c.submission_id,
            audit.c.entry,
            audit.c.hash,
        )
        .where(audit.c.sequence > since)
        .order_by(audit.c.sequence)
    )
    rows = connection.execute(query.execution_options(yield_per=READ_AT_ONCE))
    for sequence, time, submission, entry, hashed in rows:
        beside = {"at": _told(time), "sequence": sequence, "submission": submission}
        yield Line(sequence, str(entry), str(hashed), beside)


def read(connection: Connection, wanted: Filter = EVERYTHING) -> Iterator[Entry]:
    """The entries that are asked for, in their order."""
    yield from _entries(connection, wanted, newest_first=False)


def newest(connection: Connection, wanted: Filter, limit: int) -> list[Entry]:
    """The last `limit` of the entries that are asked for, in their order."""
    found: list[Entry] = []
    for entry in _entries(connection, wanted, newest_first=True):
        found.append(entry)
        if len(found) == limit:
            break
    return found[::-1]


def _told(time: Any) -> str:
    """A time as the database gives it, as entries have it; SQLite gives words."""
    if isinstance(time, datetime):
        return stamp(time.astimezone(UTC))
    return f"{str(time)[:10]}T{str(time)[11:22]}Z"


def _entries(connection: Connection, wanted: Filter, *, newest_first: bool) -> Iterator[Entry]:
    before = audit.alias()
    query: Select[Any] = (
        select(audit.c.sequence, audit.c.entry, audit.c.hash, before.c.hash)
        .select_from(audit)
        .outerjoin(before, before.c.sequence == audit.c.sequence - 1)
        .order_by(audit.c.sequence.desc() if newest_first else audit.c.sequence)
    )
    if wanted.start is not None:
        query = query.where(audit.c.at >= wanted.start)
    if wanted.end is not None:
        query = query.where(audit.c.at < wanted.end)
    # The database passes over most; `takes` decides.
    for value, about in (
        (wanted.person, "{}"),
        (wanted.operator, '"operator":{}'),
        (wanted.verb, '"verb":{}'),
    ):
        if value:
            said = about.format(json.dumps(value))
            query = query.where(audit.c.entry.contains(said, autoescape=True))
    for row in connection.execute(query.execution_options(yield_per=READ_AT_ONCE)):
        fields = json.loads(row[1])
        if wanted.takes(fields):
            yield Entry(row[0], fields, row[1], row[2], row[3] or BEGINNING)
