"""Resealing: what is plain or under an older key comes under the first, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    func,
    select,
    update,
)

from engine.errors import KeysError, StoreError
from engine.store import changes
from engine.store.schema import images, tasks, templates
from engine.store.sealing import image_place, task_place, template_place, vault_of
from engine.store.tasks import NOTHING, REQUEST, RESULT


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table of sealed values. number: what its rows are gone through by. names: the columns that
    `place` makes the name of a row of. column: of the value. rows: which have one; None: all."""

    number: Column[int]
    names: tuple[Column[Any], ...]
    place: Callable[..., str]
    column: str = "data"
    rows: ColumnElement[bool] | None = None

    @property
    def table(self) -> Table:
        return self.number.table

    def having(self, query: Select[Any]) -> Select[Any]:
        """A query of rows that have a value."""
        return query if self.rows is None else query.where(self.rows)


TABLES = {
    "templates": Sealed(
        templates.c.id, (templates.c.gallery_id, templates.c.print_id), template_place
    ),
    "images": Sealed(images.c.print_id, (images.c.print_id,), image_place),
    # A task has a request or a result, never both.
    "requests": Sealed(
        tasks.c.id,
        (tasks.c.name,),
        lambda name: task_place(name, REQUEST),
        REQUEST,
        tasks.c.request != NOTHING,
    ),
    "results": Sealed(
        tasks.c.id,
        (tasks.c.name,),
        lambda name: task_place(name, RESULT),
        RESULT,
        tasks.c.result.is_not(None),
    ),
}
# Rows in one transaction: some MB at most.
BATCH = {"templates": 500, "images": 25, "requests": 10, "results": 100}


@dataclass(frozen=True, slots=True)
class Held:
    """How much of a table is sealed with one key. table: one of TABLES. key: its id, None where
    nothing seals it."""

    table: str
    key: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction did. last: the number of its last row, None where there were no more.
    damaged: rows that could not be opened, and are left as they are."""

    sealed: int
    last: int | None
    damaged: tuple[str, ...]


def census(connection: Connection) -> list[Held]:
    """How much is sealed with which key, by table and key; what is plain comes first."""
    found = []
    for name, sealed in TABLES.items():
        key = sealed.table.c.sealed_with
        query = sealed.having(select(key, func.count()).group_by(key))
        rows = [Held(name, key_id, count) for key_id, count in connection.execute(query)]
        found += sorted(rows, key=lambda item: item.key or "")
    return found


def reseal(connection: Connection, held: Held, after: int) -> Batch:
    """Seals the next rows of `held` whose numbers are greater than `after` with the first key.

    KeysError where there is none, or the key that they are sealed with is not here.
    """
    vault = vault_of(connection)
    if vault.key is None:
        raise KeysError("there is no key to seal with: make one with `tenprint keys new`")
    if held.key is not None:
        vault.find(held.key)
    changes.lock(connection)  # nobody removes these rows meanwhile
    sealed = TABLES[held.table]
    table, number = sealed.table, sealed.number
    query = (
        select(number, table.c[sealed.column], *sealed.names)
        .where(table.c.sealed_with == held.key, number > after)
        .order_by(number)
        .limit(BATCH[held.table])
        .with_for_update()  # tasks go on without that lock
    )
    query = sealed.having(query)
    written, damaged, last = [], [], None
    for last, data, *names in connection.execute(query).all():
        where = sealed.place(*names)
        try:
            plain = vault.open(data, held.key, where)
        except KeysError:
            raise
        except StoreError as error:
            damaged.append(str(error))
            continue
        data, key = vault.seal(plain, where)
        written.append({"row": last, "sealed": data, "key": key})
    if written:
        change = update(table).where(number == bindparam("row"))
        values: dict[str, Any] = {sealed.column: bindparam("sealed")}
        values["sealed_with"] = bindparam("key")
        connection.execute(change.values(values), written)
    return Batch(len(written), last, tuple(damaged))
