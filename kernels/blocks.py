"""Whole galleries on GPUs: gone through in blocks, that stay on a card or stream through it.

Several GPUs share the blocks, one each at least. On each, what fits stays; the rest is copied into
two buffers in turn, one filling while the other is read. A block's votes, its best prints and their
comparison follow each other on the device; the processor waits once, at the end, for all of them.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kernels import backend, selection, voting
from kernels.packed import MAX_MINUTIAE, Packed, move
from kernels.voting import Voting

BLOCK = 2**20  # prints at most: 1.5 GB of 40 minutiae; votes for 64 probes take 128 MB beside it
SPARE = 2 * 2**30  # bytes of a card's memory that are left for what is computed

# Scores float (P·K,) of P probes with the prints int64 (P·K,), K each, of one block.
Compare = Callable[[Packed, Packed, Any], Any]


class Found(NamedTuple):
    """The K prints with the most votes, of each of P probes, the lower numbers first.

    prints: int64 (P, K). votes: uint16 (P, K). scores: float32 (P, K), as they were compared.
    """

    prints: np.ndarray
    votes: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True, slots=True)
class _Block:
    """Prints from number `first` on, with start counted from their own first minutia."""

    first: int
    prints: Packed

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(array.nbytes for array in _columns(self.prints))


class Blocks:
    """A gallery on one or more devices.

    prints: on the CPU, and unchanged as long as this is used. devices: backend.Device. block: how
    many prints a block has at most. memory: bytes of a device that prints may take; None: all but
    SPARE. streamed: how many blocks no device has room for.
    """

    def __init__(
        self,
        prints: Packed,
        devices: Sequence[Any],
        block: int = BLOCK,
        memory: int | None = None,
    ) -> None:
        if not devices:
            raise ValueError("a gallery in blocks needs a device")
        _require_few_minutiae("print", prints)
        rooms = [max(device.room() - SPARE, 0) if memory is None else memory for device in devices]
        share = -(-len(prints) // len(devices))
        size = sum(column.nbytes for column in _columns(prints)) / max(len(prints), 1)
        if share * size > min(rooms):  # two buffers have to fit, if only into what is spared
            block = min(block, max(1, int(max(min(rooms), SPARE // 2) / (2 * size))))
        blocks = _cut(prints, max(1, min(block, share)))
        self._shares = [
            _Share(device, blocks[i :: len(devices)], room)
            for i, (device, room) in enumerate(zip(devices, rooms, strict=True))
        ]
        self._lock = threading.Lock()
        self.streamed = sum(len(share.streamed) for share in self._shares)
        if self.streamed:
            starts = [each.prints.start for share in self._shares for each in share.streamed]
            columns = (prints.codes, prints.x, prints.y, prints.angle, *starts)
            weakref.finalize(self, devices[0].unpin, devices[0].pin(columns))

    def search(self, probes: Packed, how: Voting, most: int, compare: Compare) -> Found:
        """All prints vote for each of P probes (on the CPU); the `most` best of each block are
        compared, and of these the `most` best of all are the answer.

        It does not depend on blocks and devices. Raises ValueError for arrays that do not fit and
        for a `most` below 1.
        """
        _require_few_minutiae("probe", probes)
        with self._lock:  # searches would fill each other's buffers
            try:
                parts = [share.start(probes, how, most, compare) for share in self._shares]
                found = [
                    part
                    for share, some in zip(self._shares, parts, strict=True)
                    for part in share.finish(some)
                ]
            except BaseException:
                for share in self._shares:
                    share.settle()
                raise
        if not found:
            nothing = np.zeros((len(probes), 0))
            return Found(*(nothing.astype(kind) for kind in (np.int64, np.uint16, np.float32)))
        prints, votes, scores = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
        # the most votes, and of as many the lower number: a selection over what blocks selected
        order = np.argsort(prints, axis=1, kind="stable")
        prints, votes, scores = (
            np.take_along_axis(part, order, axis=1) for part in (prints, votes, scores)
        )
        best = selection.select(np.ascontiguousarray(votes), most)
        return Found(*(np.take_along_axis(part, best, axis=1) for part in (prints, votes, scores)))


class _Share:
    """The blocks of one device. resident: those that stay there. streamed: those that do not."""

    def __init__(self, device: Any, blocks: Sequence[_Block], room: int) -> None:
        self._device = device
        fits = sum(block.nbytes for block in blocks) <= room
        buffers = 0 if fits else min(2, len(blocks)) * sum(_sizes(blocks))
        self.resident: list[_Block] = []
        self.streamed: list[_Block] = []
        self._buffers: list[Packed] = []
        with device.use():
            for block in blocks:
                if block.nbytes + buffers > room:
                    self.streamed.append(block)
                    continue
                room -= block.nbytes
                self.resident.append(
                    _Block(block.first, self._send(block, _buffer([block], device.xp)))
                )
            if self.streamed:
                count = min(2, len(self.streamed))
                self._buffers = [_buffer(self.streamed, device.xp) for _ in range(count)]
            # what had the buffers' memory before may still be read; then, what reads the buffers
            self._free = [device.mark()] * 2
        device.settle()  # a copy may still read what was made for it alone

    def start(self, probes: Packed, how: Voting, most: int, compare: Compare) -> list[Any]:
        """Tells the device all it has to do, and waits for none of it."""
        device = self._device
        with device.use():
            mine = move(probes, device.xp)
            parts = [
                _search(mine, block.first, block.prints, how, most, compare, device.xp)
                for block in self.resident
            ]
            for i, block in enumerate(self.streamed):
                which = i % len(self._buffers)
                prints = self._send(block, self._buffers[which], self._free[which])
                try:
                    parts.append(_search(mine, block.first, prints, how, most, compare, device.xp))
                finally:  # what was started before an error still reads it
                    self._free[which] = device.mark()
        return parts

    def settle(self) -> None:
        """Waits until the device has done what it was told, whatever became of it."""
        self._device.settle()

    def _send(self, block: _Block, buffer: Packed, after: Any = None) -> Packed:
        """The block's prints in a buffer, from when the mark `after` is passed; what the device
        computes from here on comes after them."""
        prints = _view(buffer, block.prints)
        pairs = zip(_columns(prints), _columns(block.prints), strict=True)
        self._device.wait(self._device.send(pairs, after or self._device.mark()))
        return prints

    def finish(self, parts: list[Any]) -> list[Any]:
        """Waits for the device; the same parts as NumPy arrays."""
        with self._device.use():
            return [tuple(backend.move(array, np) for array in part) for part in parts]


def _search(
    probes: Packed, first: int, prints: Packed, how: Voting, most: int, compare: Compare, xp: Any
) -> tuple[Any, Any, Any]:
    """Best prints, their votes and scores in one block, on its device."""
    votes = voting.vote(probes, prints, range(len(prints)), how)
    chosen = selection.select(votes, most)
    scores = compare(probes, prints, chosen.reshape(-1)).reshape(chosen.shape)
    return chosen + first, xp.take_along_axis(votes, chosen, axis=1), scores


def _require_few_minutiae(name: str, prints: Packed) -> None:
    """Raises ValueError where one of them has more than the kernels have room for."""
    if np.diff(prints.start).max(initial=0) > MAX_MINUTIAE:
        raise ValueError(f"a {name} has more than {MAX_MINUTIAE} minutiae")


def _cut(prints: Packed, block: int) -> list[_Block]:
    """The gallery in blocks: views, but for where each print starts."""
    cut = []
    for first in range(0, len(prints), block):
        start = prints.start[first : first + block + 1]
        at = slice(int(start[0]), int(start[-1]))
        x, y, angle = (column[at] for column in (prints.x, prints.y, prints.angle))
        cut.append(_Block(first, Packed(prints.codes[:, at], x, y, angle, start - start[0])))
    return cut


def _columns(prints: Packed) -> list[Any]:
    """All arrays of one dimension that prints consist of."""
    return [*prints.codes, prints.x, prints.y, prints.angle, prints.start]


def _sizes(blocks: Sequence[_Block]) -> list[int]:
    """Bytes of each array that has room for any of these blocks: the most minutiae may lie in one
    of them and the most prints in another."""
    columns = zip(*(_columns(block.prints) for block in blocks), strict=True)
    return [max(column.nbytes for column in each) for each in columns]


def _buffer(blocks: Sequence[_Block], xp: Any) -> Packed:
    """Room on a device for any of these blocks."""
    minutiae = max(block.prints.codes.shape[1] for block in blocks)
    x, y, angle = (xp.empty(minutiae, kind) for kind in (np.int16, np.int16, np.uint8))
    return Packed(
        xp.empty((len(blocks[0].prints.codes), minutiae), np.uint64),
        x,
        y,
        angle,
        xp.empty(max(len(block.prints) for block in blocks) + 1, np.int64),
    )


def _view(buffer: Packed, prints: Packed) -> Packed:
    """As much of a buffer as these prints take."""
    used = prints.codes.shape[1]
    x, y, angle = (column[:used] for column in (buffer.x, buffer.y, buffer.angle))
    return Packed(buffer.codes[:, :used], x, y, angle, buffer.start[: len(prints) + 1])
