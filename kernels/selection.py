"""Selection: the prints with the most votes, by counting instead of sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels import backend
from kernels.voting import LEVELS

_PART = 64  # neighbouring prints that one thread goes through
_PIECES = 512  # of each probe's prints, at most: a block adds up to LEVELS counters at its end


def select(votes: Any, most: int, first: int = 0) -> Any:
    """The prints with the most votes, of each of P probes: int64 (P, min(most, B)), ascending.

    votes: uint16 (P, B) from `voting.vote`, below LEVELS. Prints are counted from `first` on. Of
    prints with as many votes the lower numbers are taken: both devices choose the same ones, and
    nobody waits for a GPU. Raises ValueError for arrays that do not fit, for a `most` below 1, and
    on the CPU for votes of LEVELS and more, which a GPU takes for the most there can be.
    """
    backend.require("votes", votes, np.uint16, 2)
    if most < 1:
        raise ValueError(f"most is {most}, must be 1 or more")
    xp = backend.where(votes)
    probes, batch = votes.shape
    most = min(most, batch)
    if xp is np:
        if votes.max(initial=0) >= LEVELS:
            raise ValueError(f"votes go up to {votes.max()}, must be below {LEVELS}")
        return reference(votes, most, first)
    chosen = xp.zeros((probes, most), np.int64)
    if not chosen.size:
        return chosen
    parts = -(-batch // _PART)
    levels = xp.zeros((probes, LEVELS), np.int32)
    before = xp.zeros((2, probes, parts), np.int32)
    pieces = min(_PIECES, -(-parts // backend.THREADS))
    for step in range(3):
        if step == 2:  # how many come before each part
            before = xp.cumsum(before, axis=2, dtype=np.int32) - before
        backend.launch(
            "selection",
            probes * pieces,
            *(np.int32(step), votes, np.int32(probes), np.int64(batch), np.int64(first)),
            *(np.int32(most), np.int32(pieces), levels, before, np.int64(parts), chosen),
        )
    return chosen


def reference(votes: np.ndarray, most: int, first: int = 0) -> np.ndarray:
    """`select` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    probes, batch = votes.shape
    chosen = np.zeros((probes, most), np.int64)
    if not chosen.size:
        return chosen
    for mine, out in zip(votes, chosen, strict=True):
        last = np.partition(mine, batch - most)[batch - most]
        taken = mine > last
        equal = np.flatnonzero(mine == last)
        taken[equal[: most - np.count_nonzero(taken)]] = True
        out[:] = np.flatnonzero(taken)
    return chosen + first
