"""Reads a folder of prints named <finger>_<impression>.<ext> and extracts their templates."""

from __future__ import annotations

import csv
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from engine import pipeline
from engine.errors import InputError
from engine.formats import template as template_format
from engine.formats.images import read_image
from engine.formats.manifest import find_prints
from engine.settings import Settings
from engine.synthesis.person import make_person
from engine.types import Template

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Print:
    """One impression. template: None where nothing could be extracted. cpu: seconds it took.
    path: of the image, None where there is none."""

    finger: str
    impression: str
    template: Template | None
    cpu: float
    path: Path | None = None

    @property
    def name(self) -> str:
        """What the print is called in reports."""
        return f"{self.finger}_{self.impression}"


def read_set(folder: Path, extractor: str, cache: Path | None, workers: int) -> list[Print]:
    """Every print of a folder, in the order of its names.

    Images named in its label_errors.csv (column "image") are left out. Templates are kept in
    `cache`, where given. Raises InputError where the folder cannot be read.
    """
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
        prints.append(Print(row.person, row.encounter, made, cpu, row.path))
    return prints


def extract(job: tuple[Path, str, Path | None]) -> tuple[bytes, float, str]:
    """The template's bytes (none on failure), CPU seconds, and the reason of a failure."""
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


def read_made(
    fingers: int, impressions: int, seed: int, extractor: str, cache: Path, workers: int
) -> list[Print]:
    """Impressions of fingers that the project makes. Their images and templates are kept in
    `cache`."""
    folder = cache / f"made-{seed}-{fingers}"
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(number, impressions, seed, folder) for number in range(fingers)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        list(track(pool.map(make, jobs), "making prints", total=len(jobs), console=console))
    return read_set(folder, extractor, cache, workers)


def make(job: tuple[int, int, int, Path]) -> None:
    """Makes the impressions of one finger as images, unless they are there."""
    number, impressions, seed, folder = job
    cv2.setNumThreads(1)
    paths = [folder / f"{number}_{i}.png" for i in range(impressions)]
    if all(path.exists() for path in paths):
        return
    (finger,) = make_person(seed, number, fingers=1, impressions=impressions).fingers
    for path, impression in zip(paths, finger.impressions, strict=True):
        cv2.imwrite(str(path), impression.pixels)


def set_names(folders: Sequence[Path]) -> list[str]:
    """The folders' names; where two have the same, with the name of the folder around it."""
    names = [folder.resolve().name for folder in folders]
    return [
        f"{folder.resolve().parent.name}-{name}" if names.count(name) > 1 else name
        for folder, name in zip(folders, names, strict=True)
    ]


def pool(sets: Mapping[str, Sequence[Print]], left_out: Sequence[str]) -> list[Print]:
    """The prints of all sets together, fingers named <set>/<finger>, but for those left out."""
    everyone = [
        replace(each, finger=f"{name}/{each.finger}")
        for name, prints in sets.items()
        for each in prints
    ]
    return [each for each in everyone if each.finger not in left_out]


def number(names: Sequence[str]) -> np.ndarray:
    """The number of each name among the different ones, from 0 on, in the order of the names."""
    return np.unique(np.asarray(names), return_inverse=True)[1]
