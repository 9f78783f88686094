"""compose.yaml as the tests read it: with the variables of an .env put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "compose.yaml"
EXAMPLE = ROOT / "docs/deploy/env.example"
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
Compose = dict[str, Any]


def example() -> dict[str, str]:
    """The variables of the example."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def read(variables: Mapping[str, str]) -> Compose:
    """The file as Compose sees it. LookupError where a variable that it needs is not there."""

    def put(match: re.Match[str]) -> str:
        name, kind, other = match.groups()
        value = variables.get(name, "")
        if not value and kind == "?":
            raise LookupError(f"{name}: {other}")
        return value or (other if kind == "-" else "")

    lines = [line for line in FILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    return dict(yaml.safe_load(VARIABLE.sub(put, "\n".join(lines))))


def asked() -> dict[str, bool]:
    """Every variable that the file names, and whether it must be set."""
    return {name: kind == "?" for name, kind, _ in VARIABLE.findall(FILE.read_text())}
