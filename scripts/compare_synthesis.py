#!/usr/bin/env python3
"""Compares the prints that the project draws and makes with real ones, by their minutiae.

    .venv/bin/python scripts/compare_synthesis.py --prints DIR... --cache DIR [--json FILE]
        [--plots docs/img] [--drawn 1000] [--made 100] [--rolled 60] [--seed 5]

The tables of docs/synthesis.md, "Beside real prints", in Markdown. --prints are folders of real
prints, named <finger>_<impression>.<ext>; without any, only drawn and made ones are shown. Minutiae
are those of the LEADER network as templates keep them: whole pixels, confidence in steps of 1/7.
--made and --rolled: how many fingers to make, two plain impressions and one rolled of each; 0 for
none. Templates and made prints are kept in --cache. Of real prints nothing but aggregates is
written. --plots writes beside-real.png and made-plain-rolled.jpg (needs tenprint[plots]).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from evaluation.prints import read_set, set_names
from likeness.figures import Figures, measure
from likeness.tables import (
    REAL,
    classes_table,
    distances_table,
    figures_table,
    numbers,
)
from make_masters import Plan, make_fingers

from engine import pipeline
from engine.errors import TenprintError
from engine.formats import template as template_format
from engine.settings import SynthesisSettings
from engine.synthesis.draw import draw_impressions, draw_masters, minutiae_of
from engine.synthesis.patterns import Pattern, draw_fields
from engine.synthesis.rolling import ImpressionType, nail_to_nail
from engine.types import Minutiae

EXTRACTOR = "leader"
FIELDS = 100_000  # orientation fields drawn, to count classes


def read_real(folders: Sequence[Path], cache: Path, workers: int) -> dict[str, list[Minutiae]]:
    """The minutiae of each set of real prints, by its name."""
    return {
        name: _minutiae(folder, cache, workers)
        for name, folder in zip(set_names(folders), folders, strict=True)
    }


def draw(count: int, seed: int, impression_type: ImpressionType) -> list[Minutiae]:
    """The minutiae of one drawn impression of each of `count` fingers, as a template keeps them."""
    settings = SynthesisSettings()
    if impression_type == ImpressionType.ROLLED:
        settings = nail_to_nail(settings)
    rng = np.random.default_rng(seed)
    masters = draw_masters(count, rng, settings)
    drawn = draw_impressions(masters, np.arange(count), rng, settings, impression_type)
    return [_kept(minutiae_of(drawn, i)) for i in range(count)]


def grow(fingers: int, plan: Plan, cache: Path, workers: int) -> list[Minutiae]:
    """LEADER's minutiae on made prints; prints and templates are kept in the cache."""
    folder = cache / f"made-{plan.seed}-{plan.impressions}-{plan.rolled}"
    make_fingers(fingers, plan, folder / "prints", workers)
    templates = folder / "templates"
    templates.mkdir(exist_ok=True)
    found = []
    for each in sorted((folder / "prints").glob("*/")):
        found += _minutiae(each, templates, workers)
    return found[: fingers * plan.impressions]


def count_classes(seed: int) -> dict[str, list[float]]:
    """Shares of the classes: as set, and of drawn fields, which made fingers have as well."""
    flow = SynthesisSettings().flow
    fields = draw_fields(FIELDS, np.random.default_rng(seed), flow)
    shares = np.bincount(fields.pattern, minlength=len(Pattern)) / FIELDS
    return {"natural": list(flow.proportions), "drawn": shares.tolist()}


def _minutiae(folder: Path, cache: Path, workers: int) -> list[Minutiae]:
    prints = read_set(folder, EXTRACTOR, cache, workers)
    return [each.template.minutiae for each in prints if each.template]


def _kept(minutiae: Minutiae) -> Minutiae:
    """Rounded as a template is when it is written and read."""
    template = template_format.encode(pipeline.describe(minutiae))
    return template_format.decode(template).minutiae


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prints", type=Path, nargs="+", default=[], metavar="DIR")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    parser.add_argument("--drawn", type=int, default=1000, help="impressions of each type")
    parser.add_argument("--made", type=int, default=100, help="fingers, two plain prints each")
    parser.add_argument("--rolled", type=int, default=60, help="fingers, one rolled print each")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plots", type=Path, metavar="DIR")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    try:
        sets, columns = collect(arguments)
    except TenprintError as error:
        parser.exit(1, f"{error}\n")
    classes = count_classes(arguments.seed)
    print(figures_table(columns))
    if sets:
        print("\n" + distances_table(columns, sets))
    print("\n" + classes_table(classes))
    if arguments.json:
        found = numbers(columns, sets) | {"classes": classes}
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if arguments.plots:
        from likeness import pictures

        arguments.plots.mkdir(parents=True, exist_ok=True)
        pictures.draw_histograms(columns, arguments.plots / "beside-real.png")
        pictures.draw_sheet(arguments.seed, arguments.plots / "made-plain-rolled.jpg")
    return 0


def collect(arguments: argparse.Namespace) -> tuple[Mapping[str, Figures], Mapping[str, Figures]]:
    """The figures of each real set, and of all that stands side by side."""
    cache, seed, workers = arguments.cache, arguments.seed, arguments.workers
    cache.mkdir(parents=True, exist_ok=True)
    real = read_real(arguments.prints, cache, workers)
    prints = {REAL: [each for found in real.values() for each in found]} if real else {}
    prints["drawn"] = draw(arguments.drawn, seed, ImpressionType.PLAIN)
    if arguments.made:
        prints["made"] = grow(arguments.made, Plan(seed, 2), cache, workers)
    prints["drawn rolled"] = draw(arguments.drawn, seed, ImpressionType.ROLLED)
    if arguments.rolled:
        prints["made rolled"] = grow(arguments.rolled, Plan(seed, 1, 1), cache, workers)
    sets = {name: measure(found) for name, found in real.items()}
    return sets, {name: measure(found) for name, found in prints.items()}


if __name__ == "__main__":
    sys.exit(main())
