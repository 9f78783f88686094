"""Reads a CSV file with a closed list of columns: a bad row is reported, the others go on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from engine.errors import InputError, ManifestError

Row = TypeVar("Row")

_DELIMITERS = ",;\t"  # Excel writes semicolons where the comma is the decimal sign


def read_table(
    path: Path,
    required: Collection[str],
    optional: Collection[str],
    parse: Callable[[dict[str, str]], Row],
    advice: str,
) -> tuple[list[Row], list[InputError]]:
    """`parse(fields)` of every row, and an error naming file and line for each row that it refuses.

    fields: all of the required and optional columns, stripped, "" where absent or empty. `parse`
    raises ValueError with the reason. Blank rows are skipped; names of columns are compared without
    case. advice: ends the message when there are other columns than these.
    Raises ManifestError when the file cannot be read or its header is not usable.
    """
    lines = io.StringIO(_read_text(path), newline="")
    delimiter = max(_DELIMITERS, key=lines.readline().count)
    lines.seek(0)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows: list[Row] = []
    errors: list[InputError] = []
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        _check_header(path, header, required, optional, advice)
        empty = dict.fromkeys((*required, *optional), "")
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            try:
                rows.append(parse(empty | _name_fields(header, values, required)))
            except ValueError as error:
                errors.append(ManifestError(f"{path}:{reader.line_num}", str(error)))
    except csv.Error as error:
        raise ManifestError(f"{path}:{reader.line_num}", f"not valid CSV: {error}") from error
    return rows, errors


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(str(path), "not UTF-8 text: save it as CSV UTF-8") from error
    except (OSError, ValueError) as error:
        raise ManifestError(str(path), f"the file cannot be read ({error})") from error


def _check_header(
    path: Path,
    header: list[str],
    required: Collection[str],
    optional: Collection[str],
    advice: str,
) -> None:
    source = f"{path}:1"
    known = (*required, *optional)
    if unknown := [column or "(no name)" for column in header if column not in known]:
        raise ManifestError(source, f"unknown columns: {', '.join(unknown)}; {advice}")
    if missing := [column for column in required if column not in header]:
        raise ManifestError(source, f"missing columns: {', '.join(missing)}")
    if len(set(header)) < len(header):
        raise ManifestError(source, "a column stands twice in the header")


def _name_fields(header: list[str], values: list[str], required: Collection[str]) -> dict[str, str]:
    if len(values) != len(header):
        raise ValueError(f"{len(values)} fields where the header has {len(header)}")
    fields = {column: value.strip() for column, value in zip(header, values, strict=True)}
    if empty := [column for column in required if not fields[column]]:
        raise ValueError(f"empty: {', '.join(empty)}")
    if not all(value.isprintable() for value in fields.values()):
        raise ValueError("a field holds a line break or a control character")
    return fields
