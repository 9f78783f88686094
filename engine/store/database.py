"""Opens the database, brings its tables up to date, and hands out transactions."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from engine.errors import StoreError, UnavailableError
from engine.store.address import advice, is_sqlite, name_of, read_address, without_secrets
from engine.store.migrate import is_current, upgrade
from engine.store.sealing import Vault

BUSY_TIMEOUT = 30.0  # seconds that a writer waits for another
TRYING = 0.02  # seconds between tries where SQLite does not wait itself
# A plan is made for each query: one kept from when a table was empty reads all of it ever after
# (enrolment at 40 instead of 250 prints a second, until the server gathers statistics).
PLANS = {"prepare_threshold": None}

log = logging.getLogger(__name__)


class Database:
    """The database at a URL (or a path, for SQLite); safe to use from several processes.

    name: the address as people may see it, without a password. vault: what seals and opens
    templates and images.
    """

    def __init__(self, target: str | Path, vault: Vault | None = None) -> None:
        """Opens it, creating and migrating it where needed; StoreError where that fails or what is
        sealed in it cannot be opened."""
        self._url = read_address(target)
        self.name = name_of(self._url)
        self.vault = vault or Vault()
        self.is_sqlite = is_sqlite(self._url)
        self._engine = _engine(self._url)
        self._opened = False
        try:
            with self.read() as connection:
                current = is_current(connection)
            if not current:
                with self.write() as connection:
                    upgrade(connection)
            with self.read() as connection:
                self.vault.require_keys(connection)
            self._opened = True
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view; whatever is written meanwhile is not seen."""
        with self._transaction(write=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: durable when the block ends, undone when it raises."""
        with self._transaction(write=True) as connection:
            yield connection

    def forget(self, *tables: str) -> str:
        """Has deleted content leave the disk as far as the database does that, and says how far.

        SQLite overwrites it, and the write-ahead log is emptied. PostgreSQL frees the room of
        deleted rows of `tables`, where some are named, but does not promise to overwrite it.
        """
        if not self.is_sqlite:
            return self._vacuum(tables) if tables else ""
        deadline = time.monotonic() + BUSY_TIMEOUT
        with closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            # SQLite waits for who reads, but not for who is emptying the log as well.
            while cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    log.warning(
                        "%s: another process reads for long, so the log keeps what was deleted "
                        "until the next removal, or until the last process closes the database",
                        self.name,
                    )
                    return "the write-ahead log could not be emptied: another process reads from it"
                time.sleep(TRYING)
        return "deleted content was overwritten, and the write-ahead log emptied"

    def rewrite(self) -> str:
        """Writes an SQLite file anew, and says whether that was done; "" for other databases.

        For bytes that this program did not delete: others, such as SQLite's own shell, overwrite
        nothing unless told to. Needs as much room again, and that nobody else reads or writes.
        """
        if not self.is_sqlite:
            return ""
        try:
            with closing(self._engine.raw_connection()) as connection:
                connection.cursor().execute("VACUUM")
        except (sqlite3.Error, SQLAlchemyError) as error:
            return f"the file could not be written anew: {error}"
        return f"the file was written anew; {self.forget()}"

    def _vacuum(self, tables: Sequence[str]) -> str:
        statement = f"VACUUM {', '.join(tables)}"
        try:
            with self._engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            ) as connection:
                connection.exec_driver_sql(statement)
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            return f"{statement} failed: {cause}"
        return (
            f"{statement}: the room of deleted rows was freed. PostgreSQL does not promise to "
            "overwrite it; its write-ahead log and backups have it until they are recycled"
        )

    def close(self) -> None:
        self._engine.dispose()

    def _options(self, write: bool) -> dict[str, Any]:
        options = self.vault.options
        if self.is_sqlite:
            return {"tenprint_write": write, **options}
        # Writers queue at the clock's lock, and must then see what the one before them wrote.
        return {"isolation_level": "READ COMMITTED" if write else "REPEATABLE READ", **options}

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                connection = connection.execution_options(**self._options(write))
                with connection.begin():
                    yield connection
        except SQLAlchemyError as error:
            cause = without_secrets(str(getattr(error, "orig", None) or error), self._url)
            lost = isinstance(error, OperationalError | InterfaceError)
            if lost and self._opened:
                raise UnavailableError(f"{self.name}: {cause}") from error
            if lost:
                cause = advice(self._url, cause)
            raise StoreError(f"{self.name}: {cause}") from error


def _engine(url: URL) -> Engine:
    if not is_sqlite(url):
        try:
            # A server that was started again meanwhile costs a new connection, not an error.
            return create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=PLANS)
        except ImportError as error:
            raise StoreError(
                "PostgreSQL needs psycopg, which is not installed: pip install 'tenprint[postgres]'"
            ) from error
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT}, hide_parameters=True)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Python's driver would begin transactions by its own rules; _begin_sqlite does it instead.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    _begin_log(connection)
    connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
    connection.execute("PRAGMA secure_delete = ON")  # removed templates are overwritten


def _begin_log(connection: sqlite3.Connection) -> None:
    """Turns the write-ahead log on. Of several processes that open a new file at once SQLite lets
    all but one fail without a wait, however long its timeout is."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(TRYING)


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: a reader that turned writer half-way could not wait for it.
    write = connection.get_execution_options().get("tenprint_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
