#!/usr/bin/env python3
"""Measures verification and identification on folders of prints named <finger>_<impression>.<ext>.

    .venv/bin/python scripts/evaluate.py PRINTS_DIR... [--extractor leader|gabor] [--cache DIR]
        [--distractors GALLERY.npz --size 1000 --size 100000] [--search fast|thorough]
        [--per-person 2] [--html report.html] [--json out.json] [--scores out.npz] [--det det.png]

Verification: every impression of a folder is compared with every other, all mated and all
cross-finger pairs. Identification: the first impression of every finger of all folders is enrolled
in one gallery, every other one is searched for (--leave-out names FOLDER/FINGER that another folder
has too); --distractors are saved galleries (scripts/make_gallery.py) that fill it up to each --size
in persons. With --per-person K fingers named <person>_<finger> are enrolled and searched for K at
a time. A failure to extract is a miss in every comparison and search it would have been in. Images
named in a file label_errors.csv (column "image") of a folder are left out. Rates are printed in
percent, with 95 % intervals by bootstrap over fingers.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from evaluation import about, identification, results, tables, verification
from evaluation.comparisons import compare_all, compare_rows
from evaluation.galleries import enlist, fill
from evaluation.identification import Identification
from evaluation.intervals import Bootstrap
from evaluation.prints import Print, pool, read_set, set_names
from evaluation.results import Measured
from evaluation.searches import search_all
from evaluation.verification import Verification

from engine import pipeline
from engine.errors import TenprintError
from engine.settings import POINTS, Settings

__all__ = ["Print", "compare_all", "compare_rows", "read_set", "set_names"]  # for other scripts
THREADS = 2  # of a search


def main() -> int:
    arguments = parse()
    searching = settings_of(arguments, THREADS)
    bootstrap = Bootstrap(arguments.resamples)
    try:
        sets = verify_sets(arguments, bootstrap)
        prints = pool({each.name: each.prints for each in sets}, arguments.leave_out)
        galleries = identify_in_galleries(prints, arguments, bootstrap)
    except (TenprintError, ValueError) as error:
        sys.exit(f"evaluate.py: {error}")
    measured = results.gather(sets, galleries)
    told = {"about": about.tell(arguments, searching, bootstrap)}
    told |= results.figures(measured, bootstrap)
    tables.show(told)
    write(told, measured, arguments)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="PRINTS_DIR")
    parser.add_argument("--extractor", default="leader", choices=pipeline.EXTRACTORS)
    parser.add_argument("--distractors", action="append", default=[], type=Path, metavar="GALLERY")
    parser.add_argument("--size", action="append", default=[], type=int, metavar="PERSONS")
    parser.add_argument("--per-person", default=1, type=int, metavar="FINGERS")
    parser.add_argument("--positions", action="store_true", help="<finger> is a known position")
    parser.add_argument("--leave-out", action="append", default=[], metavar="FOLDER/FINGER")
    usual = Settings().search
    parser.add_argument("--search", default=usual, choices=POINTS, help="operating point")
    parser.add_argument("--html", type=Path, help="write the report here")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--scores", type=Path, help="write every comparison score here (npz)")
    parser.add_argument("--det", type=Path, help="write the DET plot here (png)")
    parser.add_argument("--cache", type=Path, help="keep templates here, and use those kept")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="extracting processes")
    parser.add_argument("--resamples", type=int, default=Bootstrap().resamples)
    arguments = parser.parse_args()
    missing = [path for path in arguments.folders if not path.is_dir()]
    missing += [path for path in arguments.distractors if not path.is_file()]
    if missing:
        parser.error(f"no such folder or gallery: {', '.join(map(str, missing))}")
    if bool(arguments.distractors) != bool(arguments.size):
        parser.error("--distractors and --size go together: who fills galleries of which sizes")
    if (arguments.det or arguments.html) and importlib.util.find_spec("matplotlib") is None:
        parser.error("--det and --html draw with matplotlib: pip install 'tenprint[plots]'")
    if arguments.cache:
        arguments.cache.mkdir(parents=True, exist_ok=True)
    return arguments


def verify_sets(arguments: argparse.Namespace, bootstrap: Bootstrap) -> list[Verification]:
    """Verification on every folder."""
    settings, sets = settings_of(arguments, threads=1), []
    for name, folder in zip(set_names(arguments.folders), arguments.folders, strict=True):
        prints = read_set(folder, arguments.extractor, arguments.cache, arguments.workers)
        drawn = replace(bootstrap, seed=bootstrap.seed + len(sets))  # sets are drawn apart
        try:
            sets.append(verification.verify(name, prints, settings, drawn))
        except ValueError as error:
            raise ValueError(
                f"{folder}: {error} (files are named <finger>_<impression>.<ext>)"
            ) from error
    return sets


def identify_in_galleries(
    prints: Sequence[Print], arguments: argparse.Namespace, bootstrap: Bootstrap
) -> list[Identification]:
    """Identification among those enrolled alone, and in a gallery of every size."""
    settings = settings_of(arguments, THREADS)
    roster = enlist(prints, arguments.per_person, arguments.positions)
    measured = []
    for persons in [roster.persons, *arguments.size]:
        galleries = fill(arguments.distractors, roster, persons)
        measured.append(identification.identify(search_all(roster, galleries, settings), bootstrap))
    return measured


def write(told: dict, measured: Measured, arguments: argparse.Namespace) -> None:
    """Writes what was asked for."""
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if arguments.scores:
        np.savez_compressed(arguments.scores, **results.raw_scores(measured.sets))
    if arguments.det:
        from evaluation import plots

        plots.det(measured.sets).savefig(arguments.det, dpi=140)
    if arguments.html:
        from evaluation import page

        page.write_page(arguments.html, told, measured, settings_of(arguments, THREADS))


def settings_of(arguments: argparse.Namespace, threads: int) -> Settings:
    settings = Settings(extractor=arguments.extractor, search=arguments.search)
    return replace(settings, rescoring=replace(settings.rescoring, threads=threads))


if __name__ == "__main__":
    sys.exit(main())
