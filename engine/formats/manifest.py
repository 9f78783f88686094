"""Lists the prints to work on: from a CSV file of people, or from the names of image files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError, ManifestError
from engine.formats.records import read_records
from engine.formats.table import read_table
from engine.types import FingerPosition

__all__ = ["EXTENSIONS", "PrintRow", "find_prints", "read_people", "read_records"]

EXTENSIONS = frozenset(
    {".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".jp2", ".j2k", ".wsq"}
    | {".pgm", ".pbm", ".ppm", ".pnm"}
)
_REQUIRED = ("person", "image")
_OPTIONAL = ("position", "ppi", "encounter")
_ADVICE = f"a list of people has {', '.join(_REQUIRED)} and may have {', '.join(_OPTIONAL)}"


@dataclass(frozen=True, slots=True)
class PrintRow:
    """One print to read. ppi: None where the file says it. encounter: "" where there is none."""

    person: str
    position: FingerPosition
    path: Path
    ppi: float | None = None
    encounter: str = ""


def read_people(path: Path) -> tuple[list[PrintRow], list[InputError]]:
    """The prints that the CSV file `path` lists, and an error for each row that is not usable.

    Columns: `person`, `image` (relative to the folder of the CSV file), and optionally `position`
    (0..10, or a name such as "right index"), `ppi` and `encounter`.
    Raises ManifestError when the file cannot be read, or has another column.
    """
    used: set[Path] = set()

    def parse(fields: dict[str, str]) -> PrintRow:
        image = path.parent / fields["image"]
        row = PrintRow(
            person=fields["person"],
            position=parse_position(fields["position"]),
            path=image,
            ppi=_parse_ppi(fields["ppi"]),
            encounter=fields["encounter"],
        )
        same = Path(os.path.realpath(image))
        if same in used:
            raise ValueError(f"image {fields['image']} is listed twice")
        used.add(same)
        return row

    return read_table(path, _REQUIRED, _OPTIONAL, parse, _ADVICE)


def find_prints(paths: Iterable[Path]) -> tuple[list[PrintRow], list[InputError]]:
    """The prints among files and folders (with all their folders), in the order of their names, and
    an error for each path that does not exist, cannot be read, or is a folder without a print.

    File names follow `<finger>_<impression>.<extension>`: the part before the last `_` is the
    person, each finger being a person of its own until a list of people says otherwise, and the
    part after it the encounter; a name without `_` is a person with one print. In a folder inside
    the one that is named, the person begins with the name of that folder and a point, because
    collections number their fingers alike.
    A file that is named is taken whatever its extension, in a folder those of EXTENSIONS are.
    """
    found: dict[Path, PrintRow] = {}
    errors: list[InputError] = []
    for path in paths:
        try:
            for file in _files(path):
                inside = file.relative_to(path).parts[:-1]
                found.setdefault(Path(os.path.realpath(file)), _row(file, inside))
        except ManifestError as error:
            errors.append(error)
    return list(found.values()), errors


def parse_position(text: str) -> FingerPosition:
    """The position of a number 0..10 or of a name; "" is unknown. Raises ValueError."""
    name = re.sub(r"[\s_-]+", "_", text).upper()
    if not name:
        return FingerPosition.UNKNOWN
    if re.fullmatch(r"[0-9]|10", name):
        return FingerPosition(int(name))
    if name not in FingerPosition.__members__:
        raise ValueError(f'position {text!r} is neither 0 to 10 nor a name such as "right index"')
    return FingerPosition[name]


def _parse_ppi(text: str) -> float | None:
    if text and not re.fullmatch(r"[0-9]{2,4}(\.[0-9]+)?", text):
        raise ValueError(f"ppi {text!r} is not a resolution such as 500")
    return float(text) if text else None


def _files(path: Path) -> Iterator[Path]:
    try:
        if path.is_file():
            yield path
            return
        if not path.is_dir():
            raise ManifestError(str(path), "there is no such file or folder")
        prints = sorted(_images_in(path))
    except OSError as error:
        name = str(error.filename or path)
        raise ManifestError(name, f"it cannot be read ({error.strerror})") from error
    if not prints:
        raise ManifestError(str(path), f"no image in this folder ({' '.join(sorted(EXTENSIONS))})")
    yield from prints


def _images_in(folder: Path) -> Iterator[Path]:
    """The image files in a folder and all its folders. OSError where one cannot be read: what is
    passed over in silence nobody misses."""

    def refuse(error: OSError) -> None:
        raise error

    for place, _, names in os.walk(folder, onerror=refuse):
        for file in (Path(place, name) for name in names if not name.startswith(".")):
            if file.suffix.lower() in EXTENSIONS and file.is_file():
                yield file


def _row(file: Path, inside: tuple[str, ...]) -> PrintRow:
    finger, _, impression = file.stem.rpartition("_")
    if not finger:
        finger, impression = file.stem, ""
    person = ".".join((*inside, finger))
    return PrintRow(person, FingerPosition.UNKNOWN, file, encounter=impression)
