"""`tenprint keys` and where data lies: which database, which keys, and what is said of either."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from engine.cli.app import app
from engine.cli.exits import Exit
from engine.formats.manifest import PrintRow
from engine.store.database import Database
from engine.store.sealing import Vault
from tests.prints_at_no_cost import Row

Run = Callable[..., Result]
SECRET = "s3cret-Words"


@pytest.fixture
def run(tmp_path: Path, free_extraction: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs `tenprint` with its words, on an empty home."""
    monkeypatch.setenv("TENPRINT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")

    def call(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


def enrol(run: Run, *rows: PrintRow) -> None:
    for row in rows:
        assert run("enrol", row.path).exit_code == Exit.DONE


def test_keys_are_made_used_rotated_and_shown(run: Run, file: Path, make_row: Row) -> None:
    enrol(run, make_row("P1", 1))
    assert "none: nothing that is new is sealed" in run("keys", "status").stdout
    made = run("keys", "new", file)
    assert made.exit_code == Exit.DONE
    assert "Keep a copy of the file" in made.stderr
    status = run("--keys", file, "keys", "status", "--json")
    document = answer(status)
    (first,) = document["keys"]
    assert f"key {first} is the first in" in made.stdout
    assert document["held"] == [
        {"what": "templates", "key": None, "count": 1},
        {"what": "images", "key": None, "count": 1},
    ]
    rotated = answer(run("keys", "rotate", "--keys", file, "--json"))
    assert (rotated["key"], rotated["sealed"], rotated["damaged"]) == (first, 2, [])
    second = answer(run("keys", "new", file, "--json"))["key"]
    again = run("keys", "rotate", "--keys", file)
    assert f"2 values sealed with key {second}" in again.stdout
    assert f"no longer used here, but perhaps by backups: key {first} in" in again.stdout
    shown = run("keys", "status", "--keys", file).stdout
    assert f"{second}, seals what is new" in shown
    assert f"templates  1 sealed with {second}" in shown
    for text in (made.stdout, made.stderr, shown, again.stdout):
        for line in file.read_text().splitlines()[2:]:
            assert line.split()[1] not in text


def test_without_its_keys_a_sealed_database_is_refused(
    run: Run, file: Path, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "new", file)
    monkeypatch.setenv("TENPRINT_KEYS", str(file))
    enrol(run, make_row("P1", 1))
    monkeypatch.delenv("TENPRINT_KEYS")
    refused = run("enrol", make_row("P2", 2).path)
    assert refused.exit_code == Exit.FAILED
    assert "name the file of keys with --keys or TENPRINT_KEYS" in refused.stderr
    assert run("gallery", "list", "--keys", file).exit_code == Exit.DONE
    file.chmod(0o644)
    assert "chmod 600" in run("gallery", "list", "--keys", file).stderr


def test_nothing_is_rotated_without_keys(run: Run) -> None:
    refused = run("keys", "rotate")
    assert refused.exit_code == Exit.FAILED
    assert "tenprint keys new FILE" in refused.stderr


def test_damaged_rows_are_named(run: Run, file: Path, tmp_path: Path, make_row: Row) -> None:
    run("keys", "new", file)
    row = make_row("P1", 1)
    assert run("--keys", file, "enrol", row.path).exit_code == Exit.DONE
    database = Database(tmp_path / "home" / "tenprint.sqlite", Vault(file))
    with database.write() as writer:
        writer.exec_driver_sql("UPDATE images SET data = zeroblob(80)")
    database.close()
    run("keys", "new", file)
    rotated = run("--keys", file, "keys", "rotate")
    assert rotated.exit_code == Exit.SOME_REJECTED
    assert "damaged  images/1: " in rotated.stderr


@pytest.mark.parametrize("before", [True, False])
def test_a_database_is_named_before_or_after_the_verb(
    run: Run, target: Path | str, tmp_path: Path, make_row: Row, before: bool
) -> None:
    url = target if isinstance(target, str) else f"sqlite:///{target}"
    row = make_row("P1", 1)
    words = ("--database", url, "enrol", row.path) if before else ("enrol", row.path)
    after = () if before else ("--database", url)
    assert run(*words, *after).exit_code == Exit.DONE
    listed = answer(run("gallery", "list", "--json", "--database", url))
    assert [item["name"] for item in listed["galleries"]] == ["default"]
    assert not (tmp_path / "home" / "tenprint.sqlite").exists()
    assert answer(run("gallery", "list", "--json"))["galleries"] == []


def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://user:{SECRET}@127.0.0.1:1/name"
    refused = run("gallery", "list", "--database", url, "--json")
    assert refused.exit_code == Exit.FAILED
    assert answer(refused)["error"]["kind"] == "StoreError"
    assert "user:***@127.0.0.1:1/name" in refused.stderr
    monkeypatch.setenv("TENPRINT_DATABASE", url)
    by_variable = run("gallery", "list")
    assert "start it, or correct host and port" in by_variable.stderr
    for result in (refused, by_variable):
        assert SECRET not in result.output
