#!/usr/bin/env python3
"""Makes a gallery of drawn fingers to load-test with: templates without pictures.

    .venv/bin/python scripts/make_gallery.py --fingers 100000 --out gallery.npz [--seed 1]

One impression of one finger a person, named D0000000 and on. The same seed gives the same
gallery. The file is what engine.index.gallery.Gallery.load reads.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.progress import track

from engine import pipeline
from engine.embedding import descriptors, vector
from engine.index.gallery import Entry, Gallery
from engine.settings import Settings, SynthesisSettings
from engine.synthesis.draw import Impressions, draw_impressions, minutiae_of
from engine.synthesis.fingers import draw_masters
from engine.types import FingerPosition, Template

CHUNK = 1000  # fingers drawn with one seed: the unit of work, and of what a seed repeats
console = Console(stderr=True)


def describe(drawn: Impressions, i: int, settings: Settings) -> Template:
    """The template of a drawn impression, as extraction would have made it."""
    minutiae = minutiae_of(drawn, i)
    projected = descriptors.project(minutiae, settings.descriptor)
    quality = int(np.mean(minutiae.quality)) if len(minutiae) else 0
    return Template(
        minutiae,
        descriptors.code(projected),
        vector.embed(projected),
        quality,
        SynthesisSettings().draw.width,
        SynthesisSettings().draw.height,
        FingerPosition.UNKNOWN,
        pipeline.maker(settings),
    )


def draw_chunk(seed: int, chunk: int, count: int, impressions: int = 1) -> list[Template]:
    """The templates of `count` drawn fingers, `impressions` of each together."""
    rng = np.random.default_rng([seed, chunk])
    masters = draw_masters(count, rng, SynthesisSettings())
    which = np.repeat(np.arange(count), impressions)
    drawn = draw_impressions(masters, which, rng, SynthesisSettings())
    return [describe(drawn, i, Settings()) for i in range(len(drawn))]


def _job(job: tuple[int, int, int]) -> list[Template]:
    return draw_chunk(*job)


def draw(fingers: int, seed: int, workers: int) -> Iterator[list[Template]]:
    """Templates of `fingers` drawn fingers, a chunk at a time."""
    jobs = [(seed, k, min(CHUNK, fingers - at)) for k, at in enumerate(range(0, fingers, CHUNK))]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        yield from track(pool.map(_job, jobs), "drawing", total=len(jobs), console=console)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fingers", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    begin = time.perf_counter()
    gallery = Gallery("drawn")
    for templates in draw(arguments.fingers, arguments.seed, arguments.workers):
        first = len(gallery)
        gallery.add(
            [Entry(first + i, f"D{first + i:07d}", each) for i, each in enumerate(templates)]
        )
    gallery.sequence = len(gallery)
    gallery.save(arguments.out)
    console.print(
        f"{len(gallery)} fingers, {gallery.nbytes / max(len(gallery), 1):.0f} bytes a finger in "
        f"memory, in {time.perf_counter() - begin:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
