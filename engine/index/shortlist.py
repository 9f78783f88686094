"""Finds the prints whose embeddings are most like a probe's: a shortlist, not an answer.

Every vector is looked at (no lists that a weak mate can fall out of), at one bit a component
and 8 bytes a print: RaBitQ (Gao and Long, SIGMOD 2024) with FAISS's fast-scan. The embedding comes
rotated at random, as RaBitQ wants it, and centred on zero, so that nothing is trained here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.types import EMBEDDING_SIZE, F32, I64, U8


class Vectors:
    """The embeddings of N prints, in order."""

    def __init__(self) -> None:
        self._index: Any = _empty()

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return len(self) * int(self._index.code_size)

    def add(self, vectors: F32) -> None:
        """Adds float32 (m, EMBEDDING_SIZE) unit vectors at the end."""
        self._index.add(np.ascontiguousarray(vectors, np.float32))

    def remove(self, which: I64) -> None:
        """Takes out the vectors of these numbers; later ones move up."""
        self._index.remove_ids(which)

    def nearest(self, vector: F32, count: int) -> I64:
        """The numbers of the `count` vectors most like `vector`, ascending; all, if there are no
        more. Ascending, because the memory is read in that order afterwards."""
        if count >= len(self):
            return np.arange(len(self), dtype=np.int64)
        _, found = self._index.search(vector[None].astype(np.float32), count)
        return np.sort(found[0][found[0] >= 0]).astype(np.int64)

    def to_bytes(self) -> U8:
        """uint8 bytes for `from_bytes`."""
        import faiss

        return np.asarray(faiss.serialize_index(self._index), np.uint8)

    @classmethod
    def from_bytes(cls, stored: U8) -> Vectors:
        """What `to_bytes` gave. ValueError where it is anything else."""
        import faiss

        vectors = cls()
        try:
            index = faiss.deserialize_index(np.ascontiguousarray(stored))
        except RuntimeError as error:
            raise ValueError(f"the vectors cannot be read: {error}") from error
        if index.d != EMBEDDING_SIZE or not isinstance(index, type(vectors._index)):
            raise ValueError("the vectors are of another kind")
        vectors._index = index
        return vectors


def _empty() -> Any:
    import faiss  # a quarter of a second: not before it is needed

    index = faiss.IndexRaBitQFastScan(EMBEDDING_SIZE, faiss.METRIC_INNER_PRODUCT)
    index.train(np.zeros((1, EMBEDDING_SIZE), np.float32))  # the centre: zero
    return index
