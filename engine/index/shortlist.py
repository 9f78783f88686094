"""Finds the prints whose embeddings are most like a probe's: a shortlist, not an answer.

Every vector is looked at (no lists that a weak mate can fall out of), at one bit a component
and 8 bytes a print: RaBitQ (Gao and Long, SIGMOD 2024) with FAISS's fast-scan. The embedding comes
rotated at random, as RaBitQ wants it, and centred on zero, so that nothing is trained here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.index.growing import Growing
from engine.types import EMBEDDING_SIZE, F32, I64, U8


class Vectors:
    """The embeddings of N prints.

    FAISS has them in places of its own: it would move all behind one that is taken out, which takes
    most of a second in a million. Here the last one takes its place, and `_number` says whose
    vector is where.
    """

    def __init__(self) -> None:
        self._index: Any = _empty()
        self._number = Growing(np.int64)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return len(self) * int(self._index.code_size) + self._number.nbytes

    def add(self, vectors: F32) -> None:
        """Adds float32 (m, EMBEDDING_SIZE) unit vectors at the end."""
        count = len(self)
        if not len(vectors):
            return  # FAISS would abort
        self._index.add(np.ascontiguousarray(vectors, np.float32))
        self._number.append(np.arange(count, count + len(vectors)))

    def remove(self, which: I64) -> None:
        """Takes out the vectors of these numbers, ascending; later ones move up."""
        number, packed = self._number.view(), _Packed(self._index)
        left = len(number)
        for place in np.flatnonzero(np.isin(number, which))[::-1].tolist():
            left -= 1
            packed.move(left, place)
            number[place] = number[left]
        packed.cut(left)
        self._number.keep(np.array([[0, left]]))
        number = self._number.view()
        number -= np.searchsorted(which, number)

    def nearest(self, vector: F32, count: int) -> I64:
        """The numbers of the `count` vectors most like `vector`, ascending; all, if there are no
        more. Ascending, because the memory is read in that order afterwards."""
        if count >= len(self):
            return np.arange(len(self), dtype=np.int64)
        _, found = self._index.search(vector[None].astype(np.float32), count)
        return np.sort(self._number.view().take(found[0][found[0] >= 0]))

    def to_bytes(self, first: int = 0, end: int | None = None) -> U8:
        """uint8 bytes for `add_bytes`, of the vectors first to end - 1, in the order of their
        numbers."""
        import faiss

        end = len(self) if end is None else end
        number = self._number.view()
        place = np.empty(len(number), np.int64)
        place[number] = np.arange(len(number))
        some = _empty()
        _Packed(some).take(_Packed(self._index), place[first:end])
        return np.asarray(faiss.serialize_index(some), np.uint8)

    def add_bytes(self, stored: U8) -> int:
        """Adds what `to_bytes` gave at the end, and says how many vectors that are. ValueError
        where it is anything else."""
        import faiss

        try:
            index = faiss.deserialize_index(np.ascontiguousarray(stored))
        except RuntimeError as error:
            raise ValueError(f"the vectors cannot be read: {error}") from error
        if index.d != EMBEDDING_SIZE or not isinstance(index, type(self._index)):
            raise ValueError("the vectors are of another kind")
        count, before = int(index.ntotal), len(self)
        number = np.arange(before, before + count)
        if not before:
            self._index = index
            self._number.append(number)
            return count
        whole, tail = _Packed(self._index).extend(_Packed(index), before, count)
        old = self._number.view()[before - tail :].copy()
        self._number.keep(np.array([[0, before - tail]]))
        for some in (number[:whole], old, number[whole:]):
            self._number.append(some)
        return count


class _Packed:
    """The codes of FAISS's index as it keeps them: blocks of vectors whose bits alternate."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._packer = index.get_CodePacker()
        self._block, self._vectors = int(self._packer.block_size), int(self._packer.nvec)
        self._codes = self._view()

    def move(self, source: int, target: int) -> None:
        """Puts the vector of one place into another, and zeros where it was."""
        code = self._read(source)
        self._write(source, np.zeros_like(code))
        if source != target:
            self._write(target, code)

    def cut(self, count: int) -> None:
        """Forgets the places from `count` on."""
        blocks = -(-count // self._vectors)
        self._resize(blocks)
        self._index.ntotal, self._index.ntotal2 = count, blocks * self._vectors

    def extend(self, other: _Packed, before: int, count: int) -> tuple[int, int]:
        """Adds the `count` vectors of another index to the `before` of this one: its full blocks
        before the last block of this one, where that is not full, then the rest one by one. Gives
        how many came as blocks, and how many they were put before."""
        full, rest = divmod(count, self._vectors)
        mine, tail = divmod(before, self._vectors)
        last = self._codes[mine : mine + 1].copy()
        self._resize(-(-(before + count) // self._vectors))
        self._codes[mine : mine + full] = other._codes[:full]
        self._codes[mine + full :] = 0
        if tail:
            self._codes[mine + full] = last[0]
        for place in range(rest):
            code = other._read(full * self._vectors + place)
            self._write((mine + full) * self._vectors + tail + place, code)
        self.cut(before + count)
        return full * self._vectors, tail

    def take(self, other: _Packed, places: I64) -> None:
        """Fills an empty index with the vectors of these places of another."""
        blocks = -(-len(places) // self._vectors)
        self._resize(blocks)
        if len(places):
            self._copy(other, places)
        self.cut(len(places))

    def _copy(self, other: _Packed, places: I64) -> None:
        from faiss import swig_ptr

        code = np.zeros(int(self._packer.code_size), np.uint8)
        theirs, own, mine = swig_ptr(other._codes), swig_ptr(code), swig_ptr(self._codes)
        unpack, pack = self._packer.unpack_1_c, self._packer.pack_1_c  # without checks each time
        for place, source in enumerate(places.tolist()):
            unpack(theirs, source, own)
            pack(own, place, mine)

    def _read(self, place: int) -> U8:
        block, at = divmod(place, self._vectors)
        return np.asarray(self._packer.unpack_1(self._codes[block : block + 1], at))

    def _write(self, place: int, code: U8) -> None:
        block, at = divmod(place, self._vectors)
        self._packer.pack_1(code, at, self._codes[block : block + 1])

    def _resize(self, blocks: int) -> None:
        before = len(self._codes)
        self._index.codes.resize(blocks * self._block)
        self._codes = self._view()
        self._codes[before:] = 0  # FAISS does not, and only turns bits on when it adds

    def _view(self) -> U8:
        import faiss

        size = int(self._index.codes.size())
        if not size:
            return np.zeros((0, self._block), np.uint8)
        codes = faiss.rev_swig_ptr(self._index.codes.data(), size)
        return np.asarray(codes).reshape(-1, self._block)


def _empty() -> Any:
    import faiss  # a quarter of a second: not before it is needed

    index = faiss.IndexRaBitQFastScan(EMBEDDING_SIZE, faiss.METRIC_INNER_PRODUCT)
    index.train(np.zeros((1, EMBEDDING_SIZE), np.float32))  # the centre: zero
    return index
