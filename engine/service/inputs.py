"""What is to be enrolled or searched: rows from folders and tables, probes from rows, files."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.errors import ImageError, InputError, ManifestError
from engine.formats import manifest, records
from engine.formats.manifest import PrintRow
from engine.service.results import Probe, Rejected
from engine.service.workers import Job
from engine.settings import ImageLimits
from engine.store.schema import REFERENCE_LENGTH
from engine.types import FingerPosition, OffenseRecord

BREAKS = ("Cc", "Zl", "Zp")  # Unicode categories: control characters, line and paragraph breaks


def read_prints(paths: Sequence[Path], table: Path | None) -> tuple[list[PrintRow], list[Rejected]]:
    """The prints to work on, and the paths and rows of the table that were refused.

    Without a table: the images in files and folders, named after their files. With one: what it
    lists, and where paths are given only what lies at or under them.
    ManifestError where the table cannot be read, or nothing is left to do.
    """
    found, errors = manifest.find_prints(paths)
    if table is None:
        return found, rejected(errors)
    rows, faults = manifest.read_people(table)
    errors += faults
    if paths:
        within = {row.path.resolve() for row in found}
        rows = [row for row in rows if row.path.resolve() in within]
    if not rows and not errors:
        where = f" at or under {', '.join(map(legible, paths))}" if paths else ""
        raise ManifestError(str(table), f"it lists no image{where}")
    return rows, rejected(errors)


def read_records(table: Path) -> tuple[list[tuple[str, OffenseRecord]], list[Rejected]]:
    """(person, record) of every good row of a CSV of offense records, and the rows refused."""
    found, errors = manifest.read_records(table)
    return found, rejected(errors)


def one_record(fields: Mapping[str, str]) -> OffenseRecord:
    """A record that nobody has filed. ValueError where a field will not do."""
    return records.parse_record("", {name: text.strip() for name, text in fields.items()})


def read_fields(pairs: Sequence[str]) -> dict[str, Any]:
    """New values of a record's fields from texts "field=value". ValueError for what is none."""
    found = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"{pair!r} is not FIELD=VALUE")
        if name in found:
            raise ValueError(f"{name} is given twice")
        if name == "record_id":
            raise ValueError("the id of a record stays; it is what its history hangs on")
        found[name] = records.parse_field(name, text.strip())
    return found


def group_probes(rows: Iterable[PrintRow]) -> list[Probe]:
    """One probe for each person named in the rows, in their order."""
    groups: dict[str, list[PrintRow]] = {}
    for row in rows:
        groups.setdefault(row.person, []).append(row)
    return [Probe(name, tuple(prints)) for name, prints in groups.items()]


def one_probe(images: Sequence[Path], positions: str, ppi: float | None) -> Probe:
    """The images as fingers of one person, named after the first.

    positions: "" or one a finger, comma separated, as a number 0..10 or a name such as "right
    index". ValueError where they are not as many as the images, or not positions.
    """
    if positions:
        parsed = [manifest.parse_position(text) for text in positions.split(",")]
    else:
        parsed = [FingerPosition.UNKNOWN] * len(images)
    if len(parsed) != len(images):
        raise ValueError(f"{len(parsed)} positions for {len(images)} images: give one for each")
    name = legible(images[0].stem)
    rows = [PrintRow(name, place, path, ppi) for place, path in zip(parsed, images, strict=True)]
    return Probe(name, tuple(rows))


def one_print(image: Path, ppi: float | None) -> PrintRow:
    """An image that nobody has named."""
    return PrintRow(image.stem, FingerPosition.UNKNOWN, image, ppi)


def legible(path: Path | str) -> str:
    """The path as text that can be stored and shown: bytes that are no UTF-8 are written out."""
    return str(path).encode(errors="backslashreplace").decode()


def rejected(errors: Iterable[InputError]) -> list[Rejected]:
    """Errors as plain data."""
    return [Rejected(error.source, error.reason) for error in errors]


def load(row: PrintRow, limits: ImageLimits, number: int = 0) -> Job:
    """The file of a row, read once: what is hashed is what is extracted and stored.

    number: its place in the batch. InputError where the file cannot be read or a name cannot be
    kept; what the file holds is not looked at yet.
    """
    source = legible(row.path)
    if source != str(row.path):
        raise InputError(source, "its name is not UTF-8 text: rename it")
    for name, value in (("person", row.person), ("encounter", row.encounter)):
        if len(value) > REFERENCE_LENGTH:
            raise InputError(source, f"the {name} is longer than {REFERENCE_LENGTH} characters")
        if any(unicodedata.category(letter) in BREAKS for letter in value):
            raise InputError(source, f"the {name} holds a line break or a control character")
    try:
        if not row.path.is_file():
            raise ImageError(source, "there is no such file")
        with row.path.open("rb") as file:
            data = file.read(limits.max_file_bytes + 1)  # one more: read_image refuses it
    except OSError as error:
        raise ImageError(source, f"the file cannot be read ({error.strerror})") from error
    return Job(number, row, data, hashlib.sha256(data).hexdigest())
