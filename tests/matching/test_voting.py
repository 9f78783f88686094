"""Votes of drawn fingers: mates are kept, chunks and threads change nothing, weights fit."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from engine.index.packing import pack_templates
from engine.matching import voting
from engine.settings import RescoringSettings, VotingSettings
from kernels import selection
from kernels.blocks import Blocks
from kernels.voting import MOST_WEIGHT
from tests.kernels.fake_gpu import Device
from tests.templates import draw_templates, enrol_first

SETTINGS = VotingSettings()


@pytest.fixture(scope="module")
def made():
    return draw_templates(80, 2, seed=13)


@pytest.fixture(scope="module")
def gallery(made):
    return enrol_first(made)


def test_mates_are_among_the_few_that_are_kept(made, gallery):
    everyone = np.arange(80)
    kept = [
        voting.thin(pack_templates(finger[1]), gallery.minutiae, everyone, 4, SETTINGS)
        for finger in made
    ]
    assert all(len(each) == 4 for each in kept)
    assert np.mean([i in each for i, each in enumerate(kept)]) > 0.93


@pytest.mark.parametrize("change", [{"chunk": 7}, {"chunk": 1}])
@pytest.mark.parametrize("threads", [0, 1, 2])
def test_chunks_and_threads_change_nothing(made, gallery, change, threads):
    probe, some = pack_templates(made[3][1]), np.array([5, 3, 3, 59, 0, 17, 40, 8, 9, 2, 1])
    whole = voting.vote(probe, gallery.minutiae, some, SETTINGS)
    parts = voting.vote(probe, gallery.minutiae, some, replace(SETTINGS, **change), threads)
    np.testing.assert_array_equal(whole, parts)
    assert whole.argmax() == 1
    assert whole[1] == whole[2]


def test_as_many_as_are_kept_need_no_vote(made, gallery):
    some = np.array([9, 4, 4])
    probe = pack_templates(made[0][1])
    assert voting.thin(probe, gallery.minutiae, some, 3, SETTINGS) is some
    none = np.zeros(0, np.int64)
    assert voting.vote(probe, gallery.minutiae, none, SETTINGS).shape == (0,)


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ for the kernels' CUDA text")
@pytest.mark.parametrize(("words", "whole"), [(1, 2), (1, 4), (3, 1)])
def test_a_whole_gallery_votes_by_its_own_number_of_words(made, gallery, words, whole):
    probe, everyone = pack_templates(made[3][1]), np.arange(80)
    settings = VotingSettings(words=words, words_whole=whole, kept_whole=5)
    chosen, other = (
        selection.select(voting.vote(probe, gallery.minutiae, everyone, rule)[None], 5)
        for rule in (replace(settings, words=whole), settings)
    )
    assert (chosen != other).any()  # or it would not matter
    blocks = Blocks(gallery.minutiae, [Device()])
    found, scores = voting.search(probe, blocks, settings, RescoringSettings())
    np.testing.assert_array_equal(found, chosen)
    assert found[0, scores[0].argmax()] == 3


@pytest.mark.parametrize("words", [1, 2, 3, 4])
def test_chance_has_no_weight_and_identity_most(words):
    weight = voting.rule(words, SETTINGS).weight.astype(int)
    strangers = np.random.default_rng(1).binomial(64 * words, 0.5, 1000) - 32 * words - 1
    assert weight[np.maximum(strangers, 0)].mean() < 0.02 * MOST_WEIGHT
    assert weight[-1] == MOST_WEIGHT
    assert (np.diff(weight) >= 0).all()
