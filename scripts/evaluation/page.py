"""Writes an evaluation as one self-contained HTML page, in the looks of the engine's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import jinja2

from engine.settings import Settings
from evaluation import discards, pairs, plots
from evaluation.results import Measured
from evaluation.searches import LISTED


def write_page(path: Path, result: Mapping, measured: Measured, settings: Settings) -> None:
    """Writes the page. result: every figure, as in the JSON."""
    shown = [
        ("Mated pairs that agree least", measured.worst_mated),
        ("Non-mated pairs that agree most", measured.best_nonmated),
    ]
    text = (
        _environment()
        .get_template("page.html.j2")
        .render(
            result=result,
            about=result["about"],
            all_sets=[*result["sets"].items(), ("mean", result["mean"])],
            plots={name: plots.data_uri(figure) for name, figure in draw_plots(measured).items()},
            shown=[
                (title, [(pair, pairs.draw(pair, settings)) for pair in some])
                for title, some in shown
            ],
            listed=LISTED,
            most=discards.MOST,
        )
    )
    path.write_text(text, encoding="utf-8")


def draw_plots(measured: Measured) -> dict[str, plots.Figure]:
    """Every plot under the name that the page has for it."""
    return {
        "det": plots.det(measured.sets),
        "histogram": plots.histogram(measured.sets),
        "fnir": plots.fnir_over_fpir(measured.galleries),
        "cmc": plots.cmc(measured.galleries),
        "discard": plots.error_discard(measured.quality),
        "reliability": plots.reliability(measured.meaning["all sets"].reliability),
    }


def _environment() -> jinja2.Environment:
    looks = jinja2.PackageLoader("engine.report", "templates")
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(Path(__file__).parent), looks]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": lambda number: f"{number:,}",
        "two": lambda value: "–" if value is None else f"{value:.2f}",
        "three": lambda value: f"{value:.3f}",
        "short": lambda value: f"{value:g}",
    }
    return environment
