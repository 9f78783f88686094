"""What cannot be compared is refused by name, not compared with something else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kernels import (
    agreement,
    deformation,
    pairing,
    relaxation,
    ridges,
    selection,
    similarity,
    voting,
)
from kernels.packed import Packed
from tests.kernels.prints import IDENTITY, cells, cut, draw, lie
from tests.kernels.test_parity import FITTING, HOW

RULE = voting.Voting(1, 64, np.zeros(32, np.uint16))


@pytest.fixture
def prints():
    return draw(np.random.default_rng(1), [20, 30, 0, 64])


def comparisons(probe, gallery, candidates):
    """Each function that takes candidates, as a call without arguments."""
    count = len(candidates)
    paired = tuple(np.zeros((12, count), np.uint8) for _ in range(3))
    laid = lie(*[IDENTITY] * count, x=probe.x, y=probe.y)
    kept = np.zeros((12, count), np.float32)
    seen = cells(*np.ones((4, 3, 3), np.uint16))
    return {
        "vote": lambda: voting.vote(probe, gallery, candidates, RULE),
        "best": lambda: similarity.best(probe, gallery, candidates, 64),
        "relax": lambda: relaxation.relax(probe, gallery, candidates, paired, HOW),
        "fit": lambda: deformation.fit(probe, gallery, candidates, paired, kept, FITTING),
        "count": lambda: agreement.count(probe, gallery, candidates, laid, 16),
        "compare": lambda: ridges.compare(
            cells(np.ones((3, 3), np.uint16)), seen, candidates, laid, ridges.Comparing(5, 4)
        ),
    }


@pytest.mark.parametrize("wrong", [-1, -2, 4, 2**40])
@pytest.mark.parametrize("name", ["vote", "best", "relax", "fit", "count", "compare"])
def test_prints_that_are_not_there_are_named(prints, name, wrong):
    probe = cut(prints, 0, 1)
    comparisons(probe, prints, np.array([0, 3]))[name]()
    with pytest.raises(ValueError, match=f"no print {wrong} among 4"):
        comparisons(probe, prints, np.array([0, wrong]))[name]()


@pytest.mark.parametrize("words", [0, 5, 8])
def test_codes_have_one_to_four_words(words):
    with pytest.raises(ValueError, match=f"codes have {words} words, must be 1 to 4"):
        draw(np.random.default_rng(1), [3], words)


def test_probes_and_prints_of_too_many_minutiae_are_refused(prints):
    many = draw(np.random.default_rng(1), [3, 65])
    for name in ("vote", "best"):
        with pytest.raises(ValueError, match="print has 65 minutiae, must be 0 to 64"):
            comparisons(cut(prints, 0, 1), many, np.array([0, 1]))[name]()
        for probes in (many, cut(many, 1, 2)):
            with pytest.raises(ValueError, match="a probe must be a print of at most 64"):
                comparisons(probes, prints, np.array([0, 1]))[name]()


def test_prints_that_do_not_follow_each_other_are_refused(prints):
    falling = replace(prints, start=np.array([0, 20, 10, 30, 114]))
    with pytest.raises(ValueError, match="print has -10 minutiae"):
        voting.vote(cut(prints, 0, 1), falling, np.arange(4), RULE)
    for start in ([1, 20], [0, 19], [0, 30, 20]):
        probes = replace(cut(prints, 0, 1), start=np.array(start))
        with pytest.raises(ValueError, match="must follow each other"):
            voting.vote(probes, prints, np.arange(4), RULE)


def test_votes_beyond_what_there_can_be_are_refused():
    votes = np.array([[1, voting.LEVELS]], np.uint16)
    with pytest.raises(ValueError, match="votes go up to 4096, must be below 4096"):
        selection.select(votes, 1)


def test_what_is_no_array_is_named(prints):
    with pytest.raises(ValueError, match="candidates must be an array of int64, not a range"):
        similarity.best(cut(prints, 0, 1), prints, range(4), 64)
    with pytest.raises(ValueError, match="start must be an array of int64, not a list"):
        Packed(prints.codes, prints.x, prints.y, prints.angle, [0, 114])


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep": 1.5},
        {"keep": np.nan},
        {"rounds": -1},
        {"reach": 0.0},
        {"reach": np.nan},
        {"stretch": -0.1},
        {"turn": 0.0},
        {"pairs_scored": np.zeros(65, np.int32)},
        {"pairs_scored": np.ones(64, np.int32)},
        {"pairs_scored": np.ones(65)},
    ],
)
def test_a_relaxation_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        replace(HOW, **wrong)


def test_pairs_of_arrays_that_fit_are_not_refused(prints):
    """The same calls with nothing wrong: no candidates, none with minutiae, all of them."""
    for candidates in (np.zeros(0, np.int64), np.array([2, 2]), np.arange(4)):
        for call in comparisons(cut(prints, 0, 1), prints, candidates).values():
            call()
    assert pairing.pairs(*similarity.best(cut(prints, 2, 3), prints, np.arange(4), 64), 12)
