"""Candidates, queues and galleries as tables in plain language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from engine.service.results import GalleryInfo, Queued, Search, Searched
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
    return (
        f"{search.gallery_size} persons in {seen}; threshold {search.threshold:.2f} "
        f"for FPIR {search.fpir:g}"
    )


def candidates(searched: Searched) -> Table:
    """The candidate list of one search."""
    table = _table(f"Candidates for {searched.probe}", (("rank", "right"), *CANDIDATE))
    for item in searched.search.candidates if searched.search else ():
        table.add_row(str(item.rank), *_candidate(item), style=_weight(item.over_threshold))
    return table


def best_candidates(searches: Sequence[Searched]) -> Table:
    """The first candidate of each of many searches."""
    table = _table("First candidate of each probe", (("probe", "left"), *CANDIDATE))
    for searched in searches:
        first = searched.search.candidates[:1] if searched.search else ()
        for item in first:
            table.add_row(
                Text(searched.probe), *_candidate(item), style=_weight(item.over_threshold)
            )
        if not first:
            table.add_row(Text(searched.probe), "none" if searched.search else "not searched")
    return table


def queue(queued: Sequence[Queued]) -> Table:
    """The hits in the order of work, each with what decided its place."""
    table = _table(
        "Hits in order of work (by severity of records; it says nothing about likeness)",
        (
            ("place", "right"),
            ("tier", "left"),
            ("by", "left"),
            ("offense", "left"),
            ("record", "left"),
            ("probe", "left"),
            ("candidate", "left"),
            ("gallery", "left"),
        ),
    )
    for item in queued:
        hit, assessment = item.hit, item.hit.assessment
        table.add_row(
            str(hit.place),
            item.tier,
            assessment.lane,
            assessment.category,
            Text(assessment.record_id),
            Text(hit.probe),
            Text(hit.candidate.person),
            hit.candidate.gallery,
        )
    return table


def galleries(infos: Sequence[GalleryInfo]) -> Table:
    """All galleries, a line each."""
    table = _table(
        "",
        (
            ("gallery", "left"),
            ("persons", "right"),
            ("prints", "right"),
            ("images", "right"),
            ("records", "right"),
            ("last change", "right"),
            ("maker", "left"),
        ),
    )
    for info in infos:
        held = info.contents
        counts = (held.persons, held.templates, held.images, held.records, info.sequence)
        table.add_row(info.name, *map(str, counts), info.maker or "")
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


def _weight(over_threshold: bool) -> str:
    return "bold" if over_threshold else "dim"


def _table(title: str, columns: Sequence[Column]) -> Table:
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
