"""Writes statistics as one self-contained HTML page: figures, charts, and the whole table.

Counts only: nothing on the page is about one person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jinja2

from engine.report.charts import Chart, Series, group_bars, stack_bars, stack_columns
from engine.report.counts import ENDS, NOTHING, Counts, Row, Statistics, cells, explain, head

TEMPLATE = "statistics.html.j2"
PARTS = ("statistics_facts.html.j2", "statistics_main.html.j2")
TITLE = "Tenprint: statistics"
NOTICE = "Candidates are proposals: people decide."
MOST_JURISDICTIONS = 20  # drawn each for itself; the rest are one bar
SHADES = 9  # of levels in the style sheet, from the most severe on
REST = {"needs review": "review"}  # style of the tiers beside the levels, else "none"
STYLES = (*(f"shade-{n}" for n in range(1, SHADES + 1)), *ENDS, "median", "ninety")


def draw_statistics(statistics: Statistics) -> str:
    """The page, as text."""
    return _environment().get_template(TEMPLATE).render(_context(statistics))


def draw_parts(statistics: Statistics) -> str:
    """What the page shows, for another page to hold: HTML without head, title and styles."""
    context = _context(statistics)
    return "\n".join(_environment().get_template(part).render(context) for part in PARTS)


def style() -> str:
    """The style sheet of those parts. Its colours of paper and words are those of the page that
    holds them: --card, --line, --words, --quiet."""
    return _environment().get_template("statistics.css").render(styles=STYLES)


def _context(statistics: Statistics) -> dict[str, Any]:
    return {
        "title": TITLE,
        "statistics": statistics,
        "total": statistics.total,
        "made": f"{statistics.made:%Y-%m-%d %H:%M} UTC",
        "notice": NOTICE,
        "nothing": NOTHING,
        "notes": explain(statistics),
        "charts": _charts(statistics) if statistics.rows else (),
        "styles": STYLES,
        "head": head(statistics),
        "cells": lambda counts: cells(counts, statistics),
        "number": lambda value, form: "–" if value is None else format(value, form),
    }


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("engine.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _charts(statistics: Statistics) -> tuple[Chart, ...]:
    months, every = _all_months(statistics.by_month)
    named = [row for row in statistics.by_level if row.counts.hits]
    places, shown = _most(statistics.by_jurisdiction)
    return (
        stack_columns("Hits by month and level", months, _levels(statistics, every)),
        stack_columns(
            "What became of the hits of each month",
            months,
            [Series(name, name, tuple(getattr(counts, name) for counts in every)) for name in ENDS],
        ),
        stack_bars("Hits by jurisdiction and level", places, _levels(statistics, shown)),
        group_bars(
            "Hours to decision, by level",
            [row.keys[0] for row in named],
            [
                Series("median", "median", tuple(row.counts.median_hours for row in named)),
                Series("90 % within", "ninety", tuple(row.counts.p90_hours for row in named)),
            ],
            ",.1f",
        ),
    )


def _levels(statistics: Statistics, counted: Sequence[Counts]) -> list[Series]:
    """The hits of each level, with the style of its place."""
    severe = sum(name.startswith("Level") for name in statistics.levels)
    shades = (f"shade-{1 + n * (SHADES - 1) // max(1, severe - 1)}" for n in range(severe))
    styles = [
        next(shades) if name.startswith("Level") else REST.get(name, "none")
        for name in statistics.levels
    ]
    return [
        Series(name, style, tuple(counts.hits_by_level[place] for counts in counted))
        for place, (name, style) in enumerate(zip(statistics.levels, styles, strict=True))
    ]


def _all_months(rows: Sequence[Row]) -> tuple[list[str], list[Counts]]:
    """Every month from the first to the last, those without a search too."""
    known = {row.keys[0]: row.counts for row in rows}
    first, last = (int(name[:4]) * 12 + int(name[5:]) - 1 for name in (min(known), max(known)))
    names = [f"{month // 12}-{month % 12 + 1:02d}" for month in range(first, last + 1)]
    nothing = Counts(hits_by_level=(0,) * len(rows[0].counts.hits_by_level))
    return names, [known.get(name, nothing) for name in names]


def _most(rows: Sequence[Row]) -> tuple[list[str], list[Counts]]:
    """The jurisdictions with the most hits, and the others as one."""
    ordered = sorted((row for row in rows if row.counts.hits), key=lambda row: -row.counts.hits)
    shown, rest = ordered[:MOST_JURISDICTIONS], ordered[MOST_JURISDICTIONS:]
    names, counted = [row.keys[0] for row in shown], [row.counts for row in shown]
    if rest:
        sums = zip(*(row.counts.hits_by_level for row in rest), strict=True)
        names.append(f"{len(rest)} others")
        counted.append(Counts(hits_by_level=tuple(map(sum, sums))))
    return names, counted
