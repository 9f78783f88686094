"""Writes the result of a search as one self-contained HTML page, in the order of the queue.

The page proposes and people decide: the comparison stands open, what is known of the offenses
stays folded until the examiner asks for it.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np

from engine.errors import TenprintError
from engine.report.marks import DRAW
from engine.settings import PictureSettings
from engine.types import U8, Assessment, Candidate, FingerPosition, OffenseRecord

TEMPLATE = "page.html.j2"
NOTICE = "Candidates, not identifications. Compare before reading the record."


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture. uri: data URI. alt: what it shows, for who cannot see it."""

    uri: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, slots=True)
class ReportCandidate:
    """One candidate of a probe.

    pictures: probe beside candidate with the pairs, one a finger. assessment, explanation and
    records: what is known of the offenses, None and empty where nothing was asked for.
    """

    candidate: Candidate
    pictures: tuple[Picture, ...] = ()
    assessment: Assessment | None = None
    explanation: str = ""
    records: tuple[OffenseRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportProbe:
    """One probe and its candidates, best first. quality: 0..100."""

    name: str
    position: FingerPosition
    quality: int
    minutiae: int
    candidates: tuple[ReportCandidate, ...]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A hit at its place in the queue, with the reason of the place."""

    place: int
    probe: str
    person: str
    tier: str
    lane: str
    reason: str
    received: datetime
    score: float


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows.

    threshold: score, at the false positive identification rate `fpir` in a gallery of
    `gallery_size` persons. policy, table: name and version of the severity rules. failures:
    (source, reason) of each input that gave no template. facts: further lines for the header.
    """

    title: str
    made: datetime
    gallery: str
    gallery_size: int
    compared: int
    threshold: float
    fpir: float
    policy: str
    table: str
    probes: tuple[ReportProbe, ...]
    queue: tuple[QueueRow, ...]
    failures: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def encode_picture(image: U8, alt: str, settings: PictureSettings = DRAW) -> Picture:
    """A drawing (uint8 BGR) as a WebP data URI, at most `settings.width` px wide."""
    if image.shape[1] > settings.width:
        size = (settings.width, max(1, round(image.shape[0] * settings.width / image.shape[1])))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, settings.quality])
    uri = "data:image/webp;base64," + base64.b64encode(data.tobytes()).decode()
    return Picture(uri, image.shape[1], image.shape[0], alt)


def write_report(path: Path, report: Report) -> None:
    """Writes the page to `path`, whole or not at all. Raises TenprintError where it cannot."""
    page = _environment().get_template(TEMPLATE)
    pieces = page.stream(
        report=report, notice=NOTICE, anchors=_anchors(report.probes), hits=len(report.queue)
    )
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(pieces)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TenprintError(f"{path}: the report cannot be written ({error.strerror})") from error


def _anchors(probes: Sequence[ReportProbe]) -> dict[tuple[str, str], str]:
    """Where on the page each (probe, person) is compared."""
    return {
        (probe.name, found.candidate.person): f"case-{number}-{found.candidate.rank}"
        for number, probe in enumerate(probes, start=1)
        for found in probe.candidates
    }


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("engine.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "finger": lambda position: FingerPosition(position).name.replace("_", " ").lower(),
        "count": lambda number: f"{number:,}",
        "score": lambda value: f"{value:.2f}",
        "signed": lambda value: f"{value:+.1f}".replace("-", "−"),
        "percent": lambda share: f"{share * 100:g} %",
        "utc": lambda moment: f"{_utc(moment):%Y-%m-%d %H:%M} UTC",
    }
    environment.filters.update(filters)
    return environment


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
