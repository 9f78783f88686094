"""Reads a CSV of charges and whichever labels it has."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import InputError

# Names of columns by what they hold, the surest first; compared in lower case.
NAMES: Mapping[str, tuple[str, ...]] = {
    "text": ("charge_name", "charge", "description", "charge_description", "offense_description",
             "text", "offense"),
    "statute": ("statute", "citation", "statute_code"),
    "degree": ("degree_short", "degree", "grade", "charge_degree", "offense_degree"),
    "type": ("offense_type_desc", "offense_type", "broad_type", "type"),
    "category": ("category",),
    "code": ("uccs_code", "uccs"),
    "level": ("level",),
    "jurisdiction": ("jurisdiction", "state", "county"),
    "violent": ("psa_violent_list", "violent"),
}  # fmt: skip


@dataclass(frozen=True)
class Charges:
    """Charges of a file: `columns` says which column was read as what; each list has one entry a
    charge, or is absent from `values`."""

    path: Path
    columns: Mapping[str, str]
    values: Mapping[str, Sequence[str]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.values["text"])

    def get(self, what: str) -> Sequence[str]:
        """The values of a column, blanks where the file has none."""
        return self.values.get(what, [""] * len(self))


def read(path: Path, named: Mapping[str, str | None]) -> Charges:
    """The charges of a CSV; rows with a blank charge are left out.

    named: columns that the caller names, by what they hold. Raises InputError naming the file.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or [])
            rows = [row for row in reader if any(row.values())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"cannot be read as a CSV in UTF-8 ({error})") from error
    columns = find_columns(header, named, path)
    kept = [row for row in rows if (row[columns["text"]] or "").strip()]
    if not kept:
        raise InputError(str(path), f"column {columns['text']!r} has no charge")
    values = {
        what: [(row[column] or "").strip() for row in kept] for what, column in columns.items()
    }
    return Charges(path, columns, values)


def find_columns(
    header: Sequence[str], named: Mapping[str, str | None], path: Path
) -> dict[str, str]:
    """Which column holds what. InputError where one that is named, or the text, is missing."""
    known = {name.strip().lower(): name for name in header}
    columns = {}
    for what, names in NAMES.items():
        wanted = named.get(what)
        if wanted is not None and wanted not in header:
            raise InputError(str(path), f"has no column {wanted!r}; it has {', '.join(header)}")
        found = wanted or next((known[name] for name in names if name in known), None)
        if found:
            columns[what] = found
    if "text" not in columns:
        reason = (
            f"has no column of charges ({', '.join(NAMES['text'])}); name it with --text;"
            f" it has {', '.join(header) or 'no header'}"
        )
        raise InputError(str(path), reason)
    return columns
