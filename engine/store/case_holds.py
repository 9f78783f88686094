"""Case holds: who has a case open, so that no two examiners compare the same at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select

from engine.store import changes
from engine.store.schema import case_holds, now

Case = tuple[int, str]  # search id, person


def holders(connection: Connection, search_ids: Collection[int]) -> dict[Case, str]:
    """Who holds which cases of these searches."""
    table = case_holds.c
    query = select(table.search_id, table.person, table.examiner).where(
        table.search_id.in_(search_ids), table.until > now()
    )
    return {(row.search_id, row.person): row.examiner for row in connection.execute(query)}


def take(connection: Connection, case: Case, examiner: str, time: timedelta) -> str:
    """Holds a case for an examiner, from now on for that time; "" where that is done, else the name
    of who holds it."""
    changes.lock(connection)
    holder = holders(connection, [case[0]]).get(case, examiner)
    if holder != examiner:
        return holder
    _drop(connection, case)
    row = {"search_id": case[0], "person": case[1], "examiner": examiner, "until": now() + time}
    connection.execute(insert(case_holds).values(row))
    return ""


def release(connection: Connection, case: Case, examiner: str) -> bool:
    """Ends an examiner's hold; whether there was one."""
    changes.lock(connection)
    if holders(connection, [case[0]]).get(case) != examiner:
        return False
    _drop(connection, case)
    return True


def _drop(connection: Connection, case: Case) -> None:
    own = (case_holds.c.search_id == case[0]) & (case_holds.c.person == case[1])
    connection.execute(delete(case_holds).where(own))
