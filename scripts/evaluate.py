#!/usr/bin/env python3
"""Measures verification and rank-1 on folders of prints named <finger>_<impression>.<ext>.

    .venv/bin/python scripts/evaluate.py PRINTS_DIR... [--extractor leader|gabor]
        [--json out.json] [--scores out.npz] [--det det.png] [--cache DIR]

Every impression is compared with every other: all mated and all cross-finger pairs. A failure to
extract is a miss in every comparison it would have been in. Rank-1 has the first impression of
every finger as gallery, per folder and with all folders pooled in one gallery (--leave-out names
FOLDER/FINGER that another folder has too). Images named in a file label_errors.csv (column "image")
of a folder are left out. Rates are printed in percent.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import metrics
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from engine import pipeline
from engine.errors import InputError
from engine.formats import template as template_format
from engine.formats.images import read_image
from engine.formats.manifest import find_prints
from engine.index.packing import pack_minutiae
from engine.matching.rescoring import rescore
from engine.settings import Settings
from engine.types import CODE_WORDS, Template
from kernels.packed import Packed

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Print:
    """One impression. template: None where nothing could be extracted. cpu: seconds it took."""

    finger: str
    impression: str
    template: Template | None
    cpu: float


@dataclass(frozen=True, slots=True)
class Scores:
    """All comparisons of one set: of print first[i] with second[i], -inf where impossible.

    square: the same and the other way round, a row for each print as the probe."""

    square: np.ndarray
    first: np.ndarray
    second: np.ndarray
    score: np.ndarray
    mated: np.ndarray
    compare_us: float


def extract(job: tuple[Path, str, Path | None]) -> tuple[bytes, float, str]:
    """The template's bytes (none on failure), CPU seconds, and the reason of a failure."""
    import cv2

    path, extractor, cache = job
    cv2.setNumThreads(1)
    settings = Settings(extractor=extractor)
    kept = cache and cache / f"{path.parent.name}__{path.stem}.{pipeline.maker(settings)}.tpt"
    if kept and kept.exists():
        blob = kept.read_bytes()
        return blob[8:], float(np.frombuffer(blob[:8], np.float64)[0]), ""
    begin = time.process_time()
    try:
        blob, reason = template_format.encode(pipeline.extract(read_image(path), settings)), ""
    except InputError as error:
        blob, reason = b"", str(error)
    cpu = time.process_time() - begin
    if kept:
        kept.write_bytes(np.float64(cpu).tobytes() + blob)
    return blob, cpu, reason


def read_set(folder: Path, extractor: str, cache: Path | None, workers: int) -> list[Print]:
    """Every print of a folder, in the order of its names."""
    errors = folder / "label_errors.csv"
    left_out: set[str] = set()
    if errors.exists():
        with errors.open(newline="") as file:
            left_out = {Path(row["image"]).stem for row in csv.DictReader(file)}
    found, errors_found = find_prints([folder])
    if errors_found:
        raise errors_found[0]
    rows = [row for row in found if row.path.stem not in left_out]
    jobs = [(row.path, extractor, cache) for row in rows]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        done = pool.map(extract, jobs, chunksize=4)
        results = list(track(done, folder.name, total=len(jobs), console=console))
    prints = []
    for row, (blob, cpu, reason) in zip(rows, results, strict=True):
        if reason:
            console.print(f"[yellow]failure to extract[/] {reason}")
        made = template_format.decode(blob, str(row.path)) if blob else None
        prints.append(Print(row.person, row.encounter, made, cpu))
    return prints


def pack(prints: Iterable[Print]) -> Packed:
    """The prints as the kernels read them; one without a template has no minutiae."""
    templates = [each.template for each in prints if each.template]
    packed = pack_minutiae([template.minutiae for template in templates])
    none = np.zeros((0, CODE_WORDS), np.uint64)  # where nothing at all could be extracted
    codes = np.concatenate([none, *(template.codes for template in templates)])
    return Packed(np.ascontiguousarray(codes.T), *packed)


