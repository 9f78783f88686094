"""Draws how often non-mated searches reach a score; needs matplotlib (tenprint[plots])."""

from __future__ import annotations

import io
from collections.abc import Mapping
from textwrap import fill
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from engine.types import Curve

PANEL = (4.6, 4.2)  # inches
LINE = 48  # letters of a title
BAND = 0.15  # opacity
LEAST = 0.1  # of one search: where the axis ends below
SITE, SHIPPED, CHOSEN = "#0a66c2", "#94a3b8", "#d6336c"
LOOKS: dict[Any, Any] = {
    "font.family": "sans-serif",
    "svg.fonttype": "none",  # letters stay letters
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def draw_tails(curves: Mapping[str, Curve], fpir: float, form: str) -> bytes:
    """A panel for each curve under its title: measured searches, the fit with its band, the shipped
    calibration, and the chosen rate. form: "svg", "png" or "pdf"."""
    with matplotlib.rc_context(LOOKS):
        figure = Figure((PANEL[0] * len(curves), PANEL[1]), layout="constrained")
        panels = figure.subplots(1, len(curves), squeeze=False)[0]
        for axes, (title, curve) in zip(panels, curves.items(), strict=True):
            share = np.arange(1, len(curve.measured) + 1) / len(curve.measured)
            axes.plot(curve.measured, share, ".", color=SITE, markersize=3, label="searches")
            axes.plot(curve.score, curve.site, color=SITE, label="this gallery")
            band = {"color": SITE, "alpha": BAND, "linewidth": 0}
            axes.fill_between(curve.score, curve.low, curve.high, **band)
            axes.plot(curve.score, curve.shipped, "--", color=SHIPPED, label="shipped calibration")
            axes.axhline(fpir, color=CHOSEN, linewidth=0.8, label=f"FPIR {fpir:g}")
            axes.set(yscale="log", ylim=(min(fpir, share[0]) * LEAST, 1), title=fill(title, LINE))
            axes.set(xlabel="score by the shipped calibration", ylabel="FPIR")
            axes.title.set_fontsize("small")
            axes.grid()
            axes.legend(fontsize="small")
        drawn = io.BytesIO()
        figure.savefig(drawn, format=form)
    return drawn.getvalue()
