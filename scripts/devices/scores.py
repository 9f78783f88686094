"""Tasks of similarity, pairing and relaxation, and of the three in a row: a score."""

from __future__ import annotations

from typing import Any

import numpy as np

from devices import roofline
from devices.lists import RELAXING, Chain, Lists
from devices.timing import Case
from engine.settings import RescoringSettings
from kernels import backend, pairing, relaxation, similarity
from kernels.packed import Packed

SCORE = 1e-5  # between NumPy and a device, as relaxation states it

_rescoring = RescoringSettings()


def compare(probes: Packed, gallery: Packed, candidates: Any) -> Any:
    """Scores, float32 (B,): similarity, pairing and relaxation."""
    keys = similarity.best(probes, gallery, candidates, _rescoring.gate)
    paired = pairing.pairs(*keys, _rescoring.pairs)
    return relaxation.relax(probes, gallery, candidates, paired, RELAXING)[0]


def of_similarity(lists: Lists) -> Case:
    """One probe with a list."""

    def work(chain: Chain) -> Any:
        return similarity.best(*chain.task, _rescoring.gate)

    def check(chain: Chain, got: Any) -> None:
        made = similarity.reference(*chain.task, _rescoring.gate)
        for keys, expected in zip(got, made, strict=True):
            np.testing.assert_array_equal(keys[: len(expected)], expected)
            assert not keys[len(expected) :].any(), "keys of minutiae that are not there"

    return lists.case(roofline.similarity, work, check)


def of_pairing(lists: Lists) -> Case:
    """The keys of a list."""

    def work(chain: Chain) -> Any:
        return pairing.pairs(*chain.keys, _rescoring.pairs)

    def check(chain: Chain, got: Any) -> None:
        expected = pairing.reference(*chain.keys, _rescoring.pairs)
        np.testing.assert_array_equal(got, expected)

    return lists.case(roofline.pairing, work, check)


def of_relaxation(lists: Lists) -> Case:
    """The pairs of a list."""

    def work(chain: Chain) -> Any:
        return relaxation.relax(*chain.task, chain.paired, RELAXING)

    def check(chain: Chain, got: Any) -> None:
        made = relaxation.reference(*chain.task, chain.paired, RELAXING)
        for each, expected in zip(got, made, strict=True):
            np.testing.assert_allclose(each, expected, rtol=0, atol=SCORE)

    return lists.case(roofline.relaxation, work, check)


def of_full(lists: Lists) -> Case:
    """The three one after the other, on lists as long as a search has them."""
    data, cost = lists.data, roofline.full(lists.shape)
    drawn = data.draw_lists(data.sizes.short, cost.bytes)
    with data.device.use():
        listed = [backend.move(each, data.xp) for each in drawn]

    def work(i: int) -> Any:
        return compare(data.on_one, data.on_gallery, listed[i % len(listed)])

    def check(i: int, pick: slice) -> None:
        expected = compare(data.one, data.gallery, np.ascontiguousarray(drawn[i][pick]))
        got = data.back(data.run(work, i), pick)
        np.testing.assert_allclose(got, expected, rtol=0, atol=SCORE)

    return data.case("full", data.sizes.short, len(listed), cost, work, check)
