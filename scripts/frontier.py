#!/usr/bin/env python3
"""Measures what the stages of a search lose and how long it takes, for many sizes of each stage.

    .venv/bin/python scripts/frontier.py --gallery GALLERY.npz... --prints DIR... [--cache DIR]
        [--leave-out FOLDER/FINGER] [--json out.json] [--plot out.png]

The first impression of every finger of the folders (prints named <finger>_<impression>.<ext>) is
enrolled in each gallery (scripts/make_gallery.py), and every other impression is searched for: by
embedding alone, by embedding and votes, by lists of minutiae alone, by all of these, and at the
points that ship. Told are the share of mates whose print is not among those whose pairs of minutiae
are compared, and the wall time of a whole search, extraction apart, on --threads processors.
Fingers named <person>_<finger> are searched for two at a time as well. Fingers without a template
are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from evaluation import about, stages
from evaluation.galleries import Probe, enlist, enrol
from evaluation.prints import Print, pool, read_set, set_names
from evaluation.stages import Row
from rich.console import Console
from rich.table import Table

from engine import pipeline
from engine.errors import TenprintError
from engine.index.gallery import Gallery
from engine.settings import Settings

WIDTH = 130  # letters, of a table that goes to a file


def main() -> int:
    arguments = parse()
    settings = Settings(extractor=arguments.extractor, device="cpu")
    settings = replace(settings, rescoring=replace(settings.rescoring, threads=arguments.threads))
    told = {"command": about.command(sys.argv), "threads": arguments.threads, "galleries": []}
    try:
        sets = {
            name: read_set(folder, arguments.extractor, arguments.cache, arguments.workers)
            for name, folder in zip(set_names(arguments.prints), arguments.prints, strict=True)
        }
        prints = pool(sets, arguments.leave_out)
        roster, pairs = enlist(prints), two_fingers(prints)
        for path in arguments.gallery:
            gallery = Gallery.load(path)
            enrol(gallery, roster)
            rows = stages.measure(gallery, roster, pairs, arguments.timed, settings)
            show(f"{path.name} and {len(roster.enrolled)} fingers", rows)
            told["galleries"].append(tell(path, gallery, roster.probes, pairs, rows))
    except (TenprintError, ValueError) as error:
        sys.exit(f"frontier.py: {error}")
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if arguments.plot:
        from evaluation import plots

        plots.frontier(told["galleries"]).savefig(arguments.plot, dpi=140)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gallery", nargs="+", type=Path, required=True, metavar="GALLERY")
    parser.add_argument("--prints", nargs="+", type=Path, required=True, metavar="DIR")
    parser.add_argument("--extractor", default="leader", choices=pipeline.EXTRACTORS)
    parser.add_argument("--leave-out", action="append", default=[], metavar="FOLDER/FINGER")
    parser.add_argument("--cache", type=Path, help="keep templates here, and use those kept")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="extracting processes")
    parser.add_argument("--threads", type=int, default=2, help="of a search")
    parser.add_argument("--timed", type=int, default=20, help="searches timed at every point")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--plot", type=Path, help="draw misses over time here (png)")
    arguments = parser.parse_args()
    missing = [path for path in arguments.prints if not path.is_dir()]
    missing += [path for path in arguments.gallery if not path.is_file()]
    if missing:
        parser.error(f"no such folder or gallery: {', '.join(map(str, missing))}")
    if arguments.timed < 1:
        parser.error("--timed must be at least 1")
    if arguments.plot and importlib.util.find_spec("matplotlib") is None:
        parser.error("--plot draws with matplotlib: pip install 'tenprint[plots]'")
    if arguments.cache:
        arguments.cache.mkdir(parents=True, exist_ok=True)
    return arguments


def two_fingers(prints: Sequence[Print]) -> list[Probe]:
    """Probes of two fingers each, of those named <person>_<finger>; none where there are none."""
    named = [each for each in prints if "_" in each.finger.rpartition("/")[2]]
    try:
        return list(enlist(named, 2).probes)
    except ValueError:
        return []


def show(title: str, rows: Sequence[Row]) -> None:
    """Prints the table."""
    table = Table(title=title)
    names = ("nearest", "voted", "shared", "compared", "missed %", "of pairs %")
    table.add_column("kind")
    for name in (*names, "ms", "p95 ms", "pair ms"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row.kind,
            *(f"{size:,}" if size else "" for size in (row.nearest, row.voted, row.shared)),
            f"{row.prints:,.0f}",
            *(_number(share and 100 * share, 2) for share in (row.missed, row.missed_pairs)),
            *(_number(took, 1) for took in (row.ms, row.p95_ms, row.pair_ms)),
        )
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def tell(
    path: Path,
    gallery: Gallery,
    probes: Sequence[Probe],
    pairs: Sequence[Probe],
    rows: Sequence[Row],
) -> Mapping[str, object]:
    """The figures of a gallery as they are written: shares 0..1, times in ms."""
    return {
        "gallery": path.name,
        "maker": str(gallery.maker),
        "prints": len(gallery),
        "probes": len(probes),
        "pairs": len(pairs),
        "points": [asdict(row) for row in rows],
    }


if __name__ == "__main__":
    sys.exit(main())
