"""Addresses of databases: what will do, and that no password is ever told."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from engine.errors import StoreError
from engine.store.address import advice, name_of, place_of, read_address, without_secrets
from engine.store.database import Database
from tests import postgres

SECRET = "s3cret-Words"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_by_psycopg_however_it_is_written(scheme: str) -> None:
    url = read_address(f"{scheme}://user:{SECRET}@host:5433/name")
    assert (url.drivername, url.host, url.port) == ("postgresql+psycopg", "host", 5433)
    assert url.password == SECRET
    assert url.query == {"connect_timeout": "10"}
    assert read_address(f"{scheme}://host/name?connect_timeout=2").query["connect_timeout"] == "2"


@pytest.mark.parametrize(
    "written",
    [
        f"postgresql://user:{SECRET}@host:port/name",
        f"postgresql://user:{SECRET}/@@:host:x/name",
        f"mysql://user:{SECRET}@host/name",
        f"postgresql+asyncpg://user:{SECRET}@host/name",
        SECRET,
        "",
    ],
)
def test_what_is_no_such_address_is_refused_without_its_words(written: str) -> None:
    with pytest.raises(StoreError, match="postgresql://USER@HOST:PORT/NAME") as raised:
        read_address(written)
    error: BaseException | None = raised.value
    assert SECRET not in str(error)
    assert error is not None
    assert error.__suppress_context__ or error.__context__ is None


def test_a_name_shows_where_it_is_and_no_secret() -> None:
    url = read_address(f"postgresql://user:{SECRET}@host/name?sslpassword={SECRET}&sslmode=require")
    assert name_of(url) == "postgresql://user:***@host/name?sslmode=require"
    url = read_address(f"postgresql:///name?host=/run/pg&user=u&password={SECRET}")
    assert SECRET not in name_of(url)
    assert "host=%2Frun%2Fpg" in name_of(url)
    assert without_secrets(f"user=u password={SECRET} failed", url) == "user=u password=*** failed"
    assert name_of(read_address(Path("/data/tenprint.sqlite"))) == "/data/tenprint.sqlite"


def test_a_place_is_the_same_for_whoever_asks() -> None:
    one, other = "postgresql://a:x@host/name?sslmode=require", "postgresql+psycopg://b@host/name"
    assert place_of(read_address(one)) == place_of(read_address(other))
    places = {place_of(read_address(f"postgresql://{end}")) for end in ("h/a", "h/b", "h:1/a")}
    assert len(places) == 3


def test_a_server_that_does_not_answer_is_told_with_what_to_do() -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(StoreError, match=r"no server answers there.*TENPRINT_DATABASE") as raised:
        Database(f"postgresql://user:{SECRET}@127.0.0.1:{port}/name")
    shown = f"{raised.value} {raised.value.__cause__}"
    assert SECRET not in shown
    assert f"user:***@127.0.0.1:{port}/name" in shown


def test_a_server_that_refuses_is_told_with_what_to_do() -> None:
    url = make_url("postgresql+psycopg://user@host/name")
    assert "check user, password and database name" in advice(url, "FATAL:  password\nfailed")
    assert "FATAL: password failed (" in advice(url, "FATAL:  password\nfailed")


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'tenprint\[postgres\]'"):
        Database("postgresql://user@host/name")


def test_a_wrong_password_or_database_is_told_without_the_password(
    server: postgres.Server,
) -> None:
    url = make_url(server.url)
    with pytest.raises(StoreError, match="check user, password and database name"):
        Database(url.set(database="no_such_database").render_as_string(hide_password=False))
    wrong = url.set(username="nobody_of_ours", password=SECRET)
    with pytest.raises(StoreError, match="check user, password and database name") as raised:
        Database(wrong.render_as_string(hide_password=False))
    assert SECRET not in str(raised.value)


def test_no_plan_is_kept_from_when_a_table_was_empty(server: postgres.Server) -> None:
    url = server.create()
    database = Database(url)
    with database.read() as connection:
        for _ in range(12):
            connection.execute(text("SELECT count(*) FROM templates WHERE id = :id"), {"id": 1})
        kept = connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar()
    assert kept == 0
    database.close()
    server.drop(url)


def test_a_connection_that_the_server_ended_is_made_again(server: postgres.Server) -> None:
    url = server.create()
    database = Database(url)
    with database.read() as connection:
        connection.execute(text("SELECT 1"))
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as other:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        assert other.execute(text(ended), {"name": make_url(url).database}).scalar()
    engine.dispose()
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    database.close()
    server.drop(url)
