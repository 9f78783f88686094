#!/usr/bin/env python3
"""Makes a gallery of fingers that nobody has, to load-test and to evaluate with.

    .venv/bin/python scripts/make_gallery.py --fingers 100000 --out gallery.npz [--seed 1]
        [--per-person 1]
    .venv/bin/python scripts/make_gallery.py --fingers 1000 --out made.npz --made DIR
        [--extractor leader|gabor]

Fingers are drawn: templates without pictures, thousands a second. With --made they are grown ridge
by ridge and extracted like any print, one a second; what was made is kept in DIR, so a run that was
stopped goes on where it was.

One impression of each of a person's fingers; persons are named D0000000 and on. The same seed
gives the same gallery, but for one code bit in some millions that linear algebra may round to the
other side of zero on another run. The file is what engine.index.gallery.Gallery.load reads.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from evaluation.prints import read_made
from rich.console import Console
from rich.progress import track

from engine import pipeline
from engine.index.gallery import Entry, Gallery
from engine.settings import SynthesisSettings
from engine.synthesis.draw import Impressions, draw_impressions, minutiae_of
from engine.synthesis.fingers import Masters, draw_masters
from engine.types import Template

CHUNK = 1000  # fingers drawn with one seed: the unit of work, and of what a seed repeats
DRAWING = SynthesisSettings()
console = Console(stderr=True)


def describe(drawn: Impressions, i: int) -> Template:
    """The template of a drawn impression, as extraction would have made it."""
    minutiae, sensor = minutiae_of(drawn, i), DRAWING.draw
    quality = int(np.mean(minutiae.quality)) if len(minutiae) else 0
    return pipeline.describe(minutiae, quality=quality, size=(sensor.width, sensor.height))


def draw_fingers(seed: int, chunk: int, count: int) -> tuple[Masters, np.random.Generator]:
    """`count` fingers of a chunk, and the generator to draw their impressions with."""
    rng = np.random.default_rng([seed, chunk])
    return draw_masters(count, rng, DRAWING), rng


def draw_chunk(job: tuple[int, int, int]) -> list[Template]:
    """The templates of one impression of each finger; job: seed, chunk, count."""
    masters, rng = draw_fingers(*job)
    drawn = draw_impressions(masters, np.arange(len(masters)), rng, DRAWING)
    return [describe(drawn, i) for i in range(len(drawn))]


def make(fingers: int, seed: int, workers: int | None, per_person: int = 1) -> Gallery:
    """A gallery of `fingers` drawn fingers, a chunk at a time from several processes."""
    gallery = Gallery("drawn")
    jobs = [(seed, k, min(CHUNK, fingers - at)) for k, at in enumerate(range(0, fingers, CHUNK))]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        done = pool.map(draw_chunk, jobs)
        for templates in track(done, "drawing", total=len(jobs), console=console):
            numbered = enumerate(templates, start=len(gallery))
            gallery.add([Entry(i, f"D{i // per_person:07d}", each) for i, each in numbered])
    gallery.sequence = len(gallery)
    return gallery


def extract(fingers: int, seed: int, extractor: str, work: Path, workers: int) -> Gallery:
    """A gallery of fingers made ridge by ridge, without those that nothing can be extracted of."""
    prints = read_made(fingers, 1, seed, extractor, work, workers)
    gallery = Gallery("made")
    made = [(each.finger, each.template) for each in prints if each.template]
    gallery.add([Entry(i, f"M{int(name):07d}", each) for i, (name, each) in enumerate(made)])
    gallery.sequence = len(gallery)
    return gallery


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fingers", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-person", type=int, default=1, help="fingers of each person")
    parser.add_argument("--made", type=Path, metavar="DIR", help="grow the fingers, keep them here")
    parser.add_argument("--extractor", default="leader", choices=pipeline.EXTRACTORS)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    begin = time.perf_counter()
    fingers, seed, workers = arguments.fingers, arguments.seed, arguments.workers
    if arguments.made:
        gallery = extract(fingers, seed, arguments.extractor, arguments.made, workers)
    else:
        gallery = make(fingers, seed, workers, arguments.per_person)
    gallery.save(arguments.out)
    console.print(
        f"{len(gallery)} fingers, {gallery.nbytes / max(len(gallery), 1):.0f} bytes a finger in "
        f"memory, in {time.perf_counter() - begin:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
