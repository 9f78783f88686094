"""A gallery as matching reads it: packed minutiae, ridge cells, embeddings, whose print is which.

Derived from the database and worth nothing by itself: it can be saved and loaded to start fast,
carries the number of the last change it has read, and is made again when a file is no good.
"""

from __future__ import annotations

import glob
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np

from engine.errors import GalleryError, MakerMismatchError, SettingsError
from engine.index import saving
from engine.index.growing import Growing, Runs
from engine.index.lists import Lists
from engine.index.packing import pack_cells, pack_minutiae
from engine.index.shortlist import Vectors
from engine.settings import ListsSettings
from engine.types import CODE_WORDS, F32, I64, U8, Maker, Template
from kernels import backend, ridges
from kernels.blocks import Blocks
from kernels.packed import Packed, move, take
from kernels.ridges import Cells

SAVING = ".saving"  # ends the name of a file that is not whole yet
STALE = 3600.0  # seconds: no save takes that long
FORMAT = 3  # of the saved file
BIG = ("codes", "x", "y", "angle", "cells")  # columns: nearly all of it
Seal = Callable[[IO[bytes]], AbstractContextManager[Any]]
Unseal = Callable[[IO[bytes]], Any]


# What is kept of each print beside its minutiae and ridge cells; owner: index into the persons,
# width, left and top: of its cells.
PRINT = {
    "ids": np.int64,
    "owner": np.int64,
    "position": np.uint8,
    "quality": np.uint8,
    "width": np.int16,
    "left": np.int16,
    "top": np.int16,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One enrolled print. template_id: of the database, unique in a gallery."""

    template_id: int
    person: str
    template: Template


class Gallery:
    """The prints of one named gallery, in memory.

    Searches may run while nothing changes; changes need a lock around them and the searches.
    sequence: number of the last change of the database that is in here. stamp: what that change
    was, in words of whoever reads the database, to tell this database from others.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.sequence = 0
        self.stamp = ""
        self.maker: Maker | None = None
        codes = Growing(np.uint64, rows=CODE_WORDS)
        self._minutiae = Runs(codes, Growing(np.int16), Growing(np.int16), Growing(np.uint8))
        self._cells = Runs(Growing(np.uint16))
        self._prints = {name: Growing(dtype) for name, dtype in PRINT.items()}
        self._vectors = Vectors()
        self._persons: list[str] = []
        self._number: dict[str, int] = {}
        self._blocks: Blocks | None = None
        self._making_blocks = threading.Lock()
        self._lists: Lists | None = None
        self._filing = threading.Lock()
        self._by_owner: I64 | None = None
        self._ordering = threading.Lock()

    def __len__(self) -> int:
        return len(self._prints["ids"])

    @property
    def person_count(self) -> int:
        """How many persons have a print here."""
        return len(self._persons)

    @property
    def persons(self) -> tuple[str, ...]:
        """The persons with at least one print here, in the order of their first enrolment."""
        return tuple(self._persons)

    @property
    def minutiae(self) -> Packed:
        """All prints, in the order of `template_ids`: views, good until the next change."""
        columns = (*self._minutiae.columns, self._minutiae.start)
        return Packed(*(column.view() for column in columns))

    @property
    def cells(self) -> Cells:
        """The ridge cells of all prints, likewise; drawn prints have none."""
        placed = (self._prints[name] for name in ("width", "left", "top"))
        columns = (*self._cells.columns, self._cells.start, *placed)
        return Cells(*(column.view() for column in columns))

    def blocks_on(self, device: str) -> Blocks | None:
        """All prints on every GPU, to go through them whole, until the next change; None where
        `device`, "auto", "cpu" or "gpu", means the CPU. SettingsError for "gpu" without a GPU."""
        if _resolve(device) is np:
            return None
        with self._making_blocks:
            if self._blocks is None:
                self._blocks = Blocks(self.minutiae, backend.devices())
            return self._blocks

    def on_cpu(self, device: str) -> bool:
        """Whether `device`, as in `blocks_on`, means the CPU; SettingsError likewise."""
        return _resolve(device) is np

    def file(self, settings: ListsSettings) -> Lists:
        """The lists of all minutiae: made by the first search that needs them, which others wait
        for, and brought up to date after prints were added."""
        with self._filing:
            if self._lists is None or self._lists.settings != settings:
                self._lists = Lists(settings)
            self._lists.file(self.minutiae)
            return self._lists

    def prints_on(self, device: str, which: I64) -> tuple[Packed, Cells, I64]:
        """The prints `which`, int64 (B,), where a device can compare them, and their numbers there:
        on the CPU all prints as they lie, on a GPU a copy of these."""
        xp = _resolve(device)
        if xp is np:
            return self.minutiae, self.cells, which
        some = move(take(self.minutiae, which), xp), ridges.move(ridges.take(self.cells, which), xp)
        return *some, np.arange(len(which))

    @property
    def template_ids(self) -> I64:
        """int64 (N,): the database's number of each print."""
        return self._prints["ids"].view()

    @property
    def owner(self) -> I64:
        """int64 (N,): whose print each is, as a number for `person`."""
        return self._prints["owner"].view()

    @property
    def position(self) -> U8:
        """uint8 (N,): the finger position of each print, 0 unknown."""
        return self._prints["position"].view()

    @property
    def quality(self) -> U8:
        """uint8 (N,): the quality of each print, 0..100."""
        return self._prints["quality"].view()

    def person(self, number: int) -> str:
        """The person of that number in `owner`."""
        return self._persons[number]

    def prints_of(self, numbers: I64) -> I64:
        """All prints of the persons of these numbers: int64 indices, in order."""
        order, numbers = self._order(), np.unique(numbers)
        first, end = (
            np.searchsorted(self.owner, numbers, side, sorter=order if len(order) else None)
            for side in ("left", "right")
        )
        count = end - first
        found = np.repeat(end - np.cumsum(count), count) + np.arange(count.sum())
        return np.sort(order[found]) if len(order) else found

    def _order(self) -> I64:
        """The prints person by person: int64 (N,), none where they lie so anyway. To look at every
        print in every search would take longer than all else that is done with a few persons."""
        with self._ordering:
            if self._by_owner is None:
                anyway = bool((self.owner[1:] >= self.owner[:-1]).all())
                self._by_owner = np.argsort(self.owner[:0] if anyway else self.owner, kind="stable")
            return self._by_owner

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays in memory, mapped ones included; lists of minutiae apart."""
        return sum(column.nbytes for column in self._columns().values()) + self._vectors.nbytes

    def nearest(self, embedding: F32, count: int) -> I64:
        """The `count` prints whose embeddings are most like `embedding` (float32, unit length):
        int64 indices; all of them where there are no more than that."""
        return self._vectors.nearest(embedding, count)

    def sharing(
        self, probe: Packed, count: int, margins: F32 | None, settings: ListsSettings
    ) -> I64:
        """The `count` prints that share most minutiae with the probe: int64 indices, ascending.
        probe, margins: as for `Lists.find`."""
        return self.file(settings).find(probe, self.minutiae, count, margins).prints

    def add(self, entries: Sequence[Entry]) -> None:
        """Adds prints. MakerMismatchError where one was made by another maker; then none is in."""
        if not entries:
            return
        expected = self.maker or entries[0].template.maker
        for entry in entries:
            if entry.template.maker != expected:
                raise MakerMismatchError(
                    f"gallery {self.name} holds templates of {expected}, template "
                    f"{entry.template_id} is of {entry.template.maker}: enrol its image again with "
                    f"the extractor '{expected.extractor}', or use another gallery"
                )
        packed = pack_minutiae([entry.template.minutiae for entry in entries])
        codes = np.concatenate([entry.template.codes for entry in entries])
        cells = pack_cells(*(entry.template for entry in entries))
        vectors = np.stack([entry.template.embedding for entry in entries])
        prints = {
            "ids": [entry.template_id for entry in entries],
            "owner": [self._owner_number(entry.person) for entry in entries],
            "position": [entry.template.position for entry in entries],
            "quality": [entry.template.quality for entry in entries],
            "width": cells.width,
            "left": cells.left,
            "top": cells.top,
        }
        self._forget_copies()
        self._minutiae.append(packed.start, codes.T, packed.x, packed.y, packed.angle)
        self._cells.append(cells.start, cells.values)
        for name, dtype in PRINT.items():
            self._prints[name].append(np.asarray(prints[name], dtype))
        self._vectors.add(vectors)
        self.maker = expected

    def remove(self, template_ids: Sequence[int]) -> None:
        """Takes prints out for good: nothing of them stays in memory or in what is saved.
        Unknown numbers are passed over."""
        gone = np.isin(self.template_ids, np.asarray(template_ids, np.int64))
        if not gone.any():
            return
        self._forget_copies()
        if self._lists is not None:
            self._lists.keep(~gone, self.minutiae.start)  # by where minutiae are until now
        for part in self._parts():
            part.keep(~gone)
        self._vectors.remove(np.flatnonzero(gone))
        if not len(self):
            self.maker = None
        self._forget_absent()

    def save(self, path: Path, seal: Seal | None = None) -> None:
        """Writes one file, whole or not at all. GalleryError where that is not possible.

        seal: gives what to write into instead of the file, to encrypt it.
        """
        about = {
            "format": FORMAT,
            "name": self.name,
            "sequence": self.sequence,
            "stamp": self.stamp,
            "maker": asdict(self.maker) if self.maker else None,
            "persons": self._persons,
        }
        arrays = {name: column.view() for name, column in self._columns().items()}
        arrays["vectors"] = self._vectors.to_bytes()
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(path)
            with tempfile.NamedTemporaryFile(
                dir=path.parent, prefix=f"{path.name}.", suffix=SAVING, delete=False
            ) as file:
                try:
                    with seal(file) if seal else nullcontext(file) as into:
                        saving.write(into, arrays)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise GalleryError(
                f"cannot save the index of {self.name} to {path}: {error}"
            ) from error

    @classmethod
    def load(cls, path: Path, *, mapped: bool = False, unseal: Unseal | None = None) -> Gallery:
        """Reads what `save` wrote; every array is checked against its CRC-32.

        mapped: minutiae and ridge cells stay in the file, and what a search touches is read then,
        unchecked: for a gallery larger than memory. The first change copies them into memory, and
        until then the file must not be written to (`save` puts another in its place).
        unseal: gives what to read instead of the file, where it was sealed; then nothing is mapped.
        GalleryError where the file is missing, damaged or of another version.
        """
        try:
            if unseal:
                with path.open("rb") as file:
                    arrays = saving.read(unseal(file))
            else:
                arrays = saving.read(path, BIG if mapped else ())
            about = json.loads(arrays.pop("about").tobytes())
            if about["format"] != FORMAT:
                raise GalleryError(f"{path} has format {about['format']}, this reads {FORMAT}")
            gallery = cls(about["name"])
            gallery.sequence = int(about["sequence"])
            gallery.stamp = str(about["stamp"])
            gallery.maker = Maker(**about["maker"]) if about["maker"] else None
            gallery._persons = list(about["persons"])
            gallery._number = {person: i for i, person in enumerate(gallery._persons)}
            gallery._vectors = Vectors.from_bytes(arrays.pop("vectors"))
            for name, column in gallery._columns().items():
                column.adopt(arrays.pop(name))
            gallery._check()
        except GalleryError:
            raise
        except Exception as error:  # zipfile and NumPy raise a dozen kinds at a damaged file
            raise GalleryError(f"the index {path} cannot be used ({error})") from error
        return gallery

    def _check(self) -> None:
        count, width = self._cells.count, self._prints["width"].view()
        fits = (
            self._minutiae.fit()
            and self._cells.fit()
            and all(len(part) == len(self) for part in (*self._parts(), self._vectors))
            and bool((self.owner < len(self._persons)).all())
            and bool(((count > 0) == (width > 0)).all())
            and not (count % np.maximum(width, 1)).any()
        )
        if not fits:
            raise ValueError("its parts do not fit together")

    def _parts(self) -> tuple[Growing | Runs, ...]:
        return self._minutiae, self._cells, *self._prints.values()

    def _columns(self) -> dict[str, Growing]:
        return {
            **dict(zip(("codes", "x", "y", "angle"), self._minutiae.columns, strict=True)),
            "start": self._minutiae.start,
            "cells": self._cells.columns[0],
            "cell_start": self._cells.start,
            **self._prints,
        }

    def _forget_copies(self) -> None:
        self._blocks = None
        self._by_owner = None

    def _owner_number(self, person: str) -> int:
        number = self._number.setdefault(person, len(self._persons))
        if number == len(self._persons):
            self._persons.append(person)
        return number

    def _forget_absent(self) -> None:
        """Drops persons without a print: nobody stays by name only."""
        present, owner = np.unique(self.owner, return_inverse=True)
        self._persons = [self._persons[i] for i in present]
        self._number = {person: i for i, person in enumerate(self._persons)}
        self._prints["owner"].adopt(owner.astype(np.int64))


def _resolve(device: str) -> ModuleType:
    try:
        return backend.resolve(device)
    except RuntimeError as error:
        raise SettingsError(str(error)) from error


def _sweep(path: Path) -> None:
    """Deletes what saves of `path` left behind that were killed: templates lie in it."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.*{SAVING}"):
        if time.time() - left.stat().st_mtime > STALE:
            left.unlink(missing_ok=True)
