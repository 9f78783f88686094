#!/usr/bin/env python3
"""Makes a gallery of fingers that nobody has, to load-test and to evaluate with.

    .venv/bin/python scripts/make_gallery.py --fingers 100000 --out gallery.npz [--seed 1]
        [--per-person 1] [--work DIR] [--split 250000]
    .venv/bin/python scripts/make_gallery.py --fingers 1000 --out made.npz --made DIR
        [--extractor leader|gabor]

Fingers are drawn: templates without pictures, hundreds a second. With --made they are grown ridge
by ridge and extracted like any print, one a second. What was made is kept, drawn fingers in the
folder --work (without it: next to --out, until that is written), others in DIR, so a run that was
stopped goes on where it was, with the same result. Drawing holds a thousand fingers in memory for
each worker; then the gallery is put together, which takes some 3 kB a finger. --split makes several
galleries of so many fingers, OUT-0.npz and on, each with the memory of one.

One impression of each of a person's fingers; persons are named D0000000 and on. The same seed
gives the same gallery, but for one code bit in some millions that linear algebra may round to the
other side of zero on another run. The file is what engine.index.gallery.Gallery.load reads.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from evaluation.prints import read_made
from resume import claim, processes, progress, write_whole
from rich.console import Console

from engine import pipeline
from engine.errors import TenprintError
from engine.index.gallery import Entry, Gallery
from engine.settings import SynthesisSettings
from engine.synthesis.draw import Impressions, draw_impressions, minutiae_of
from engine.synthesis.fingers import Masters, draw_masters
from engine.types import NO_CELLS, FingerPosition, Minutiae, Template

CHUNK = 1000  # fingers drawn with one seed: the unit of work, and of what a seed repeats
Job = tuple[int, int, int]  # seed, chunk, count
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


def draw_chunk(job: Job) -> list[Template]:
    """The templates of one impression of each finger."""
    masters, rng = draw_fingers(*job)
    drawn = draw_impressions(masters, np.arange(len(masters)), rng, DRAWING)
    return [describe(drawn, i) for i in range(len(drawn))]


def make(
    fingers: int,
    seed: int,
    workers: int | None,
    per_person: int = 1,
    work: Path | None = None,
) -> Gallery:
    """A gallery of `fingers` drawn fingers. work: where chunks are kept and found again."""
    with tempfile.TemporaryDirectory() as passing:
        work = work or Path(passing) / "work"
        jobs = draw(fingers, seed, workers, work)
        return gather(jobs, work, per_person)


def draw(fingers: int, seed: int, workers: int | None, work: Path) -> list[Job]:
    """Draws fingers a chunk at a time from several processes, each into a file of its own, but for
    those that are there. InputError where the folder holds other work."""
    claim(work, _about(seed))
    jobs = [(seed, k, min(CHUNK, fingers - at)) for k, at in enumerate(range(0, fingers, CHUNK))]
    missing = [job for job in jobs if not _chunk_path(work, job).exists()]
    with processes(workers) as pool, progress(console) as bar:
        there = fingers - sum(count for *_, count in missing)
        task = bar.add_task("drawing", total=fingers, completed=there)
        for count in pool.map(write_chunk, missing, [work] * len(missing)):
            bar.advance(task, count)
    return jobs


def write_chunk(job: Job, work: Path) -> int:
    """Draws a chunk into its file; how many fingers that were."""
    templates = draw_chunk(job)
    found = [each.minutiae for each in templates]
    columns = {
        name: np.concatenate([getattr(each, name) for each in found])
        for name in ("x", "y", "angle", "kind", "quality")
    }
    arrays = columns | {
        "lengths": np.array([len(each) for each in found]),
        "codes": np.concatenate([each.codes for each in templates]),
        "embeddings": np.stack([each.embedding for each in templates]),
        "qualities": np.array([each.quality for each in templates], np.uint8),
    }
    write_whole(_chunk_path(work, job), lambda path: np.savez(path, **arrays))
    return len(templates)


def read_chunk(job: Job, work: Path) -> Iterator[Template]:
    """The templates that `write_chunk` wrote, bit for bit."""
    size, maker = (DRAWING.draw.width, DRAWING.draw.height), pipeline.maker()
    with np.load(_chunk_path(work, job), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    ends = np.cumsum(arrays["lengths"])
    for i, (begin, end) in enumerate(zip(ends - arrays["lengths"], ends, strict=True)):
        own = slice(begin, end)
        yield Template(
            Minutiae(*(arrays[name][own] for name in ("x", "y", "angle", "kind", "quality"))),
            arrays["codes"][own],
            NO_CELLS,
            arrays["embeddings"][i],
            int(arrays["qualities"][i]),
            *size,
            FingerPosition.UNKNOWN,
            maker,
        )


def gather(jobs: Sequence[Job], work: Path, per_person: int = 1) -> Gallery:
    """The gallery of chunks that were drawn; fingers are numbered from the chunk they are in."""
    gallery = Gallery("drawn")
    with progress(console) as bar:
        task = bar.add_task("gathering", total=sum(count for *_, count in jobs))
        for job in jobs:
            _, chunk, count = job
            numbered = enumerate(read_chunk(job, work), start=chunk * CHUNK)
            gallery.add([Entry(i, f"D{i // per_person:07d}", each) for i, each in numbered])
            bar.advance(task, count)
    gallery.sequence = len(gallery)
    return gallery


def save_drawn(
    jobs: Sequence[Job], work: Path, per_person: int, out: Path, split: int | None
) -> None:
    """Saves the chunks as one gallery, or as several of `split` fingers one after another."""
    chunks = split // CHUNK if split else len(jobs)
    for part, at in enumerate(range(0, len(jobs), chunks)):
        gallery = gather(jobs[at : at + chunks], work, per_person)
        path = out.with_name(f"{out.stem}-{part}{out.suffix}") if split else out
        save(gallery, path)


def save(gallery: Gallery, path: Path) -> None:
    """Saves a gallery and says how large it is."""
    gallery.save(path)
    each = gallery.nbytes / max(len(gallery), 1)
    console.print(f"{path}: {len(gallery)} fingers, {each:.0f} bytes a finger in memory")


def extract(fingers: int, seed: int, extractor: str, work: Path, workers: int) -> Gallery:
    """A gallery of fingers made ridge by ridge, without those that nothing can be extracted of."""
    prints = read_made(fingers, 1, seed, extractor, work, workers)
    gallery = Gallery("made")
    made = [(each.finger, each.template) for each in prints if each.template]
    gallery.add([Entry(i, f"M{int(name):07d}", each) for i, (name, each) in enumerate(made)])
    gallery.sequence = len(gallery)
    return gallery


def _chunk_path(work: Path, job: Job) -> Path:
    """Chunks of different sizes have different fingers, so both numbers are in the name."""
    _, chunk, count = job
    return work / f"{chunk:06d}-{count}.npz"


def _about(seed: int) -> dict[str, object]:
    """What chunks must have in common to make one gallery."""
    return {
        "work": "drawn fingers",
        "seed": seed,
        "maker": str(pipeline.maker()),
        "settings": repr([asdict(each) for each in (DRAWING.flow, DRAWING.press, DRAWING.draw)]),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fingers", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-person", type=int, default=1, help="fingers of each person")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep what is drawn here")
    parser.add_argument("--split", type=int, metavar="N", help="galleries of N fingers each")
    parser.add_argument("--made", type=Path, metavar="DIR", help="grow the fingers, keep them here")
    parser.add_argument("--extractor", default="leader", choices=pipeline.EXTRACTORS)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    check(parser, arguments)
    begin = time.perf_counter()
    fingers, seed, workers = arguments.fingers, arguments.seed, arguments.workers
    out = arguments.out
    try:
        if arguments.made:
            save(extract(fingers, seed, arguments.extractor, arguments.made, workers), out)
        else:
            work = arguments.work or out.with_name(f"{out.name}.work")
            jobs = draw(fingers, seed, workers, work)
            save_drawn(jobs, work, arguments.per_person, out, arguments.split)
            if not arguments.work:
                shutil.rmtree(work)
    except TenprintError as error:
        parser.exit(1, f"{error}\n")
    console.print(f"in {time.perf_counter() - begin:.0f} s")
    return 0


def check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuses numbers that make no gallery, before anything is drawn."""
    for name in ("fingers", "per_person"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    if arguments.made and (arguments.work or arguments.split):
        parser.error("--made keeps its work itself: it goes without --work and --split")
    step = np.lcm(CHUNK, arguments.per_person)
    if arguments.split is not None and (arguments.split < 1 or arguments.split % step):
        parser.error(f"--split must be a multiple of {step}: chunks and persons stay whole")


if __name__ == "__main__":
    sys.exit(main())
