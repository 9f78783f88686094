"""Prints as the kernels read them: minutiae of many prints in one run of arrays, no objects.

Words of one code position lie together (structure of arrays), the layout of Cappelli, Ferrara
and Maltoni, "Large-scale fingerprint identification on GPU" (2015), section 4: neighbouring
threads, or SIMD lanes, read neighbouring words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any

import numpy as np

from kernels import backend

MAX_MINUTIAE = 64  # of one print: a minutia's index must fit in 6 bits
MAX_WORDS = 4  # of one code: a likeness must fit in a byte
STEPS = 256  # of a turn: angles are uint8 and wrap as angles do

_DTYPES = {"codes": np.uint64, "x": np.int16, "y": np.int16, "angle": np.uint8, "start": np.int64}


@dataclass(frozen=True, slots=True)
class Packed:
    """N prints with M minutiae in all, on one device (all NumPy or all CuPy).

    codes: uint64 (W, M), W words of 64 bits a minutia, 1 to 4, each row contiguous. x, y: int16
    (M,) px at 500 ppi, y down. angle: uint8 (M,), 1/256 of a turn, counter-clockwise as seen.
    start: int64 (N + 1,): print i has the minutiae start[i] to start[i + 1], 64 at most.

    Raises ValueError for a wrong dtype, shape or device.
    """

    codes: Any
    x: Any
    y: Any
    angle: Any
    start: Any

    def __post_init__(self) -> None:
        if not 1 <= len(self.codes) <= MAX_WORDS:
            raise ValueError(f"codes have {len(self.codes)} words, must be 1 to {MAX_WORDS}")
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, array in arrays.items():
            rows = array if name != "codes" else array[0]
            backend.require(name, rows, _DTYPES[name], 1)
        if self.codes.ndim != 2:
            raise ValueError(f"codes must be of 2 dimensions, not {self.codes.shape}")
        backend.where(*arrays.values())
        total = self.codes.shape[1]
        if any(len(arrays[name]) != total for name in ("x", "y", "angle")):
            raise ValueError("codes, x, y and angle differ in their number of minutiae")
        if len(self.start) < 1:
            raise ValueError("start needs one entry more than there are prints")

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def row(self) -> int:
        """Words from one row of codes to the next: more than M where an array has spare room."""
        return self.codes.strides[0] // self.codes.itemsize


def move(prints: Packed, xp: ModuleType) -> Packed:
    """The same prints as arrays of `xp`, numpy or cupy: copied where they are not there yet."""
    if backend.array_module(prints.start) is xp:
        return prints
    arrays = (prints.codes, prints.x, prints.y, prints.angle, prints.start)
    return Packed(*(backend.move(array, xp) for array in arrays))


def take(prints: Packed, which: Any) -> Packed:
    """The prints `which`, int64 indices, one after the other, as arrays of their own."""
    index, start = runs(prints.start, which)
    x, y, angle = (column[index] for column in (prints.x, prints.y, prints.angle))
    return Packed(np.ascontiguousarray(prints.codes[:, index]), x, y, angle, start)


def runs(start: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the entries of the runs `which` lie among all, and where each of these runs starts when
    they lie one after the other: int64 both."""
    count = start[which + 1] - start[which]
    begin = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
    return np.arange(begin[-1]) + np.repeat(start[which] - begin[:-1], count), begin


def one_each(probes: Packed, candidates: Any) -> Iterator[tuple[Packed, Any]]:
    """Each of P probes, as a print of its own, with its share of the candidates (B,): the first
    B/P are the first probe's."""
    per = share(probes, candidates)
    for i in range(len(probes)):
        yield alone(probes, i), candidates[i * per : (i + 1) * per]


def alone(prints: Packed, i: int) -> Packed:
    """Print i by itself: views, where its arrays are on the CPU."""
    first, last = int(prints.start[i]), int(prints.start[i + 1])
    x, y, angle = (column[first:last] for column in (prints.x, prints.y, prints.angle))
    return Packed(prints.codes[:, first:last], x, y, angle, prints.start[i : i + 2] - first)


def share(probes: Packed, candidates: Any) -> int:
    """How many of the candidates (B,) each probe has. Raises ValueError for an uneven share, and as
    `require_probes`."""
    count, batch = len(probes), len(candidates)
    if not count or batch % count:
        raise ValueError(f"{batch} candidates cannot be shared by {count} probes")
    require_probes(probes)
    return batch // count


def require_probes(probes: Packed) -> None:
    """Raises ValueError for a probe of more minutiae than a print has, and where prints do not
    follow each other. On a GPU, where nobody waits to know, only for a single probe of too many."""
    minutiae = probes.codes.shape[1]
    if backend.array_module(probes.start) is np:
        each = np.diff(probes.start)
        if probes.start[0] or probes.start[-1] != minutiae or each.min(initial=0) < 0:
            raise ValueError("the probes' minutiae must follow each other, from 0 to the last")
        most = each.max(initial=0)
    else:
        most = minutiae if len(probes) == 1 else 0
    if most > MAX_MINUTIAE:
        raise ValueError(f"a probe must be a print of at most {MAX_MINUTIAE} minutiae")


def require_within(prints: Sized, which: Any) -> None:
    """Raises ValueError for numbers, int64 (B,), of prints that are not there. Not on a GPU, where
    nobody waits to know: what such a number reads there is undefined."""
    wrong = _out_of_range(which, len(prints) - 1)
    if wrong is not None:
        raise ValueError(f"there is no print {wrong} among {len(prints)}")


def counts(prints: Packed, which: Any) -> Any:
    """Minutiae of each print in `which` (int64 indices): int64, the same shape. Raises ValueError
    as `require_within`, and for more minutiae than a print has."""
    require_within(prints, which)
    found = prints.start[which + 1] - prints.start[which]
    wrong = _out_of_range(found, MAX_MINUTIAE)
    if wrong is not None:
        raise ValueError(f"a print has {wrong} minutiae, must be 0 to {MAX_MINUTIAE}")
    return found


def _out_of_range(numbers: Any, most: int) -> int | None:
    """The lowest number below 0, else the highest above `most`, else None; None on a GPU."""
    if backend.array_module(numbers) is not np or not len(numbers):
        return None
    low, high = int(numbers.min()), int(numbers.max())
    return low if low < 0 else high if high > most else None


def slots(prints: Packed, which: Any) -> tuple[Any, Any]:
    """Where the minutiae of the prints `which` (B,) lie, as one padded block.

    Returns indices into the minutiae, int64 (G, B), and which of them are real, bool (G, B);
    G is the largest count. The other slots repeat a real minutia, so that any read is in range.
    """
    xp = backend.array_module(prints.start)
    count = counts(prints, which)
    width = int(count.max()) if len(which) else 0
    slot = xp.arange(width, dtype=np.int64)[:, None]
    last = xp.maximum(count - 1, 0)[None]
    index = prints.start[which][None] + xp.minimum(slot, last)
    return xp.minimum(index, max(prints.codes.shape[1] - 1, 0)), slot < count[None]
