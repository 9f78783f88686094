"""Comparison by all the evidence: mates lie on each other, chunks and threads change nothing."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from engine import search
from engine.index.gallery import Entry, Gallery
from engine.matching import calibration, comparison, weighing
from engine.matching.comparison import Prints
from engine.settings import ComparisonSettings, RescoringSettings
from engine.types import RidgeCells
from tests.templates import draw_templates, enrol_first

PAIRING, SETTINGS = RescoringSettings(), ComparisonSettings()
FINGERS = 30


def with_cells(template, seed):
    """The template with ridges of its own, at random: what matters is whose they are."""
    rng = np.random.default_rng(seed)
    values = (rng.integers(0, 2**15, (40, 35)) << 1 | 1).astype(np.uint16)
    return replace(template, cells=RidgeCells(values, 5, 5))


@pytest.fixture(scope="module")
def made():
    return draw_templates(FINGERS, 2, seed=31)


@pytest.fixture(scope="module")
def gallery(made):
    return enrol_first(made)


def compare(template, gallery, some=None, settings=SETTINGS, **pairing):
    some = np.arange(len(gallery)) if some is None else np.asarray(some, np.int64)
    held = Prints(gallery.minutiae, gallery.cells)
    return comparison.compare(
        search.pack(template), held, some, replace(PAIRING, **pairing), settings
    )


def test_minutiae_of_mates_meet_and_those_of_strangers_do_not(made, gallery):
    share = np.stack(
        [
            found.met / np.sqrt((found.expected_probe + 1) * (found.expected_candidate + 1))
            for found in (compare(finger[1], gallery) for finger in made)
        ]
    )
    mated, others = np.diag(share), share[~np.eye(FINGERS, dtype=bool)]
    assert np.median(mated) > 0.6 > np.quantile(others, 0.999)


def test_pairs_are_one_to_one_and_turned_alike(made, gallery):
    pairs = compare(made[4][1], gallery, [4]).pairs(0)
    assert len(pairs) > 10
    assert len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) == len(pairs)
    one, other = made[4][1].minutiae, made[4][0].minutiae
    turned = other.angle[pairs[:, 1]] - one.angle[pairs[:, 0]]
    assert np.abs(np.exp(1j * turned).mean()) > 0.95


@pytest.mark.parametrize("chunk, threads", [(7, 1), (5, 2), (64, 1)])
def test_chunks_and_threads_change_nothing(made, gallery, chunk, threads):
    some = np.array([5, 3, 3, 29, 0, 17])
    whole = compare(made[3][1], gallery, some)
    parts = compare(made[3][1], gallery, some, replace(SETTINGS, chunk=chunk), threads=threads)
    for part in fields(whole):
        a, b = getattr(whole, part.name), getattr(parts, part.name)
        np.testing.assert_allclose(a, b, atol=1e-4, err_msg=part.name)
    assert whole.met[1] == whole.met[2] == whole.met.max()


def test_ridges_speak_for_their_own_print_only(made):
    gallery = Gallery("ridges")
    gallery.add([Entry(i, str(i), with_cells(made[i][0], i)) for i in range(6)])
    found = compare(with_cells(made[2][0], 2), gallery)
    assert found.with_ridges.any()
    assert found.coherence.argmax() == 2
    assert found.coherence[2] > 0.95
    assert found.coherence[[0, 1, 3, 4, 5]].max() < 0.6


def test_prints_without_ridges_are_compared_by_their_minutiae(made, gallery):
    found = compare(with_cells(made[3][1], 0), gallery)
    assert not found.with_ridges.any()
    llr = calibration.load("leader").llr(found)
    assert llr.argmax() == 3
    assert llr[3] > 2 > np.sort(llr)[-2]


def test_little_shared_ridge_proves_little(made, gallery):
    found = compare(made[3][0], gallery, [3])
    few = replace(found, cells=np.array([4], np.int32), coherence=np.ones(1, np.float32))
    many = replace(few, cells=np.array([400], np.int32))
    row = weighing.FEATURES.index("coherence")
    assert 0 < weighing.features(few)[row] < 0.2 * weighing.features(many)[row]


def test_no_candidates_no_comparison(made, gallery):
    found = compare(made[0][0], gallery, [])
    assert len(found) == 0
    assert calibration.load("leader").llr(found).shape == (0,)
