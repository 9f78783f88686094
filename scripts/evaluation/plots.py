"""Draws the curves of an evaluation; needs matplotlib (tenprint[plots])."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from metrics import F64, Rates

from engine.report import tail
from evaluation import discards, identification, verification
from evaluation.discards import Discards
from evaluation.identification import Identification
from evaluation.intervals import Interval
from evaluation.likelihoods import Reliability
from evaluation.verification import Verification

SIZE = (7.2, 4.8)  # inches
BAND = 0.13  # opacity
BINS = 80  # of a histogram
TINY = 1e-7  # what a logarithmic axis has for 0
PANEL, PANELS = 2.7, 4  # inches; in a row
MATED, NONMATED, CONTEXT = "#0a66c2", "#d6336c", "#cbd5e1"
LOOKS = tail.LOOKS | {"lines.linewidth": 1.6}


def det(sets: Sequence[Verification]) -> Figure:
    """FNMR over FMR, both logarithmic: a panel for every set, with the others in gray."""
    across = min(len(sets), PANELS)
    down = -(-len(sets) // across)
    with matplotlib.rc_context(LOOKS):
        figure = Figure((PANEL * across, PANEL * down), layout="constrained")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, own in zip(panels, sets, strict=False):
        for each in sets:
            axes.step(*floored(each.found), where="pre", color=CONTEXT, linewidth=0.7)
        tradeoff(axes, own.found, own.band, verification.GRID, own.name, MATED)
        axes.set(xscale="log", yscale="log", xlim=(1e-5, 1), ylim=(1e-4, 1))
        axes.set_title(own.name, fontsize="medium")
        axes.grid()
    for axes in panels[len(sets) :]:
        axes.set_axis_off()
    figure.supxlabel("false match rate", fontsize="medium")
    figure.supylabel("false non-match rate", fontsize="medium")
    return figure


def fnir_over_fpir(galleries: Sequence[Identification]) -> Figure:
    """FNIR over FPIR in every gallery, both logarithmic."""
    figure, axes = paper("false positive identification rate", "false negative identification rate")
    for each in galleries:
        tradeoff(axes, each.found, each.band, identification.GRID, persons(each))
    axes.set(xscale="log", yscale="log", xlim=(identification.GRID[0], 1), ylim=(1e-3, 1))
    axes.legend()
    return figure


def cmc(galleries: Sequence[Identification]) -> Figure:
    """Share of mates among the first candidates, by their number."""
    figure, axes = paper("rank", "mates found, %")
    for each in galleries:
        found = identification.figures(each)
        rank = np.arange(1, len(found["cmc"]) + 1)
        (line,) = axes.plot(rank, found["cmc"], marker=".", label=persons(each))
        low, high = np.transpose(found["cmc_intervals"])
        axes.fill_between(rank, low, high, color=line.get_color(), alpha=BAND, linewidth=0)
    axes.set(xticks=[1, 5, 10, 15, 20])
    axes.legend(loc="lower right")
    return figure


def histogram(sets: Sequence[Verification]) -> Figure:
    """Mated and non-mated scores of all sets, as shares of their kind."""
    figure, axes = paper("score, log10 likelihood ratio", "share of comparisons")
    score = np.concatenate([each.scores.score for each in sets])
    kind = np.concatenate([each.scores.mated for each in sets])[np.isfinite(score)]
    both = score[np.isfinite(score)]
    mated, nonmated = both[kind], both[~kind]
    bins = np.linspace(both.min(), both.max(), BINS + 1)
    for scores, colour, name in ((nonmated, NONMATED, "non-mated"), (mated, MATED, "mated")):
        weight = np.full(len(scores), 1 / len(scores))
        label = f"{name}, {len(scores):,}"
        axes.hist(scores, bins, weights=weight, color=colour, alpha=0.25)
        axes.hist(scores, bins, weights=weight, color=colour, histtype="step", label=label)
    axes.set(yscale="log")
    axes.legend()
    return figure


def error_discard(curves: Mapping[str, Discards]) -> Figure:
    """FNMR over the share of comparisons discarded, with the curve of perfect foresight."""
    figure, axes = paper("comparisons of lowest quality discarded, %", "false non-match rate, %")
    for name, each in curves.items():
        wide = 2.4 if name == "all sets" else 1.1
        axes.plot(100 * discards.GRID, 100 * each.fnmr, label=name, linewidth=wide)
    axes.set(xlim=(0, 100 * discards.GRID[-1]))
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def reliability(found: Reliability) -> Figure:
    """Likelihood ratios as measured over those stated; on the diagonal they are true."""
    figure, axes = paper("stated log10 likelihood ratio", "measured log10 likelihood ratio")
    reach = 1 + np.abs(found.stated).max()
    ends = np.array([-reach, reach])
    axes.plot(ends, ends, color=CONTEXT)
    certain = np.isfinite(found.measured)
    axes.plot(found.stated[certain], found.measured[certain], marker="o", color=MATED)
    for missing, marker, name in (
        (np.inf, "^", "no non-mated comparison"),
        (-np.inf, "v", "no mated comparison"),
    ):
        there = found.stated[found.measured == missing]
        level = np.full(len(there), np.sign(missing) * ends[1])
        axes.plot(there, level, marker, color=NONMATED, label=name)
    axes.set(xlim=ends, ylim=1.1 * ends)
    axes.legend(loc="upper left")
    return figure


def frontier(galleries: Sequence[Mapping[str, Any]]) -> Figure:
    """Mates missed over the time of a search, both logarithmic: a panel for each gallery of
    scripts/frontier.py, with the points that ship marked. Where none is missed stands half of one
    miss."""
    with matplotlib.rc_context(LOOKS):
        figure = Figure((SIZE[0] * len(galleries), SIZE[1]), layout="constrained")
        panels = figure.subplots(1, len(galleries), squeeze=False)[0]
    for axes, found in zip(panels, galleries, strict=True):
        kinds = dict.fromkeys(point["kind"] for point in found["points"])
        for kind in kinds:
            own = [point for point in found["points"] if point["kind"] == kind]
            took = [point["ms"] for point in own]
            missed = [100 * max(point["missed"], 0.5 / found["probes"]) for point in own]
            if len(own) > 1:
                axes.plot(took, missed, "o", label=kind, alpha=0.7)
            else:
                axes.plot(took, missed, "*", markersize=15, color=NONMATED)
                axes.annotate(kind, (took[0], missed[0]), (8, 4), textcoords="offset points")
        axes.set(xscale="log", yscale="log", title=f"{found['prints']:,} prints")
        axes.set(xlabel="ms a search, one finger", ylabel="mates not compared, %")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("{x:g}")
        axes.grid(which="both")
        axes.legend(fontsize="small")
    return figure


def tradeoff(
    axes: Axes, found: Rates, band: Interval, grid: F64, label: str, colour: str | None = None
) -> None:
    """One error rate over the other, with the band of its intervals."""
    (line,) = axes.step(*floored(found), where="pre", label=label, color=colour)
    low, colour = np.maximum(band.low, TINY), line.get_color()
    axes.fill_between(grid, low, band.high, color=colour, alpha=BAND, linewidth=0)


def floored(found: Rates) -> tuple[F64, F64]:
    """FMR and FNMR as a logarithmic axis can show them."""
    return np.maximum(found.fmr, TINY), np.maximum(found.fnmr, TINY)


def persons(each: Identification) -> str:
    """What a gallery is called in a legend."""
    return f"{each.searches.persons:,} persons"


def paper(across: str, up: str) -> tuple[Figure, Axes]:
    """An empty plot."""
    with matplotlib.rc_context(LOOKS):
        figure = Figure(SIZE, layout="constrained")
        axes = figure.subplots()
        axes.grid(which="both")
    axes.set(xlabel=across, ylabel=up)
    return figure, axes


def data_uri(figure: Figure) -> str:
    """The figure as an SVG picture inside an address."""
    file = io.StringIO()
    with matplotlib.rc_context(LOOKS | {"svg.hashsalt": "tenprint"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue().encode()).decode()
