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
        if used > self._data.shape[-1]:
            room = np.empty((*self._shape, int(used * SPARE) + 1), self._data.dtype)
            room[..., : self._used] = self._data[..., : self._used]
            self._data = room
        self._data[..., self._used : used] = entries
        self._used = used

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        """Drops the entries where `which` (n,) is False."""
        self.adopt(np.ascontiguousarray(self._data[..., : self._used][..., which]))

    def adopt(self, data: npt.NDArray[Any]) -> None:
        """Takes `data` as its entries. ValueError where dtype or shape is not its own."""
        if data.dtype != self._data.dtype or data.shape[:-1] != self._shape or data.ndim < 1:
            raise ValueError(f"{data.dtype} {data.shape} is not what was expected")
        self._data, self._used = data, data.shape[-1]
