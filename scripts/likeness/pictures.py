"""Pictures of how like real prints made ones are; needs matplotlib (tenprint[plots])."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from engine.report.tail import LOOKS
from engine.settings import SynthesisSettings
from engine.synthesis.impression import make_impression
from engine.synthesis.master import make_master
from engine.synthesis.patterns import Pattern
from engine.synthesis.rolling import ImpressionType, nail_to_nail
from engine.types import F64, U8
from likeness.figures import Figures
from likeness.tables import LABELS, REAL

SHOWN = {  # a panel each: from, to, bins
    "count": (0, 66, 33),
    "density": (0.1, 0.8, 35),
    "nearest": (0, 80, 40),
    "neighbours": (-0.5, 16.5, 17),
    "direction": (0, 2 * np.pi, 36),
    "bend": (0, 0.9, 30),
    "alike": (0, 1, 25),
    "endings": (0, 1, 25),
}
COLOURS = {REAL: "#0f172a", "drawn": "#0a66c2", "made": "#d6336c"}
SIZE = (12.0, 5.6)  # inches
DPI = 100
CELL = (352, 352)  # px, width and height of a print on the sheet
MOST = 250_000  # bytes of a picture


def draw_histograms(columns: Mapping[str, Figures], path: Path) -> None:
    """Writes a PNG with a panel for each of the main figures, real beside drawn beside made."""
    with matplotlib.rc_context(LOOKS):
        picture = Picture(SIZE, layout="constrained")
        panels = picture.subplots(2, len(SHOWN) // 2).ravel()
        for axes, (name, (low, high, bins)) in zip(panels, SHOWN.items(), strict=True):
            edges = np.linspace(low, high, bins + 1)
            for column, colour in COLOURS.items():
                if column in columns:
                    _step(axes, columns[column][name].values, edges, colour, column)
            axes.set(
                xlabel=LABELS[name].replace(", share of pairs", ""), yticks=[], xlim=(low, high)
            )
            axes.xaxis.label.set_size("small")
            axes.spines["left"].set_visible(False)
        panels[0].legend(fontsize="small")
        picture.savefig(path, dpi=DPI)


def draw_sheet(seed: int, path: Path) -> None:
    """Writes a JPEG of made prints: for each class two plain ones above a rolled one."""
    settings = nail_to_nail(SynthesisSettings())
    columns = []
    for pattern in Pattern:
        share = tuple(float(each == pattern) for each in Pattern)
        only = replace(settings, flow=replace(settings.flow, proportions=share))
        master = make_master(np.random.default_rng([seed, pattern]), only)
        plain, other, rolled = (
            make_impression(master, np.random.default_rng([seed, pattern, k]), only, each)
            for k, each in enumerate([ImpressionType.PLAIN] * 2 + [ImpressionType.ROLLED])
        )
        columns.append([each.pixels for each in (plain, other, rolled)])
    sheet = np.vstack(
        [np.hstack([_cell(each) for each in row]) for row in zip(*columns, strict=True)]
    )
    _write_small(sheet, path)


def _step(axes: Axes, values: F64, edges: F64, colour: str, label: str) -> None:
    """The shares of the values between the edges; the real ones on gray."""
    weights = np.full(len(values), 1 / len(values))
    if label == REAL:
        axes.hist(values, edges, weights=weights, color="#cbd5e1")
    axes.hist(
        values, edges, weights=weights, color=colour, histtype="step", label=label, linewidth=1.3
    )


def _cell(pixels: U8) -> U8:
    """The print on white, in a cell of the sheet, all of one scale."""
    side = 640
    height, width = pixels.shape
    cell = np.full((side, side), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    cell[top : top + height, left : left + width] = pixels
    return np.asarray(cv2.resize(cell, CELL, interpolation=cv2.INTER_AREA), np.uint8)


def _write_small(sheet: U8, path: Path) -> None:
    """As a JPEG of the best quality that stays below MOST bytes."""
    for quality in range(85, 20, -5):
        _, coded = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(coded) < MOST:
            break
    path.write_bytes(coded.tobytes())
