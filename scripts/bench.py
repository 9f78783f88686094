#!/usr/bin/env python3
"""Measures extraction, comparison and search: times, rates and memory, on prints made here.

    .venv/bin/python scripts/bench.py [--gallery gallery.npz] [--search fast] [--json out.json]

Without --gallery one of --fingers drawn fingers is made first (scripts/make_gallery.py). Times
are medians; extraction and comparison are CPU times on one core, searches are wall times.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import make_gallery
import numpy as np
from rich.console import Console
from rich.table import Table

from engine import pipeline, search
from engine.embedding import descriptors
from engine.index import candidates
from engine.index.gallery import Entry, Gallery
from engine.index.packing import pack_templates
from engine.matching import comparison
from engine.matching.rescoring import rescore
from engine.matching.voting import vote
from engine.settings import POINTS, Settings
from engine.synthesis.draw import draw_impressions
from engine.synthesis.person import make_person
from engine.types import FingerImage, Template

WIDTH, HEIGHT = 388, 374  # px, of the prints that extraction is timed on: those of FVC2002 DB1
PROBES = 30
SEED = 1  # of the gallery


def median(work: Callable[[], object], clock: Callable[[], float], times: int) -> float:
    """Median of `clock` over `times` runs of `work`, after one that does not count."""
    work()
    took = []
    for _ in range(times):
        begin = clock()
        work()
        took.append(clock() - begin)
    return float(np.median(took))


def time_extraction(result: dict) -> None:
    """CPU ms of one extraction, by each extractor."""
    cv2.setNumThreads(1)
    (finger,) = make_person(5, 1, fingers=1, impressions=1).fingers
    pixels = finger.impressions[0].pixels
    top, left = ((pixels.shape[i] - (HEIGHT, WIDTH)[i]) // 2 for i in (0, 1))
    print_ = cv2.copyMakeBorder(
        pixels[max(top, 0) :, max(left, 0) :][:HEIGHT, :WIDTH],
        0,
        max(0, HEIGHT - pixels.shape[0]),
        0,
        max(0, WIDTH - pixels.shape[1]),
        cv2.BORDER_REPLICATE,
    )
    image = FingerImage(np.ascontiguousarray(print_), source="made print")
    for extractor in pipeline.EXTRACTORS:
        settings = Settings(extractor=extractor)
        took = median(lambda s=settings: pipeline.extract(image, s), time.process_time, 9)
        result[f"extract_{extractor}_ms"] = 1e3 * took


def time_comparison(gallery: Gallery, probes: list[Template], result: dict) -> None:
    """Votes for prints and comparisons a second, on one core and on all."""
    some = np.arange(min(len(gallery), 20_000), dtype=np.int64)
    packed = [pack_templates(probe) for probe in probes]
    counts = np.diff(gallery.minutiae.start)[some]
    result["minutiae_probe"] = float(np.mean([len(probe.minutiae) for probe in probes]))
    result["minutiae_candidate"] = float(counts.mean())
    for name, threads, clock in (
        ("one_core", 1, time.process_time),
        ("all_cores", 0, time.perf_counter),
    ):
        settings = Settings(rescoring=replace(Settings().rescoring, threads=threads))
        forms = {
            "votes": lambda p, s=settings: vote(
                p, gallery.minutiae, some, s.voting, s.rescoring.threads
            ),
            "comparisons": lambda p, s=settings: rescore(p, gallery.minutiae, some, s.rescoring),
        }
        for form, work in forms.items():
            took = [median(lambda p=p, work=work: work(p), clock, 1) for p in packed[:8]]
            result[f"{form}_per_s_{name}"] = len(some) / float(np.median(took))


def time_evidence(result: dict) -> None:
    """CPU µs of a comparison by all the evidence, on one core, of one print with the best 200 of a
    search: drawn minutiae with the ridges of a grown finger, so that both have their usual size."""
    (finger,) = make_person(5, 2, fingers=1, impressions=2).fingers
    ridges = [
        pipeline.extract(FingerImage(each.pixels), Settings(extractor="gabor")).cells
        for each in finger.impressions
    ]
    probe, *others = second_impressions(Settings().fusion.finalists + 1)
    gallery = Gallery("evidence")
    gallery.add([Entry(i, str(i), replace(each, cells=ridges[0])) for i, each in enumerate(others)])
    settings, everyone = Settings(), np.arange(len(others))
    pairing = replace(settings.rescoring, threads=1)
    one = search.pack(replace(probe, cells=ridges[1]))
    held = comparison.Prints(gallery.minutiae, gallery.cells)
    took = median(
        lambda: comparison.compare(one, held, everyone, pairing, settings.comparison),
        time.process_time,
        9,
    )
    result["ridge_cells"] = float(ridges[0].values.size)
    result["evidence_us"] = 1e6 * took / len(others)


def time_search(gallery: Gallery, probes: list[Template], result: dict, settings: Settings) -> None:
    """Wall ms of a whole search of one finger at a point, extraction apart, and how often the mate
    is found.

    The probes are other impressions of the first fingers of the gallery."""
    pipeline.identify(probes[:1], [gallery], settings)  # what is made once belongs to no search
    took, ranked, fetched = [], 0, 0
    for i, probe in enumerate(probes):
        begin = time.perf_counter()
        found = pipeline.identify([probe], [gallery], settings)
        took.append(time.perf_counter() - begin)
        fetched = found.compared
        ranked += bool(found.candidates) and found.candidates[0].person == f"D{i:07d}"
    name = settings.search
    result[f"search_{name}_ms"] = 1e3 * float(np.median(took))
    result[f"search_{name}_p95_ms"] = 1e3 * float(np.quantile(took, 0.95))
    result[f"search_{name}_compared"] = fetched
    result[f"search_{name}_rank1_percent"] = 100 * ranked / len(probes)


def time_stages(gallery: Gallery, probes: list[Template], result: dict, settings: Settings) -> None:
    """Wall ms of what chooses prints at a point, and how many it chooses: by embedding and, where
    the point has lists, by these; those are made here, before any search needs them."""
    name, point, prints = settings.search, settings.point, len(gallery)
    near = candidates.size(point.nearest, prints, point)
    result[f"embedding_{name}_kept"] = near
    result[f"embedding_{name}_ms"] = typical(
        lambda probe: gallery.nearest(probe.embedding, near), probes
    )
    if not candidates.uses_lists(gallery, settings):
        return
    begin = time.perf_counter()
    result["lists_bytes_per_finger"] = gallery.file(settings.lists).nbytes / prints
    result["lists_made_s"] = time.perf_counter() - begin
    shared = candidates.size(point.shared, prints, point)
    result[f"lists_{name}_kept"] = shared
    result[f"lists_{name}_ms"] = typical(
        lambda probe: gallery.sharing(
            pack_templates(probe),
            shared,
            descriptors.project(probe.minutiae, settings.descriptor),
            settings.lists,
        ),
        probes,
    )


def typical(work: Callable[[Template], object], probes: list[Template]) -> float:
    """The median of the wall ms that `work` takes for a probe."""
    took = [median(lambda p=p: work(p), time.perf_counter, 1) for p in probes]
    return 1e3 * float(np.median(took))


def resident() -> int:
    """Bytes of this process in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gallery", type=Path, help="from scripts/make_gallery.py, seed 1")
    parser.add_argument("--fingers", type=int, default=100_000, help="drawn without --gallery")
    parser.add_argument("--search", action="append", choices=POINTS, help="only at this point")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.gallery
        if path is None:
            path = Path(folder) / "gallery.npz"
            make_gallery.make(arguments.fingers, SEED, os.cpu_count()).save(path)
        result["resident_before_gallery_mb"] = resident() / 1e6
        begin = time.perf_counter()
        gallery = Gallery.load(path)
        result["load_s"] = time.perf_counter() - begin
        result["gallery_bytes_per_finger"] = gallery.nbytes / len(gallery)
        probes = second_impressions(PROBES)
        result["search_fingers"] = len(gallery)
        for name in arguments.search or POINTS:
            settings = Settings(search=name)
            time_stages(gallery, probes, result, settings)
            time_search(gallery, probes, result, settings)
        result["resident_mb"] = resident() / 1e6  # the extractors come after: they are not search
        time_comparison(gallery, probes, result)
        time_evidence(result)
        time_extraction(result)
    table = Table("measure", "value")
    for name, value in result.items():
        table.add_row(name, f"{value:,.1f}")
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


def second_impressions(count: int) -> list[Template]:
    """Other impressions of the first `count` fingers of the gallery of SEED."""
    masters, _ = make_gallery.draw_fingers(SEED, 0, make_gallery.CHUNK)
    again = np.random.default_rng(2)
    drawn = draw_impressions(masters, np.arange(count), again, make_gallery.DRAWING)
    return [make_gallery.describe(drawn, i) for i in range(count)]


if __name__ == "__main__":
    sys.exit(main())
