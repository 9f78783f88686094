"""Addresses of databases: which URLs will do, how they are shown, and what to do when one fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from engine.errors import StoreError

FORM = "postgresql://USER@HOST:PORT/NAME"
SECRETS = ("password", "sslpassword")  # that may stand in the query of a URL, as libpq has them
HIDDEN = "***"
CONNECT_TIMEOUT = 10  # seconds, unless the URL says another


def read_address(target: str | Path) -> URL:
    """The URL of a SQLite file (Path) or of what was written as a URL; StoreError where that is
    neither SQLite nor PostgreSQL, without the words that could not be read: a password may be among
    them."""
    if isinstance(target, Path):
        return URL.create("sqlite", database=str(target))
    try:
        url = make_url(target)
    except (ArgumentError, ValueError):
        # `from None`: the cause would show what stands at the place of the port.
        raise StoreError(
            f"the database's URL cannot be read: write {FORM}, and other characters of a password "
            "than letters and digits as %XX"
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("postgresql+psycopg", "sqlite", "sqlite+pysqlite"):
        raise StoreError(
            f"a database of the kind {url.drivername!r} will not do: use {FORM}, or SQLite in the "
            "home folder"
        )
    if is_sqlite(url):
        return url
    return url.update_query_dict(
        {} if "connect_timeout" in url.query else {"connect_timeout": str(CONNECT_TIMEOUT)}
    )


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def name_of(url: URL) -> str:
    """The address as people may see it: the path of a SQLite file, else a URL without secrets."""
    if is_sqlite(url):
        return url.database or ":memory:"
    shown = url.difference_update_query([*SECRETS, "connect_timeout"])
    return shown.set(drivername="postgresql").render_as_string(hide_password=True)


def place_of(url: URL) -> str:
    """Where the database is, whoever asks: the address without user, password and options."""
    where = {name: url.query[name] for name in ("host", "port") if name in url.query}
    return URL.create(
        "postgresql", host=url.host, port=url.port, database=url.database, query=where
    ).render_as_string()


def without_secrets(text: str, url: URL) -> str:
    """A text of others about the database, its passwords hidden."""
    values: list[str | Sequence[str] | None] = [url.password]
    values += [url.query.get(name) for name in SECRETS]
    for value in values:
        for secret in [value] if isinstance(value, str) else value or ():
            text = text.replace(secret, HIDDEN) if secret else text
    return text


def advice(url: URL, cause: str) -> str:
    """What to do about a database that cannot be opened."""
    if is_sqlite(url):
        return cause
    # The server's own words begin so, in most languages; libpq's tell that nobody answered.
    answered = "FATAL" in cause
    what = (
        "the server answers, but does not let you in: check user, password and database name; a "
        "password is best kept in ~/.pgpass"
        if answered
        else "no server answers there: start it, or correct host and port"
    )
    return f"{' '.join(cause.split())} ({what}, in --database or TENPRINT_DATABASE)"
