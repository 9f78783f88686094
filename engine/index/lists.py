"""Finds the prints that share minutiae with a probe, without a look at every print.

Each minutia of a gallery is filed under keys: some bits of its code and the sector of its
direction. A probe's minutiae ask for the lists of their own keys and of those that they may have
had: bits nearest to zero are turned first (query-directed multi-probe hashing: Lv et al., VLDB
2007), and of all lists those are read that promise most for their length. What is found there is
compared by the whole code, and the likest of each of the probe's minutiae vote for their prints.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.settings import ListsSettings
from engine.types import F32, I64
from kernels import selection
from kernels.packed import MAX_MINUTIAE, STEPS, Packed

U32 = npt.NDArray[np.uint32]
FINE = 1024.0  # steps of a list's worth in a unit of its logarithm: it is sorted as an integer
FEW = 16  # prints: up to so many it is quicker to go through all minutiae once for each of them
PIECE = 2**18  # minutiae renumbered at a time: what is in between stays in a cache


class Found(NamedTuple):
    """Prints by number, ascending, and their votes: int64 (K,) both."""

    prints: I64
    votes: I64


class Part(NamedTuple):
    """The lists of neighbouring minutiae. first, last: which. numbers: uint32 (last - first,) for
    each table, the minutiae key by key, ascending. begin: uint32 (keys + 1,) for each table, where
    in there each list begins."""

    first: int
    last: int
    numbers: tuple[U32, ...]
    begin: tuple[U32, ...]


class Entries(NamedTuple):
    """Minutiae side by side: of the probe and of the gallery, int64 (E,), and in how many bits they
    agree, int64 (E,)."""

    asking: I64
    number: I64
    alike: I64


class Lists:
    """The minutiae of a gallery's prints by key.

    Derived from the packed minutiae and quickly made again, so never saved: `file` brings it up
    to date before `find`. Finds may run while nothing is filed or dropped.
    """

    def __init__(self, settings: ListsSettings) -> None:
        self.settings = settings
        self._parts: list[Part] = []

    def __len__(self) -> int:
        """How many minutiae are filed."""
        return self._parts[-1].last if self._parts else 0

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays in memory."""
        return sum(array.nbytes for part in self._parts for array in (*part.numbers, *part.begin))

    def file(self, prints: Packed) -> None:
        """Files the minutiae of `prints` behind those that are filed.

        Few are a small part of their own, merged with the one before as soon as that is not much
        larger: a minutia is filed again but a few times while a gallery grows. ValueError where
        there are fewer minutiae than are filed.
        """
        total, first = len(prints.x), len(self)
        if total < first:
            raise ValueError(f"{first} minutiae are filed, but the prints have {total}")
        if total == first:
            return
        s = self.settings
        while self._parts:
            part = self._parts[-1]
            if part.last - part.first > max(s.ratio * (total - first), s.small):
                break
            first = self._parts.pop().first
        self._parts.append(_build(prints, first, total, s))

    def keep(self, which: npt.NDArray[np.bool_], start: I64) -> None:
        """Drops the prints where `which` (N,) is False; the minutiae of later ones move up. start:
        int64 (N + 1,), where their minutiae began before."""
        if start[-1] < len(self):
            raise ValueError(f"{len(self)} minutiae are filed, but the prints have {start[-1]}")
        gone = np.flatnonzero(~which)
        if len(gone) <= FEW:
            parts = [_cut(part, start[gone], start[gone + 1]) for part in self._parts]
        else:
            kept = np.repeat(which, np.diff(start))[: len(self)]
            moved = np.concatenate([np.zeros(1, np.uint32), np.cumsum(kept, dtype=np.uint32)])
            parts = [_thin(part, kept, moved) for part in self._parts]
        self._parts = [part for part in parts if part.last > part.first]

    def find(self, probe: Packed, prints: Packed, most: int, margins: F32 | None = None) -> Found:
        """The `most` prints with the most votes; fewer, where fewer share a minutia with the probe.
        Of prints with as many votes the lower numbers.

        probe: one print of p minutiae. prints: those that are filed. margins: float32 (p, bits),
        how far from zero each component of a projected neighbourhood lies that became a bit, in
        standard deviations within a minutia, signed or not; without it the first bits are surest.
        Raises ValueError for another number of prints and for minutiae that are not filed.
        """
        count = probe.codes.shape[1]
        if len(probe) != 1 or count > MAX_MINUTIAE:
            raise ValueError(f"the probe must be one print of at most {MAX_MINUTIAE} minutiae")
        if len(prints.x) != len(self):
            raise ValueError(f"{len(self)} minutiae are filed, but the prints have {len(prints.x)}")
        if not count or not len(self):
            return Found(np.zeros(0, np.int64), np.zeros(0, np.int64))
        keys, doubt = _asked(probe, margins, self.settings)
        asking, number = self._read(keys, doubt, len(prints))
        entries = _alike(probe, prints, asking, number, self.settings)
        least = 64 * len(prints.codes) - self.settings.apart
        return _vote(_likest(entries, count, least, self.settings), prints, most)

    def _read(self, keys: I64, doubt: F32, prints: int) -> tuple[I64, I64]:
        """What stands in the lists most worth reading: minutiae of the probe and of the gallery."""
        s = self.settings
        length = np.zeros(keys.shape, np.int64)
        for part in self._parts:
            for table, begin in enumerate(part.begin):
                length[table] += begin.take(keys[table] + 1) - begin.take(keys[table])
        worth = doubt + np.log1p(length.astype(np.float32))
        level = np.minimum(worth * FINE, np.iinfo(np.uint16).max).astype(np.uint16).ravel()
        order = np.argsort(level, kind="stable")
        budget = max(s.least, int(s.share * prints))
        read = np.zeros(keys.size, np.bool_)
        read[order[: np.searchsorted(np.cumsum(length.ravel()[order]), budget, "right")]] = True
        read = read.reshape(keys.shape) & (length > 0)
        who = np.broadcast_to(np.arange(keys.shape[1])[:, None, None], keys.shape[1:])
        found = [
            _runs(part.numbers[table], part.begin[table], keys[table][mine], who[mine])
            for table, mine in enumerate(read)
            for part in self._parts
        ]
        asking, number = (np.concatenate(both) for both in zip(*found, strict=True))
        return asking, number


