"""Candidates, galleries and calibrations as tables in plain language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from engine.service.results import (
        CalibrationReport,
        GalleryInfo,
        Search,
        Searched,
        Suspects,
    )
    from engine.types import Candidate

Column = tuple[str, Literal["left", "right"]]

CANDIDATE: tuple[Column, ...] = (
    ("person", "left"),
    ("gallery", "left"),
    ("score", "right"),
    ("log10 LR", "right"),
    ("gap", "right"),
    ("over threshold", "left"),
)


def conditions(search: Search) -> str:
    """Under which conditions candidates were found, in one line."""
    seen = ", ".join(f"{name} up to change {number}" for name, number in search.sequences.items())
    ends = search.fpir_interval
    measured = f" (95 % interval {ends[0]:.2g} to {ends[1]:.2g})" if ends else ""
    return (
        f"{search.gallery_size} persons in {seen}; {search.point} search, "
        f"{search.compared} prints compared; threshold {search.threshold:.2f} "
        f"for FPIR {search.fpir:g}{measured}"
    )


def calibrations(searches: Sequence[Search]) -> list[str]:
    """What the scores of each gallery rest on, a line each."""
    told = (item for search in searches for item in search.calibrations.items())
    return [f"scores in {name}: {words}" for name, words in dict.fromkeys(told)]


def candidates(searched: Searched) -> Table:
    """The candidate list of one search."""
    table = make_table(f"Candidates for {searched.probe}", (("rank", "right"), *CANDIDATE))
    for item in searched.search.candidates if searched.search else ():
        table.add_row(str(item.rank), *_candidate(item), style=weight(item.over_threshold))
    return table


def best_candidates(searches: Sequence[Searched]) -> Table:
    """The first candidate of each of many searches."""
    table = make_table("First candidate of each probe", (("probe", "left"), *CANDIDATE))
    for searched in searches:
        first = searched.search.candidates[:1] if searched.search else ()
        for item in first:
            table.add_row(
                Text(searched.probe), *_candidate(item), style=weight(item.over_threshold)
            )
        if not first:
            table.add_row(Text(searched.probe), "none" if searched.search else "not searched")
    return table


def galleries(infos: Sequence[GalleryInfo]) -> Table:
    """All galleries, a line each."""
    table = make_table(
        "",
        (
            ("gallery", "left"),
            ("persons", "right"),
            ("prints", "right"),
            ("images", "right"),
            ("records", "right"),
            ("last change", "right"),
            ("FPIR", "right"),
            ("scores", "left"),
            ("maker", "left"),
        ),
    )
    for info in infos:
        held = info.contents
        counts = (held.persons, held.templates, held.images, held.records, info.sequence)
        rate = f"{info.fpir:g}" if info.fpir else ""
        scores = f"measured {info.sites[0].made}" if info.sites else "as shipped"
        table.add_row(info.name, *map(str, counts), rate, scores, info.maker or "")
    return table


def calibrated(report: CalibrationReport) -> Iterator[Table | str]:
    """What a calibration measured: stated rates against those of held-out searches."""
    yield f"{report.gallery}: measured in {report.seconds:.0f} s and kept, for FPIR {report.fpir:g}"
    table = make_table(
        "Stated against measured, by searches that had no part in the fit",
        (
            ("fingers", "right"),
            ("persons", "right"),
            ("stated FPIR", "right"),
            ("shipped calibration", "right"),
            ("measured here", "right"),
            ("95 % interval", "left"),
            ("stated within", "left"),
        ),
    )
    for item in report.measured:
        for check in item.checks:
            table.add_row(
                str(item.site.fingers),
                f"{check.persons:,}",
                f"{check.stated:.2%}",
                f"{check.shipped:.2%}",
                f"{check.here:.2%}",
                f"{check.low:.2%} to {check.high:.2%}",
                "yes" if check.low <= check.stated <= check.high else "no",
            )
    yield table
    for site in (item.site for item in report.measured):
        yield (
            f"{site}: location {site.location:+.2f} ± {site.location_sd:.2f}, scale "
            f"{site.scale:.2f} ± {site.scale_sd:.2f} (0 and 1: as the shipped calibration says)"
        )
    pairs = [pair for item in report.measured for pair in item.suspects]
    if pairs:
        yield _suspects(pairs)


def _suspects(pairs: Sequence[Suspects]) -> Table:
    """Persons to compare: left out of what was measured."""
    table = make_table(
        "Too alike for different persons, so left out: one enrolled under two names? Compare them",
        (("person", "left"), ("other", "left"), ("score", "right")),
    )
    for pair in pairs:
        table.add_row(Text(pair.person), Text(pair.other), f"{pair.score:.2f}")
    return table


def _candidate(item: Candidate) -> tuple[Text | str, ...]:
    return (
        Text(item.person),
        item.gallery,
        f"{item.score:.2f}",
        f"{item.llr:+.1f}",
        f"{item.gap:.2f}",
        "yes" if item.over_threshold else "no",
    )


def weight(over_threshold: bool) -> str:
    return "bold" if over_threshold else "dim"


def make_table(title: str, columns: Sequence[Column]) -> Table:
    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")
    return table
