"""The examples in docs/formats.md are read without a complaint."""

from __future__ import annotations

import re
from pathlib import Path

from engine.formats.manifest import read_people, read_records
from engine.formats.records import COLUMNS
from engine.formats.template import MAX_BYTES

DOCS = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def example(name: str, folder: Path) -> Path:
    found = re.search(rf"```csv {name}\n(.*?)```", DOCS, re.DOTALL)
    assert found is not None
    path = folder / f"{name}.csv"
    path.write_text(found[1], encoding="utf-8")
    return path


def test_the_examples_are_valid(tmp_path: Path) -> None:
    people, bad_people = read_people(example("people", tmp_path))
    records, bad_records = read_records(example("records", tmp_path))
    assert bad_people == bad_records == []
    assert (len(people), len(records)) == (3, 2)
    assert {person for person, _ in records} <= {row.person for row in people}


def test_every_column_and_the_size_are_told() -> None:
    assert all(f"| `{column}` |" in DOCS for column in COLUMNS)
    assert f"{MAX_BYTES:,} bytes" in DOCS
