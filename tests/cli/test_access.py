"""`tenprint access`: who is locked and who is signed in, and an end to either."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.app import app
from engine.cli.exits import Exit
from engine.service.tenprint import Tenprint

Run = Callable[..., Result]
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs `tenprint access`; booking is locked from two addresses, kiosk failed
    once, and two people are signed in, one of them twice."""
    monkeypatch.setenv("TENPRINT_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "160")
    with Tenprint(home) as tenprint:
        for client in (HERE, THERE):
            for _ in range(5):
                tenprint.access.fail(client, "booking")
        tenprint.access.fail(HERE, "kiosk")
        for who in ("e.ashby", "e.ashby", "chief"):
            tenprint.access.sign_in(who, ["tenprint.examine"], HERE)

    def call(*words: str) -> Result:
        return CliRunner().invoke(app, ["access", *words])

    return call


def locked(run: Run) -> set[tuple[str, str]]:
    document = json.loads(run("show", "--json").stdout)
    return {(each["address"], each["subject"]) for each in document["failing"]
            if each["locked_until"]}  # fmt: skip


def test_all_of_it_is_shown(run: Run) -> None:
    assert locked(run) == {(HERE, "booking"), (THERE, "booking")}
    document = json.loads(run("show", "--json").stdout)
    assert [each["failures"] for each in document["failing"]] == [5, 5, 1]
    assert sorted(each["subject"] for each in document["signed_in"]) == [
        "chief", "e.ashby", "e.ashby"
    ]  # fmt: skip
    shown = run("show").stdout
    for words in ("booking", "kiosk", "not locked", "chief", "tenprint.examine"):
        assert words in shown


@pytest.mark.parametrize(
    ("words", "left", "unlocked"),
    [
        (["booking"], set(), 2),
        (["booking", "--address", HERE], {(THERE, "booking")}, 1),
        (["--address", HERE], {(THERE, "booking")}, 1),
        (["nobody"], {(HERE, "booking"), (THERE, "booking")}, 0),
    ],
)
def test_locks_are_ended(
    run: Run, home: Path, words: list[str], left: set[tuple[str, str]], unlocked: int
) -> None:
    done = run("unlock", *words, "--json")
    assert json.loads(done.stdout)["unlocked"] == unlocked
    assert locked(run) == left
    entries = json.loads(
        CliRunner().invoke(app, ["audit", "show", "--verb", "access", "--json"]).stdout
    )["entries"]
    events = [each for each in entries if each["event"] == "unlocked"]
    assert len(events) == unlocked
    assert all(each["origin"] == "cli" for each in events)


def test_nothing_is_unlocked_without_a_word(run: Run) -> None:
    assert run("unlock").exit_code == 2
    assert len(locked(run)) == 2


def test_sessions_are_ended(run: Run) -> None:
    done = run("sign-out", "e.ashby")
    assert done.exit_code == Exit.DONE
    assert "2 sessions of e.ashby ended" in done.stdout
    document = json.loads(run("show", "--json").stdout)
    assert [each["subject"] for each in document["signed_in"]] == ["chief"]
