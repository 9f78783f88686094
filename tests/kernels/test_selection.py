"""Selection against a stable sort, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.selection import select
from kernels.voting import LEVELS


@given(
    shape=st.sampled_from([(1, 1), (1, 64), (2, 65), (3, 1000), (1, 9000), (2, 0), (0, 4)]),
    most=st.sampled_from([1, 2, 63, 64, 200, 10_000]),
    levels=st.sampled_from([1, 2, 30, LEVELS]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_takes_what_a_stable_sort_would(shape, most, levels, seed):
    votes = np.random.default_rng(seed).integers(0, levels, shape).astype(np.uint16)
    best = np.argsort(-votes.astype(np.int64), axis=1, kind="stable")[:, :most]
    np.testing.assert_array_equal(select(votes, most, 5), np.sort(best, axis=1) + 5)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="votes"):
        select(np.zeros((1, 3)), 1)
    with pytest.raises(ValueError, match="most"):
        select(np.zeros((1, 3), np.uint16), 0)
