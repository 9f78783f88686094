"""An array that grows at its end, with room to spare, so that adding costs what is added."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SPARE = 1.25  # times the room needed


class Growing:
    """n entries of one dtype, or `rows` rows of n entries each (every row contiguous)."""

    def __init__(self, dtype: npt.DTypeLike, rows: int = 0) -> None:
        self._shape = (rows,) if rows else ()
        self._data = np.empty((*self._shape, 0), dtype)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    @property
    def nbytes(self) -> int:
        """Bytes held, the spare room included."""
        return self._data.nbytes

    def view(self) -> npt.NDArray[Any]:
        """The entries, without a copy: not to be written to, good until the next change."""
        return self._data[..., : self._used]

    def append(self, entries: npt.NDArray[Any]) -> None:
        """Adds entries (..., m) at the end."""
        used = self._used + entries.shape[-1]
        if used == self._used:
            return  # what was adopted may be read-only
        if used > self._data.shape[-1]:
            room = np.empty((*self._shape, int(used * SPARE) + 1), self._data.dtype)
            room[..., : self._used] = self._data[..., : self._used]
            self._data = room
        self._data[..., self._used : used] = entries
        self._used = used

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        """Drops the entries where `which` (n,) is False. Those that stay are copied by the run: a
        removal takes few out of many."""
        edges = np.flatnonzero(np.diff(which, prepend=False, append=False))
        runs = [self._data[..., a:b] for a, b in edges.reshape(-1, 2)]
        self.adopt(np.concatenate([self._data[..., :0], *runs], axis=-1))

    def adopt(self, data: npt.NDArray[Any]) -> None:
        """Takes `data` as its entries, and never writes to it. ValueError where dtype or shape is
        not its own."""
        if data.dtype != self._data.dtype or data.shape[:-1] != self._shape or data.ndim < 1:
            raise ValueError(f"{data.dtype} {data.shape} is not what was expected")
        self._data, self._used = data, data.shape[-1]


class Runs:
    """N runs of entries, one after the other: of a print's minutiae, or of its ridge cells.

    columns: what the entries are made of. start: int64 (N + 1,): where each run begins, and where
    the last one ends.
    """

    def __init__(self, *columns: Growing) -> None:
        self.columns = columns
        self.start = Growing(np.int64)
        self.start.append(np.zeros(1, np.int64))

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def count(self) -> npt.NDArray[np.int64]:
        """int64 (N,): the entries of each run."""
        return np.diff(self.start.view())

    def append(self, start: npt.NDArray[np.int64], *entries: npt.NDArray[Any]) -> None:
        """Adds runs at the end, given as they are kept: `start` from 0, entries of each column."""
        self.start.append(start[1:] + self.start.view()[-1])
        for column, more in zip(self.columns, entries, strict=True):
            column.append(more)

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        """Drops the runs where `which` (N,) is False."""
        count = self.count
        entries = np.repeat(which, count)
        for column in self.columns:
            column.keep(entries)
        self.start.adopt(np.concatenate([np.zeros(1, np.int64), np.cumsum(count[which])]))

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