def take(packed: Packed, i: int) -> Packed:
    """Print i alone, as a probe."""
    a, b = packed.start[i], packed.start[i + 1]
    alone = np.array([0, b - a], np.int64)
    return Packed(packed.codes[:, a:b], packed.x[a:b], packed.y[a:b], packed.angle[a:b], alone)


def compare_rows(
    prints: list[Print], probes: Iterable[int], settings: Settings
) -> tuple[list[np.ndarray], list[float]]:
    """Scores of each probe with every print (-inf where impossible), and µs of a comparison."""
    usable = np.array([each.template is not None for each in prints])
    packed, place = pack(prints), np.cumsum(usable) - 1
    everyone = np.arange(len(packed), dtype=np.int64)
    rows, took = [], []
    for i in probes:
        row = np.full(len(prints), -np.inf)
        if usable[i]:
            begin = time.thread_time()
            scores = rescore(take(packed, place[i]), packed, everyone, settings.rescoring)
            took.append(1e6 * (time.thread_time() - begin) / len(everyone))
            row[usable] = scores
        rows.append(row)
    return rows, took


def compare_all(prints: list[Print], settings: Settings) -> Scores:
    """Every pair of prints of a set, once."""
    rows, took = compare_rows(prints, range(len(prints)), settings)
    first, second = np.triu_indices(len(prints), 1)
    finger = np.array([each.finger for each in prints])
    square = np.stack(rows)
    return Scores(
        square,
        first,
        second,
        square[first, second],
        finger[first] == finger[second],
        float(np.median(took)) if took else 0.0,
    )


def rank_one(prints: list[Print], square: np.ndarray) -> tuple[float, int]:
    """Percent of probes whose mate comes first, and the number of fingers in the gallery.

    square: score of each print, as the probe, with each; the gallery's own rows are not read."""
    enrolled: dict[str, int] = {}
    for i, each in enumerate(prints):
        enrolled.setdefault(each.finger, i)
    gallery = list(enrolled.values())
    probes = [i for i in range(len(prints)) if enrolled[prints[i].finger] != i]
    column = {prints[i].finger: k for k, i in enumerate(gallery)}
    mate = np.array([column[prints[i].finger] for i in probes])
    return 100 * metrics.rank_one(square[probes][:, gallery], mate), len(gallery)


def judge(prints: list[Print], scores: Scores, found: metrics.Rates) -> dict[str, float]:
    """The figures of one set: rates in percent, times in ms and µs."""
    return {
        "eer": 100 * metrics.equal_error_rate(found),
        "fmr100": 100 * metrics.fnmr_at(found, 1e-2),
        "fmr1000": 100 * metrics.fnmr_at(found, 1e-3),
        "zero_fmr": 100 * metrics.fnmr_at(found, 0),
        "rank1": rank_one(prints, scores.square)[0],
        "fte": 100 * float(np.mean([each.template is None for each in prints])),
        "n_mated": int(scores.mated.sum()),
        "n_nonmated": int((~scores.mated).sum()),
        "extract_ms": 1e3 * float(np.median([each.cpu for each in prints])),
        "compare_us": scores.compare_us,
    }


