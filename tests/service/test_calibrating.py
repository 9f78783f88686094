"""Calibrating: what a gallery's own persons say of its scores stays with it, and is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine import pipeline
from engine.errors import GalleryError, SettingsError
from engine.service.results import Probe
from engine.service.tenprint import Tenprint
from engine.settings import Settings, TrialSettings
from engine.store import submissions
from engine.store.database import Database
from engine.types import FingerImage, Search, Template
from tests.prints_at_no_cost import Row
from tests.templates import draw_templates

PERSONS = 30
MADE = draw_templates(2 * PERSONS, 2, seed=41)
SETTINGS = Settings(trials=TrialSettings(min_persons=20))


@pytest.fixture
def tenprint(
    tmp_path: Path, free_extraction: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tenprint]:
    """The service on an empty home; finger f of an image is drawn finger f."""

    def extract(image: FingerImage, settings: Settings) -> Template:
        finger, impression = int(image.pixels[0, 0]), "again" in image.source
        return replace(MADE[finger][impression], position=image.position)

    monkeypatch.setattr(pipeline, "extract", extract)
    with Tenprint(tmp_path / "home", SETTINGS) as opened:
        yield opened


@pytest.fixture
def filled(tenprint: Tenprint, make_row: Row) -> Tenprint:
    """P0 .. P29 in the gallery drawn, with their right index and left index fingers."""
    rows = [make_row(f"P{i}", i, position=2) for i in range(PERSONS)]
    rows += [make_row(f"P{i}", PERSONS + i, position=7) for i in range(PERSONS)]
    tenprint.enrol(rows, gallery="drawn")
    return tenprint


def search(tenprint: Tenprint, *rows: object, fpir: float | None = None) -> Search:
    (searched,) = tenprint.identify([Probe("x", rows)], fpir=fpir).searches  # type: ignore[arg-type]
    assert searched.search is not None
    return searched.search


def test_what_was_measured_stays_with_the_gallery(filled: Tenprint, make_row: Row) -> None:
    one, other = make_row("again", 3, position=2), make_row("again", PERSONS + 3, position=7)
    before = search(filled, one)
    assert before.fpir == 1e-3
    assert before.fpir_interval is None
    assert before.calibrations["drawn"].startswith("shipped, fitted on")

    steps: list[tuple[int, int]] = []
    report = filled.calibrate("drawn", fpir=0.02, on_progress=lambda *step: steps.append(step))
    assert steps[-1] == (PERSONS, PERSONS)
    (single,) = report.measured
    assert (single.site.fingers, single.site.searches, single.site.persons) == (1, 30, 29)

    filled.close()
    with Tenprint(filled.home.folder, SETTINGS) as later:
        assert later.info("drawn").sites == (single.site,)
        assert later.info("drawn").fpir == 0.02
        after, fused = search(later, one), search(later, one, other)
        assert search(later, one, fpir=0.3).fpir == 0.3
    assert (after.fpir, fused.fpir) == (0.02, 0.02)
    assert after.calibrations == {"drawn": str(single.site)}
    assert "30 non-mated searches with 1 finger among 29 persons" in after.calibrations["drawn"]
    assert after.fpir_interval is not None
    low, high = after.fpir_interval
    assert low < 0.02 < high
    assert after.candidates[0].person == before.candidates[0].person == "P3"
    assert after.candidates[0].score != before.candidates[0].score
    assert after.candidates[0].llr == before.candidates[0].llr
    assert fused.calibrations == before.calibrations
    assert fused.fpir_interval is None


def test_what_one_kind_of_searches_cannot_tell_is_said(filled: Tenprint) -> None:
    # drawn fingers are so unlike that two of them score 0 with anybody
    (reason,) = filled.calibrate("drawn").refused
    assert "hardly differ" in reason


def test_calibrating_again_starts_from_the_shipped_calibration(filled: Tenprint) -> None:
    first, second = filled.calibrate("drawn").measured, filled.calibrate("drawn").measured
    assert [each.site for each in first] == [each.site for each in second]


def test_a_part_of_the_persons_may_do(filled: Tenprint) -> None:
    (single,) = filled.calibrate("drawn", searches=25).measured
    assert (single.site.searches, single.site.persons) == (25, 29)


def test_a_person_enrolled_under_two_names_is_named(filled: Tenprint, make_row: Row) -> None:
    again = [make_row("Q", 7, position=2), make_row("Q", PERSONS + 7, position=7)]
    filled.enrol(again, gallery="drawn")
    (pair,) = filled.calibrate("drawn").measured[0].suspects
    assert {pair.person, pair.other} == {"P7", "Q"}
    assert pair.score > 10


def test_scores_made_otherwise_have_no_site(
    filled: Tenprint, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.calibrate("drawn")
    monkeypatch.setattr(pipeline, "scoring", lambda extractor: "other")
    assert filled.info("drawn").sites == ()
    assert search(filled, make_row("again", 3)).fpir_interval is None


def test_galleries_are_told_apart(filled: Tenprint, make_row: Row) -> None:
    filled.enrol([make_row("R", 0, position=2)], gallery="other")
    filled.calibrate("drawn", fpir=0.02)
    found = search(filled, make_row("again", 3, position=2))
    assert found.calibrations["drawn"].startswith("30 non-mated searches")
    assert found.calibrations["other"].startswith("shipped")
    assert (found.fpir, found.fpir_interval) == (0.02, None)


def test_what_cannot_be_measured_is_refused(tenprint: Tenprint, make_row: Row) -> None:
    tenprint.enrol([make_row(f"P{i}", i) for i in range(5)], gallery="few")
    with pytest.raises(GalleryError, match=r"'few' gives 5 persons, and 20 are needed .* shipped"):
        tenprint.calibrate("few")
    with pytest.raises(GalleryError, match="no gallery 'absent'"):
        tenprint.calibrate("absent")
    for fpir in (0.0, 1.0):
        with pytest.raises(SettingsError, match="between 0 and 1"):
            tenprint.calibrate("few", fpir=fpir)


def test_it_is_on_record_and_goes_with_its_gallery(filled: Tenprint) -> None:
    filled.calibrate("drawn", fpir=0.01)
    filled.remove_gallery("drawn")
    home = filled.home
    filled.close()
    database = Database(home.database)
    with database.read() as connection:
        removal, use = submissions.read(connection)[:2]
    database.close()
    assert removal.verb == "remove"
    assert (use.verb, use.subject) == ("calibrate", "drawn")
    assert use.outcome.startswith("FPIR 0.01; 30 non-mated searches with 1 finger")
