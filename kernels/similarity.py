"""Local similarity: for each minutia, which minutia of the other print is most like it.

Similarity of two minutiae is 127 minus the Hamming distance of their 256-bit codes (63 minus it
for 128 bits), not below 0, and 0 where their directions differ by more than the gate. Only each
minutia's best partner is kept, as one 13-bit key: similarity above, and below it 63 minus the
partner's index, so that a plain maximum finds the best partner and ties go to the lower index.

Codes compared by Hamming distance: Cappelli, Ferrara and Maltoni, "Minutia Cylinder-Code", TPAMI
2010, section 3.2 (bit-based); the sign codes here replace their cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kernels import backend
from kernels.packed import MAX_MINUTIAE, Packed, one_each, share, slots

INDEX_BITS = 6
LAST = (1 << INDEX_BITS) - 1
_GROUP = 8  # slots whose bytes are worked on in one call: as many bytes as a slot's words have


def best(probes: Packed, gallery: Packed, candidates: Any, gate: int) -> tuple[Any, Any]:
    """Best partners between probes and B prints of a gallery.

    probes: one print or P of them. candidates: int64 (B,) prints of `gallery`; the first B/P are
    compared with the first probe, and so on. gate: largest difference of direction, 1/256 turn,
    0..127.
    Returns keys uint16 (p, B) of the probes' minutiae and (G, B) of the candidates', p and G being
    the largest counts among them (both 64 on a GPU, where nobody waits to know them); 0 means no
    partner at all.
    Raises ValueError for arrays that do not fit or a gate out of range.
    """
    backend.require("candidates", candidates, np.int64, 1)
    xp = backend.where(probes.codes, gallery.codes, candidates)
    per = share(probes, candidates)
    if not 0 <= gate < 128:
        raise ValueError(f"gate is {gate}, must be 0..127")
    if probes.codes.shape[0] != gallery.codes.shape[0]:
        raise ValueError("codes of probe and gallery differ in length")
    if xp is np:
        return reference(probes, gallery, candidates, gate)
    row, col = (xp.zeros((MAX_MINUTIAE, len(candidates)), np.uint16) for _ in range(2))
    backend.launch(
        "similarity",
        len(candidates),
        *(probes.codes, np.int64(probes.row), probes.angle, probes.start, np.int32(per)),
        *(gallery.codes, np.int64(gallery.row), gallery.angle, gallery.start),
        np.int32(len(probes.codes)),
        *(candidates, np.int32(len(candidates)), np.int32(gate), row, col),
    )
    return row, col


def reference(
    probes: Packed, gallery: Packed, candidates: Any, gate: int
) -> tuple[np.ndarray, np.ndarray]:
    """`best` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    if len(probes) == 1:
        return _reference(probes, gallery, candidates, gate)
    found = [_reference(probe, gallery, some, gate) for probe, some in one_each(probes, candidates)]
    return backend.beside(row for row, _ in found), backend.beside(col for _, col in found)


def _reference(
    probe: Packed, gallery: Packed, candidates: np.ndarray, gate: int
) -> tuple[np.ndarray, np.ndarray]:
    """`reference` for one probe.

    A few candidate slots at a time for all candidates: the working set are three arrays of p×B×8
    bytes, about as large as a second-level cache of 1 MB at B = 1024, and the full p×G×B×W block
    never exists.
    """
    words, p = probe.codes.shape
    index, real = slots(gallery, candidates)
    width, batch = index.shape
    row = np.zeros((p, batch), np.uint16)
    col = np.zeros((width, batch), np.uint16)
    if p == 0 or width == 0:
        return row, col
    held = Slots(gallery, index, real, words)
    agreeing = Agreeing(probe, words, gate, batch)
    own = (LAST - np.arange(p)).astype(np.uint16)[:, None]
    theirs = (LAST - np.arange(width)).astype(np.uint16)[:, None, None]
    own_keys, other_keys = np.empty((2, min(_GROUP, width), p, batch), np.uint16)
    likest = np.empty_like(row)
    with backend.unbuffered():
        for some in held.groups():
            counted = agreeing.count(held, some)
            key, other = own_keys[: len(counted)], other_keys[: len(counted)]
            key[:] = counted
            np.multiply(key, np.uint16(LAST + 1), out=key)
            np.add(key, theirs[some], out=other)
            np.maximum(row, np.maximum.reduce(other, axis=0, out=likest), out=row)
            np.add(key, own, out=key)
            np.maximum.reduce(key, axis=1, out=col[some])
    for keys in (row, col):  # an index without likeness is no partner
        likeness = np.maximum(keys >> INDEX_BITS, agreeing.none) - agreeing.none
        keys &= LAST
        keys |= likeness << INDEX_BITS
        keys *= likeness > 0
    return row, col


