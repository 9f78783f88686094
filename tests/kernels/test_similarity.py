"""Local similarity against the plainest form of its definition, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest

from kernels import similarity
from kernels.packed import Packed


def prints(codes, angles, counts):
    """Packed prints from a list of Python integers as 256-bit codes."""
    words = np.array(
        [[(code >> (64 * w)) & (2**64 - 1) for code in codes] for w in range(4)], np.uint64
    ).reshape(4, -1)
    zero = np.zeros(len(codes), np.int16)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Packed(words, zero, zero, np.array(angles, np.uint8), start)


def plain(codes, angles, other_codes, other_angles, gate):
    """The best partner of each minutia, written as the definition reads."""
    keys = []
    for code, angle in zip(codes, angles, strict=True):
        best = 0
        for g, (other, turned) in enumerate(zip(other_codes, other_angles, strict=True)):
            difference = min((angle - turned) % 256, (turned - angle) % 256)
            like = max(127 - (code ^ other).bit_count(), 0) if difference <= gate else 0
            if like:
                best = max(best, like * 64 + 63 - g)
        keys.append(best)
    return keys


def test_agrees_with_the_definition():
    rng = np.random.default_rng(5)
    base = [int.from_bytes(rng.bytes(32), "little") for _ in range(8)]
    codes = [b ^ (int.from_bytes(rng.bytes(32), "little") & (2**80 - 1)) for b in base]
    angles = rng.integers(0, 256, 8).tolist()
    turned = [(a + int(t)) % 256 for a, t in zip(angles, rng.integers(-90, 90, 8), strict=True)]
    probe, gallery = prints(base, angles, [8]), prints(codes, turned, [5, 3])
    row, col = similarity.best(probe, gallery, np.array([1, 0]), 64)
    for b, part in enumerate([slice(5, 8), slice(0, 5)]):
        assert row[:, b].tolist() == plain(base, angles, codes[part], turned[part], 64)
        expected = plain(codes[part], turned[part], base, angles, 64)
        assert col[: len(expected), b].tolist() == expected
        assert not col[len(expected) :, b].any()


@pytest.mark.parametrize(("flipped", "similarity_is"), [(0, 127), (1, 126), (126, 1), (256, 0)])
def test_similarity_falls_with_distance_and_never_wraps(flipped, similarity_is):
    row, _ = similarity.best(
        prints([2**flipped - 1], [0], [1]), prints([0], [0], [1]), np.array([0]), 64
    )
    assert row[0, 0] >> 6 == similarity_is


@pytest.mark.parametrize(("angle", "inside"), [(64, True), (65, False), (192, True), (191, False)])
def test_gate_wraps_around_the_turn(angle, inside):
    row, _ = similarity.best(prints([7], [0], [1]), prints([7], [angle], [1]), np.array([0]), 64)
    assert bool(row[0, 0]) is inside


def test_arrays_that_do_not_fit_are_refused():
    one = prints([1], [0], [1])
    with pytest.raises(ValueError, match="shared by 2 probes"):
        similarity.best(prints([1, 2], [0, 0], [1, 1]), one, np.array([0]), 64)
    with pytest.raises(ValueError, match="gate"):
        similarity.best(one, one, np.array([0]), 128)
    with pytest.raises(ValueError, match="candidates"):
        similarity.best(one, one, np.array([0], np.int32), 64)
    with pytest.raises(ValueError, match="codes"):
        Packed(np.zeros((4, 1)), *[np.zeros(1, np.int16)] * 2, np.zeros(1, np.uint8), one.start)
