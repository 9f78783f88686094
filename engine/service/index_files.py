"""The files of derived indexes: one writer at a time, sealed where there are keys."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.errors import GalleryError, StoreError
from engine.index import snapshot
from engine.index.gallery import Gallery
from engine.index.growing import Make
from engine.index.snapshot import PART, SAVING, Part, Unseal, parts_of
from engine.store.galleries import GalleryRow
from engine.store.sealing import Vault
from engine.types import I64

SUFFIX = ".npz"
PART_PRINTS = 32_768  # prints of a part: some 100 MB are written anew where one is removed

log = logging.getLogger(__name__)


class IndexFiles:
    """A folder that several processes of one database share. A file is only ever put in the place
    of another, whole, under a lock of the folder; who reads needs none. A large gallery has parts
    beside its file (index.snapshot)."""

    def __init__(self, folder: Path, vault: Vault, make: Make = np.empty) -> None:
        """make: gives the memory that the prints of a gallery lie in."""
        self._folder = folder
        self._vault = vault
        self._make = make

    def path(self, gallery: GalleryRow) -> Path:
        """Where a gallery's index is kept; a name used again never meets the old file."""
        return self._folder / f"{gallery.id}-{gallery.name}{SUFFIX}"

    def size(self, gallery: GalleryRow) -> int:
        """How much room the saved index takes; 0 where there is none."""
        path = self.path(gallery)
        return sum(each.stat().st_size for each in (path, *parts_of(path)) if each.is_file())

    @contextmanager
    def alone(self, *, wait: bool = True) -> Iterator[bool]:
        """Keeps other processes and threads from writing here until the block ends, and deletes
        what a killed one left half written: templates lie in it. Without `wait`, False where
        another writes."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            for left in self._folder.glob(f"*{SAVING}"):
                self.delete(left)
            yield True
        finally:
            os.close(folder)  # the lock goes with it

    def load(self, gallery: GalleryRow) -> Gallery:
        """The saved index; GalleryError where it is missing, damaged, or is not sealed though there
        are keys: what others may have written is not to be searched."""
        return Gallery.load(self.path(gallery), unseal=self._unsealing, make=self._make)

    def saved_ids(self, gallery: GalleryRow) -> I64:
        """The template ids of the saved index; GalleryError as for `load`."""
        return Gallery.saved_ids(self.path(gallery), self._unsealing)

    def saved_up_to(self, gallery: GalleryRow) -> tuple[int, str] | None:
        """The last change that the saved index has read, by its number and its stamp; None where
        there is none or it is no good."""
        about = self._about(self.path(gallery))
        return (int(about["sequence"]), str(about["stamp"])) if about else None

    def save(self, gallery: GalleryRow, index: Gallery) -> None:
        """Puts the index in the place of the saved one; of a large one, what is not there as it
        should be. GalleryError where that is not possible."""
        path, key = self.path(gallery), self._vault.key
        for part in parts_of(path):
            if _key_of(part) != (key and key.id):  # it has to be written anew
                part.unlink(missing_ok=True)
        index.save(path, self._seal if key else None, PART_PRINTS)

    def is_of_first_key(self, gallery: GalleryRow) -> bool:
        """Whether all of the saved index is sealed as it would be now."""
        path, key = self.path(gallery), self._vault.key
        return all(_key_of(each) == (key and key.id) for each in (path, *parts_of(path)))

    def delete(self, path: Path) -> None:
        """Deletes a file, and the parts beside it; a warning where that is not possible."""
        for each in (path, *parts_of(path)):
            try:
                each.unlink(missing_ok=True)
            except OSError as error:
                log.warning(
                    "%s cannot be deleted (%s): it may hold what was removed", each, error.strerror
                )

    def keep_only(self, galleries: Collection[GalleryRow]) -> None:
        """Deletes what other galleries left here; call it alone."""
        known = {self.path(gallery) for gallery in galleries}
        for path in self.mains():
            if path not in known:
                self.delete(path)
        for part in self._folder.glob(f"*{SUFFIX}.*{PART}"):
            main = part.with_name(part.name.rsplit(".", 2)[0])
            if part.name not in self._named_by(main):
                self.delete(part)

    def mains(self) -> list[Path]:
        """The file of each saved index, without its parts."""
        return sorted(path for path in self._folder.glob(f"*{SUFFIX}") if path.is_file())

    def sealed(self) -> list[tuple[Path, str | None]]:
        """Each file of saved indexes with the id of the key that it is sealed with, None for a
        plain one."""
        files = [each for path in self.mains() for each in (path, *parts_of(path))]
        return [(path, _key_of(path)) for path in files]

    def reseal(self) -> int:
        """Brings sealed files under the first key; deletes plain ones and those that cannot be
        opened, for they are made again. Gives the number of files changed."""
        key = self._vault.key
        with self.alone():
            old = [(path, held) for path, held in self.sealed() if key and held != key.id]
            for path, held in old:
                if held is None or not self._reseal(path):
                    self.delete(path)
        return len(old)

    @property
    def _unsealing(self) -> Unseal | None:
        return self._unseal if self._vault.key else None

    def _unseal(self, file: IO[bytes], name: str) -> Any:
        from engine.store.sealed_files import Reader

        return Reader(file, self._vault, _place(name))

    def _seal(self, file: IO[bytes], name: str) -> AbstractContextManager[Any]:
        from engine.store.sealed_files import Writer

        assert self._vault.key is not None
        return Writer(file, self._vault.key, _place(name))

    def _named_by(self, main: Path) -> set[str]:
        """The names of the parts that an index's file tells of; none where it cannot be read."""
        about = self._about(main)
        return {Part(*part).name for part in about["parts"]} if about else set()

    def _about(self, main: Path) -> dict[str, Any] | None:
        """What an index's file tells beside its arrays; None where it cannot be read."""
        try:
            return snapshot.read(main, self._unsealing, only=())[0]
        except (GalleryError, FileNotFoundError):
            return None

    def _reseal(self, path: Path) -> bool:
        from engine.store.sealed_files import reseal

        with (
            path.open("rb") as source,
            tempfile.NamedTemporaryFile(
                dir=self._folder, prefix=f"{path.name}.", suffix=SAVING, delete=False
            ) as target,
        ):
            try:
                reseal(source, target, self._vault, _place(path.name))
                target.flush()
                os.fsync(target.fileno())
                Path(target.name).replace(path)
            except (StoreError, OSError) as error:
                log.warning("%s is deleted and made again: %s", path, error)
                self.delete(Path(target.name))
                return False
            except BaseException:
                self.delete(Path(target.name))
                raise
        return True


def _place(name: str) -> str:
    """What a sealed file is bound to: it cannot pass for another gallery's."""
    return f"index/{name}"


def _key_of(path: Path) -> str | None:
    from engine.store.sealed_files import key_of_file

    try:
        return key_of_file(path)
    except OSError:
        return None
