"""A search on a GPU finds whom one on the CPU finds, of one finger and of several."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from engine import pipeline, search
from engine.settings import Settings, ShortlistSettings, VotingSettings
from tests.kernels import fake_gpu
from tests.templates import draw_templates, enrol_first

PERSONS = 40


@pytest.fixture(scope="module")
def made():
    return draw_templates(2 * PERSONS, 2, seed=14)


@pytest.fixture(scope="module")
def gallery(made):
    return enrol_first(made, fingers=2)


@pytest.fixture
def gpu(monkeypatch):
    if shutil.which("g++") is None:
        pytest.skip("no g++ to compile the CUDA text for the host")
    monkeypatch.setattr("kernels.backend.resolve", lambda device: fake_gpu.OnHost)
    monkeypatch.setattr("kernels.backend.devices", lambda: (fake_gpu.Device(), fake_gpu.Device()))
    with fake_gpu.computing():
        yield Settings(device="gpu")


@pytest.mark.parametrize("fingers", [1, 2])
def test_a_gpu_finds_the_same_candidates(made, gallery, gpu, fingers):
    probes = [made[2 * 7 + i][1] for i in range(fingers)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kernels.backend.array_module", lambda array: np)
        patch.setattr("kernels.backend.where", lambda *arrays: np)
        patch.setattr("kernels.backend.resolve", lambda device: np)
        expected = pipeline.identify(probes, [gallery], Settings(device="cpu"))
    found = pipeline.identify(probes, [gallery], gpu)
    assert found.candidates[0].person == "7"
    assert [each.person for each in found.candidates] == [
        each.person for each in expected.candidates
    ]
    scores, wanted = ([each.score for each in some.candidates] for some in (found, expected))
    np.testing.assert_allclose(scores, wanted, atol=0.02)
    assert found.compared == fingers * len(gallery)


def test_a_gpu_compares_the_prints_with_the_most_votes(made, gallery, gpu):
    few = replace(gpu, voting=VotingSettings(kept_whole=3))
    persons, compared = search.find([made[5][1]], gallery, few, 1)
    assert compared == 3
    assert 2 in persons


def test_a_shortlist_is_thinned_by_votes(made, gallery):
    few = replace(
        Settings(device="cpu"),
        shortlist=ShortlistSettings(least=30, share=0.0),
        voting=VotingSettings(kept=4),
    )
    found = [search.find([finger[1]], gallery, few, 1) for finger in made]
    assert all(compared == 4 for _, compared in found)
    assert np.mean([i // 2 in persons for i, (persons, _) in enumerate(found)]) > 0.85
