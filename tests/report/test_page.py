"""One page, whole by itself, which shows the comparison and folds the record away."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import TenprintError
from engine.report.page import (
    NOTICE,
    QueueRow,
    Report,
    ReportCandidate,
    ReportProbe,
    encode_picture,
    write_report,
)
from engine.types import (
    Assessment,
    Candidate,
    Evidence,
    FingerPosition,
    OffenseRecord,
)

WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
PAIRS = np.array([[0, 1], [2, 3]], np.int32)
EVIDENCE = Evidence(
    FingerPosition.RIGHT_INDEX, 51.5, 4.25, 0.5, 2, 3, 4, 0.8, 90.0, 0.7, 0.9, 0.1, PAIRS, 70, 66
)


def candidate(person: str, rank: int, over: bool) -> ReportCandidate:
    found = Candidate(person, "demo", rank, 51.5, 4.25, 3.0, over, (EVIDENCE,))
    assessment = Assessment("sc", "level", 1, "conviction", "R1", "rule", "because", "t+1")
    records = (OffenseRecord("R1", charge="ROBBERY"),)
    picture = encode_picture(np.full((40, 60, 3), 200, np.uint8), f"print beside {person}")
    return ReportCandidate(found, (picture,), assessment, "because of R1", records)


def report(person: str = "P1") -> Report:
    candidates = (candidate(person, 1, True), candidate("P2", 2, False))
    probe = ReportProbe("probe.png", FingerPosition.RIGHT_INDEX, 71, 33, candidates)
    row = QueueRow(1, "probe.png", person, "Level 1", "conviction", "robbery", WHEN, 51.5)
    return Report(
        "Search of demo", WHEN, "demo", 20_000, 40_000, 41.2, 0.001, "sc", "t+1", (probe,), (row,),
        (("bad.png", "too few minutiae"),),
    )  # fmt: skip


class Outline(HTMLParser):
    """What the tests ask about a page: its tags, and the text inside and outside details."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.folded, self.open_text = "", ""
        self._depth = 0
        self._summary = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._depth += tag == "details"
        self._summary = self._summary or tag == "summary"

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "details"
        self._summary = self._summary and tag != "summary"

    def handle_data(self, data: str) -> None:
        if self._depth and not self._summary:
            self.folded += data
        else:
            self.open_text += data


def written(path: Path, what: Report) -> str:
    write_report(path / "report.html", what)
    assert [file.name for file in path.iterdir()] == ["report.html"]
    return (path / "report.html").read_text(encoding="utf-8")


def test_the_page_says_what_was_searched(tmp_path: Path) -> None:
    text = Outline(written(tmp_path, report())).open_text
    for words in (
        NOTICE,
        "20,000 persons",
        "41.20",
        "0.1 %",
        "+4.2",
        "2 pairs",
        "too few minutiae",
    ):
        assert words in text
    assert "below threshold" in text
    assert "identified" not in text.lower()


def test_the_record_is_folded_away_after_the_comparison(tmp_path: Path) -> None:
    page = written(tmp_path, report())
    outline = Outline(page)
    assert "because of R1" in outline.folded
    assert "ROBBERY" in outline.folded
    assert "because of R1" not in outline.open_text
    assert "robbery" not in outline.open_text.lower()
    assert page.index("<img") < page.index("because of R1")
    assert not [attrs for tag, attrs in outline.tags if tag == "details" and "open" in attrs]


def test_the_page_is_whole_by_itself(tmp_path: Path) -> None:
    page = written(tmp_path, report())
    outline = Outline(page)
    assert not [tag for tag, _ in outline.tags if tag in ("script", "link", "iframe", "object")]
    assert not re.search(r"https?://|@import|url\(", page)
    images = [attrs for tag, attrs in outline.tags if tag == "img"]
    assert len(images) == 2
    for attrs in images:
        assert (attrs["src"] or "").startswith("data:image/webp;base64,")
        assert attrs["alt"]


def test_links_lead_to_the_comparison(tmp_path: Path) -> None:
    outline = Outline(written(tmp_path, report()))
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    links = [attrs["href"] for tag, attrs in outline.tags if tag == "a"]
    assert len(ids) == len(set(ids))
    assert links == ["#case-1-1"]
    assert "case-1-1" in ids


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    page = written(tmp_path, report(person='<script>alert("x")</script>'))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_empty_search_has_a_page(tmp_path: Path) -> None:
    page = written(tmp_path, replace(report(), probes=(), queue=(), failures=()))
    assert "No candidate reached the threshold" in page
    assert "Not extracted" not in page


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TenprintError, match="cannot be written"):
        write_report(tmp_path / "missing" / "report.html", report())


def test_pictures_are_scaled_down_and_keep_their_content() -> None:
    picture = encode_picture(np.full((300, 2000, 3), (10, 200, 90), np.uint8), "wide")
    assert (picture.width, picture.height) == (1000, 150)
    data = base64.b64decode(picture.uri.partition(",")[2])
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert pixels.shape == (150, 1000, 3)
    assert np.abs(pixels.astype(int) - (10, 200, 90)).max() < 6