def _build(prints: Packed, first: int, last: int, s: ListsSettings) -> Part:
    """The lists of the minutiae first to last - 1."""
    work = partial(_build_table, prints, first, last, s)
    if last - first < PIECE:
        made = [work(table) for table in range(s.tables)]
    else:  # sorting leaves the interpreter to others
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            made = list(pool.map(work, range(s.tables)))
    return Part(first, last, *map(tuple, zip(*made, strict=True)))


def _build_table(
    prints: Packed, first: int, last: int, s: ListsSettings, table: int
) -> tuple[U32, U32]:
    """One table's lists: minutiae by key, and where each list begins."""
    key = _keys(prints.codes[0, first:last], prints.angle[first:last], table, s)
    size = np.bincount(key, minlength=s.sectors << s.bits)
    order = np.argsort(key.astype(np.uint16), kind="stable").astype(np.uint32)
    high = (key >> np.uint32(16)).astype(np.uint8)  # 8 and 16 bits are sorted by counting
    order = order.take(np.argsort(high.take(order), kind="stable"))
    order += np.uint32(first)
    return order, np.concatenate([np.zeros(1, np.uint32), np.cumsum(size, dtype=np.uint32)])


def _thin(part: Part, kept: npt.NDArray[np.bool_], moved: U32) -> Part:
    """A part without the minutiae that are not `kept`; moved: the new number of each."""
    numbers, begin = [], []
    for number, old in zip(part.numbers, part.begin, strict=True):
        left, stays = [np.zeros(0, np.uint32)], [np.zeros(0, np.bool_)]
        for at in range(0, len(number), PIECE):
            piece = number[at : at + PIECE].astype(np.int64)
            stays.append(kept.take(piece))
            left.append(moved.take(piece[stays[-1]]))
        before = np.cumsum(np.concatenate(stays), dtype=np.uint32)
        numbers.append(np.concatenate(left))
        begin.append(np.concatenate([np.zeros(1, np.uint32), before]).take(old))
    return Part(int(moved[part.first]), int(moved[part.last]), tuple(numbers), tuple(begin))


def _cut(part: Part, begin: I64, end: I64) -> Part:
    """A part without a few runs of minutiae, int64 (R,): what `_thin` gives, but nothing is looked
    up that lies elsewhere in memory."""
    runs = [(np.uint32(a), np.uint32(b)) for a, b in zip(begin, end, strict=True) if a < b]
    numbers, begins = [], []
    for number, old in zip(part.numbers, part.begin, strict=True):
        left, cut = [np.zeros(0, np.uint32)], [np.zeros(0, np.int64)]
        for at in range(0, len(number), PIECE):
            piece = number[at : at + PIECE]
            shift, gone = np.zeros_like(piece), np.zeros(len(piece), np.bool_)
            for a, b in runs:
                gone |= piece - a < b - a  # below `a` it wraps around
                shift += (piece >= b) * (b - a)
            which = np.flatnonzero(gone)
            left.append(np.delete(piece - shift, which))
            cut.append(at + which)
        numbers.append(np.concatenate(left))
        begins.append(old - np.searchsorted(np.concatenate(cut), old).astype(np.uint32))
    first, last = (
        at - int(np.clip(at - begin, 0, end - begin).sum()) for at in (part.first, part.last)
    )
    return Part(first, last, tuple(numbers), tuple(begins))


