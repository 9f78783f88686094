"""Impressions to learn from: the same whoever draws them, whole, and less noisy than usual."""

from __future__ import annotations

import numpy as np
from impressions import Shard, draw_shard, draw_shards


def same(one: Shard, other: Shard) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_seed_gives_the_same_shard():
    assert same(draw_shard((3, 1), 20, 2, 0.3), draw_shard((3, 1), 20, 2, 0.3))
    assert not same(draw_shard((3, 1), 20, 2, 0.3), draw_shard((3, 2), 20, 2, 0.3))


def test_shards_do_not_depend_on_who_draws_them():
    alone = list(draw_shards(3, 4, 7, 5, 2, workers=1))
    together = list(draw_shards(3, 4, 7, 5, 2, workers=2))
    assert len(alone) == len(together) == 3
    assert all(same(a, b) for a, b in zip(alone, together, strict=True))


def test_a_pair_holds_both_impressions_of_each_finger():
    shard = draw_shard((3, 1), 20, 4, 0.0)
    pair = shard.pair(2)
    np.testing.assert_array_equal(pair.count, shard.count[2:])
    before = shard.count[:2].sum()
    np.testing.assert_array_equal(pair.described, shard.described[before:])
    assert len(pair.described) == pair.count.sum()
