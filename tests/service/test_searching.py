"""Searching: right after every change, from indexes that may be lost, in an order of work."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine import pipeline
from engine.errors import GalleryError, MakerMismatchError, PolicyError, SettingsError
from engine.index.gallery import Gallery
from engine.index.lists import Lists
from engine.service.results import IdentifyReport, Probe, Use
from engine.service.tenprint import Tenprint
from engine.settings import POINTS, ListsSettings, PointSettings, PointsSettings, Settings
from engine.store import searches, submissions
from engine.store.database import Database
from engine.types import Degree, OffenseRecord
from tests.prints_at_no_cost import Row

ROBBERY = OffenseRecord("R1", "1299", "ROBBERY", Degree.FELONY, "convicted", None, "", 240)
MURDER = OffenseRecord("R2", "0999", "HOMICIDE", Degree.FELONY, "convicted", None, "", 1200)
TRESPASS = OffenseRecord("R3", "5707", "TRESPASSING", Degree.MISDEMEANOR, "convicted", None, "", 3)


@pytest.fixture
def filled(tenprint: Tenprint, make_row: Row) -> Tenprint:
    """P0 .. P7 in the gallery criminal, P8 and P9 in immigration."""
    rows = [make_row(f"P{finger}", finger) for finger in range(10)]
    tenprint.enrol(rows[:8], gallery="criminal")
    tenprint.enrol(rows[8:], gallery="immigration")
    return tenprint


def look_for(tenprint: Tenprint, probe: Probe, *galleries: str) -> list[tuple[str, str, float]]:
    """Person, gallery and score of the candidates over the threshold."""
    (searched,) = tenprint.identify([probe], gallery_names=galleries).searches
    assert searched.search is not None
    return [
        (item.person, item.gallery, item.score)
        for item in searched.search.candidates
        if item.over_threshold
    ]


@pytest.fixture
def probe(make_row: Row) -> Probe:
    """Another print of the finger of P3."""
    return Probe("probe", (make_row("probe", 3),))


def index_of(tenprint: Tenprint, gallery: str) -> Path:
    return tenprint.info(gallery).index_path


def test_a_mate_comes_first_and_its_gallery_answers(filled: Tenprint, make_row: Row) -> None:
    probes = [Probe(f"probe {finger}", (make_row("x", finger),)) for finger in (3, 8, 99)]
    report = filled.identify(probes, max_candidates=4)
    third, eighth, stranger = (item.search for item in report.searches)
    assert third and eighth and stranger
    assert [(c.person, c.gallery, c.rank) for c in third.candidates[:1]] == [("P3", "criminal", 1)]
    assert [(c.person, c.gallery) for c in eighth.candidates[:1]] == [("P8", "immigration")]
    assert len(third.candidates) == 4
    assert third.sequences == {"criminal": 10, "immigration": 10}
    assert third.gallery_size == 10
    assert [item.hit.person for item in report.queue] == ["P3", "P8"]
    assert not any(candidate.over_threshold for candidate in stranger.candidates)


def test_a_search_stays_in_the_galleries_named(filled: Tenprint, probe: Probe) -> None:
    assert [found[:2] for found in look_for(filled, probe, "criminal")] == [("P3", "criminal")]
    assert look_for(filled, probe, "immigration") == []
    with pytest.raises(GalleryError, match="no gallery 'x': there are: criminal, immigration"):
        look_for(filled, probe, "x")


def test_several_fingers_of_one_person_are_fused(tenprint: Tenprint, make_row: Row) -> None:
    enrolled = [(1, 2), (2, 7), (3, 2), (4, 7)]
    tenprint.enrol([make_row(f"P{f // 3}", f, position=place) for f, place in enrolled])
    one = Probe("one", (make_row("x", 3, position=2),))
    both = Probe("both", (*one.prints, make_row("x", 4, position=7)))
    (single,), (fused,) = look_for(tenprint, one), look_for(tenprint, both)
    assert (single[0], fused[0]) == ("P1", "P1")
    assert fused[2] > single[2]
    (searched,) = tenprint.identify([both]).searches
    assert searched.search is not None
    assert [item.position for item in searched.search.candidates[0].evidence] == [2, 7]


def test_a_file_given_twice_is_one_finger(filled: Tenprint, probe: Probe) -> None:
    twice = Probe("twice", probe.prints * 2)
    (once,), (both,) = filled.identify([probe]).searches, filled.identify([twice]).searches
    assert once.search and both.search
    assert both.search.candidates[0].score == once.search.candidates[0].score
    assert [item.reason for item in both.rejected] == ["the same file as another of this probe"]


def test_a_lost_index_is_made_again_and_answers_the_same(filled: Tenprint, probe: Probe) -> None:
    before = look_for(filled, probe)
    home, index = filled.home.folder, index_of(filled, "criminal")
    filled.close()
    for spoil in (Path.unlink, lambda path: path.write_bytes(b"PK damaged")):
        assert index.exists()
        spoil(index)
        with Tenprint(home) as again:
            assert look_for(again, probe) == before
        assert index.stat().st_size > 1000


def test_a_damaged_index_is_told(
    filled: Tenprint, probe: Probe, caplog: pytest.LogCaptureFixture
) -> None:
    look_for(filled, probe)
    filled.close()
    index_of(filled, "criminal").write_bytes(b"PK damaged")
    with Tenprint(filled.home.folder) as again:
        look_for(again, probe)
    assert "making the index again from the database" in caplog.text


@pytest.mark.sqlite
def test_an_index_ahead_of_a_restored_database_is_made_again(
    filled: Tenprint, probe: Probe, make_row: Row, tmp_path: Path
) -> None:
    home = filled.home
    filled.close()
    shutil.copy(home.database, tmp_path / "backup")
    with Tenprint(home.folder) as later:
        later.enrol([make_row("LATER", 42)], gallery="criminal")
        later.identify([probe])
    shutil.copy(tmp_path / "backup", home.database)
    with Tenprint(home.folder) as restored:
        assert look_for(restored, Probe("x", (make_row("x", 42),))) == []
        assert [found[0] for found in look_for(restored, probe)] == ["P3"]


@pytest.mark.sqlite
def test_an_index_that_a_restored_database_has_overtaken_is_made_again(
    filled: Tenprint, make_row: Row, tmp_path: Path
) -> None:
    home = filled.home
    filled.close()
    shutil.copy(home.database, tmp_path / "backup")
    with Tenprint(home.folder) as later:
        later.enrol([make_row("LATER", 42)], gallery="criminal")
        look_for(later, Probe("x", (make_row("x", 42),)))
    shutil.copy(tmp_path / "backup", home.database)
    with Tenprint(home.folder) as restored:
        restored.enrol([make_row("OTHER", 43)], gallery="criminal")  # under the same number
        assert look_for(restored, Probe("x", (make_row("x", 42),))) == []
        found = look_for(restored, Probe("x", (make_row("x", 43),)))
        assert [item[0] for item in found] == ["OTHER"]


@pytest.mark.sqlite
def test_an_index_of_a_database_that_is_gone_is_made_again(
    filled: Tenprint, probe: Probe, make_row: Row
) -> None:
    look_for(filled, probe)
    filled.close()
    filled.home.database.unlink()
    with Tenprint(filled.home.folder) as fresh:
        others = [make_row(f"Q{finger}", finger) for finger in range(20, 30)]
        fresh.enrol(others[:8], gallery="criminal")
        fresh.enrol(others[8:], gallery="immigration")
        assert look_for(fresh, probe) == []
        found = look_for(fresh, Probe("x", (make_row("x", 21),)))
        assert [item[0] for item in found] == ["Q21"]


def test_an_index_that_cannot_be_saved_stops_no_search(
    filled: Tenprint, probe: Probe, caplog: pytest.LogCaptureFixture
) -> None:
    index_of(filled, "criminal").mkdir()
    assert [found[0] for found in look_for(filled, probe)] == ["P3"]
    assert "cannot be deleted" in caplog.text


def test_who_searches_sees_what_others_enrolled_and_removed(
    filled: Tenprint, probe: Probe, make_row: Row
) -> None:
    look_for(filled, probe)
    with Tenprint(filled.home.folder) as other:
        other.enrol([make_row("NEW", 50)], gallery="criminal")
        other.remove_person("P3")
        other.enrol([make_row("SHORT", 60)], gallery="criminal")
        other.remove_person("SHORT")
    assert [f[0] for f in look_for(filled, Probe("x", (make_row("x", 50),)))] == ["NEW"]
    assert look_for(filled, Probe("x", (make_row("x", 60),))) == []
    assert look_for(filled, probe) == []


def test_a_removed_person_leaves_index_and_database(filled: Tenprint, probe: Probe) -> None:
    look_for(filled, probe)
    removed = filled.remove_person("P3", use=Use(purpose="sealed"))
    assert (removed.persons, removed.templates, removed.images) == (1, 1, 1)
    with Tenprint(filled.home.folder) as again:
        assert b'"P3"' not in index_of(again, "criminal").read_bytes()
        assert look_for(again, probe) == []
        assert again.info("criminal").contents.persons == 7


def test_what_others_removed_does_not_come_back_when_an_index_is_closed(
    filled: Tenprint, probe: Probe, make_row: Row
) -> None:
    look_for(filled, probe)
    with Tenprint(filled.home.folder) as other:
        other.enrol([make_row("NEW", 50)], gallery="criminal")
        other.enrol([make_row("NEWER", 51)], gallery="immigration")
        look_for(filled, probe)  # both indexes have something to save now
        other.remove_person("P3")
        other.remove_gallery("immigration")
    left = index_of(filled, "criminal")
    filled.close()
    assert [path.name for path in left.parent.iterdir()] == [left.name]
    assert b'"P3"' not in left.read_bytes()
    assert b'"NEW"' in left.read_bytes()


def test_a_removed_gallery_leaves_nothing(filled: Tenprint, probe: Probe, make_row: Row) -> None:
    look_for(filled, probe)
    index = index_of(filled, "criminal")
    assert index.exists() or filled.rebuild("criminal").index_bytes
    assert filled.remove_gallery("criminal").templates == 8
    assert not index.exists()
    assert [info.name for info in filled.galleries()] == ["immigration"]
    assert look_for(filled, probe) == []
    filled.enrol([make_row("AGAIN", 3)], gallery="criminal")
    assert [found[0] for found in look_for(filled, probe)] == ["AGAIN"]


def test_what_cannot_be_searched_is_told_and_the_rest_goes_on(
    filled: Tenprint, make_row: Row
) -> None:
    probes = [
        Probe("nobody", (make_row("x", 255),)),
        Probe("half", (make_row("x", 255), make_row("x", 4))),
    ]
    nobody, half = filled.identify(probes).searches
    assert nobody.search is None
    assert nobody.rejected[0].reason == "too little of a fingerprint"
    assert half.search is not None
    assert half.search.candidates[0].person == "P4"
    assert (len(half.fingers), len(half.rejected)) == (1, 1)


def test_searching_nothing_is_an_error(tenprint: Tenprint, probe: Probe) -> None:
    with pytest.raises(GalleryError, match="enrol prints first"):
        tenprint.identify([probe])


def test_galleries_of_different_makers_are_searched_apart(
    filled: Tenprint, probe: Probe, make_row: Row
) -> None:
    filled.enrol([make_row("P3", 3)], gallery="other", extractor="gabor")
    with pytest.raises(MakerMismatchError, match="search them apart"):
        look_for(filled, probe)
    (found,) = look_for(filled, probe, "other")
    assert found[:2] == ("P3", "other")


@pytest.mark.parametrize("wrong", [{"fpir": 0.0}, {"fpir": 1.0}, {"max_candidates": 0}])
def test_numbers_out_of_range_are_refused(
    filled: Tenprint, probe: Probe, wrong: dict[str, float]
) -> None:
    with pytest.raises(SettingsError):
        filled.identify([probe], **wrong)  # type: ignore[arg-type]


def test_a_search_is_kept_before_it_is_shown(filled: Tenprint, probe: Probe) -> None:
    (searched,) = filled.identify([probe], use=Use(purpose="booking")).searches
    database = Database(filled.home.database)
    with database.read() as connection:
        kept = searches.read(connection)[0]
        use = submissions.read(connection)[0]
    database.close()
    assert searched.search is not None
    assert kept.id == searched.search_id
    assert kept.threshold == searched.search.threshold
    assert kept.sequences == {"criminal": 10, "immigration": 10}
    assert [item.person for item in kept.candidates] == [
        item.person for item in searched.search.candidates
    ]
    assert kept.probes[0].sha256 == searched.fingers[0].sha256
    outcome = "1 searches (thorough), 1 candidates over the threshold"
    assert (use.purpose, use.outcome) == ("booking", outcome)


def test_a_search_is_made_at_the_point_asked_for(filled: Tenprint, probe: Probe) -> None:
    for asked, used in ((None, "thorough"), ("fast", "fast"), ("thorough", "thorough")):
        (searched,) = filled.identify([probe], search=asked).searches
        assert searched.search is not None
        assert searched.search.point == used
    with Tenprint(filled.home.folder, Settings(search="fast")) as other:
        (searched,) = other.identify([probe]).searches
        assert searched.search is not None
        assert searched.search.point == "fast"
    with pytest.raises(SettingsError, match="'slow': use one of fast, thorough"):
        filled.identify([probe], search="slow")


@pytest.mark.parametrize("shared", [0, 2])
def test_what_searches_need_is_made_before_the_first(
    filled: Tenprint, probe: Probe, shared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = PointSettings(nearest=2, voted=2, shared=shared, finalists=9)
    points = PointsSettings(*[replace(point, everyone=5)] * len(POINTS))
    filed: list[str] = []
    usual = Gallery.file

    def file(gallery: Gallery, settings: ListsSettings) -> Lists:
        filed.append(gallery.name)
        return usual(gallery, settings)

    def identify(*_: object, **__: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(Gallery, "file", file)
    monkeypatch.setattr(pipeline, "identify", identify)
    with (
        Tenprint(filled.home.folder, Settings(points=points, device="cpu")) as other,
        pytest.raises(InterruptedError),
    ):
        other.identify([probe])
    assert filed == (["criminal"] if shared else [])  # in the other one all are compared


def test_severity_orders_the_hits_and_nothing_else(filled: Tenprint, make_row: Row) -> None:
    probes = [Probe(f"of P{finger}", (make_row("x", finger),)) for finger in (1, 2, 3)]
    plain = filled.identify(probes)
    filled.attach_records([("P1", TRESPASS), ("P2", MURDER), ("P2", ROBBERY)], gallery="criminal")
    report = filled.identify(probes)
    assert [item.hit.person for item in report.queue] == ["P2", "P1", "P3"]
    assert [item.place.tier for item in report.queue] == [
        "Level 1",
        "Level 3",
        "no counting record",
    ]
    assert [item.place.place for item in report.queue] == [1, 2, 3]
    assert candidates(report) == candidates(plain)


def candidates(report: IdentifyReport) -> list[list[tuple[str, float, bool]]]:
    return [
        [(c.person, c.score, c.over_threshold) for c in item.search.candidates]
        for item in report.searches
        if item.search
    ]


def test_records_of_all_galleries_count(filled: Tenprint, make_row: Row, probe: Probe) -> None:
    filled.enrol([make_row("P3", 33)], gallery="immigration")
    filled.attach_records([("P3", ROBBERY)], gallery="immigration")
    report = filled.identify([probe], gallery_names=["criminal"])
    assert report.queue[0].hit.gallery == "criminal"
    assert report.queue[0].place.assessment.record_id == "R1"


def test_an_unknown_policy_is_refused(filled: Tenprint, probe: Probe) -> None:
    with pytest.raises(PolicyError, match="sc-2009-list"):
        filled.identify([probe], policy="none")


def test_two_prints_are_verified(tenprint: Tenprint, make_row: Row) -> None:
    first, second, other = make_row("a", 1), make_row("b", 1), make_row("c", 2)
    assert tenprint.verify(first, second).verdict.over_threshold
    assert not tenprint.verify(first, other).verdict.over_threshold


def test_the_report_shows_probes_and_queue(filled: Tenprint, make_row: Row, tmp_path: Path) -> None:
    moved = make_row("moved", 5)
    probes = [
        Probe("one <b>", (make_row("x", 3),)),
        Probe("none", (make_row("x", 255),)),
        Probe("gone", (moved,)),
    ]
    filled.attach_records([("P3", ROBBERY)], gallery="criminal")
    report = filled.identify(probes)
    moved.path.unlink()
    filled.write_report(replace(report), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/") == 2
    assert "one &lt;b&gt;" in page
    assert "too little of a fingerprint" in page
    assert "ROBBERY" in page
