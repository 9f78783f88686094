"""Resealing: what is plain or under an older key comes under the first, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, bindparam, func, select, update

from engine.errors import KeysError, StoreError
from engine.store import changes
from engine.store.schema import images, templates
from engine.store.sealing import image_place, template_place, vault_of

BATCH = {"templates": 500, "images": 25}  # rows in one transaction: some MB at most


@dataclass(frozen=True, slots=True)
class Held:
    """How much of a table is sealed with one key. table: "templates" or "images". key: its id,
    None where nothing seals it."""

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
    for table in (templates, images):
        query = select(table.c.sealed_with, func.count()).group_by(table.c.sealed_with)
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
    table = templates if held.table == templates.name else images
    number: Column[int] = templates.c.id if table is templates else images.c.print_id
    place: tuple[Column[Any], ...] = (number,)
    if table is templates:
        place = (templates.c.gallery_id, templates.c.print_id)
    query = (
        select(number, table.c.data, *place)
        .where(table.c.sealed_with == held.key, number > after)
        .order_by(number)
        .limit(BATCH[held.table])
    )
    written, damaged, last = [], [], None
    for last, data, *names in connection.execute(query).all():
        where = template_place(*names) if table is templates else image_place(*names)
        try:
            plain = vault.open(data, held.key, where)
        except KeysError:
            raise
        except StoreError as error:
            damaged.append(str(error))
            continue
        sealed, key = vault.seal(plain, where)
        written.append({"row": last, "sealed": sealed, "key": key})
    if written:
        change = update(table).where(number == bindparam("row"))
        values: dict[str, Any] = {"data": bindparam("sealed"), "sealed_with": bindparam("key")}
        connection.execute(change.values(values), written)
    return Batch(len(written), last, tuple(damaged))
