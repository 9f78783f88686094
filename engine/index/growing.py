"""An array that grows at its end, with room to spare, so that adding costs what is added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

SPARE = 1.25  # times the room needed
Array = npt.NDArray[Any]
I64 = npt.NDArray[np.int64]
Make = Callable[[Any, Any], Array]  # of a shape and a dtype, an array with any content


class Growing:
    """n entries of one dtype, or `rows` rows of n entries each (every row contiguous)."""

    def __init__(self, dtype: npt.DTypeLike, rows: int = 0, make: Make = np.empty) -> None:
        """make: gives the memory that entries lie in."""
        self._shape = (rows,) if rows else ()
        self._make = make
        self._data = make((*self._shape, 0), dtype)
        self._used = 0
        self._own = True

    def __len__(self) -> int:
        return self._used

    @property
    def nbytes(self) -> int:
        """Bytes held, the spare room included."""
        return self._data.nbytes

    def view(self) -> Array:
        """The entries, without a copy: not to be written to, good until the next change."""
        return self._data[..., : self._used]

    def reserve(self, count: int) -> None:
        """Makes room for `count` entries in all, and some to spare."""
        if count > self._data.shape[-1] or not self._own:
            count = max(count, self._used)
            room = self._make((*self._shape, int(count * SPARE) + 1), self._data.dtype)
            room[..., : self._used] = self.view()
            self._data, self._own = room, True

    def append(self, entries: Array) -> None:
        """Adds entries (..., m) at the end."""
        used = self._used + entries.shape[-1]
        if used == self._used:
            return  # what was adopted may be read-only
        self.reserve(used)
        self._data[..., self._used : used] = entries
        self._used = used

    def keep(self, runs: I64) -> None:
        """Drops the entries that are in none of the `runs` (K, 2), first and end of each,
        ascending. Those that stay move up where they lie, and nothing stays of the others: a
        removal takes few out of many, and there is no room for all of them twice."""
        self.reserve(0)  # what was adopted is not written to
        at = 0
        for first, end in runs.tolist():
            if first != at:
                for row in self._rows():  # row by row: NumPy copies two dimensions aside first
                    row[at : at + end - first] = row[first:end]
            at += end - first
        self._data[..., at : self._used] = 0
        self._used = at

    def replace(self, entries: Array) -> None:
        """Puts entries of the same shape in the place of all."""
        self.reserve(0)
        self.view()[...] = entries

    def adopt(self, data: Array) -> None:
        """Takes `data` as its entries, and never writes to it. ValueError where dtype or shape is
        not its own."""
        self.check(data)
        self._data, self._used, self._own = data, data.shape[-1], False

    def check(self, data: Array) -> None:
        """ValueError where dtype or shape of `data` is not what entries have here."""
        if data.dtype != self._data.dtype or data.shape[:-1] != self._shape or data.ndim < 1:
            raise ValueError(f"{data.dtype} {data.shape} is not what was expected")

    def _rows(self) -> list[Array]:
        return list(self._data) if self._shape else [self._data]


class Runs:
    """N runs of entries, one after the other: of a print's minutiae, or of its ridge cells.

    columns: what the entries are made of. start: int64 (N + 1,): where each run begins, and where
    the last one ends.
    """

    def __init__(self, *columns: Growing, make: Make = np.empty) -> None:
        self.columns = columns
        self.start = Growing(np.int64, make=make)
        self.start.append(np.zeros(1, np.int64))

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def count(self) -> I64:
        """int64 (N,): the entries of each run."""
        return np.diff(self.start.view())

    def append(self, start: I64, *entries: Array) -> None:
        """Adds runs at the end, given as they are kept: `start` from 0, entries of each column."""
        self.start.append(start[1:] + self.start.view()[-1])
        for column, more in zip(self.columns, entries, strict=True):
            column.append(more)

    def keep(self, runs: I64) -> None:
        """Drops the runs that are in none of these runs of them (K, 2)."""
        start = self.start.view()
        for column in self.columns:
            column.keep(start[runs])
        count = self.count
        kept = [count[:0], *(count[first:end] for first, end in runs.tolist())]
        self.start.keep(np.array([[0, 1 + sum(map(len, kept))]]))
        self.start.replace(np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(kept))]))

    def fit(self) -> bool:
        """Whether `start` and the columns belong together: not so in a file put together wrong."""
        start = self.start.view()
        ends = {len(column) for column in self.columns}
        return (
            len(start) > 0
            and start[0] == 0
            and ends == {int(start[-1])}
            and bool((self.count >= 0).all())
        )


def kept_runs(gone: npt.NDArray[np.bool_]) -> I64:
    """The runs of what stays, first and end of each: int64 (K, 2)."""
    edges = np.flatnonzero(np.diff(~gone, prepend=False, append=False))
    return edges.reshape(-1, 2).astype(np.int64)
