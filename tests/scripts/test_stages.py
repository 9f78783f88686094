"""What the stages of a search keep: as the engine's own searches do, at every point measured."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial

import frontier
import numpy as np
import pytest
from evaluation import stages
from evaluation.galleries import enlist, fill
from evaluation.prints import Print

from engine import pipeline
from engine.index import candidates
from engine.index.packing import pack_templates
from engine.matching import voting
from engine.settings import PointSettings, Settings
from tests.templates import draw_templates

FINGERS = draw_templates(40, 2, seed=51)
PRINTS = [
    Print(f"set/{number // 2}_{number % 2}", str(i + 1), template, 0.0)
    for number, finger in enumerate(FINGERS)
    for i, template in enumerate(finger)
]
ROSTER = enlist(PRINTS)
WANTED = [
    PointSettings(nearest, voted, shared, 5, everyone=everyone, growth=0.0)
    for nearest, voted, shared, everyone in (
        (5, 5, 0, 0),
        (20, 4, 0, 0),
        (0, 0, 6, 0),
        (5, 5, 6, 0),
        (12, 4, 6, 0),
        (5, 5, 0, 60),
    )
]
SETTINGS = Settings(device="cpu")


@pytest.fixture(scope="module")
def gallery():
    return fill([], ROSTER, 40)[0]


def test_every_point_keeps_what_a_search_compares(gallery):
    for probe in (FINGERS[3][1], FINGERS[30][1]):
        packed = pack_templates(probe)
        found = stages.kept(probe, gallery, WANTED, SETTINGS)
        for point, mine in zip(WANTED, found, strict=True):
            own = stages.with_point(SETTINGS, point)
            sure = pipeline.margins([probe], [gallery], own)
            thin = partial(voting.thin, packed, gallery.minutiae, settings=own.voting)
            chosen = candidates.choose(
                packed, probe.embedding, sure[0] if sure else None, gallery, own, thin
            )
            np.testing.assert_array_equal(mine, chosen)
            assert pipeline.identify([probe], [gallery], own).compared == len(mine)


def test_points_that_ship_have_the_sizes_of_the_gallery():
    names = [name for name, _ in stages.points(1_000_000, SETTINGS)]
    assert names[-2:] == ["fast", "thorough"]
    assert set(names[:-2]) == set(stages.KINDS)
    fast = dict(stages.points(1_000_000, SETTINGS)[-2:])["fast"]
    assert fast.nearest == candidates.size(
        SETTINGS.points.fast.nearest, 10**6, SETTINGS.points.fast
    )
    assert candidates.size(fast.nearest, 10**6, fast) == fast.nearest
    small = stages.points(3000, SETTINGS)
    assert max(point.nearest for name, point in small[:-2]) == 2000
    assert small[-2][1] == SETTINGS.points.fast


def test_mates_that_no_stage_keeps_are_missed(gallery, monkeypatch):
    all_, none = (replace(WANTED[0], nearest=k, voted=k) for k in (40, 1))
    monkeypatch.setattr(stages, "points", lambda *_: [("all", all_), ("one", none)])
    astray = [
        replace(each, template=replace(each.template, embedding=FINGERS[39][1].embedding))
        if each.impression == "2" and each.finger in ("set/4_0", "set/4_1", "set/7_1")
        else each
        for each in PRINTS
    ]
    pairs = frontier.two_fingers(astray)
    whole, one = stages.measure(gallery, enlist(astray), pairs, 3, SETTINGS)
    assert (whole.missed, whole.missed_pairs, whole.prints) == (0, 0, 40)
    assert one.missed * 40 >= 3 - 1e-9
    assert one.missed_pairs == pytest.approx(1 / 20)
    assert one.prints == 1
    assert min(one.ms, one.p95_ms, one.pair_ms) > 0


def test_fingers_without_a_pair_are_searched_for_alone(gallery, monkeypatch):
    assert frontier.two_fingers([replace(each, finger="a_b/7") for each in PRINTS]) == []
    monkeypatch.setattr(stages, "points", lambda *_: [("few", WANTED[0])])
    (row,) = stages.measure(gallery, ROSTER, [], 2, SETTINGS)
    assert row.missed_pairs is None
    assert row.pair_ms is None


def test_the_frontier_is_drawn():
    pytest.importorskip("matplotlib")
    from evaluation import plots

    row = stages.Row("lists", 0, 0, 5, 0.0, None, 5.0, 20.0, 30.0, None)
    rows = [row, replace(row, ms=40.0), replace(row, kind="fast", missed=0.02)]
    told = {"prints": 100, "probes": 50, "points": [asdict(each) for each in rows]}
    (axes,) = plots.frontier([told]).axes
    assert axes.get_yscale() == axes.get_xscale() == "log"
    lists, fast = (line.get_xydata() for line in axes.get_lines())
    np.testing.assert_allclose(lists, [[20, 1], [40, 1]])
    np.testing.assert_allclose(fast, [[20, 2]])
