"""Dockerfile: its instructions as data, as far as ours uses them."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. words: what follows its name, with continued lines joined."""

    name: str
    words: str

    @property
    def arguments(self) -> list[str]:
        """The words apart: those of a JSON array, or as a shell would part them."""
        listed = self.words.startswith("[")
        return [str(each) for each in json.loads(self.words)] if listed else shlex.split(self.words)


def read(path: Path) -> list[Instruction]:
    """The instructions in their order; comments are left out."""
    found, pending = [], ""
    for line in path.read_text().splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        pending += text
        if pending.endswith("\\"):
            pending = pending[:-1].rstrip() + " "
            continue
        name, _, words = pending.partition(" ")
        found.append(Instruction(name.upper(), words.strip()))
        pending = ""
    if pending:
        raise ValueError(f"{path}: the last line goes on, and nothing follows")
    return found


def stages(instructions: list[Instruction]) -> list[list[Instruction]]:
    """The instructions of each stage, which FROM begins; those before the first are left out."""
    found: list[list[Instruction]] = []
    for each in instructions:
        if each.name == "FROM":
            found.append([])
        if found:
            found[-1].append(each)
    return found


def last(stage: list[Instruction], name: str) -> Instruction:
    """The last instruction of that name, which is the one that counts. LookupError without one."""
    for each in reversed(stage):
        if each.name == name:
            return each
    raise LookupError(f"the stage has no {name}")


def environment(stage: list[Instruction]) -> dict[str, str]:
    """What ENV sets."""
    pairs = [pair for each in stage if each.name == "ENV" for pair in each.arguments]
    return dict(pair.split("=", 1) for pair in pairs)


def healthcheck(stage: list[Instruction]) -> list[str]:
    """The command of the HEALTHCHECK."""
    words = last(stage, "HEALTHCHECK").words
    return Instruction("CMD", words[words.index("CMD ") + 4 :]).arguments
