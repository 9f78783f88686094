"""Resealing: what is plain or under an older key comes under the first, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, func, select, update

from engine.errors import KeysError, StoreError
from engine.store import changes
from engine.store.schema import images, probe_prints, tasks, templates
from engine.store.sealing import (
    Vault,
    image_place,
    probe_place,
    task_place,
    template_place,
    vault_of,
)
from engine.store.tasks import NOTHING, REQUEST, RESULT

# Rows in one transaction: some MB at most.
BATCH = {"templates": 500, "images": 25, "probe_prints": 25, "tasks": 10}


@dataclass(frozen=True, slots=True)
class Sealable:
    """A table with sealed values. number: of its rows. named: the columns that a row's name is made
    of. values: the columns that are sealed, each with what names its place."""

    table: Table
    number: Column[int]
    named: tuple[Column[Any], ...]
    values: dict[str, Callable[..., str]]


SEALABLE = {
    each.table.name: each
    for each in (
        Sealable(
            templates,
            templates.c.id,
            (templates.c.gallery_id, templates.c.print_id),
            {"data": template_place},
        ),
        Sealable(images, images.c.print_id, (images.c.print_id,), {"data": image_place}),
        Sealable(
            probe_prints,
            probe_prints.c.id,
            (probe_prints.c.search_id, probe_prints.c.number, probe_prints.c.kind),
            {"data": probe_place},
        ),
        Sealable(
            tasks,
            tasks.c.id,
            (tasks.c.name,),
            {
                REQUEST: lambda name: task_place(name, REQUEST),
                RESULT: lambda name: task_place(name, RESULT),
            },
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Held:
    """How much of a table is sealed with one key. table: one of `SEALABLE`. key: its id, None where
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
    """How much is sealed with which key, by table and key; what is plain comes first. Tasks whose
    content is not kept any more have nothing to seal."""
    found = []
    for table in (each.table for each in SEALABLE.values()):
        query = select(table.c.sealed_with, func.count()).group_by(table.c.sealed_with)
        if table is tasks:
            query = query.where(_has_content())
        rows = [Held(table.name, key, count) for key, count in connection.execute(query)]
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
    kind = SEALABLE[held.table]
    columns = [kind.table.c[name] for name in kind.values]
    query = (
        select(kind.number, *kind.named, *columns)
        .where(kind.table.c.sealed_with == held.key, kind.number > after)
        .order_by(kind.number)
        .limit(BATCH[held.table])
    )
    if kind.table is tasks:  # they go on under other locks
        query = query.where(_has_content()).with_for_update()
    written, damaged, last = [], [], None
    for last, *rest in connection.execute(query).all():
        names, values = rest[: len(kind.named)], rest[len(kind.named) :]
        try:
            written.append({"row": last} | _resealed(vault, held.key, kind, names, values))
        except KeysError:
            raise
        except StoreError as error:
            damaged.append(str(error))
    if written:
        change = update(kind.table).where(kind.number == bindparam("row"))
        new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in kind.values}
        change = change.values({**new, "sealed_with": bindparam("key")})
        connection.execute(change, written)
    return Batch(len(written), last, tuple(damaged))


def _resealed(
    vault: Vault, old: str | None, kind: Sealable, names: list[Any], values: list[bytes | None]
) -> dict[str, Any]:
    """The new values of a row, as its update takes them."""
    made: dict[str, Any] = {"key": vault.key and vault.key.id}
    for (column, place_of), value in zip(kind.values.items(), values, strict=True):
        made[f"new_{column}"] = value
        if value:
            place = place_of(*names)
            made[f"new_{column}"], made["key"] = vault.seal(vault.open(value, old, place), place)
    return made


def _has_content() -> Any:
    return (tasks.c.request != NOTHING) | tasks.c.result.is_not(None)
