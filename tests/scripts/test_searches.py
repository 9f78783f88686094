"""What comes of searches with the engine, among drawn fingers and made-up candidates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation import searches
from evaluation.galleries import Probe, enlist, fill
from evaluation.prints import Print
from evaluation.searches import search_all, search_one

from engine import pipeline
from engine.settings import POINTS, PointSettings, PointsSettings, Settings
from engine.types import Candidate, Search
from tests.templates import draw_templates

FINGERS = draw_templates(12, 2, seed=22)
PRINTS = [
    Print(f"f{number:02}", str(i + 1), template, 0.0)
    for number, finger in enumerate(FINGERS)
    for i, template in enumerate(finger)
]


@pytest.fixture(scope="module")
def found() -> searches.Searches:
    """A search for the second impression of every finger among the first ones. The first finger's
    probe and the second finger's enrolled print gave no template."""
    prints = [
        replace(each, template=None) if (each.finger, each.impression) in missing else each
        for missing in [{("f00", "2"), ("f01", "1")}]
        for each in PRINTS
    ]
    roster = enlist(prints)
    return search_all(roster, fill([], roster, 11), Settings())


def test_mates_of_clear_impressions_come_first(found):
    assert (found.persons, found.prints, len(found.outcomes)) == (11, 11, 12)
    assert found.column("rank").tolist() == [0, 0, *[1] * 10]
    assert (found.column("mate")[2:] > found.column("other")[2:]).all()


def test_the_best_of_the_others_is_what_a_search_without_the_mate_finds(found):
    roster = enlist(PRINTS)
    (gallery,) = fill([], roster, 12)
    numbers = dict(zip(gallery.persons, gallery.template_ids.tolist(), strict=True))
    gallery.remove([numbers["f05"], numbers["f01"]])
    best = pipeline.identify(roster.probes[5].templates, [gallery]).candidates[0]
    assert found.outcomes[5].other == best.score


def test_failures_to_extract_are_misses(found):
    probe, mate = found.outcomes[:2]
    assert (probe.mate, probe.other, probe.extracted, probe.ms) == (-np.inf, -np.inf, False, 0)
    assert (mate.mate, mate.extracted, mate.compared) == (-np.inf, False, False)
    assert np.isfinite(mate.other)  # its non-mated search took place


def test_a_mate_that_the_shortlist_leaves_out_was_not_compared():
    roster = enlist(PRINTS)
    (gallery,) = fill([], roster, 12)
    astray = replace(FINGERS[3][1], embedding=FINGERS[4][1].embedding)
    probe = Probe("f03_2", "f03", "f03", (astray,))
    only = PointSettings(nearest=1, voted=1, shared=0, finalists=1, everyone=0)
    narrow = Settings(points=PointsSettings(*[only] * len(POINTS)))
    lost, seen = (search_one(probe, {"f03": 3}, [gallery], which) for which in (narrow, Settings()))
    assert (lost.rank, lost.extracted, lost.compared) == (0, True, False)
    assert (seen.rank, seen.compared) == (1, True)


@pytest.mark.parametrize(
    ("listed", "rank", "other", "enrolled"),
    [
        ([("m", 5.0), ("a", 4.0)], 1, 4.0, True),
        ([("b", 5.0), ("m", 4.0), ("a", 3.0)], 2, 5.0, False),
        ([("m", 5.0), ("b", 5.0), ("a", 1.0)], 2, 5.0, False),  # equals count against the mate
        ([("a", 5.0), ("b", 4.0)], 0, 5.0, True),
        ([("m", 5.0)], 1, -np.inf, False),
    ],
)
def test_rank_and_best_other_of_a_list(monkeypatch, listed, rank, other, enrolled):
    candidates = tuple(
        Candidate(name, "g", i + 1, score, score, 0.0, False, ())
        for i, (name, score) in enumerate(listed)
    )
    told = Search(candidates, 0.0, 1e-3, 3, {}, 3, {}, None, "thorough")
    monkeypatch.setattr(pipeline, "identify", lambda *_, **__: told)
    galleries, roster = fill([], enlist(PRINTS), 12), {"m": 0, "a": 1}  # and b a distractor
    outcome = search_one(Probe("m_2", "m", "m", (FINGERS[0][1],)), roster, galleries, Settings())
    assert (outcome.rank, outcome.other, outcome.other_enrolled) == (rank, other, enrolled)
