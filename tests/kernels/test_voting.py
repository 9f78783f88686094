"""Votes against the plainest form of their definition; ranges, batches and words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.voting import LEVELS, MOST_WEIGHT, Voting, vote
from tests.kernels import test_parity
from tests.kernels.prints import cut, draw

cuda = test_parity.cuda


def how(words=4, gate=64):
    """Weights that grow from 0 to the most."""
    likeness = np.arange(32 * words) / (32 * words - 1)
    return Voting(words, gate, np.rint(MOST_WEIGHT * likeness**2).astype(np.uint16))


def plain(probe, print_, rule):
    """The votes of one print for another, written as the definition reads."""
    total = 0
    for i in range(probe.codes.shape[1]):
        best = 0
        for g in range(print_.codes.shape[1]):
            turned = (int(probe.angle[i]) - int(print_.angle[g])) % 256
            if min(turned, 256 - turned) <= rule.gate:
                apart = sum(
                    (int(probe.codes[w, i]) ^ int(print_.codes[w, g])).bit_count()
                    for w in range(rule.words)
                )
                best = max(best, 32 * rule.words - 1 - apart)
        total += int(rule.weight[best])
    return total


@given(
    probes=st.lists(st.sampled_from([0, 1, 7, 40]), min_size=1, max_size=3),
    counts=st.lists(st.sampled_from([0, 1, 2, 9, 64]), min_size=1, max_size=4),
    words=st.integers(1, 4),
    gate=st.sampled_from([0, 30, 127]),
    alike=st.sampled_from([0.0, 0.9]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=30, deadline=None)
def test_agrees_with_the_definition(probes, counts, words, gate, alike, seed):
    both = draw(np.random.default_rng(seed), [*probes, *counts], alike=alike)
    mine, gallery = cut(both, 0, len(probes)), cut(both, len(probes), len(both))
    rule = how(words, gate)
    expected = [
        [plain(cut(mine, i, i + 1), cut(gallery, j, j + 1), rule) for j in range(len(counts))]
        for i in range(len(probes))
    ]
    got = vote(mine, gallery, range(len(gallery)), rule)
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == np.uint16


@pytest.mark.parametrize("words", [1, 2, 3, 4])
def test_the_same_code_has_most_votes_and_its_opposite_none(words):
    rng = np.random.default_rng(1)
    probe = draw(rng, [64])
    probe.angle[:] = 5
    probe.codes[:, 1:] = probe.codes[:, :1]
    opposite = cut(probe, 0, 1)
    opposite.codes[:] = ~opposite.codes
    rule = how(words)
    assert vote(probe, probe, range(1), rule)[0, 0] == 64 * MOST_WEIGHT < LEVELS
    assert vote(probe, opposite, range(1), rule)[0, 0] == 0


def test_a_list_and_a_range_are_the_same():
    rng = np.random.default_rng(2)
    gallery, probes = draw(rng, [40, 3, 64, 0, 25]), draw(rng, [30, 64])
    listed = vote(probes, gallery, np.array([1, 2, 3], np.int64), how())
    np.testing.assert_array_equal(listed, vote(probes, gallery, range(1, 4), how()))
    assert not listed[:, 2].any()


@pytest.mark.parametrize("count", [17, 63, 64, 65, 130])
def test_cuda_text_keeps_the_votes_of_many_probes_apart(cuda, count):
    rng = np.random.default_rng(count)
    both = draw(rng, [*rng.integers(0, 4, count), *[9] * 20], alike=0.9)
    task = cut(both, 0, count), cut(both, count, len(both)), range(20), how()
    expected = vote(*task)
    assert len(np.unique(expected, axis=0)) > count // 2  # one's votes are not another's
    np.testing.assert_array_equal(cuda(vote, *task), expected)


def test_arrays_that_do_not_fit_are_refused():
    some = draw(np.random.default_rng(3), [4, 4])
    with pytest.raises(ValueError, match="neighbours"):
        vote(some, some, range(3), how())
    with pytest.raises(ValueError, match="neighbours"):
        vote(some, some, range(0, 2, 2), how())
    with pytest.raises(ValueError, match="neighbours"):
        vote(some, some, range(-1, 2), how())
    with pytest.raises(ValueError, match="candidates"):
        vote(some, some, np.array([0], np.int32), how())
    with pytest.raises(ValueError, match="words"):
        vote(draw(np.random.default_rng(3), [4], words=2), some, range(1), how(3))


@pytest.mark.parametrize(
    ("words", "gate", "weight", "reason"),
    [
        (0, 64, np.zeros(0, np.uint16), "words"),
        (5, 64, np.zeros(160, np.uint16), "words"),
        (1, 128, np.zeros(32, np.uint16), "gate"),
        (1, 64, np.zeros(32, np.int64), "weight"),
        (1, 64, np.zeros(31, np.uint16), "31 weights"),
        (1, 64, np.full(32, 1, np.uint16), "from 0"),
        (1, 64, np.arange(0, 3 * 32, 3).astype(np.uint16), "from 0"),
    ],
)
def test_rules_out_of_range_are_refused(words, gate, weight, reason):
    with pytest.raises(ValueError, match=reason):
        Voting(words, gate, weight)
