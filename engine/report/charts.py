"""Bar charts as plain geometry, which a template writes as SVG: no script, no drawing library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 560  # px of the drawing, which scales to the page
COLUMNS_HEIGHT = 280  # px
LEFT, RIGHT, TOP, BOTTOM = 56, 10, 12, 30  # px around columns: numbers and months stand there
NAMES = 150  # px for the names beside bars
TOTALS = 62  # px for the numbers at the ends of bars
ROW, THIN = 26, 13  # px of a row of bars, and of each bar where several stand in one
LETTER = 6.8  # px of a letter of the names, about
TICKS = 5  # lines across columns, at most
THICKEST = 40  # px of a column


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of bar. style: its class in the style sheet. values: one for each category, None
    where there is none."""

    name: str
    style: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, px from the top left. words: what it says to who points at it."""

    x: float
    y: float
    width: float
    height: float
    style: str
    words: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a point. anchor: "start", "middle" or "end" of it lies there."""

    x: float
    y: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, and all that it shows in words and numbers.

    summary: of the drawing, for who cannot see it. form: of its numbers, as format() takes it.
    lines: heights of the lines across, px, from `left` to the right edge.
    """

    title: str
    summary: str
    form: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    width: int
    height: int
    bars: tuple[Bar, ...]
    labels: tuple[Label, ...]
    lines: tuple[float, ...] = ()
    left: int = LEFT


def stack_columns(title: str, categories: Sequence[str], series: Sequence[Series]) -> Chart:
    """Counts as columns in the order of time, the series stacked from below."""
    sums = _sums(categories, series)
    step = _step(max(sums, default=0))
    top = step * max(1, math.ceil(max(sums, default=0) / step))
    floor, wide = COLUMNS_HEIGHT - BOTTOM, WIDTH - LEFT - RIGHT
    scale, slot = (floor - TOP) / top, wide / max(1, len(categories))
    thick = min(THICKEST, 0.74 * slot)
    bars, labels = [], []
    every = math.ceil((max(map(len, categories), default=0) + 2) * LETTER / slot)
    for place, name in enumerate(categories):
        middle, below = LEFT + (place + 0.5) * slot, float(floor)
        for one in series:
            tall = (one.values[place] or 0) * scale
            below -= tall
            if tall:
                words = _words(name, one, place, ",.0f")
                bars.append(Bar(middle - thick / 2, below, thick, tall, one.style, words))
        if place % every == 0:
            labels.append(Label(middle, floor + 18, name, "middle"))
    ticks = range(0, top + 1, step)
    labels += [Label(LEFT - 8, floor - tick * scale + 4, f"{tick:,}", "end") for tick in ticks]
    return Chart(
        title,
        _summary("Stacked columns", "months", categories, sums, ",.0f"),
        ",.0f",
        tuple(categories),
        tuple(series),
        WIDTH,
        COLUMNS_HEIGHT,
        tuple(bars),
        tuple(labels),
        tuple(floor - tick * scale for tick in ticks),
    )


def stack_bars(title: str, categories: Sequence[str], series: Sequence[Series]) -> Chart:
    """Counts as bars, one below the other, the series stacked from the left."""
    sums = _sums(categories, series)
    scale = (WIDTH - NAMES - TOTALS) / max([1.0, *sums])
    bars, labels = [], []
    for place, name in enumerate(categories):
        left, top = float(NAMES), place * ROW + 4
        for one in series:
            wide = (one.values[place] or 0) * scale
            if wide:
                words = _words(name, one, place, ",.0f")
                bars.append(Bar(left, top, wide, ROW - 8, one.style, words))
            left += wide
        labels.append(Label(NAMES - 8, top + ROW / 2, _short(name), "end"))
        labels.append(Label(left + 6, top + ROW / 2, f"{sums[place]:,.0f}", "start"))
    summary = _summary("Stacked bars", "rows", categories, sums, ",.0f")
    height = max(1, len(categories)) * ROW
    return Chart(
        title, summary, ",.0f", tuple(categories), tuple(series), WIDTH, height, tuple(bars),
        tuple(labels),
    )  # fmt: skip


def group_bars(title: str, categories: Sequence[str], series: Sequence[Series], form: str) -> Chart:
    """Measures as bars, those of one category next to each other, with their numbers."""
    known = [value for one in series for value in one.values if value is not None]
    scale = (WIDTH - NAMES - TOTALS) / max([1e-9, *known])
    row = len(series) * THIN + 12
    bars, labels = [], []
    for place, name in enumerate(categories):
        middle = place * row + row / 2 + 4
        labels.append(Label(NAMES - 8, middle, _short(name), "end"))
        for number, one in enumerate(series):
            value, top = one.values[place], place * row + 6 + number * THIN
            text = "none" if value is None else format(value, form)
            wide = (value or 0.0) * scale
            bars.append(Bar(NAMES, top, wide, THIN - 2, one.style, _words(name, one, place, form)))
            labels.append(Label(NAMES + wide + 6, top + THIN - 3, text, "start"))
    most = [
        max((one.values[i] or 0.0 for one in series), default=0.0) for i in range(len(categories))
    ]
    summary = _summary("Grouped bars", "rows", categories, most, form)
    height = max(1, len(categories)) * row
    return Chart(
        title, summary, form, tuple(categories), tuple(series), WIDTH, height, tuple(bars),
        tuple(labels),
    )  # fmt: skip


def _sums(categories: Sequence[str], series: Sequence[Series]) -> list[float]:
    return [sum(one.values[place] or 0 for one in series) for place in range(len(categories))]


def _step(most: float) -> int:
    """1, 2 or 5 times a power of ten, so that at most TICKS steps reach `most`."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * TICKS >= most:
                return factor * power
        power *= 10


def _words(category: str, one: Series, place: int, form: str) -> str:
    value = one.values[place]
    return f"{category}, {one.name}: {'none' if value is None else format(value, form)}"


def _summary(
    kind: str, things: str, categories: Sequence[str], sums: Sequence[float], form: str
) -> str:
    if not categories:
        return "Nothing to show."
    most = max(range(len(sums)), key=lambda place: sums[place])
    return (
        f"{kind}, {len(categories)} {things}. The most is {format(sums[most], form)}, "
        f"{categories[most]}. All numbers are under Values below."
    )


def _short(name: str) -> str:
    fits = int((NAMES - 8) / LETTER)
    return name if len(name) <= fits else name[: fits - 1].rstrip() + "…"
