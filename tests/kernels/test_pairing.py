"""Mutual pairs: chosen by both sides, likest first, each minutia once."""

from __future__ import annotations

import numpy as np
import pytest

from kernels import pairing


def keys(entries, length):
    """uint16 (length, 1) from {index: (similarity, partner)}."""
    out = np.zeros((length, 1), np.uint16)
    for index, (like, partner) in entries.items():
        out[index] = like * 64 + 63 - partner
    return out


def test_only_mutual_choices_are_pairs_best_first():
    row = keys({0: (50, 1), 1: (90, 0), 2: (80, 1), 3: (70, 2)}, 4)
    col = keys({0: (90, 1), 1: (80, 2), 2: (75, 0)}, 3)
    mine, theirs, like = pairing.pairs(row, col, 3)
    assert list(zip(mine[:, 0], theirs[:, 0], like[:, 0], strict=True)) == [
        (1, 0, 90),
        (2, 1, 80),
        (0, 0, 0),
    ]


def test_fewer_wanted_than_there_are_keeps_the_likest():
    row = keys({i: (40 + i, i) for i in range(10)}, 10)
    col = keys({i: (40 + i, i) for i in range(10)}, 10)
    mine, _, like = pairing.pairs(row, col, 4)
    assert mine[:, 0].tolist() == [9, 8, 7, 6]
    assert like[:, 0].tolist() == [49, 48, 47, 46]


@pytest.mark.parametrize(("p", "width"), [(0, 0), (0, 5), (5, 0), (64, 64)])
def test_nothing_alike_gives_no_pairs(p, width):
    found = pairing.pairs(np.zeros((p, 2), np.uint16), np.zeros((width, 2), np.uint16), 8)
    assert all(part.shape == (8, 2) and not part.any() for part in found)


def test_bounds_are_checked():
    empty = np.zeros((1, 1), np.uint16)
    with pytest.raises(ValueError, match=r"2\.\.32"):
        pairing.pairs(empty, empty, 33)
    with pytest.raises(ValueError, match="number of candidates"):
        pairing.pairs(empty, np.zeros((1, 2), np.uint16), 8)
