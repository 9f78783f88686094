"""Former names: by which a person was known before being merged with another. Decided cases keep
them, so what concerns the person must reach those too."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from engine.store.schema import former_names, now


def add(connection: Connection, former: str, source_id: int, target_id: int) -> None:
    """Keeps the name of a person who is merged into another, and the names from before that."""
    own = former_names.c.person_id == source_id
    connection.execute(update(former_names).where(own).values(person_id=target_id))
    row = {"former": former, "person_id": target_id, "until": now()}
    connection.execute(insert(former_names).values(row))


def of_person(connection: Connection, person_id: int) -> list[tuple[str, datetime]]:
    """Each former name of a person, and until when it was theirs."""
    query = select(former_names.c.former, former_names.c.until)
    found = connection.execute(query.where(former_names.c.person_id == person_id))
    return [(former, until) for former, until in found]
