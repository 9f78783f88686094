#!/usr/bin/env python3
"""Makes a home with a gallery of fingers that nobody has, for the service to be load-tested on.

    .venv/bin/python scripts/make_home.py --fingers 1000000 --home DIR --work DRAWN [--seed 1]
        [--per-person 1] [--gallery drawn] [--database URL] [--keys FILE] [--workers N]

Fingers are drawn as scripts/make_gallery.py draws them, into --work, where its chunks are found
again. What is then in the database is what enrolment by template over the interface would have
put there: persons D0000000 and on with one encounter, a print and a template each, memberships,
changes, and on record a use for every thousand fingers; all rows of these in one transaction. A
run that was stopped goes on where it was. At the end the index is made and saved.

Drawn templates have no ridge cells: they are about half as large as those of images, and their
comparison by all the evidence takes less time.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from make_gallery import CHUNK, Job, draw, read_chunk
from resume import progress
from rich.console import Console
from sqlalchemy import Connection, Table, func, insert, select

from engine.errors import TenprintError
from engine.formats import template as template_format
from engine.service.home import open_home
from engine.service.items import OWN_FORMAT
from engine.service.journal import on_record
from engine.service.results import Use
from engine.service.tenprint import Tenprint
from engine.store import changes, galleries, persons
from engine.store.database import Database
from engine.store.schema import encounters, memberships, now, prints, templates
from engine.store.schema import persons as persons_table
from engine.store.sealing import Vault, template_place, vault_of
from engine.types import Template

USE = Use(purpose="load test", operator="make_home", source="drawn fingers")
DETAILS = f'{{"templateFormat": "{OWN_FORMAT}"}}'
console = Console(stderr=True)


def fill(database: Database, gallery: str, jobs: Sequence[Job], work: Path, per_person: int) -> int:
    """Enrols the chunks that are not in the database yet, and says how many fingers it has."""
    total = sum(count for *_, count in jobs)
    with progress(console) as bar:
        task = bar.add_task("enrolling", total=total)
        for job in jobs:
            _, chunk, count = job
            numbered = list(enumerate(read_chunk(job, work), start=chunk * CHUNK))
            with database.read() as connection:
                last = persons.lookup(connection, reference(numbered[-1][0], per_person))
            if last is None:
                enrol_chunk(database, gallery, numbered, per_person)
            bar.advance(task, count)
    return total


def reference(finger: int, per_person: int) -> str:
    """Whose finger of that number it is."""
    return f"D{finger // per_person:07d}"


def enrol_chunk(
    database: Database, name: str, numbered: Sequence[tuple[int, Template]], per_person: int
) -> None:
    """Enrols fingers with their numbers: one use, and one transaction."""
    people = [reference(number, per_person) for number, _ in numbered]
    with on_record(database, "enrol", USE, name) as entry, database.write() as writer:
        changes.lock(writer)
        gallery = galleries.ensure(writer, name)
        gallery = galleries.fix_maker(writer, gallery, str(numbered[0][1].maker))
        template_ids = put(writer, gallery.id, numbered, people, entry.submission)
        changes.record(writer, changes.ENROL, gallery.id, template_ids, entry.submission)
        entry.tell_of_many(
            writer, "enrolled", sorted({*people}), galleries=[name], prints=len(numbered)
        )
        entry.outcome = f"{len(numbered)} prints in {name}"


def put(
    writer: Connection,
    gallery: int,
    numbered: Sequence[tuple[int, Template]],
    people: Sequence[str],
    submission: int,
) -> list[int]:
    """Writes the rows of these fingers, and gives the templates' ids."""
    moment, vault = now(), vault_of(writer)
    if vault.key is None:
        vault.require_keys(writer)
    names = list(dict.fromkeys(people))
    person_ids = dict(zip(names, add(writer, persons_table, (
        {"reference": name, "created_at": moment} for name in names
    )), strict=True))  # fmt: skip
    encounter_ids = dict(zip(names, add(writer, encounters, (
        {
            "person_id": person_ids[name],
            "reference": "1",
            "submission_id": submission,
            "created_at": moment,
            "kind": "drawn",
        }
        for name in names
    )), strict=True))  # fmt: skip
    blobs = [template_format.encode(template) for _, template in numbered]
    print_ids = add(writer, prints, (
        {
            "person_id": person_ids[person],
            "encounter_id": encounter_ids[person],
            "position": int(template.position),
            "sha256": hashlib.sha256(blob).hexdigest(),
            "source": "biometricData[0]",
            "created_at": moment,
            "details": DETAILS,
        }
        for person, (_, template), blob in zip(people, numbered, blobs, strict=True)
    ))  # fmt: skip
    sealed = [
        vault.seal(blob, template_place(gallery, print_id))
        for blob, print_id in zip(blobs, print_ids, strict=True)
    ]
    template_ids = add(writer, templates, (
        {
            "print_id": print_id,
            "gallery_id": gallery,
            "maker": str(template.maker),
            "quality": template.quality,
            "data": data,
            "created_at": moment,
            "sealed_with": key,
            "active": True,
        }
        for (_, template), print_id, (data, key) in zip(numbered, print_ids, sealed, strict=True)
    ))  # fmt: skip
    joined = [{"gallery_id": gallery, "encounter_id": each} for each in encounter_ids.values()]
    writer.execute(insert(memberships), joined)
    return template_ids


def add(writer: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> list[int]:
    """Inserts rows under ids of their own, the next ones, and gives these in order. Others must not
    write meanwhile: the caller holds the clock's lock."""
    first = int(writer.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1
    numbered = [{"id": number, **row} for number, row in zip(itertools.count(first), rows)]
    writer.execute(insert(table), numbered)
    return [row["id"] for row in numbered]


def free_ids(database: Database) -> None:
    """Lets PostgreSQL go on behind the ids that were given here; SQLite does so by itself."""
    if database.is_sqlite:
        return
    with database.write() as writer:
        for table in (persons_table, encounters, prints, templates):
            highest = writer.execute(select(func.max(table.c.id))).scalar_one()
            sequence = func.pg_get_serial_sequence(table.name, "id")
            writer.execute(select(func.setval(sequence, highest)))


def make_index(tenprint: Tenprint, gallery: str) -> None:
    """Makes and saves the gallery's index."""
    with progress(console) as bar:
        task = bar.add_task("indexing", total=None)
        tenprint.rebuild(
            gallery, lambda done, total: bar.update(task, completed=done, total=total), use=USE
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fingers", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="keep what is drawn here")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-person", type=int, default=1, help="fingers of each person")
    parser.add_argument("--gallery", default="drawn")
    parser.add_argument("--database", help="URL of the database, unless it is SQLite in the home")
    parser.add_argument("--keys", type=Path, help="file of the keys to seal templates with")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if arguments.fingers < 1 or arguments.per_person < 1 or CHUNK % arguments.per_person:
        parser.error(f"--fingers must be at least 1, --per-person a divisor of {CHUNK}")
    begin = time.perf_counter()
    try:
        jobs = draw(arguments.fingers, arguments.seed, arguments.workers, arguments.work)
        home = open_home(arguments.home, arguments.database, arguments.keys)
        database = Database(home.database, Vault(home.keys))
        try:
            count = fill(database, arguments.gallery, jobs, arguments.work, arguments.per_person)
            free_ids(database)
        finally:
            database.close()
        with Tenprint(arguments.home, database=arguments.database, keys=arguments.keys) as tenprint:
            make_index(tenprint, arguments.gallery)
    except TenprintError as error:
        parser.exit(1, f"{error}\n")
    console.print(f"{arguments.home}: {count} fingers, in {time.perf_counter() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
