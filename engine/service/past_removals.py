"""Past removals: what the audit log says was deleted, looked for ever after by the ids of rows."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from engine.service import removal
from engine.service.indexes import Indexes
from engine.service.journal import Entry
from engine.service.results import PastProof
from engine.store import audit, galleries, row_ids
from engine.store.audit import Filter, stamp
from engine.store.database import Database
from engine.store.row_ids import Ranges
from engine.store.schema import now

EVENTS = ("removed", "updated", "galleries")  # after which rows may be gone
OLD = "an earlier version wrote the entry, without ids: it cannot be looked for"


def prove_past(database: Database, indexes: Indexes, wanted: Filter, line: Entry) -> PastProof:
    """Looks for every row that the removals asked for deleted, in the tables and in the saved
    indexes, and writes in the audit log what came of it. Ids are never used again, so a person who
    was enrolled anew is not taken for one who is left. The database is told to forget first.
    """
    with database.read() as connection:
        found = [
            entry for entry in audit.read(connection, wanted) if entry.fields["event"] in EVENTS
        ]
        rows = galleries.listing(connection)
    statement = database.forget(*removal.TABLES)
    for row in rows:
        indexes.refresh(row)
    with database.read() as connection:
        removals = [
            _looked_for(entry, row_ids.count_left(connection, _rows(entry))) for entry in found
        ]
    templates = {
        number for entry in found for number in row_ids.ids_in(_rows(entry).get("templates", []))
    }
    in_indexes = {name: count for name, count in indexes.count_saved(templates).items() if count}
    faults = [f"entry {each['sequence']}: {fault}" for each in removals for fault in each["faults"]]
    faults += [f"{count} templates in {name}" for name, count in in_indexes.items()]
    document = {
        "proof": "removals of the past",
        "made": stamp(now()),
        "removals": removals,
        "rows": _total(found),
        "in_indexes": in_indexes,
        "database": statement,
        "faults": faults,
        "clean": not faults,
    }
    text = (json.dumps(document, indent=2) + "\n").encode()
    with database.write() as writer:
        line.tell(
            writer,
            "proved",
            persons=[wanted.person] if wanted.person else [],
            clean=not faults,
            removals=len(found),
            sha256=hashlib.sha256(text).hexdigest(),
        )
    return PastProof(document, text, not faults)


def _rows(entry: audit.Entry) -> dict[str, Ranges]:
    return dict(entry.fields.get("rows", {}))


def _looked_for(entry: audit.Entry, left: dict[str, int]) -> dict[str, Any]:
    """What came of the search for what one entry says was deleted."""
    said = entry.fields
    faults = [f"{count} rows in {table}" for table, count in left.items() if count]
    if "rows" not in said and said["event"] == "removed":
        faults.append(OLD)
    return {
        "sequence": entry.sequence,
        "hash": entry.hash,
        "at": said["at"],
        "event": said["event"],
        "persons": said.get("persons", []),
        "galleries": said.get("galleries", []),
        "rows": {table: sum(1 for _ in row_ids.ids_in(ids)) for table, ids in _rows(entry).items()},
        "left": left,
        "faults": faults,
    }


def _total(found: Sequence[audit.Entry]) -> dict[str, int]:
    """How many rows were looked for, by table."""
    total: Counter[str] = Counter()
    for entry in found:
        for table, ids in _rows(entry).items():
            total[table] += sum(1 for _ in row_ids.ids_in(ids))
    return dict(total)
