"""Tasks of voting and selection."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devices import roofline
from devices.data import Data
from devices.timing import Case
from engine.settings import RescoringSettings
from kernels import backend, selection, voting

KEPT = 10_000  # of a search, as VotingSettings.kept_whole has it

_rescoring = RescoringSettings()


def rule(words: int, form: str = voting.FORMS[0]) -> voting.Voting:
    """Weights that grow from what strangers' codes agree by chance."""
    bits = 64 * words
    likeness = np.arange(bits // 2) - 1.25 * math.sqrt(bits)
    share = np.clip(likeness / likeness[-1], 0, 1)
    weight = np.rint(voting.MOST_WEIGHT * share).astype(np.uint16)
    return voting.Voting(words, _rescoring.gate, weight, form)


def of_voting(data: Data, words: int, probes: int, form: str) -> Case:
    """A range of the gallery, another one each time."""
    name = roofline.voting_name(words, probes, form)
    how, batch = rule(words, form), data.sizes.batch
    mine, on_mine = data.voters(probes)
    firsts = range(0, data.sizes.prints - batch + 1, batch)
    ranges = [range(first, first + batch) for first in firsts]

    def work(i: int) -> Any:
        return voting.vote(on_mine, data.on_gallery, ranges[i % len(ranges)], how)

    def check(i: int, pick: slice) -> None:
        expected = voting.reference(mine, data.gallery, ranges[i][pick], how)
        np.testing.assert_array_equal(data.back(data.run(work, i), pick), expected)

    cost = roofline.voting(data.usual, words, probes, form)
    return data.case(name, batch, len(ranges), cost, work, check, probes)


def of_selection(data: Data) -> Case:
    """Votes of as many probes as a launch can have, few of them different."""
    shape = data.sizes.votes, data.sizes.batch
    count = data.turns(2 * math.prod(shape), 8)
    votes = [data.rng.integers(0, 300, shape, dtype=np.uint16) for _ in range(count)]
    with data.device.use():
        on_votes = [backend.move(each, data.xp) for each in votes]

    def work(i: int) -> Any:
        return selection.select(on_votes[i % count], KEPT)

    def check(i: int, _: slice) -> None:
        expected = selection.reference(votes[i], min(KEPT, shape[1]))
        np.testing.assert_array_equal(data.back(data.run(work, i)), expected)

    return data.case("selection", shape[1], count, roofline.selection(), work, check, shape[0])
