"""docs/operations.md: its commands are understood, its files and services exist."""

from __future__ import annotations

import re
import shlex

import pytest

pytest.importorskip("yaml", reason="pyyaml is not installed")

from tests.deploy.test_compose import ROOT, SERVICES, parse

PAGE = (ROOT / "docs/operations.md").read_text()
BLOCKS = "\n".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [line.strip()[2:] for line in BLOCKS.splitlines() if line.strip()]
RUN = "docker compose run --rm "
OURS = [line for line in COMMANDS if line.startswith(("tenprint ", RUN))]


def test_there_are_commands() -> None:
    assert len(OURS) >= 12


@pytest.mark.parametrize("line", OURS)
def test_a_command_is_understood(line: str) -> None:
    words = shlex.split(line.partition(" > ")[0].removeprefix(RUN))
    if line.startswith(RUN):
        assert words[0] in SERVICES
    parse(words[1:])


def test_files_and_services_are_there() -> None:
    for path in re.findall(r"docs/deploy/[\w.-]+\w", PAGE):
        assert list(ROOT.glob(f"{path}*")), path
    for link in re.findall(r"\]\(([\w.]+)[)#]", PAGE):
        assert (ROOT / "docs" / link).is_file(), link
    for words in re.findall(r"docker compose (?:stop|restart|logs|exec -T) ([a-z\d -]+)`", PAGE):
        assert set(words.split()) <= set(SERVICES), words
