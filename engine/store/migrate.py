"""Brings the tables up to date with the migrations that came with this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, func, select

from engine.errors import StoreError
from engine.store.address import is_sqlite, name_of

MIGRATIONS = Path(__file__).parent.parent / "migrations"
LOCK = 7_366_207_381  # of PostgreSQL's advisory locks: one process at a time runs migrations


def config() -> Config:
    """Alembic's configuration: only where the migrations lie."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return made


def is_current(connection: Connection) -> bool:
    """Whether the tables are those of this version."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == head


def upgrade(connection: Connection) -> None:
    """Runs the migrations that are missing, within the caller's transaction.

    StoreError where the database was made by a newer version.
    """
    settings = config()
    settings.attributes["connection"] = connection
    if not is_sqlite(connection.engine.url):  # SQLite's writers wait anyway
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    try:
        command.upgrade(settings, "head")
    except CommandError as error:
        raise StoreError(
            f"{name_of(connection.engine.url)} was written by another version of "
            f"Tenprint ({error}): use that version, or a newer one"
        ) from error
