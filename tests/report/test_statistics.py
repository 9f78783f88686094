"""The page of statistics: whole by itself, its charts true to its numbers and readable by all."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from engine.report.charts import (
    COLUMNS_HEIGHT,
    LEFT,
    WIDTH,
    Chart,
    Series,
    group_bars,
    stack_bars,
    stack_columns,
)
from engine.report.counts import NOTHING, Counts, Row, Statistics, cells, head
from engine.report.statistics import MOST_JURISDICTIONS, NOTICE, draw_statistics

MADE = datetime(2026, 5, 1, 12, tzinfo=UTC)
LEVELS = ("Level 1", "needs review", "Level 2", "Level 3", "no counting record")
CSS = Path(__file__).parents[2] / "engine" / "report" / "templates"


def some(hits: int, days: float = 3) -> Counts:
    """Counts with `hits` hits in Level 1 and one that waits in Level 3."""
    since = MADE - timedelta(days=days)
    return Counts(7, 1234, (hits, 0, 0, 1, 0), hits, 0, 0, 1, 5.25, 40.5, since)


def statistics(**other: object) -> Statistics:
    months = tuple(Row((month,), some(n)) for month, n in (("2025-11", 4), ("2026-02", 8)))
    plain = Statistics(
        made=MADE,
        start=datetime(2025, 11, 1, tzinfo=UTC),
        end=datetime(2026, 3, 1, tzinfo=UTC),
        policy="sc-2010-conviction",
        table="2010.2+0123456789ab",
        by=("jurisdiction",),
        levels=LEVELS,
        rows=(Row(("Harris <TX>",), some(12)),),
        total=some(12),
        by_level=(Row(("Level 1",), some(12)), Row(("no hit",), Counts(2, 2, (0,) * 5))),
        by_jurisdiction=(Row(("Harris <TX>",), some(12)),),
        by_month=months,
    )
    return replace(plain, **other)  # type: ignore[arg-type]


class Outline(HTMLParser):
    """Tags with what they carry, the text of each cell of a table, and all text that is shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data
        if self._open[-1:] in (["td"], ["th"]):
            self.cells.append(data)


def test_the_page_says_what_was_counted_under_which_rules() -> None:
    text = Outline(draw_statistics(statistics())).text
    for words in (
        NOTICE, "sc-2010-conviction", "2010.2+0123456789ab", "from 2025-11-01 to 2026-02-28",
        "Made 2026-05-01 12:00 UTC", "1,234", "oldest 3.0 days", "5.2 h", "Harris <TX>",
        "as they stand now",
    ):  # fmt: skip
        assert words in text, words


def test_the_page_is_whole_by_itself() -> None:
    tags = Outline(draw_statistics(statistics())).tags
    names = {tag for tag, _ in tags}
    assert not names & {"script", "link", "img", "iframe", "use", "a"}
    carried = {name for _, attrs in tags for name in attrs}
    assert not [name for name in carried if name in ("src", "href") or name.startswith("on")]
    assert "url(" not in draw_statistics(statistics())


def test_every_chart_can_be_read_without_seeing_it() -> None:
    tags = Outline(draw_statistics(statistics())).tags
    charts = [attrs for tag, attrs in tags if tag == "svg" and "aria-hidden" not in attrs]
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(charts) == 4
    assert len(set(ids)) == len(ids)
    for chart in charts:
        assert chart["role"] == "img"
        assert set(str(chart["aria-labelledby"]).split()) <= set(ids)


def test_every_number_of_the_table_and_of_the_charts_is_a_cell() -> None:
    found = statistics()
    shown = Outline(draw_statistics(found)).cells
    wanted = [*head(found), *filter(None, cells(found.total, found)), "total", "2025-11", "8"]
    assert set(wanted) <= set(shown)


def test_levels_are_columns_where_they_are_no_rows() -> None:
    assert set(LEVELS) <= set(head(statistics()))
    by_level = statistics(by=("level",))
    assert not set(LEVELS) & set(head(by_level))
    for found in (statistics(), by_level):
        assert len(head(found)) == len(cells(found.total, found))


def test_what_is_not_known_is_blank() -> None:
    nothing = cells(Counts(hits_by_level=(0,) * 5), statistics())
    assert nothing[-4:] == ("", "", "", "")


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (None, None, "everything kept"),
        (MADE, None, "from 2026-05-01"),
        (None, datetime(2026, 5, 1, tzinfo=UTC), "to 2026-04-30"),
    ],
)
def test_a_period_is_told_by_its_days(
    start: datetime | None, end: datetime | None, words: str
) -> None:
    assert statistics(start=start, end=end).period == words


def test_nothing_to_count_is_said_plainly() -> None:
    empty = statistics(
        rows=(), by_month=(), by_level=(), by_jurisdiction=(), total=Counts(hits_by_level=(0,) * 5)
    )
    outline = Outline(draw_statistics(empty))
    assert NOTHING in outline.text
    assert "svg" not in {tag for tag, _ in outline.tags}


def test_searches_without_a_hit_make_a_page() -> None:
    none = Row(("2026-01",), Counts(1, 5, (0,) * 5))
    found = statistics(
        rows=(none,), by_month=(none,), by_level=(), by_jurisdiction=(none,), total=none.counts
    )
    assert "Nothing to show" in draw_statistics(found)


