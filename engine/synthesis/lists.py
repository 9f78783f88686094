"""Writes the lists of a made set: prints, records, and the truth about each print."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.synthesis.impression import Impression
from engine.synthesis.person import Finger
from engine.types import OffenseRecord

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


def write_prints(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """A CSV of prints: person, image (relative to its folder), position, encounter."""
    _write_csv(path, _PRINT_COLUMNS, ([row[each] for each in _PRINT_COLUMNS] for row in rows))


def write_records(path: Path, records: Iterable[tuple[str, OffenseRecord]]) -> None:
    """A CSV of offense records, each with the person it is about."""
    _write_csv(path, _RECORD_COLUMNS, (_cells(*each) for each in records))


def tell_truth(
    person: str, finger: Finger, impression: Impression, *, mated: bool
) -> dict[str, Any]:
    """What is known of one print; minutiae as `list_minutiae` has them."""
    return {
        "person": person,
        "position": int(finger.position),
        "mated": mated,
        "pattern": finger.master.pattern.name.lower().replace("_", " "),
        "sensor": impression.sensor,
        "minutiae": list_minutiae(impression),
    }


def list_minutiae(impression: Impression) -> list[list[float]]:
    """The true minutiae of a print, each [x px, y px, angle rad, kind, number in the finger]."""
    minutiae = impression.minutiae
    return [
        [round(float(x), 1), round(float(y), 1), round(float(angle), 3), int(kind), int(which)]
        for x, y, angle, kind, which in zip(
            minutiae.x,
            minutiae.y,
            minutiae.angle,
            minutiae.kind,
            impression.identity,
            strict=True,
        )
    ]


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
