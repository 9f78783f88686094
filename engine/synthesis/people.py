"""Makes a whole set of people to try Tenprint on: prints, records, and the truth about them."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
from PIL import Image

from engine.errors import InputError, SettingsError
from engine.settings import SynthesisSettings
from engine.synthesis.lists import tell_truth, write_prints, write_records
from engine.synthesis.person import ORDER, make_person
from engine.types import PPI, OffenseRecord

_SMALL = 4  # persons that are not worth a second process


@dataclass(frozen=True, slots=True)
class SampleSet:
    """What `make_prints` wrote. people, probes: lists of prints (CSV), to enrol and to search with.
    offenses: records (CSV). truth: minutiae and classes (JSON). gallery_prints, probe_prints:
    how many pictures. strangers: how many persons only have probes."""

    folder: Path
    people: Path
    probes: Path
    offenses: Path
    truth: Path
    persons: int
    strangers: int
    gallery_prints: int
    probe_prints: int


def make_prints(
    folder: Path,
    *,
    persons: int,
    fingers: int,
    impressions: int,
    seed: int,
    strangers: int = 0,
    workers: int | None = None,
    settings: SynthesisSettings | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SampleSet:
    """Writes a set of invented people into the empty or new `folder`.

    The first impression of every finger is for the gallery (gallery/, people.csv), the others are
    probes (probes/, probes.csv). The last `strangers` of the persons are not in the gallery: all
    their impressions are probes without a mate. offenses.csv holds the records of those in the
    gallery, truth.json what no extractor knows for sure. Prints are 8-bit gray PNG at 500 ppi,
    named `<person>_<position>_<impression>.png`.

    workers: processes, 2 where there are two cores; the result does not depend on it. on_progress
    is called with the number of prints written and of all prints.
    Raises SettingsError on numbers out of range, InputError when the folder is not empty.
    """
    _check(
        persons=persons, fingers=fingers, impressions=impressions, strangers=strangers, seed=seed
    )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(str(folder), "not an empty folder: name a new one")
    for each in ("gallery", "probes"):
        (folder / each).mkdir(parents=True, exist_ok=True)

    work = partial(
        _write_person,
        folder=folder,
        seed=seed,
        first_stranger=persons - strangers + 1,
        fingers=fingers,
        impressions=impressions,
        settings=settings or SynthesisSettings(),
    )
    rows: list[dict[str, Any]] = []
    records: list[tuple[str, OffenseRecord]] = []
    for prints, histories in _each(work, range(1, persons + 1), workers):
        rows += prints
        records += histories
        if on_progress:
            on_progress(len(rows), persons * fingers * impressions)

    gallery = [row for row in rows if row["gallery"]]
    probes = [row for row in rows if not row["gallery"]]
    sample = SampleSet(
        folder=folder,
        people=folder / "people.csv",
        probes=folder / "probes.csv",
        offenses=folder / "offenses.csv",
        truth=folder / "truth.json",
        persons=persons,
        strangers=strangers,
        gallery_prints=len(gallery),
        probe_prints=len(probes),
    )
    write_prints(sample.people, gallery)
    write_prints(sample.probes, probes)
    write_records(sample.offenses, records)
    truth = {"seed": seed, "prints": {row["image"]: row["truth"] for row in rows}}
    sample.truth.write_text(json.dumps(truth), encoding="utf-8")
    return sample


def _check(*, persons: int, fingers: int, impressions: int, strangers: int, seed: int) -> None:
    for name, value, low, high in (
        ("persons", persons, 1, 9999),
        ("fingers", fingers, 1, len(ORDER)),
        ("impressions", impressions, 1, 99),
        ("strangers", strangers, 0, persons),
        ("seed", seed, 0, 2**63 - 1),
    ):
        if not low <= value <= high:
            raise SettingsError(f"{name} is {value}: it must be {low} to {high}")


def _each(
    work: Callable[[int], tuple[list[dict[str, Any]], list[tuple[str, OffenseRecord]]]],
    numbers: Sequence[int],
    workers: int | None,
) -> Iterator[tuple[list[dict[str, Any]], list[tuple[str, OffenseRecord]]]]:
    """The results of `work` in order, from this process or from several."""
    workers = workers or min(2, os.cpu_count() or 1)
    if workers == 1 or len(numbers) < _SMALL:
        yield from map(work, numbers)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, cv2.setNumThreads, (1,)) as pool:
        yield from pool.map(work, numbers)


def _write_person(
    number: int,
    *,
    folder: Path,
    seed: int,
    first_stranger: int,
    fingers: int,
    impressions: int,
    settings: SynthesisSettings,
) -> tuple[list[dict[str, Any]], list[tuple[str, OffenseRecord]]]:
    """Makes and writes one person: the rows of its prints, and its records if it is enrolled."""
    person = make_person(seed, number, fingers=fingers, impressions=impressions, settings=settings)
    enrolled = number < first_stranger
    rows = []
    for finger in person.fingers:
        for k, impression in enumerate(finger.impressions, start=1):
            gallery = enrolled and k == 1
            name = f"{person.name}_{finger.position:d}_{k}.png"
            image = f"{'gallery' if gallery else 'probes'}/{name}"
            Image.fromarray(impression.pixels).save(folder / image, dpi=(PPI, PPI))
            rows.append(
                {
                    "person": person.name,
                    "image": image,
                    "position": int(finger.position),
                    "encounter": f"E{k}",
                    "gallery": gallery,
                    "truth": tell_truth(person.name, finger, impression, mated=enrolled),
                }
            )
    return rows, [(person.name, record) for record in person.records] if enrolled else []
