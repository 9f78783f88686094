"""Who may import whom: the map of the design, held over every file of engine/ and kernels/."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "engine").rglob("*.py")) + sorted((ROOT / "kernels").rglob("*.py"))

BASE = {"types", "errors", "trace", "stages", "settings", "networks"}
STAGES = {"formats", "preprocess", "minutiae", "embedding", "index", "matching", "risk"}

# Part of engine/ -> the parts it may import, beside itself.
MAY: dict[str, set[str]] = {
    **dict.fromkeys(BASE, BASE),
    **{stage: BASE | {"kernels"} for stage in STAGES},
    "synthesis": BASE | {"kernels"},
    "report": BASE,
    "search": BASE | {"index", "matching", "kernels"},
    "pipeline": BASE | (STAGES - {"risk"}) | {"search", "kernels"},  # severity has no way in
    "trials": BASE | {"index", "matching", "pipeline"},
    "store": BASE,
    "migrations": {"store"},
    "service": BASE | {"formats", "index", "risk", "pipeline", "trials", "store", "report"},
    "web": BASE | {"service", "report"},
    "cli": BASE | {"service", "synthesis", "report", "web"},
    "__main__": {"cli"},
    "__init__": set(),
    "kernels": set(),
}


def part_of(file: Path) -> str:
    """The part that a file belongs to: its folder in engine/, its name there, or kernels."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "engine" else parts[0]


def imported(source: str, package: tuple[str, ...]) -> set[str]:
    """The parts of the project that a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(filter(None, (above, node.module)))
            # `from engine import pipeline` names the part in the alias.
            names |= {f"{module}.{alias.name}" for alias in node.names}
    split = [name.split(".") for name in names]
    return {name[1] if name[0] == "engine" else name[0] for name in split if name[0] in OWN}


OWN = {"engine", "kernels"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_follow_the_map(file: Path) -> None:
    part = part_of(file)
    assert part in MAY, f"{file} is on no map: add it to the design and to MAY"
    found = imported(file.read_text(), file.relative_to(ROOT).parts[:-1])
    assert found <= MAY[part] | {part}


def test_the_map_names_nothing_that_is_not_there() -> None:
    assert set(MAY) - {part_of(file) for file in FILES} == set()


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("import engine.pipeline", {"pipeline"}),
        ("from engine.matching.fusion import fuse", {"matching"}),
        ("from engine import types, cli", {"types", "cli"}),
        ("def f():\n    import kernels.hamming", {"kernels"}),
        ("from ..risk import queue", {"risk"}),
        ("from . import x", {"store"}),
        ("import numpy as np\nfrom sqlalchemy import select", set()),
    ],
)
def test_every_form_of_import_is_seen(source: str, parts: set[str]) -> None:
    assert imported(source, ("engine", "store")) == parts


def test_only_the_backend_imports_cupy() -> None:
    users = {file.name for file in FILES if any("cupy" in line for line in _import_lines(file))}
    assert users <= {"backend.py"}


def _import_lines(file: Path) -> list[str]:
    return [
        line
        for line in file.read_text().splitlines()
        if line.lstrip().startswith(("import ", "from "))
    ]
