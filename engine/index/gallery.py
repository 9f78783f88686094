"""A gallery as matching reads it: packed minutiae, ridge cells, embeddings, whose print is which.

Derived from the database and worth nothing by itself: it can be saved and loaded to start fast,
carries the number of the last change it has read, and is made again when a file is no good.
"""

from __future__ import annotations

import threading
from bisect import bisect, insort
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import compress
from pathlib import Path
from types import ModuleType

import numpy as np

from engine.errors import GalleryError, MakerMismatchError, SettingsError
from engine.index import snapshot
from engine.index.growing import Array, Growing, Make, Runs, kept_runs
from engine.index.lists import Lists
from engine.index.packing import pack_cells, pack_minutiae
from engine.index.shortlist import Vectors
from engine.index.snapshot import Part, Seal, Unseal
from engine.settings import ListsSettings
from engine.types import CODE_WORDS, F32, I64, U8, Maker, Template
from kernels import backend, ridges
from kernels.blocks import Blocks
from kernels.packed import Packed, move, take
from kernels.ridges import Cells

BIG = ("codes", "x", "y", "angle", "cells")  # columns: nearly all of it
READERS = 2  # of parts at a time: one is checked while another is put in
AGAIN = 5  # times that a saved gallery is read whose parts another process replaces meanwhile


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

    def __init__(self, name: str, make: Make = np.empty) -> None:
        """make: gives the memory that the prints lie in, of a shape and a dtype."""
        self.name = name
        self.sequence = 0
        self.stamp = ""
        self.maker: Maker | None = None
        codes = Growing(np.uint64, CODE_WORDS, make)
        places = (Growing(kind, make=make) for kind in (np.int16, np.int16, np.uint8))
        self._minutiae = Runs(codes, *places, make=make)
        self._cells = Runs(Growing(np.uint16, make=make), make=make)
        self._prints = {name: Growing(dtype, make=make) for name, dtype in PRINT.items()}
        self._vectors = Vectors()
        self._persons: list[str] = []
        # The number that a person had at first, and those of persons who are gone, ascending: all
        # behind them have moved up by one each.
        self._number: dict[str, int] = {}
        self._dropped: list[int] = []
        self._saved: Path | None = None  # where the parts lie that begin the gallery
        self._saved_parts: list[Part] = []
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

    def is_filed(self, settings: ListsSettings) -> bool:
        """Whether `file` has nothing to do."""
        lists = self._lists
        return (
            lists is not None
            and lists.settings == settings
            and len(lists) == len(self._minutiae.columns[1])
        )

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
        numbers, owners = np.flatnonzero(gone), np.unique(self.owner[gone])
        self._take_from_parts(numbers)
        runs = kept_runs(gone)
        for part in self._parts():
            part.keep(runs)
        self._vectors.remove(numbers)
        if not len(self):
            self.maker = None
        self._forget_absent(owners)

    def save(self, path: Path, seal: Seal | None = None, part: int = 0) -> None:
        """Writes one file, whole or not at all; or, where a number of prints for a `part` is given,
        a file and parts of so many, of which those that are there and good stay as they are.
        GalleryError where that is not possible.

        seal: gives what to write into instead of a file, to encrypt it.
        """
        try:
            snapshot.sweep(path)
            parts = self._save_parts(path, seal, part) if part else []
            first = sum(each.prints for each in parts)
            about = {
                "name": self.name,
                "sequence": self.sequence,
                "stamp": self.stamp,
                "maker": asdict(self.maker) if self.maker else None,
                "parts": parts,
                "room": {name: len(column) for name, column in self._columns().items()},
            }
            persons, arrays = self._cut(first, len(self))
            snapshot.write(path, {**about, "persons": persons}, arrays, seal)
        except OSError as error:
            raise GalleryError(
                f"cannot save the index of {self.name} to {path}: {error}"
            ) from error
        self._saved, self._saved_parts = path, parts
        kept = {each.name for each in parts}
        for old in snapshot.parts_of(path):
            if old.name not in kept:
                old.unlink(missing_ok=True)

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        mapped: bool = False,
        unseal: Unseal | None = None,
        make: Make = np.empty,
    ) -> Gallery:
        """Reads what `save` wrote; every array is checked against its CRC-32.

        mapped: minutiae and ridge cells stay in the file, and what a search touches is read then,
        unchecked: for a gallery larger than memory, saved in one file. The first change copies them
        into memory, and until then the file must not be written to (`save` puts another in its
        place). unseal: gives what to read instead of a file, where it was sealed; then nothing is
        mapped. make: as for a new gallery, where nothing is mapped.
        GalleryError where a file is missing, damaged or of another version.
        """
        for _ in range(AGAIN):
            try:
                return cls._load(path, BIG if mapped else (), unseal, make)
            except FileNotFoundError as error:
                missing = error  # another process may just have put other parts there
        raise snapshot.damaged(path, missing)

    @classmethod
    def saved_ids(cls, path: Path, unseal: Unseal | None = None) -> I64:
        """The template ids of a saved gallery, without the rest of it. Errors as of `load`."""
        try:
            about, arrays = snapshot.read(path, unseal, only=("ids",))
            names = [Part(*part).name for part in about["parts"]]
            parts = [snapshot.read(path.with_name(name), unseal, only=("ids",)) for name in names]
        except FileNotFoundError as error:
            raise snapshot.damaged(path, error) from error
        return np.concatenate([*(each["ids"] for _, each in parts), arrays["ids"]])

    @classmethod
    def _load(cls, path: Path, mapped: Sequence[str], unseal: Unseal | None, make: Make) -> Gallery:
        about, arrays = snapshot.read(path, unseal, mapped)
        try:
            gallery = cls(about["name"], make)
            gallery.sequence = int(about["sequence"])
            gallery.stamp = str(about["stamp"])
            gallery.maker = Maker(**about["maker"]) if about["maker"] else None
            parts = [Part(*part) for part in about["parts"]]
            gallery._saved, gallery._saved_parts = path, parts
            adopted = not parts and make is np.empty
            for name, column in gallery._columns().items():
                if not adopted:
                    column.reserve(about["room"][name])
            with ThreadPoolExecutor(READERS) as pool:
                files = [path.with_name(part.name) for part in parts]
                for told, some in pool.map(partial(snapshot.read, unseal=unseal), files):
                    gallery._put(told["persons"], some)
            gallery._put(about["persons"], arrays, adopted)
            gallery._check()
        except (GalleryError, FileNotFoundError):
            raise
        except Exception as error:
            raise snapshot.damaged(path, error) from error
        return gallery

    def _save_parts(self, path: Path, seal: Seal | None, size: int) -> list[Part]:
        """Writes those parts that are not there as they should be; gives all, in order."""
        known = self._saved_parts if self._saved == path else []
        done, first = [], 0
        counts = [part.prints for part in known]
        counts += [size] * ((len(self) - sum(counts)) // size)
        for number, count in enumerate(counts):
            name = known[number].name if number < len(known) else ""
            if count and not (name and path.with_name(name).exists()):
                name = snapshot.name_part(path)
                persons, arrays = self._cut(first, first + count)
                snapshot.write(path.with_name(name), {"persons": persons}, arrays, seal)
            if count:
                done.append(Part(name, count))
            first += count
        return done

    def _take_from_parts(self, numbers: I64) -> None:
        """Says that these prints, int64 ascending, are no longer in the parts they were saved in,
        which then must be written again."""
        ends = np.cumsum([part.prints for part in self._saved_parts], dtype=np.int64)
        lost = np.diff(np.searchsorted(numbers, ends), prepend=0).tolist()
        self._saved_parts = [
            Part("", part.prints - fewer) if fewer else part
            for part, fewer in zip(self._saved_parts, lost, strict=True)
        ]

    def _cut(self, first: int, end: int) -> tuple[list[str], dict[str, Array]]:
        """The prints first to end - 1 as they are saved: whose they are, and their columns."""
        arrays = {name: self._prints[name].view()[first:end] for name in PRINT}
        present, owner = np.unique(arrays["owner"], return_inverse=True)
        arrays["owner"] = owner.astype(np.int64)
        for runs, names, start in (
            (self._minutiae, ("codes", "x", "y", "angle"), "start"),
            (self._cells, ("cells",), "cell_start"),
        ):
            begin = runs.start.view()[first : end + 1]
            for name, column in zip(names, runs.columns, strict=True):
                arrays[name] = column.view()[..., begin[0] : begin[-1]]
            arrays[start] = begin - begin[0]
        arrays["vectors"] = self._vectors.to_bytes(first, end)
        return [self._persons[number] for number in present.tolist()], arrays

    def _put(self, persons: Sequence[str], arrays: dict[str, Array], adopted: bool = False) -> None:
        """Puts what `_cut` gave at the end; adopted: without a copy, into an empty gallery.
        ValueError where its parts do not fit together."""
        count = self._vectors.add_bytes(arrays["vectors"])
        columns = self._columns()
        for name, column in columns.items():
            column.check(arrays[name])
        own = arrays["owner"]
        if len(own) != count or (count and int(own.max()) >= len(persons)) or (own < 0).any():
            raise ValueError("persons and prints do not fit together")
        if adopted:
            self._persons = list(persons)
            self._number = {person: number for number, person in enumerate(persons)}
            for name, column in columns.items():
                column.adopt(arrays[name])
            return
        if self._number.keys().isdisjoint(persons) and not self._dropped:
            numbers = np.arange(len(self._persons), len(self._persons) + len(persons))
            self._number.update(zip(persons, numbers.tolist(), strict=True))
            self._persons.extend(persons)
        else:
            numbers = np.array([self._owner_number(person) for person in persons], np.int64)
        self._minutiae.append(arrays["start"], *(arrays[n] for n in ("codes", "x", "y", "angle")))
        self._cells.append(arrays["cell_start"], arrays["cells"])
        for name in PRINT:
            self._prints[name].append(numbers[own] if name == "owner" else arrays[name])

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
        first = self._number.get(person)
        if first is None:
            first = self._number[person] = len(self._persons) + len(self._dropped)
            self._persons.append(person)
        return first - bisect(self._dropped, first)

    def _forget_absent(self, owners: I64) -> None:
        """Drops those of these persons, int64 ascending, that have no print left: nobody stays by
        name only."""
        absent = owners[~np.isin(owners, self.owner)]
        if not len(absent):
            return
        gone = np.zeros(len(self._persons), np.bool_)
        gone[absent] = True
        for number in absent.tolist():
            insort(self._dropped, self._number.pop(self._persons[number]))
        self._persons = list(compress(self._persons, (~gone).tolist()))
        self._prints["owner"].replace(self.owner - np.cumsum(gone)[self.owner])


def _resolve(device: str) -> ModuleType:
    try:
        return backend.resolve(device)
    except RuntimeError as error:
        raise SettingsError(str(error)) from error