class Slots:
    """What the prints of a batch show in each slot of minutiae, from `packed.slots`: words of codes
    and directions, each lying in one piece."""

    def __init__(self, gallery: Packed, index: np.ndarray, real: np.ndarray, words: int) -> None:
        # taken row by row: indexed together, the words of one slot would not lie side by side
        self.codes = [word.take(index) for word in gallery.codes[:words]]
        self.angle = gallery.angle.take(index)
        self.real = real.view(np.uint8)
        self.full = np.count_nonzero(real.all(axis=1))  # so many slots, the first, are of all

    def groups(self) -> Iterator[slice]:
        """The slots, a few at a time: a call for a few holds the interpreter's lock no longer than
        one for a single slot, and other threads need it too."""
        for first in range(0, len(self.angle), _GROUP):
            yield slice(first, min(first + _GROUP, len(self.angle)))


class Agreeing:
    """Counts the bits in which a probe's p minutiae agree with one of each of B candidates.

    none: so many agreeing bits are no likeness yet.
    """

    def __init__(self, probe: Packed, words: int, gate: int, batch: int) -> None:
        shape = probe.codes.shape[1], batch
        self.none = np.uint8(32 * words + (words < 4))
        self._codes = ~probe.codes[:words, :, None]  # so that bits that agree are counted
        self._shifted = (probe.angle - np.uint8(gate))[:, None]
        # full arrays: with a scalar, NumPy's maximum of bytes takes ten times as long
        self._one, self._open = (np.full(shape, n, np.uint8) for n in (1, 2 * gate))
        self._alike = np.empty(shape, np.uint64)
        self._bits, self._agreeing = np.empty((2, _GROUP, *shape), np.uint8)

    def count(self, slots: Slots, some: slice) -> np.ndarray:
        """Of these n slots: uint8 (n, p, B), good until the next; of 256 bits one less, so that all
        of them fit, and 0 where directions differ by more than the gate or there is no minutia."""
        alike, few = self._alike, some.stop - some.start
        bits, agreeing = self._bits[:few], self._agreeing[:few]
        for w, (mine, theirs) in enumerate(zip(self._codes, slots.codes, strict=True)):
            for word, counted in zip(theirs[some], bits if w else agreeing, strict=True):
                np.bitwise_xor(mine, word, out=alike)
                np.bitwise_count(alike, out=counted)
            if w == 3:  # one less, but not less than none, or 256 would wrap to 0
                np.maximum(agreeing, self._one, out=agreeing)
                np.subtract(agreeing, self._one, out=agreeing)
            if w:
                np.add(agreeing, bits, out=agreeing)
        # |difference| <= gate in wrapping bytes: shifted by the gate, it is one comparison
        turn = bits
        np.subtract(slots.angle[some, None], self._shifted, out=turn)
        np.less_equal(turn, self._open, out=turn.view(bool))
        np.multiply(agreeing, turn, out=agreeing)
        if some.stop > slots.full:
            np.multiply(agreeing, slots.real[some, None], out=agreeing)
        return agreeing
