"""docs/cli.md and the verbs agree: its examples parse, its options exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from engine.cli.app import app
from engine.cli.exits import Exit

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
GROUPS = ("access", "gallery", "records", "policy", "keys", "audit", "retention")
EXAMPLES = re.findall(r"^tenprint (.*)$", PAGE.replace("\\\n", ""), re.MULTILINE)


def words_of(example: str) -> tuple[list[str], list[str]]:
    """The verb, and its options."""
    words = shlex.split(example)
    verb = words[:2] if words[0] in GROUPS else words[:1]
    return verb, [word for word in words if word.startswith("--")]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_uses_what_there_is(example: str) -> None:
    verb, options = words_of(example)
    shown = CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == Exit.DONE
    for option in options:
        assert option in shown.stdout


def test_every_verb_is_described() -> None:
    command = typer.main.get_command(app)
    for name in command.commands:  # type: ignore[attr-defined]
        assert re.search(rf"^## .*\b{name}\b", PAGE, re.MULTILINE), name


def test_every_exit_code_is_described() -> None:
    described = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert described == {int(code) for code in Exit}
