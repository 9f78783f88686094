"""Proving: after a removal, looks everywhere for what was removed, and writes that down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from engine.service import remnants, removal
from engine.service.home import Home
from engine.service.indexes import Indexes
from engine.service.journal import Entry
from engine.service.results import Progress, Proof
from engine.store import persons, remains
from engine.store.audit import stamp
from engine.store.database import Database
from engine.store.galleries import GalleryRow
from engine.store.remains import Holdings, ProbeBytes
from engine.store.schema import now

LOOKED_UP = 64  # pieces found in files that are looked for in the rows that stay


def prove_removal(
    home: Home,
    database: Database,
    indexes: Indexes,
    person: str,
    gallery: str | None,
    entry: Entry,
    on_progress: Progress,
) -> Proof:
    """Removes a person from one gallery or from all, and proves it. on_progress: of bytes read,
    before and after the removal.

    The same pieces of templates and images are looked for before, which shows that they are found
    where they are, and after.
    """
    with database.read() as connection:
        before = remains.holdings(connection, person)
        probes = remains.probes(connection, person)
    wanted = _pieces(before) | _pieces_of(probes)
    files = remnants.files_of_home(home)
    found_before = remnants.look_through(
        files, wanted, lambda done, total: on_progress(done, 2 * total)
    )
    removed, rows, head = removal.delete_person(database, person, gallery, entry)
    statement = database.forget(*removal.TABLES)
    for row in rows:
        indexes.refresh(row)
    with database.read() as connection:
        after = remains.holdings(connection, person)
        by_right = remains.of_same_files(connection, before.sha256)
        stay = remains.probes_left(connection, probes)
        left = remains.rows_left(connection, before)
        named = remains.named_in(connection, person)
        still_in = persons.galleries_of(connection, person)
    # What another gallery has of the person, or of others from the same files, stays, and a probe
    # that has yet to be compared with others.
    wanted -= _pieces(by_right) | _pieces_of(stay)
    files = remnants.files_of_home(home)
    found = remnants.look_through(
        files, wanted, lambda done, total: on_progress(total + done, 2 * total)
    )
    remaining = without_others(database, set().union(*found.values()))
    own = home.file
    if own and any(path.name.startswith(own.name) and found[path] & remaining for path in files):
        # Left by another program: see Database.rewrite.
        statement = f"{statement}; {database.rewrite()}"
        files = remnants.files_of_home(home)
        found = remnants.look_through(files, wanted)
        remaining = without_others(database, set().union(*found.values()))
    in_indexes = indexes.count_saved(set(before.template_ids) - set(after.template_ids))
    faults = _faults(left, still_in, rows, in_indexes, remaining)
    document = {
        "proof": "removal of a person",
        "made": stamp(now()),
        "person": person,
        "galleries": [row.name for row in rows],
        "removed": asdict(removed),
        "audit": {"sequence": head.sequence, "hash": head.hash},
        "rows_left": left,
        "still_in_galleries": still_in,
        "in_indexes": in_indexes,
        "pieces_looked_for": len(wanted),
        "files": [
            {
                "file": _name(path, home),
                "bytes": size,
                "pieces_before": len(found_before.get(path, set()) & wanted),
                "pieces_after": len(found[path] & remaining),
            }
            for path, size in files.items()
        ],
        "database": statement,
        "reference_named_in_logs": named,
        "faults": faults,
        "clean": not faults,
    }
    text = (json.dumps(document, indent=2) + "\n").encode()
    with database.write() as writer:
        entry.tell(
            writer,
            "proved",
            persons=[person],
            clean=not faults,
            removal=head.sequence,
            sha256=hashlib.sha256(text).hexdigest(),
        )
    return Proof(removed, document, text, not faults)


def _name(path: Path, home: Home) -> str:
    inside = path.is_relative_to(home.folder)
    return str(path.relative_to(home.folder) if inside else path)


def _pieces(held: Holdings) -> set[bytes]:
    of_templates = (remnants.pieces(each) for each in held.templates)
    of_images = (remnants.pieces(each, remnants.EVERY_OF_IMAGE) for each in held.images)
    return set().union(*of_templates, *of_images)


def _pieces_of(probes: Sequence[ProbeBytes]) -> set[bytes]:
    return set().union(
        *(
            remnants.pieces(each.data, remnants.EVERY_OF_IMAGE if each.is_image else remnants.EVERY)
            for each in probes
        )
    )


def without_others(database: Database, found: Collection[bytes]) -> set[bytes]:
    """The pieces that no row has that stays: those are nobody's by right."""
    with database.read() as connection:
        shared = {
            piece
            for piece in islice(sorted(found), LOOKED_UP)
            if remains.is_in_a_row(connection, piece)
        }
    return set(found) - shared


def _faults(
    left: dict[str, int],
    still_in: list[str],
    rows: list[GalleryRow],
    in_indexes: dict[str, int],
    remaining: Collection[bytes],
) -> list[str]:
    """What is still there and should not be, in words."""
    found: list[str] = []
    if not still_in:
        found += [f"{count} rows in {table}" for table, count in left.items() if count]
    found += [f"still in gallery {row.name}" for row in rows if row.name in still_in]
    found += [f"{count} templates in {name}" for name, count in in_indexes.items() if count]
    if remaining:
        found.append(f"{len(remaining)} pieces in files")
    return found
