"""The task of blocks: searches of a whole gallery, which stays on the device or streams."""

from __future__ import annotations

from typing import Any

import numpy as np

from devices import roofline
from devices.data import Data
from devices.roofline import plural
from devices.scores import SCORE, compare
from devices.timing import Case
from devices.votes import KEPT, rule
from kernels import selection, voting
from kernels.blocks import Blocks
from kernels.packed import Packed, alone, take

SEARCH_WORDS = 2  # of voting, where a whole gallery is gone through


def hold(data: Data, prints: Packed, block: int, streamed: bool) -> Blocks:
    """A gallery that stays on the device, or none of it."""
    return Blocks(prints, [data.device], block, 0 if streamed else None)


def of_blocks(data: Data, held: Blocks, probes: int, streamed: bool) -> Case:
    """All prints of the gallery: what is searched for, and what is found, starts and ends on
    the processor."""
    way = "streamed" if streamed else "resident"
    mine, _ = data.voters(probes)
    how, sample = rule(SEARCH_WORDS), data.sizes.sample

    def work(_: int) -> Any:
        return held.search(mine, how, KEPT, compare)

    def check(i: int, _: slice) -> None:
        assert bool(held.streamed) == streamed, f"{plural(held.streamed, 'block')} streamed"
        found = data.run(work, i)
        for j, (prints, votes, scores) in enumerate(zip(*found, strict=True)):
            one = alone(mine, j)
            expected = voting.reference(one, data.gallery, prints, how)[0]
            np.testing.assert_array_equal(votes, expected)
            expected = compare(one, data.gallery, prints)
            np.testing.assert_allclose(scores, expected, rtol=0, atol=SCORE)
        # that nothing better was left out shows where the reference can go through all
        few = take(data.gallery, np.arange(min(8 * sample, data.sizes.prints)))
        small = hold(data, few, -(-len(few) // 5), streamed)
        found = data.run(lambda _: small.search(mine, how, sample, compare), i)
        expected = voting.reference(mine, few, range(len(few)), how)
        best = selection.reference(expected, min(sample, len(few)))
        np.testing.assert_array_equal(found.prints, best)

    name = f"blocks, {way}, {plural(probes, 'probe')}"
    cost = roofline.blocks(data.usual, SEARCH_WORDS, probes, streamed)
    made = data.case(name, data.sizes.prints, 1, cost, work, check, probes)
    return made._replace(repeats=data.sizes.searches)
