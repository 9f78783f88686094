"""Makes a whole set of people to try Tenprint on: prints, records, and the truth about them."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
from PIL import Image

from engine.errors import InputError, SettingsError
from engine.settings import SynthesisSettings
from engine.synthesis.impression import Impression
from engine.synthesis.person import ORDER, Finger, make_person
from engine.types import PPI, OffenseRecord

_PRINT_COLUMNS = ("person", "image", "position", "encounter")
_RECORD_COLUMNS = (
    "person",
    "record_id",
    "ncic",
    "charge",
    "degree",
    "disposition",
    "offense_date",
    "jurisdiction",
    "max_sentence_months",
)
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
    _check(persons, fingers, impressions, strangers)
    if folder.exists() and any(folder.iterdir()):
        raise InputError(str(folder), "the folder is not empty: name a new one")
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
    _write_csv(sample.people, _PRINT_COLUMNS, ([row[c] for c in _PRINT_COLUMNS] for row in gallery))
    _write_csv(sample.probes, _PRINT_COLUMNS, ([row[c] for c in _PRINT_COLUMNS] for row in probes))
    _write_csv(sample.offenses, _RECORD_COLUMNS, (_cells(*each) for each in records))
    truth = {"seed": seed, "prints": {row["image"]: row["truth"] for row in rows}}
    sample.truth.write_text(json.dumps(truth), encoding="utf-8")
    return sample


def _check(persons: int, fingers: int, impressions: int, strangers: int) -> None:
    for name, value, low, high in (
        ("persons", persons, 1, 9999),
        ("fingers", fingers, 1, len(ORDER)),
        ("impressions", impressions, 1, 99),
        ("strangers", strangers, 0, persons),
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
                    "truth": _truth(person.name, finger, impression, mated=enrolled),
                }
            )
    return rows, [(person.name, record) for record in person.records] if enrolled else []


def _truth(person: str, finger: Finger, impression: Impression, *, mated: bool) -> dict[str, Any]:
    """What is known of one print; minutiae as [x, y, angle, kind, number in the finger]."""
    minutiae = impression.minutiae
    return {
        "person": person,
        "position": int(finger.position),
        "mated": mated,
        "pattern": finger.master.pattern.name.lower().replace("_", " "),
        "sensor": impression.sensor,
        "minutiae": [
            [round(float(x), 1), round(float(y), 1), round(float(angle), 3), int(kind), int(which)]
            for x, y, angle, kind, which in zip(
                minutiae.x,
                minutiae.y,
                minutiae.angle,
                minutiae.kind,
                impression.identity,
                strict=True,
            )
        ],
    }


def _cells(person: str, record: OffenseRecord) -> list[object]:
    return [
        person,
        record.record_id,
        record.ncic,
        record.charge,
        record.degree.name.lower() if record.degree else "",
        record.disposition,
        record.offense_date,
        record.jurisdiction,
        record.max_sentence_months,
    ]


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
