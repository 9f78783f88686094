"""A saved gallery: one file, or a file and parts beside it that stay as they are.

A large gallery in one file would be written whole for every print that leaves it. With parts, the
main file has the newest prints and says which parts come before; a part is written once, and again
under another name when a print of it is removed. The main file is put in the place of the old one
after its parts are there: who reads it finds them, or finds another main file.
"""

from __future__ import annotations

import glob
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from engine.errors import GalleryError
from engine.index import saving
from engine.index.saving import Array

SAVING = ".saving"  # ends the name of a file that is not whole yet
PART = ".part"  # ends the name of a part
STALE = 3600.0  # seconds: no save takes that long
FORMAT = 4  # of the saved file
ABOUT = "about"
# Both are given the name that the file will have, or has: what is sealed is bound to it.
Seal = Callable[[IO[bytes], str], AbstractContextManager[Any]]
Unseal = Callable[[IO[bytes], str], Any]


class Part(NamedTuple):
    """Neighbouring prints in a file of their own. name: of the file, "" where it has to be written.
    prints: how many."""

    name: str
    prints: int


def write(
    path: Path, about: Mapping[str, Any], arrays: Mapping[str, Array], seal: Seal | None
) -> None:
    """Writes one file, whole or not at all. about: what JSON can say. OSError where that is not
    possible."""
    told = np.frombuffer(json.dumps({"format": FORMAT, **about}).encode(), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f"{path.name}.", suffix=SAVING, delete=False
    ) as file:
        try:
            with seal(file, path.name) if seal else nullcontext(file) as into:
                saving.write(into, {ABOUT: told, **arrays})
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read(
    path: Path,
    unseal: Unseal | None,
    mapped: Collection[str] = (),
    only: Collection[str] | None = None,
) -> tuple[dict[str, Any], dict[str, Array]]:
    """What `write` wrote. mapped, only: as for `saving.read`. FileNotFoundError where there is no
    file, GalleryError where it is damaged or of another version."""
    wanted = None if only is None else {ABOUT, *only}
    try:
        if unseal:
            with path.open("rb") as file:
                arrays = saving.read(unseal(file, path.name), only=wanted)
        else:
            arrays = saving.read(path, mapped, wanted)
        about = json.loads(arrays.pop(ABOUT).tobytes())
        if about["format"] != FORMAT:
            raise GalleryError(f"{path} has format {about['format']}, this reads {FORMAT}")
    except (GalleryError, FileNotFoundError):
        raise
    except Exception as error:  # zipfile and NumPy raise a dozen kinds at a damaged file
        raise damaged(path, error) from error
    return about, arrays


def damaged(path: Path, error: object) -> GalleryError:
    """What to say of a file that is no good."""
    return GalleryError(f"the index {path} cannot be used ({error})")


def name_part(path: Path) -> str:
    """A name for a part of the gallery at `path` that no file had before."""
    return f"{path.name}.{secrets.token_hex(8)}{PART}"


def parts_of(path: Path) -> list[Path]:
    """The parts that lie beside a main file, whether it names them or not."""
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.*{PART}"))


def sweep(path: Path) -> None:
    """Deletes what saves of `path` left behind that were killed: templates lie in it."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.*{SAVING}"):
        if time.time() - left.stat().st_mtime > STALE:
            left.unlink(missing_ok=True)
