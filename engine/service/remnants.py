"""Remnants: whether the bytes of files still hold pieces of what was deleted.

Files are read in a process of their own: a process that closes a file of an SQLite database which
it also has open loses its locks on it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.service.home import Home

PIECE = 32  # bytes, that are looked for together
EVERY = 32  # bytes from one piece of a template to the next: twice that holds a piece anywhere
EVERY_OF_IMAGE = 512  # likewise of an image; a page of a database has several
SKIPPED = 64  # bytes at the beginning: headers are the same in many files
DISTINCT = 12  # different bytes that a piece has at least: white paper is everywhere
SPAN = 1 << 24  # bytes of a file looked through at once
TABLE_BITS = 24  # of the table that most of a file is passed over with
MIXER = np.uint32(2654435761)  # 2**32 over the golden ratio: spreads neighbouring numbers

U32 = npt.NDArray[np.uint32]
Span = tuple[str, int]  # a file, and where in it the span begins


def pieces(content: bytes, every: int = EVERY) -> set[bytes]:
    """The pieces of a template or an image to look for; none of what is short or uniform."""
    start = SKIPPED if len(content) >= 4 * SKIPPED else 0
    cut = (content[at : at + PIECE] for at in range(start, len(content) - PIECE + 1, every))
    return {piece for piece in cut if len(set(piece)) >= DISTINCT}


def files_of(folder: Path) -> dict[Path, int]:
    """Every file under a folder with its length in bytes, sorted."""
    files = sorted(path for path in folder.rglob("*") if not path.is_symlink() and path.is_file())
    return {path: path.stat().st_size for path in files}


def files_of_home(home: Home) -> dict[Path, int]:
    """Likewise of an installation: also SQLite's own files where they lie elsewhere."""
    files, own = files_of(home.folder), home.file
    if own:
        beside = [own.with_name(own.name + end) for end in ("", "-wal", "-shm", "-journal")]
        files |= {
            path: path.stat().st_size
            for path in (each.resolve() for each in beside)
            if path.is_file() and path not in files
        }
    return files


def look_through(
    files: dict[Path, int],
    wanted: Collection[bytes],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Path, set[bytes]]:
    """The pieces found in each of the files; a file that went meanwhile has none. on_progress: of
    bytes. OSError where a file cannot be read."""
    spans = [(str(path), at) for path, size in files.items() for at in range(0, size, SPAN)]
    found: dict[Path, set[bytes]] = {path: set() for path in files}
    total = sum(files.values())
    if not wanted or not spans:
        on_progress(total, total)
        return found
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, _prepare, (frozenset(wanted),)) as worker:
        done = 0
        for (name, at), pieces_there in zip(spans, worker.map(_in_span, spans), strict=True):
            found[Path(name)] |= pieces_there
            done += min(SPAN, files[Path(name)] - at)
            on_progress(done, total)
    return found


def find(stretch: bytes, wanted: Collection[bytes], table: npt.NDArray[np.bool_]) -> set[bytes]:
    """The pieces in some bytes. table: of `make_table`."""
    found = set()
    for shift in range(4):
        count = max(0, len(stretch) - shift) // 4
        words = np.frombuffer(stretch, "<u4", count, shift) if count else np.empty(0, np.uint32)
        for number in np.flatnonzero(table[_hash(words)]).tolist():
            begin = 4 * number + shift
            piece = stretch[begin : begin + PIECE]
            if piece in wanted:
                found.add(piece)
    return found


def make_table(wanted: Collection[bytes]) -> npt.NDArray[np.bool_]:
    """Where the first four bytes of a piece lead; few other bytes lead there."""
    table = np.zeros(1 << TABLE_BITS, np.bool_)
    starts = b"".join(piece[:4] for piece in wanted)
    table[_hash(np.frombuffer(starts, "<u4"))] = True
    return table


def _hash(words: U32) -> U32:
    return (words * MIXER) >> np.uint32(32 - TABLE_BITS)


_WANTED: list[tuple[frozenset[bytes], npt.NDArray[np.bool_]]] = []  # of the process that looks


def _prepare(wanted: frozenset[bytes]) -> None:
    _WANTED.append((wanted, make_table(wanted)))


def _in_span(span: Span) -> set[bytes]:
    name, at = span
    try:
        with Path(name).open("rb") as file:
            file.seek(at)
            stretch = file.read(SPAN + PIECE - 1)
    except FileNotFoundError:
        return set()
    return find(stretch, *_WANTED[-1])
