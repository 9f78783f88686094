#!/usr/bin/env python3
"""Compares open matchers with Tenprint: the same images, the same pairs, one table.

    pip install 'tenprint[peers]'
    .venv/bin/python scripts/peers.py PRINTS_DIR... [--nonmated 20000] [--probes 200]
        [--cache DIR] [--json out.json] [--write docs/accuracy.md] [--workers 2]

Folders are as for evaluate.py, and all read the same pixels: what Tenprint's reader makes of the
files, at 500 ppi. With --cache a run that was stopped goes on where it was: a peer's scores hold
until its minutiae, its version or the pairs change, so later runs measure little but Tenprint.
--write replaces what a page has between <!-- peers --> and <!-- /peers -->.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import metrics
import numpy as np
import numpy.typing as npt
from contest.matchers import MATCHERS, extract_mindtct, find_missing
from contest.ours import compare_ours
from contest.plan import Index, Plan, draw_plan
from contest.tables import NOTE, Figures, describe, gather, show
from evaluation.prints import Print, read_set, set_names
from pages import replace_section
from rich.console import Console
from rich.progress import track

from engine.errors import InputError
from engine.types import MinutiaKind

F64 = npt.NDArray[np.float64]
Extracted = list[tuple[F64, float]]  # of each print the minutiae and the CPU seconds they took

OURS = ("leader", "gabor")
WIDTH = 100  # columns of text in a page
SOURCES = {"mindtct": "mindtct", "leader": "LEADER"}  # of the minutiae that peers compare

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class PrintSet:
    """One folder. prints, extracted: by extractor; Tenprint's in both, mindtct in the latter."""

    name: str
    plan: Plan
    prints: dict[str, list[Print]]
    extracted: dict[str, Extracted]


@dataclass(frozen=True, slots=True)
class Job:
    """A set's comparisons by one peer. minutiae: of every print. kept: where the result goes."""

    matcher: str
    minutiae: list[F64]
    pairs: Index
    kept: Path | None

    def digest(self) -> str:
        """Of all that the scores follow from."""
        found = hashlib.sha256(list_versions(MATCHERS[self.matcher].packages).encode())
        for array in (self.pairs, *self.minutiae):
            found.update(f"{array.shape}".encode() + array.tobytes())
        return found.hexdigest()[:16]


def list_versions(packages: Iterable[str]) -> str:
    """The packages with their versions."""
    return ", ".join(f"{name} {version(name)}" for name in packages)


def find_able() -> list[str]:
    """The matchers that are installed; says what the others need."""
    able = []
    for name, matcher in MATCHERS.items():
        if missing := find_missing(matcher.packages):
            console.print(f"without {name}: {missing}", style="yellow", markup=False)
        else:
            able.append(name)
    return able


def take_minutiae(made: Print) -> tuple[F64, float]:
    """Minutiae of Tenprint's template (none on failure), and the CPU seconds it took."""
    if made.template is None:
        return np.zeros((0, 5)), made.cpu
    found = made.template.minutiae
    forked = found.kind == MinutiaKind.BIFURCATION
    rows = np.stack([found.x, found.y, found.angle, forked, found.quality / 100], axis=1)
    return rows.astype(np.float64), made.cpu


def read(
    name: str, folder: Path, pool: ProcessPoolExecutor, options: argparse.Namespace
) -> PrintSet:
    """Every print of a folder, by every extractor that is installed."""
    prints = {each: read_set(folder, each, options.cache, options.workers) for each in OURS}
    extracted = {each: [take_minutiae(made) for made in prints[each]] for each in OURS}
    if not find_missing(["nbis-py"]):
        paths = [made.path for made in prints["leader"]]
        done = pool.map(extract_mindtct, paths, chunksize=8)
        extracted["mindtct"] = list(track(done, f"{name} mindtct", len(paths), console=console))
    for extractor, made in prints.items():
        if not any(each.template for each in made):
            raise InputError(str(folder), f"{extractor} could extract nothing")
    fingers = [made.finger for made in prints["leader"]]
    try:
        plan = draw_plan(fingers, options.nonmated, options.probes)
    except ValueError as error:
        reason = f"{error} (files are named <finger>_<impression>.<ext>)"
        raise InputError(str(folder), reason) from error
    return PrintSet(name, plan, prints, extracted)


def compare_pairs(job: Job) -> tuple[F64, float]:
    """The scores, -inf where a print has no minutiae, and the CPU µs of one comparison."""
    kept = job.kept and job.kept.with_name(f"{job.kept.name}.{job.digest()}.npz")
    if kept and kept.exists():
        with np.load(kept) as file:
            return file["scores"], float(file["compare_us"])
    matcher = MATCHERS[job.matcher]
    ready = [matcher.prepare(each) if len(each) else None for each in job.minutiae]
    usable = np.array([each is not None for each in ready])[job.pairs].all(axis=1)
    pairs = [(ready[a], ready[b]) for a, b in job.pairs[usable]]
    for first, second in pairs[:1]:
        matcher.compare(first, second)  # what is compiled on first use is not timed
    begin = time.process_time()
    found = [matcher.compare(first, second) for first, second in pairs]
    compare_us = 1e6 * (time.process_time() - begin) / max(len(pairs), 1)
    scores = np.full(len(usable), -np.inf)
    scores[usable] = found
    if kept:
        part = kept.with_suffix(".part")  # a run that is stopped leaves no half a file
        with part.open("wb") as file:
            np.savez(file, scores=scores, compare_us=compare_us)
        part.replace(kept)
    return scores, compare_us