def _keys(word: Any, angle: Any, table: int, s: ListsSettings) -> U32:
    """The key of each minutia in a table: bits of its code's first word over its sector."""
    bits = (word >> np.uint64(table * s.bits)).astype(np.uint32) & np.uint32((1 << s.bits) - 1)
    return np.asarray(bits * np.uint32(s.sectors) + angle // (STEPS // s.sectors), np.uint32)


def _asked(probe: Packed, margins: F32 | None, s: ListsSettings) -> tuple[I64, F32]:
    """The keys that p minutiae ask for: int64 (tables, p, flips, sectors), and -log of how likely
    each is for the same minutia: float32 (tables, p, flips, 1)."""
    count = probe.codes.shape[1]
    if margins is None:
        usual = 1 + 1 / np.arange(1, s.tables * s.bits + 1, dtype=np.float32)
        margins = np.tile(usual, (count, 1))
    turned = _flips(s.bits, s.flips)
    sector = probe.angle // (STEPS // s.sectors) + np.arange(-s.near, s.near + 1)[:, None]
    keys, doubts = [], []
    for table in range(s.tables):
        margin = np.abs(margins[:, table * s.bits : (table + 1) * s.bits])
        sure = np.minimum(s.sure + s.surer * margin, s.surest).astype(np.float32)
        order = np.argsort(sure, axis=1, kind="stable")
        flip = (np.int64(1) << order) @ turned.T.astype(np.int64)
        doubt = np.take_along_axis(sure, order, 1) @ turned.T
        doubts.append(doubt + np.log1p(np.exp(-sure)).sum(axis=1, keepdims=True))
        own = _keys(probe.codes[0], np.zeros(count, np.uint8), table, s).astype(np.int64)
        code = (own // s.sectors)[:, None] ^ flip
        keys.append(code[:, :, None] * s.sectors + (sector % s.sectors).T[:, None, :])
    return np.stack(keys), np.stack(doubts)[..., None].astype(np.float32)


@lru_cache(maxsize=8)
def _flips(bits: int, count: int) -> F32:
    """Which bits to turn, counted from the least sure: float32 (count, bits) of 0 and 1, likely
    ones first. How sure they are grows about linearly in that order."""
    chosen = [c for size in range(5) for c in combinations(range(bits), size)]
    chosen.sort(key=lambda those: sum(those) + 2 * len(those))
    turned = np.zeros((min(count, len(chosen)), bits), np.float32)
    for row, those in zip(turned, chosen, strict=False):
        row[list(those)] = 1
    return turned


def _runs(numbers: U32, begin: U32, keys: I64, who: I64) -> tuple[I64, I64]:
    """What stands in the lists of these keys, and who asked for it: int64 both."""
    first = begin.take(keys).astype(np.int64)
    length = begin.take(keys + 1) - first
    end = np.cumsum(length)
    index = np.repeat(first - end + length, length)
    index += np.arange(len(index))
    return np.repeat(who, length), numbers.take(index).astype(np.int64)


def _alike(probe: Packed, prints: Packed, asking: I64, number: I64, s: ListsSettings) -> Entries:
    """Those that are alike, first by one word of their codes, then by all."""
    apart = _differing(probe, prints, asking, number, 0)
    near = np.flatnonzero(apart <= s.apart_first)
    asking, number, apart = asking.take(near), number.take(near), apart.take(near).astype(np.int64)
    words = len(prints.codes)
    for word in range(1, words):
        apart += _differing(probe, prints, asking, number, word)
    near = np.flatnonzero(apart <= s.apart)
    return Entries(asking.take(near), number.take(near), 64 * words - apart.take(near))


def _differing(probe: Packed, prints: Packed, asking: I64, number: I64, word: int) -> Any:
    theirs = prints.codes[word].take(number)
    theirs ^= probe.codes[word].take(asking)
    return np.bitwise_count(theirs)


def _likest(entries: Entries, count: int, least: int, s: ListsSettings) -> Entries:
    """Of what each of the probe's `count` minutiae found the likest ones, each once, by number;
    alike: in how many bits more than those that were left, which agree in `least` at the least."""
    levels = int(entries.alike.max(initial=0)) + 1
    size = np.bincount(entries.asking * levels + entries.alike, minlength=count * levels)
    above = size.reshape(count, levels)[:, ::-1].cumsum(axis=1)[:, ::-1]
    floor = (above > s.likest).sum(axis=1)  # the first level that few enough reach
    more = entries.alike - np.maximum(floor, least).take(entries.asking) + 1
    kept = np.flatnonzero(more > 0)
    both = entries.number.take(kept) * MAX_MINUTIAE + entries.asking.take(kept)
    both, once = np.unique(both, return_index=True)
    return Entries(both % MAX_MINUTIAE, both // MAX_MINUTIAE, more.take(kept).take(once))


def _vote(entries: Entries, prints: Packed, most: int) -> Found:
    """The prints with the most votes. entries: by number, weighing `alike`."""
    if not len(entries.number):
        return Found(np.zeros(0, np.int64), np.zeros(0, np.int64))
    owner = np.searchsorted(prints.start, entries.number, side="right") - 1
    new = np.flatnonzero(np.diff(owner, prepend=-1))
    votes = np.minimum(np.add.reduceat(entries.alike, new), selection.LEVELS - 1)
    chosen = selection.select(votes[None].astype(np.uint16), most)[0]
    return Found(owner[new[chosen]], votes[chosen])