def plot(curves: dict[str, metrics.Rates], path: Path) -> None:
    """A DET plot: FNMR over FMR, both logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5.5), layout="constrained")
    for name, found in curves.items():
        axes.step(
            np.maximum(found.fmr, 1e-6), np.maximum(found.fnmr, 1e-5), where="post", label=name
        )
    axes.set(xscale="log", yscale="log", xlim=(1e-5, 1), ylim=(1e-4, 1))
    axes.set(xlabel="false match rate", ylabel="false non-match rate", title="DET")
    axes.grid(which="both", alpha=0.25)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=140)


def show(result: dict, extractor: str) -> None:
    """The figures as a table."""
    table = Table(title=f"{extractor}: rates in %, CPU times on one core")
    columns = ["eer", "fmr100", "fmr1000", "zero_fmr", "rank1", "fte", "extract_ms", "compare_us"]
    table.add_column("set")
    for name in [*columns, "n_mated", "n_nonmated"]:
        table.add_column(name, justify="right")
    for name, row in [*result["sets"].items(), ("mean", result["mean"])]:
        counts = [str(row.get(key, "")) for key in ("n_mated", "n_nonmated")]
        table.add_row(name, *[f"{row[key]:.2f}" for key in columns], *counts)
    Console(width=120).print(table)
    pooled = result["pooled"]
    Console().print(
        f"pooled: rank-1 {pooled['rank1']:.2f} % of {pooled['n_probes']} probes among "
        f"{pooled['n_fingers']} fingers"
    )


def set_names(folders: list[Path]) -> list[str]:
    """The folders' names; where two have the same, with the name of the folder around it."""
    names = [folder.resolve().name for folder in folders]
    return [
        f"{folder.resolve().parent.name}-{name}" if names.count(name) > 1 else name
        for folder, name in zip(folders, names, strict=True)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="PRINTS_DIR")
    parser.add_argument("--extractor", default="leader", choices=pipeline.EXTRACTORS)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--scores", type=Path, help="write every comparison score here (npz)")
    parser.add_argument("--det", type=Path, help="write the DET plot here (png)")
    parser.add_argument("--cache", type=Path, help="keep templates here, and use those kept")
    parser.add_argument("--leave-out", action="append", default=[], metavar="FOLDER/FINGER")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="extracting processes")
    arguments = parser.parse_args()
    missing = [str(folder) for folder in arguments.folders if not folder.is_dir()]
    if missing:
        parser.error(f"no such folder: {', '.join(missing)}")
    if arguments.det and importlib.util.find_spec("matplotlib") is None:
        parser.error("--det draws with matplotlib: pip install 'tenprint[plots]'")
    if arguments.cache:
        arguments.cache.mkdir(parents=True, exist_ok=True)
    settings = Settings(extractor=arguments.extractor)
    settings = replace(settings, rescoring=replace(settings.rescoring, threads=1))
    sets, raw, curves, everyone = {}, {}, {}, []
    for name, folder in zip(set_names(arguments.folders), arguments.folders, strict=True):
        prints = read_set(folder, arguments.extractor, arguments.cache, arguments.workers)
        scores = compare_all(prints, settings)
        try:
            curves[name] = metrics.rates(scores.score[scores.mated], scores.score[~scores.mated])
        except ValueError as error:
            parser.error(f"{folder}: {error} (files are named <finger>_<impression>.<ext>)")
        sets[name] = judge(prints, scores, curves[name])
        raw |= {
            f"{name}/{part}": getattr(scores, part)
            for part in ("first", "second", "score", "mated")
        }
        raw[f"{name}/prints"] = np.array([f"{p.finger}_{p.impression}" for p in prints])
        everyone += [Print(f"{name}/{p.finger}", p.impression, p.template, p.cpu) for p in prints]
    rates = [key for key in next(iter(sets.values())) if not key.startswith("n_")]
    everyone = [each for each in everyone if each.finger not in arguments.leave_out]
    rows, _ = compare_rows(everyone, range(len(everyone)), settings)
    best, fingers = rank_one(everyone, np.stack(rows))
    result = {
        "sets": sets,
        "mean": {key: float(np.mean([row[key] for row in sets.values()])) for key in rates},
        "pooled": {"rank1": best, "n_fingers": fingers, "n_probes": len(everyone) - fingers},
    }
    show(result, arguments.extractor)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    if arguments.scores:
        np.savez_compressed(arguments.scores, **raw)
    if arguments.det:
        plot(curves, arguments.det)
    return 0


if __name__ == "__main__":
    sys.exit(main())