def judge(plan: Plan, scores: F64, extracted: Extracted, compare_us: float) -> Figures:
    """The figures of one set: rates in percent, times in ms and µs."""
    verified, searched = np.split(scores, [len(plan.first)])
    found = metrics.rates(verified[plan.mated], verified[~plan.mated])
    return {
        "eer": 100 * metrics.equal_error_rate(found),
        "fmr100": 100 * float(metrics.fnmr_at(found, 1e-2)),
        "fmr1000": 100 * float(metrics.fnmr_at(found, 1e-3)),
        "zero_fmr": 100 * float(metrics.fnmr_at(found, 0)),
        "rank1": 100 * metrics.rank_one(searched.reshape(len(plan.probes), -1), plan.mate),
        "fte": 100 * float(np.mean([not len(minutiae) for minutiae, _ in extracted])),
        "extract_ms": 1e3 * float(np.median([took for _, took in extracted])),
        "compare_us": compare_us,
        "n_mated": int(plan.mated.sum()),
        "n_nonmated": int((~plan.mated).sum()),
        "n_probes": len(plan.probes),
        "n_fingers": len(plan.gallery),
    }


def judge_peers(
    sets: Sequence[PrintSet], matchers: Sequence[str], pool: ProcessPoolExecutor, cache: Path | None
) -> Iterable[tuple[str, str, Figures]]:
    """Set, row and figures of every extractor with every matcher."""
    rows = [pair for pair in product(SOURCES, matchers) if pair[0] in sets[0].extracted]
    work = [(each, source, name) for (source, name), each in product(rows, sets)]
    jobs = []
    for each, source, name in work:
        minutiae = [found for found, _ in each.extracted[source]]
        kept = cache and cache / f"{each.name}__{source}+{name}"
        jobs.append(Job(name, minutiae, each.plan.pairs, kept))
    done = track(pool.map(compare_pairs, jobs), "peers", len(jobs), console=console)
    for (each, source, name), (scores, took) in zip(work, done, strict=True):
        figures = judge(each.plan, scores, each.extracted[source], took)
        yield each.name, f"{SOURCES[source]} + {name}", figures


def judge_ours(sets: Sequence[PrintSet]) -> Iterable[tuple[str, str, Figures]]:
    """Set, row and figures of Tenprint with each of its extractors."""
    for extractor in OURS:
        work = [(each.prints[extractor], each.plan.pairs) for each in sets]
        done = compare_ours(work, extractor)
        for each, (scores, took) in zip(sets, done, strict=True):
            figures = judge(each.plan, scores, each.extracted[extractor], took)
            yield each.name, f"tenprint {extractor}", figures


def explain(names: Sequence[str], matchers: Sequence[str], options: argparse.Namespace) -> str:
    """What the tables say, how they were made, and with which versions."""
    peers = sorted({package for name in matchers for package in MATCHERS[name].packages})
    used = ["tenprint", *peers, "numpy", "onnxruntime", "opencv-python-headless"]
    told = f"Measured on {date.today()} with Python {platform.python_version()}, "
    command = f"scripts/peers.py {' '.join(names)} "
    command += f"--nonmated {options.nonmated} --probes {options.probes}"
    return NOTE.format(
        versions=textwrap.fill(f"{told}{list_versions(used)}:", WIDTH, break_on_hyphens=False),
        command=" \\\n    ".join(textwrap.wrap(command, WIDTH - 8, break_on_hyphens=False)),
        nonmated=options.nonmated,
        probes=options.probes,
        weights="learned on the other sets" if len(names) > 1 else "those it comes with",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="PRINTS_DIR")
    parser.add_argument("--nonmated", type=int, default=20_000, help="non-mated pairs of a set")
    parser.add_argument("--probes", type=int, default=200, help="of a set, for rank-1")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    parser.add_argument("--cache", type=Path, help="keep results here, and use those kept")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    if missing := [str(folder) for folder in options.folders if not folder.is_dir()]:
        parser.error(f"no such folder: {', '.join(missing)}")
    if options.write:
        try:
            replace_section(options.write.read_text(), "peers", "")
        except (OSError, ValueError) as error:
            parser.error(f"{options.write}: {error}")
    if options.cache:
        options.cache.mkdir(parents=True, exist_ok=True)
    names, matchers = set_names(options.folders), find_able()
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        folders = zip(names, options.folders, strict=True)
        try:
            sets = [read(name, folder, pool, options) for name, folder in folders]
        except InputError as error:
            parser.error(str(error))
        judged = [*judge_peers(sets, matchers, pool, options.cache), *judge_ours(sets)]
    found = gather(judged)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.write:
        section = describe(found, explain(names, matchers, options))
        options.write.write_text(replace_section(options.write.read_text(), "peers", section))
    return 0


if __name__ == "__main__":
    sys.exit(main())