def test_months_without_a_search_have_their_place() -> None:
    page = draw_statistics(statistics())
    labels = re.findall(r'text-anchor="middle">([^<]+)<', page)
    assert labels[:4] == ["2025-11", "2025-12", "2026-01", "2026-02"]


def test_jurisdictions_beyond_the_most_are_one_bar() -> None:
    rows = tuple(Row((f"County {n:02d}",), some(n)) for n in range(25))
    page = draw_statistics(statistics(by_jurisdiction=rows))
    labels = re.findall(r'text-anchor="end">(County \d+|\d+ others)<', page)
    assert labels == [f"County {n:02d}" for n in range(24, 4, -1)] + ["5 others"]
    assert len(labels) == MOST_JURISDICTIONS + 1
    assert "5 others, Level 1: 10<" in page  # 0 + 1 + 2 + 3 + 4


COUNTED = (Series("a", "shade-1", (10, 0, 3)), Series("b", "none", (30, 1, None)))


def area(chart: Chart, words: str) -> float:
    (bar,) = [bar for bar in chart.bars if bar.words == words]
    assert bar.x >= 0
    assert bar.y >= 0
    assert bar.x + bar.width <= chart.width
    assert bar.y + bar.height <= chart.height
    return bar.width * bar.height


@pytest.mark.parametrize("draw", [stack_columns, stack_bars])
def test_areas_are_as_the_counts(draw: object) -> None:
    chart = draw("t", ("x", "y", "z"), COUNTED)  # type: ignore[operator]
    assert len(chart.bars) == 4
    one = area(chart, "y, b: 1")
    for words, count in (("x, a: 10", 10), ("x, b: 30", 30), ("z, a: 3", 3)):
        assert area(chart, words) == pytest.approx(count * one)
    assert "The most is 40, x" in chart.summary


def test_columns_stand_on_each_other_and_below_the_highest_line() -> None:
    chart = stack_columns("t", ("x", "y", "z"), COUNTED)
    low, high = chart.bars[:2]
    assert high.y + high.height == pytest.approx(low.y)
    assert min(chart.lines) <= high.y
    assert max(chart.lines) == pytest.approx(low.y + low.height)
    ticks = [label.text for label in chart.labels if label.anchor == "end"]
    assert ticks == ["0", "10", "20", "30", "40"]


@pytest.mark.parametrize("months", [1, 12, 40, 200])
def test_names_of_months_never_lie_on_each_other(months: int) -> None:
    names = [f"{2000 + n // 12}-{n % 12 + 1:02d}" for n in range(months)]
    chart = stack_columns("t", names, [Series("a", "none", tuple(range(months)))])
    middles = [label.x for label in chart.labels if label.anchor == "middle"]
    assert all(b - a > 7 * 6.5 for a, b in pairwise(middles))
    assert LEFT < middles[0] < WIDTH
    assert all(bar.y + bar.height < COLUMNS_HEIGHT for bar in chart.bars)


def test_measures_stand_side_by_side_with_their_numbers() -> None:
    series = (Series("median", "median", (2.0, None)), Series("90 %", "ninety", (8.0, None)))
    chart = group_bars("t", ("x", "y"), series, ",.1f")
    assert area(chart, "x, 90 %: 8.0") == pytest.approx(4 * area(chart, "x, median: 2.0"))
    assert area(chart, "y, median: none") == 0
    assert [label.text for label in chart.labels] == ["x", "2.0", "8.0", "y", "none", "none"]


def colours(dark: bool) -> dict[str, str]:
    """The custom colours of the style sheets in one scheme."""
    found: dict[str, str] = {}
    for names in (("page.css",), ("statistics.css", "statistics_page.css")):
        text = "".join((CSS / name).read_text() for name in names)
        blocks = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
        for block in blocks[: 2 if dark else 1]:
            found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    return found


def luminance(colour: str) -> float:
    """WCAG 2's, 0..1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lightness(colour: str) -> float:
    """CIE L*, 0..100."""
    return float(116 * luminance(colour) ** (1 / 3) - 16)


@pytest.mark.parametrize("dark", [False, True])
def test_neighbours_in_a_stack_differ_in_lightness(dark: bool) -> None:
    known = colours(dark)
    for stack in (
        ("shade-1", "review-bar", "shade-5", "shade-9", "none-bar"),  # three levels
        ("shade-1", "review-bar", "shade-3", "shade-6", "shade-9", "none-bar"),  # four
        ("identifications", "exclusions", "inconclusive", "waiting"),
        ("median", "ninety"),
    ):
        for one, other in pairwise(stack):
            assert abs(lightness(known[one]) - lightness(known[other])) >= 8, (one, other)


@pytest.mark.parametrize("dark", [False, True])
def test_bars_and_words_stand_out_from_the_paper(dark: bool) -> None:
    known = colours(dark)
    bars = [name for name in known if re.match("shade|review-bar|edge|ident|exclu|incon", name)]
    assert len(bars) == 14
    for name in bars:
        assert contrast(known[name], known["card"]) >= 3, name
    for name in ("words", "quiet", "link"):
        assert contrast(known[name], known["card"]) >= 4.5, name
