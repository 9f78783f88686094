"""A search finds the mates at either point, and on a GPU whom it finds on the CPU."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from engine import pipeline, search
from engine.embedding import descriptors
from engine.errors import SettingsError
from engine.index import candidates, lists
from engine.index.gallery import Entry
from engine.index.packing import pack_templates
from engine.matching import voting
from engine.settings import POINTS, PointSettings, PointsSettings, Settings, VotingSettings
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
    assert (found.point, expected.point) == ("whole", "thorough")


def test_a_gpu_compares_the_prints_with_the_most_votes(made, gallery, gpu):
    few = replace(gpu, voting=VotingSettings(kept_whole=3))
    persons, compared = search.find([made[5][1]], gallery, few, 1)
    assert compared == 3
    assert 2 in persons


# a gallery of 80 prints has stages like one of a million
FAST = PointSettings(nearest=30, voted=4, shared=0, finalists=3, everyone=10)
THOROUGH = PointSettings(nearest=20, voted=6, shared=6, finalists=5, everyone=10)
SMALL = Settings(device="cpu", points=PointsSettings(FAST, THOROUGH))
AT = {name: replace(SMALL, search=name) for name in POINTS}


def thinner(packed, gallery):
    return partial(voting.thin, packed, gallery.minutiae, settings=SMALL.voting)


def found_by(probe, gallery, settings):
    sure = pipeline.margins([probe], [gallery], settings)
    return search.find([probe], gallery, settings, 1, sure)


@pytest.mark.parametrize(("name", "least"), [("fast", 0.85), ("thorough", 0.9)])
def test_either_point_finds_the_mates(made, gallery, name, least):
    hits = []
    for i, (_, probe) in enumerate(made):
        persons, compared = found_by(probe, gallery, AT[name])
        assert len(persons) <= AT[name].point.finalists
        assert compared == 4 if name == "fast" else 6 <= compared <= 12
        hits.append(i // 2 in persons)
        told = pipeline.identify([probe], [gallery], AT[name])
        assert (told.point, told.compared) == (name, compared)
    assert np.mean(hits) > least


def test_a_point_without_lists_never_touches_them(made, gallery, monkeypatch):
    def refuse(*_):
        raise AssertionError("lists were used")

    monkeypatch.setattr(lists.Lists, "file", refuse)
    monkeypatch.setattr(lists.Lists, "find", refuse)
    assert pipeline.margins([made[0][1]], [gallery], AT["fast"]) is None
    assert not candidates.uses_lists(gallery, AT["fast"])
    candidates.prepare(gallery, AT["fast"])
    assert found_by(made[0][1], gallery, AT["fast"])[1] == 4
    with pytest.raises(AssertionError, match="lists were used"):
        found_by(made[0][1], gallery, AT["thorough"])


def test_thorough_compares_what_either_way_finds(made, gallery):
    probe, settings = made[9][1], AT["thorough"]
    (sure,) = pipeline.margins([probe], [gallery], settings)
    packed = pack_templates(probe)
    chosen = candidates.choose(
        packed, probe.embedding, sure, gallery, settings, thinner(packed, gallery)
    )
    near = thinner(packed, gallery)(gallery.nearest(probe.embedding, 20), 6)
    shared = gallery.sharing(packed, 6, sure, settings.lists)
    assert len(near) == len(shared) == 6
    assert set(chosen.tolist()) == set(near.tolist()) | set(shared.tolist())
    for point, way in ((replace(THOROUGH, shared=0), near), (replace(THOROUGH, nearest=0), shared)):
        one = replace(settings, points=PointsSettings(*[point] * len(POINTS)))
        mine = candidates.choose(
            packed, probe.embedding, sure, gallery, one, thinner(packed, gallery)
        )
        np.testing.assert_array_equal(mine, way)


def test_lists_are_told_how_sure_each_bit_is(made, gallery, monkeypatch):
    told, usual = [], lists.Lists.find
    monkeypatch.setattr(lists.Lists, "find", lambda *asked: told.append(asked[-1]) or usual(*asked))
    probes = [made[9][1], made[30][1]]
    pipeline.identify(probes, [gallery], AT["thorough"])
    for probe, sure in zip(probes, told, strict=True):
        np.testing.assert_array_equal(descriptors.code(sure), probe.codes)


def test_a_lookalike_by_lists_alone_is_found(made):
    gallery = enrol_first(made, fingers=2)
    astray = replace(made[20][1], embedding=made[41][1].embedding)
    assert 10 not in found_by(astray, gallery, replace(AT["fast"], points=narrow(FAST)))[0]
    assert 10 in found_by(astray, gallery, AT["thorough"])[0]


def narrow(point):
    few = replace(point, nearest=5)
    return PointsSettings(*[few] * len(POINTS))


@pytest.mark.parametrize("name", POINTS)
def test_all_prints_of_a_small_gallery_are_compared(made, gallery, name):
    point = replace(AT[name].point, everyone=80)
    whole = replace(AT[name], points=PointsSettings(*[point] * len(POINTS)))
    assert pipeline.margins([made[3][1]], [gallery], whole) is None
    assert found_by(made[3][1], gallery, whole)[1] == len(gallery)


def test_stages_grow_with_the_gallery():
    point = Settings().points.fast
    sizes = [candidates.size(4000, n, point) for n in (10, 4000, 10**6, 10**7, 10**9)]
    assert sizes[:3] == [10, 4000, 4000]
    assert sizes[3] == pytest.approx(10_000, rel=0.01)
    assert sizes[4] == pytest.approx(63_400, rel=0.01)


def test_an_unknown_point_is_refused_with_the_names_there_are(made, gallery):
    wrong = replace(SMALL, search="slow")
    for ask in (
        lambda: found_by(made[0][1], gallery, wrong),
        lambda: pipeline.identify([made[0][1]], [gallery], wrong),
    ):
        with pytest.raises(SettingsError, match="'slow': use one of fast, thorough"):
            ask()


def test_removed_prints_are_not_found_and_added_ones_are(made, monkeypatch):
    gallery = enrol_first(made)
    built = []
    whole = lists._build
    monkeypatch.setattr(lists, "_build", lambda *a: built.append(a[1:3]) or whole(*a))
    monkeypatch.setattr(lists, "FEW", 3)
    by_lists = replace(THOROUGH, nearest=0)
    settings = Settings(
        device="cpu",
        points=PointsSettings(*[by_lists] * len(POINTS)),
        lists=replace(SMALL.lists, small=1, ratio=1),
    )

    def prints_found(i):
        (sure,) = pipeline.margins([made[i][1]], [gallery], settings)
        packed = pack_templates(made[i][1])
        chosen = candidates.choose(
            packed, made[i][1].embedding, sure, gallery, settings, thinner(packed, gallery)
        )
        return gallery.template_ids[chosen].tolist()

    assert all(i in prints_found(i) for i in (5, 30, 31, 79))
    gallery.remove([30])
    assert 30 not in prints_found(30)
    assert all(i in prints_found(i) for i in (5, 31, 79))
    gallery.remove([5, 6, 7, 8])
    assert 5 not in prints_found(5)
    assert all(i in prints_found(i) for i in (31, 79))
    assert len(built) == 1
    gallery.add([Entry(30, "again", made[30][0])])
    assert all(i in prints_found(i) for i in (30, 31, 79))
    minutiae = [len(made[i][0].minutiae) for i in (*range(5), *range(9, 80))]
    first = sum(minutiae) - len(made[30][0].minutiae)
    assert built[1:] == [(first, first + len(made[30][0].minutiae))]  # the others stay filed


def test_searches_wait_while_lists_are_made_once(made, monkeypatch):
    gallery, built = enrol_first(made), []
    started, settings = threading.Barrier(2), AT["thorough"]
    whole = lists._build

    def slowly(*asked):
        built.append(asked[1:3])
        threading.Event().wait(0.05)
        return whole(*asked)

    monkeypatch.setattr(lists, "_build", slowly)

    def one(i):
        started.wait()
        return pipeline.identify([made[i][1]], [gallery], settings).candidates[0].person

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(one, [12, 40])) == ["12", "40"]
    assert len(built) == 1
