"""The figures of sets of prints side by side, as a table in Markdown and as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.synthesis.patterns import Pattern
from likeness.figures import Figure, Figures, distance

REAL = "real"
PLAIN = ("drawn", "made")  # what can be compared with real prints, which are plain
LABELS = {
    "count": "minutiae a print",
    "density": "density inside the convex hull, per mm²",
    "nearest": "distance to the nearest, px",
    "neighbours": "neighbours within 60 px",
    "direction": "direction, rad",
    "down": "directions that point down the print, share",
    "bend": "difference of orientation within 60 px, rad",
    "alike": "same direction within 60 px, share of pairs",
    "alike_near": "same direction within 25 px, share of pairs",
    "endings": "endings, share",
    "confidence": "confidence of LEADER, 5th / 25th / 50th percentile",
}


def figures_table(columns: Mapping[str, Figures]) -> str:
    """A row for each figure and a column for each set."""
    rows = [
        [label, *(_write(name, each[name]) for each in columns.values())]
        for name, label in LABELS.items()
        if name != "direction"
    ]
    return _table(["", *columns], rows)


def distances_table(columns: Mapping[str, Figures], sets: Mapping[str, Figures]) -> str:
    """How far plain drawn and made prints lie from real ones, and how far real sets do from each
    other."""
    others = [name for name in columns if name in PLAIN]
    rows = []
    for name, label in LABELS.items():
        apart = [f"{distance(columns[REAL][name], columns[o][name]):.2f}" for o in others]
        spread = between(sets, name)
        among = f"{np.median(spread):.2f} ({min(spread):.2f}-{max(spread):.2f})" if spread else "-"
        rows.append([label.split(",")[0], *apart, among])
    return _table(["distance from real prints", *others, "a real set from the others"], rows)


def classes_table(shares: Mapping[str, Sequence[float]]) -> str:
    """The share of each class in percent; a column for each name."""
    rows = [
        [each.name.lower().replace("_", " "), *(f"{100 * s[each]:.1f}" for s in shares.values())]
        for each in Pattern
    ]
    return _table(["class, %", *shares], rows)


def numbers(columns: Mapping[str, Figures], sets: Mapping[str, Figures]) -> dict[str, Any]:
    """Everything in the tables, to be written as JSON: aggregates, nothing of single prints."""
    about = {
        column: {name: _numbers(figure) for name, figure in figures.items()}
        for column, figures in columns.items()
    }
    real = columns.get(REAL)
    apart = {
        column: {name: round(distance(real[name], figures[name]), 4) for name in figures}
        for column, figures in columns.items()
        if real and column in PLAIN
    }
    spread = {name: [round(each, 4) for each in between(sets, name)] for name in LABELS}
    return {"figures": about, "distance_from_real": apart, "real_set_from_the_others": spread}


def between(sets: Mapping[str, Figures], name: str) -> list[float]:
    """How far each real set lies from all the others together; nothing where there is but one."""
    if len(sets) < 2:
        return []
    found = []
    for own, figures in sets.items():
        others = [each[name] for other, each in sets.items() if other != own]
        values = np.concatenate([each.values for each in others])
        found.append(distance(figures[name], Figure(values, np.ones(len(values)))))
    return found


def _write(name: str, figure: Figure) -> str:
    if name == "count":
        return f"{figure.mean:.1f} ± {figure.sd:.1f}"
    if name == "confidence":
        return " / ".join(f"{each:.2f}" for each in figure.at(5, 25, 50))
    if name in ("nearest", "neighbours"):
        low, middle, high = figure.at(5, 50, 95)
        return f"{figure.mean:.1f} ({low:.0f}, {middle:.0f}, {high:.0f})"
    if name == "density":
        low, middle, high = figure.at(5, 50, 95)
        return f"{figure.mean:.2f} ({low:.2f}, {middle:.2f}, {high:.2f})"
    return f"{figure.mean:.2f}"


def _numbers(figure: Figure) -> dict[str, Any]:
    percentiles = dict(
        zip(("p5", "p25", "p50", "p75", "p95"), figure.at(5, 25, 50, 75, 95), strict=True)
    )
    found = {"n": len(figure.values), "mean": figure.mean, "sd": figure.sd, **percentiles}
    return {name: round(value, 4) for name, value in found.items()}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
