"""The shortlist finds the same vectors whatever was added, taken out, saved and put together."""

from __future__ import annotations

import numpy as np
import pytest

from engine.index.shortlist import Vectors
from engine.types import EMBEDDING_SIZE, F32


def draw(count: int, seed: int) -> F32:
    vectors = np.random.default_rng(seed).normal(size=(count, EMBEDDING_SIZE)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


ALL, NEW = draw(700, 1), draw(45, 2)


def made_of(*parts: F32) -> Vectors:
    made = Vectors()
    for part in parts:
        made.add(part)
    return made


def same(one: Vectors, other: Vectors, count: int = 9) -> bool:
    asked = np.concatenate([ALL[::7], NEW])
    return len(one) == len(other) and all(
        np.array_equal(one.nearest(vector, count), other.nearest(vector, count)) for vector in asked
    )


@pytest.mark.parametrize("count", [1, 31, 32, 33, 64, 500, 700])
@pytest.mark.parametrize("gone", [[0], [5, 6, 7], [499, 3, 250], list(range(0, 700, 3))])
def test_those_that_stay_are_found_under_their_new_numbers(count: int, gone: list[int]) -> None:
    vectors, lost = made_of(ALL[:count]), np.unique([each % count for each in gone])
    kept = np.delete(ALL[:count], lost, axis=0)
    vectors.remove(lost)
    assert same(vectors, made_of(kept))
    vectors.add(NEW)
    assert same(vectors, made_of(kept, NEW))
    vectors.remove(np.arange(len(vectors)))
    assert len(vectors) == 0
    vectors.add(NEW)
    assert same(vectors, made_of(NEW))


@pytest.mark.parametrize("sizes", [(64, 40, 33, 500), (33, 31, 1, 70, 5), (500, 32, 1), (7,)])
def test_parts_that_were_saved_come_together(sizes: tuple[int, ...]) -> None:
    ends = np.cumsum(sizes)
    whole = made_of(ALL[: ends[-1]])
    for saved in (
        [made_of(ALL[end - size : end]).to_bytes() for size, end in zip(sizes, ends, strict=True)],
        [whole.to_bytes(end - size, end) for size, end in zip(sizes, ends, strict=True)],
    ):
        read = Vectors()
        assert [read.add_bytes(part) for part in saved] == list(sizes)
        assert same(read, whole)
        read.add(NEW)
        assert same(read, made_of(ALL[: ends[-1]], NEW))
        read.remove(np.array([0, 3, 6]))
        assert same(read, made_of(np.delete(ALL[: ends[-1]], [0, 3, 6], axis=0), NEW))


def test_what_was_taken_out_is_in_nothing_that_is_saved() -> None:
    vectors = made_of(ALL[:100])
    lone = made_of(ALL[40:41]).to_bytes().tobytes()
    empty = made_of(np.zeros((1, EMBEDDING_SIZE), np.float32)).to_bytes().tobytes()
    differ = [at for at, (a, b) in enumerate(zip(lone, empty, strict=True)) if a != b]
    assert len(differ) > 20  # its bits lie apart: compared by what is left of all others
    vectors.remove(np.array([40]))
    again = made_of(np.delete(ALL[:100], 40, axis=0))
    assert vectors.to_bytes().tobytes() == again.to_bytes().tobytes()


def test_what_is_no_index_of_vectors_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        Vectors().add_bytes(np.frombuffer(b"nothing of the kind", np.uint8))
