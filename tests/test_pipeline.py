"""From templates to candidates: who is found, what is refused, what the numbers mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine import pipeline
from engine.errors import (
    FailureToExtractError,
    GalleryError,
    MakerMismatchError,
    SettingsError,
)
from engine.index.gallery import Entry, Gallery
from engine.settings import Settings
from engine.trace import Recorder
from engine.types import NO_CELLS, FingerImage, FingerPosition, Site
from kernels.ridges import CELL
from tests.preprocess.waves import Arcs
from tests.templates import draw_templates

PERSONS = 40
MADE = draw_templates(3 * PERSONS, 2, seed=77)  # fingers 0..39 right index, 40..79 right middle


def at(template, position):
    return replace(template, position=FingerPosition(position))


@pytest.fixture(scope="module")
def gallery():
    made = Gallery("criminal-history")
    made.add(
        [
            Entry(1 + person + PERSONS * k, f"P{person}", at(MADE[person + PERSONS * k][0], 2 + k))
            for k in (0, 1)
            for person in range(PERSONS)
        ]
    )
    made.sequence = 5
    return made


def probes(person, positions=(2, 3)):
    return [at(MADE[person + PERSONS * k][1], positions[k]) for k in range(len(positions))]


def test_mates_lead_the_candidate_list(gallery):
    leads = [pipeline.identify(probes(p, (2,)), [gallery]).candidates[0] for p in range(PERSONS)]
    assert np.mean([lead.person == f"P{p}" for p, lead in enumerate(leads)]) > 0.9
    over = [lead.person == f"P{p}" for p, lead in enumerate(leads) if lead.over_threshold]
    assert all(over)
    assert len(over) > 0.8 * PERSONS


def test_a_search_says_all_that_qualifies_it(gallery):
    found = pipeline.identify(probes(7), [gallery], fpir=1e-2, max_candidates=5)
    assert (found.gallery_size, found.fpir, found.compared) == (PERSONS, 1e-2, 4 * PERSONS)
    assert found.sequences == {"criminal-history": 5}
    assert [candidate.rank for candidate in found.candidates] == [1, 2, 3, 4, 5]
    scores = [candidate.score for candidate in found.candidates]
    assert scores == sorted(scores, reverse=True)
    assert [c.gap for c in found.candidates[:-1]] == pytest.approx(-np.diff(scores))
    assert all(c.over_threshold == (c.score >= found.threshold) for c in found.candidates)
    lead = found.candidates[0]
    assert lead.person == "P7"
    assert [e.position for e in lead.evidence] == [2, 3]
    assert [e.template_id for e in lead.evidence] == [8, 8 + PERSONS]
    assert lead.evidence[0].pairs.shape[1] == 2


def test_two_fingers_say_more_than_one(gallery):
    gained = [
        pipeline.identify(probes(p), [gallery]).candidates[0].score
        - max(pipeline.identify([finger], [gallery]).candidates[0].score for finger in probes(p))
        for p in range(10)
    ]
    assert np.median(gained) > 2


def test_two_impressions_of_one_finger_say_little_more_than_one(gallery):
    alone = pipeline.identify(probes(5, (2,)), [gallery]).candidates[0].llr
    (finger,) = probes(5, (2,))
    twice = pipeline.identify([finger, finger], [gallery]).candidates[0].llr
    assert twice == pytest.approx(alone - np.log10(2))


def test_swapped_fingers_are_still_found(gallery):
    right = pipeline.identify(probes(3), [gallery]).candidates[0]
    swapped = pipeline.identify(probes(3, (3, 2)), [gallery]).candidates[0]
    assert swapped.person == right.person == "P3"
    assert 0 < right.score - swapped.score < 3


def test_who_lacks_fingers_is_no_hit_for_that():
    whole = Gallery("unequal")  # P0 has all four fingers of the probe, P1 and P2 one each
    held = [("P0", 0, 2), ("P0", 1, 3), ("P0", 2, 7), ("P0", 3, 8), ("P1", 4, 2), ("P2", 5, 4)]
    whole.add([Entry(i, who, at(MADE[f][0], place)) for i, (who, f, place) in enumerate(held)])
    strangers = [at(MADE[10 + i][1], place) for i, place in enumerate((2, 3, 7, 8))]
    for probe in (strangers, strangers[:1]):
        found = pipeline.identify(probe, [whole], fpir=0.1)
        assert not any(candidate.over_threshold for candidate in found.candidates)


def test_strangers_pass_the_threshold_no_more_often_than_promised(gallery):
    strangers = [MADE[2 * PERSONS + i][1] for i in range(PERSONS)]
    passed = [
        pipeline.identify([stranger], [gallery], fpir=0.1).candidates[0].over_threshold
        for stranger in strangers
    ]
    assert sum(passed) <= 10  # 4 expected; 11 or more have a chance of 1 in 1,000


def test_several_galleries_answer_by_name(gallery):
    other = Gallery("immigration")
    other.add([Entry(1, "Q", at(MADE[7][0], 2)), Entry(2, "R", at(MADE[2 * PERSONS][0], 2))])
    found = pipeline.identify(probes(7, (2,)), [gallery, other])
    assert {(c.person, c.gallery) for c in found.candidates[:2]} == {
        ("P7", "criminal-history"),
        ("Q", "immigration"),
    }
    assert found.gallery_size == PERSONS + 2
    assert set(found.sequences) == {"criminal-history", "immigration"}


def test_the_same_person_in_another_gallery_is_no_rival(gallery):
    other = Gallery("immigration")
    other.add([Entry(1, "P7", at(MADE[7][0], 2))])
    first, second, third = pipeline.identify(probes(7, (2,)), [gallery, other]).candidates[:3]
    assert first.person == second.person == "P7" != third.person
    assert first.gap == pytest.approx(first.score - third.score)
    assert second.gap == pytest.approx(second.score - third.score)


def test_a_short_list_has_the_gaps_of_a_long_one(gallery):
    other = Gallery("immigration")
    other.add([Entry(1, "P7", at(MADE[7][0], 2))])
    galleries = [gallery, other]
    whole = pipeline.identify(probes(7, (2,)), galleries).candidates
    for most in (1, 2, 3):
        short = pipeline.identify(probes(7, (2,)), galleries, max_candidates=most).candidates
        assert [c.gap for c in short] == [c.gap for c in whole[:most]]


def test_a_larger_gallery_or_a_lower_rate_raises_the_threshold(gallery):
    usual = pipeline.identify(probes(1), [gallery], fpir=1e-2).threshold
    assert pipeline.identify(probes(1), [gallery], fpir=1e-3).threshold > usual
    assert usual == pytest.approx(2 + np.log10(PERSONS), abs=0.01)


# what was measured of the gallery's scores: half as rare as the shipped ones say
SITE = Site(np.log(2), 1.0, 0.1, 0.05, 0.0, 1, 500, PERSONS - 1, date(2026, 1, 2))
SITES = {"criminal-history": (SITE,)}


def test_scores_mean_what_was_measured_in_their_gallery(gallery):
    here = pipeline.identify(probes(7, (2,)), [gallery], sites=SITES, fpir=0.01)
    shipped = pipeline.identify(probes(7, (2,)), [gallery], fpir=0.01)
    assert here.threshold == shipped.threshold
    assert here.candidates[0].score == pytest.approx(shipped.candidates[0].score - np.log10(2))
    assert here.candidates[0].llr == shipped.candidates[0].llr
    assert here.calibrations == {"criminal-history": str(SITE)}
    assert shipped.calibrations["criminal-history"].startswith("shipped, fitted on")
    assert shipped.fpir_interval is None
    low, high = here.fpir_interval
    assert low < 0.01 < high
    other = Gallery("immigration")
    both = [gallery, other]
    assert pipeline.identify(probes(7, (2,)), both, sites=SITES).fpir_interval is not None
    other.add([Entry(1, "Q", at(MADE[7][0], 2))])
    assert pipeline.identify(probes(7, (2,)), both, sites=SITES).fpir_interval is None


def test_what_was_measured_with_one_finger_says_nothing_of_two(gallery):
    found = pipeline.identify(probes(7), [gallery], sites=SITES)
    assert found.calibrations["criminal-history"].startswith("shipped")
    impressions = probes(7, (2,)) * 2  # of one finger
    twice = pipeline.identify(impressions, [gallery], sites=SITES)
    assert twice.calibrations == {"criminal-history": str(SITE)}


def test_what_cannot_be_searched_is_refused(gallery):
    with pytest.raises(GalleryError, match="nothing to search"):
        pipeline.identify(probes(1), [Gallery("empty")])
    with pytest.raises(GalleryError, match="nothing to search"):
        pipeline.identify([], [gallery])
    foreign = replace(MADE[0][1], maker=replace(MADE[0][1].maker, extractor="gabor"))
    with pytest.raises(MakerMismatchError, match="gabor"):
        pipeline.identify([foreign], [gallery])
    with pytest.raises(MakerMismatchError):
        pipeline.compare(foreign, MADE[0][0])
    with pytest.raises(SettingsError, match="between 0 and 1"):
        pipeline.identify(probes(1), [gallery], fpir=0)
    with pytest.raises(SettingsError, match="no extractor"):
        pipeline.maker(Settings(extractor="other"))


def test_a_gpu_that_is_not_there_is_an_error(gallery, monkeypatch):
    monkeypatch.setattr("kernels.backend.gpu_name", lambda: None)
    with pytest.raises(SettingsError, match=r"tenprint\[gpu\]"):
        pipeline.identify(probes(1), [gallery], Settings(device="gpu"))


def test_verification_tells_mates_from_strangers():
    mates = [pipeline.verify(MADE[i][0], MADE[i][1]) for i in range(20)]
    others = [pipeline.verify(MADE[i][0], MADE[i + 1][1]) for i in range(20)]
    assert sum(verdict.over_threshold for verdict in mates) >= 18
    assert not any(verdict.over_threshold for verdict in others)
    assert np.median([v.llr for v in mates]) > 2 > 0 > np.median([v.llr for v in others])


def test_an_extracted_print_brings_its_ridges():
    seen, image = Recorder(), Arcs().image(noise=20)
    made = pipeline.extract(image, Settings(extractor="gabor"), seen)
    assert np.count_nonzero(made.cells.values) > 0.8 * Arcs().inside.sum() / CELL**2
    assert made.cells is seen.shown["cells"]
    assert pipeline.describe(made.minutiae).cells is NO_CELLS


def test_templates_with_other_ridges_cannot_meet():
    usual = Settings()
    other = replace(usual, cells=replace(usual.cells, min_amplitude=0.1))
    assert pipeline.maker(other) != pipeline.maker(usual)


@pytest.mark.parametrize("pixels", [np.full((300, 300), 255, np.uint8), "noise"])
def test_no_finger_is_a_failure_to_extract(pixels):
    if isinstance(pixels, str):
        pixels = np.random.default_rng(0).integers(0, 256, (300, 300)).astype(np.uint8)
    with pytest.raises(FailureToExtractError, match=r"nothing\.png"):
        pipeline.extract(FingerImage(pixels, source="nothing.png"), Settings(extractor="gabor"))
