"""Rotation: everything comes under the first key, in the database and in the derived files."""

from __future__ import annotations

from pathlib import Path

from engine.errors import KeysError
from engine.service.indexes import Indexes
from engine.service.results import KeyStatus, Progress, RotationReport
from engine.store import resealing
from engine.store.database import Database
from engine.store.keyring import add_key


def make_key(file: Path) -> str:
    """Puts a new key in front of those in a file, made if need be, and gives its id. KeysError
    where that cannot be."""
    return add_key(file).id


def status(database: Database, indexes: Indexes) -> KeyStatus:
    """Which keys there are, and how much is sealed with which."""
    vault = database.vault
    with database.read() as connection:
        held = resealing.census(connection)
    return KeyStatus(
        vault.path,
        tuple(key.id for key in vault.keys),
        tuple(held),
        tuple(indexes.sealed_files()),
        not database.is_sqlite,
    )


def rotate(database: Database, indexes: Indexes, on_progress: Progress) -> RotationReport:
    """Seals what is plain, or sealed with another key than the first, with the first.

    Each batch is a transaction: interrupted, what is done stays, and running it again does the
    rest. Rows that are damaged are left and named. KeysError without a key, or without one that
    older rows are sealed with: then nothing is changed.
    """
    key = database.vault.key
    if key is None:
        raise KeysError(
            "there is no key to seal with: make one with `tenprint keys new FILE`, and name the "
            "file with --keys or TENPRINT_KEYS"
        )
    with database.read() as connection:
        database.vault.require_keys(connection)
        waiting = [held for held in resealing.census(connection) if held.key != key.id]
    total = sum(held.count for held in waiting)
    sealed, damaged = 0, list[str]()
    on_progress(0, total)
    for held in waiting:
        last: int | None = 0
        while last is not None:
            with database.write() as writer:
                batch = resealing.reseal(writer, held, last)
            last = batch.last
            sealed += batch.sealed
            damaged += batch.damaged
            on_progress(sealed + len(damaged), max(total, sealed + len(damaged)))
    database.forget()
    return RotationReport(key.id, sealed, indexes.reseal_files(), tuple(damaged))
