"""Rule sets: the files that hits were ordered by, kept so that any past order can be made again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from engine.errors import StoreError
from engine.store import changes, rows
from engine.store.schema import now, rule_sets, rule_uses


def keep(
    connection: Connection, policy: str, stamp: str, files: Mapping[str, bytes], submission: int
) -> None:
    """Notes that these rules are in use from now on; writes nothing where they were used last.

    stamp: what names this version of the policy. files: UTF-8, by file name. StoreError where a
    file is no text, or the same stamp was kept with other files.
    """
    changes.lock(connection)
    kept = select(rule_sets.c.id, rule_sets.c.files).where(
        rule_sets.c.policy == policy, rule_sets.c.stamp == stamp
    )
    found = connection.execute(kept).first()
    if found and _unpack(found.files) != dict(files):
        raise StoreError(f"policy {policy} {stamp} was used before with other files of rules")
    if found and last_stamp(connection, policy) == stamp:
        return
    told = {"submission_id": submission}
    rule_set = found.id if found else None
    time = now()
    if rule_set is None:
        packed = _pack(files)  # only now: this is asked for with every search
        row = {"policy": policy, "stamp": stamp, "files": packed, "first_used_at": time}
        rule_set = rows.add(connection, rule_sets, row | told)
    rows.add(connection, rule_uses, {"rule_set_id": rule_set, "at": time} | told)


def last_stamp(connection: Connection, policy: str) -> str | None:
    """The stamp of the rules of that policy that were used last, None before the first use."""
    return connection.execute(_uses(policy, rule_sets.c.stamp).limit(1)).scalar()


def in_force(connection: Connection, policy: str, at: datetime) -> dict[str, bytes] | None:
    """The files of the rules of that policy that were used last at that time, by name; None before
    its first use."""
    query = _uses(policy, rule_sets.c.files).where(rule_uses.c.at <= at)
    packed = connection.execute(query.limit(1)).scalar()
    return None if packed is None else _unpack(packed)


def _uses(policy: str, column: Any) -> Select[Any]:
    """The column of the rule set of each use of a policy, the last first."""
    return (
        select(column)
        .select_from(rule_uses)
        .join(rule_sets, rule_sets.c.id == rule_uses.c.rule_set_id)
        .where(rule_sets.c.policy == policy)
        .order_by(rule_uses.c.id.desc())
    )


def _pack(files: Mapping[str, bytes]) -> bytes:
    try:
        texts = {name: content.decode() for name, content in files.items()}
    except UnicodeDecodeError as error:
        raise StoreError(f"files of rules must be UTF-8 text ({error})") from error
    return zlib.compress(json.dumps(texts, sort_keys=True).encode())


def _unpack(packed: bytes) -> dict[str, bytes]:
    texts = json.loads(zlib.decompress(packed))
    return {name: text.encode() for name, text in texts.items()}
