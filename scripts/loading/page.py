"""The page: what a load test found, as one file that needs no other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

WIDTH, HEIGHT, MARGIN = 720.0, 260.0, 48.0  # px of a chart


def write_page(path: Path, told: Mapping[str, Any]) -> None:
    """Writes what a mode gave."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True
    )
    charts = []
    if told["mode"] == "knee":
        steps = [each for each in told["steps"] if each["name"] in ("up", "finer")]
        steps.sort(key=lambda each: each["asked"])
        late = {
            name: [(each["asked"], 1e3 * each[name]) for each in steps]
            for name in ("p50", "p95", "p99")
        }
        charts.append(draw("Milliseconds over the rate asked, a second", late))
        rates = {"answered": [(each["asked"], each["answered"]) for each in steps]}
        charts.append(draw("Answered a second over the rate asked", rates))
    if told["mode"] == "soak":
        memory = {"memory": [(at / 60, held / 1e6) for at, held in told["memory"]]}
        charts.append(draw("Memory of the service, MB, over minutes", memory))
    text = environment.get_template("page.html.j2").render(told=told, charts=charts)
    path.write_text(text, encoding="utf-8")


def draw(title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, Any]:
    """Lines as points of a drawing, with the numbers at its axes."""
    points = [point for line in lines.values() for point in line if all(map(math.isfinite, point))]
    right = max((x for x, _ in points), default=1.0) or 1.0
    top = _round_up(max((y for _, y in points), default=1.0) or 1.0)

    def place(x: float, y: float) -> tuple[float, float]:
        across = MARGIN + (WIDTH - 2 * MARGIN) * x / right
        return round(across, 1), round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * y / top, 1)

    parts = (0, 0.25, 0.5, 0.75, 1)
    return {
        "title": title,
        "width": WIDTH,
        "height": HEIGHT,
        "lines": {
            name: [place(x, y) for x, y in line if math.isfinite(y)] for name, line in lines.items()
        },
        "across": [
            (place(right * part, 0), f"{right * part:.3g}") for part in (0, 0.25, 0.5, 0.75, 1)
        ],
        "up": [(place(0, top * part), f"{top * part:.3g}") for part in parts],
    }


def _round_up(value: float) -> float:
    step = 10 ** math.floor(math.log10(value))
    return next(step * part for part in (1, 2, 5, 10) if step * part >= value)
