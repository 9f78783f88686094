"""The report of an identification: its prints fetched and drawn for engine.report.page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from engine.errors import ImageError
from engine.formats import template as template_format
from engine.formats.images import read_image
from engine.report.page import (
    Picture,
    QueueRow,
    Report,
    ReportCandidate,
    ReportProbe,
    encode_picture,
)
from engine.report.pairs import draw_pairs
from engine.risk.levels import assess, explain
from engine.service.results import IdentifyReport, ProbeFinger, Queued, Searched, StoredPrint
from engine.settings import Settings
from engine.types import U8, Candidate, Evidence, FingerPosition, Search

SHOWN = 3  # hits drawn for each probe; where there is none, the best candidate

PrintsOf = Callable[[str, str], list[StoredPrint]]  # of a person in a gallery: (gallery, person)


def make_report(
    result: IdentifyReport, prints_of: PrintsOf, made: datetime, settings: Settings
) -> Report:
    """All that the page shows: every probe, its best candidates drawn, and the queue."""
    searches = [item.search for item in result.searches if item.search]
    sequences = {name: number for found in searches for name, number in found.sequences.items()}
    return Report(
        title="Tenprint: candidates to examine",
        made=made,
        gallery=", ".join(sequences),
        gallery_size=max((found.gallery_size for found in searches), default=0),
        compared=sum(found.compared for found in searches),
        threshold=max((found.threshold for found in searches), default=0.0),
        fpir=max((found.fpir for found in searches), default=0.0),
        policy=result.policy.name,
        table=result.policy.table,
        probes=tuple(_probe(item, result, prints_of, settings) for item in result.searches),
        queue=tuple(_row(item) for item in result.queue),
        failures=tuple((r.source, r.reason) for item in result.searches for r in item.rejected),
        facts={
            "Submission": str(result.submission),
            "Read up to": ", ".join(f"{name} change {n}" for name, n in sequences.items()),
            **_calibrations(searches),
        },
    )


def _calibrations(searches: Sequence[Search]) -> dict[str, str]:
    """What the scores rest on, gallery by gallery, and how far the stated FPIR may be off."""
    told = dict.fromkeys(item for found in searches for item in found.calibrations.items())
    ends = [found.fpir_interval for found in searches]
    known = [pair for pair in ends if pair]
    low, high = min(known, default=(0, 0))[0], max((pair[1] for pair in known), default=0)
    measured = f"{low:.2%} to {high:.2%} (95 %)" if known and len(known) == len(ends) else "unknown"
    return {
        "Scores": "; ".join(f"{name}: {words}" for name, words in told),
        "FPIR, as measured": measured,
    }


def _probe(
    searched: Searched, result: IdentifyReport, prints_of: PrintsOf, settings: Settings
) -> ReportProbe:
    fingers = searched.fingers
    listed = searched.search.candidates if searched.search else ()
    shown = [item for item in listed if item.over_threshold][:SHOWN] or listed[:1]
    pixels = [_probe_pixels(finger, settings) for finger in fingers]
    return ReportProbe(
        searched.probe,
        fingers[0].row.position if len(fingers) == 1 else FingerPosition.UNKNOWN,
        min((finger.template.quality for finger in fingers), default=0),
        sum(len(finger.template.minutiae) for finger in fingers),
        tuple(_candidate(item, fingers, pixels, result, prints_of, settings) for item in shown),
    )


def _candidate(
    candidate: Candidate,
    fingers: tuple[ProbeFinger, ...],
    pixels: list[U8 | None],
    result: IdentifyReport,
    prints_of: PrintsOf,
    settings: Settings,
) -> ReportCandidate:
    enrolled = {item.template_id: item for item in prints_of(candidate.gallery, candidate.person)}
    pictures = [
        _pair(candidate, finger, picture, evidence, enrolled[evidence.template_id], settings)
        for finger, picture, evidence in zip(fingers, pixels, candidate.evidence, strict=True)
        if evidence.template_id in enrolled  # removed meanwhile: then it is not shown
    ]
    if not candidate.over_threshold:
        return ReportCandidate(candidate, tuple(pictures))
    records = result.records[candidate.person]
    assessment = assess(records, result.policy)
    return ReportCandidate(candidate, tuple(pictures), assessment, explain(assessment), records)


def _pair(
    candidate: Candidate,
    finger: ProbeFinger,
    pixels: U8 | None,
    evidence: Evidence,
    enrolled: StoredPrint,
    settings: Settings,
) -> Picture:
    """Probe beside candidate."""
    minutiae = template_format.decode(enrolled.template, enrolled.source).minutiae
    drawn = draw_pairs(
        pixels,
        finger.template.minutiae,
        _enrolled_pixels(enrolled, settings),
        minutiae,
        evidence.pairs,
        captions=("Probe", candidate.person),
    )
    words = f"{finger.row.person} beside {candidate.person}: {evidence}"
    return encode_picture(drawn, words)


def _probe_pixels(finger: ProbeFinger, settings: Settings) -> U8 | None:
    try:
        return read_image(finger.row.path, ppi=finger.row.ppi, limits=settings.images).pixels
    except ImageError:  # moved since it was searched: the minutiae are drawn without it
        return None


def _enrolled_pixels(enrolled: StoredPrint, settings: Settings) -> U8 | None:
    if enrolled.image is None:
        return None
    try:
        image = read_image(
            enrolled.image, ppi=enrolled.ppi, name=enrolled.source, limits=settings.images
        )
    except ImageError:  # enrolled under wider limits: the minutiae are drawn without it
        return None
    return image.pixels


def _row(item: Queued) -> QueueRow:
    place, hit = item.place, item.hit
    return QueueRow(
        place.place,
        hit.probe,
        hit.person,
        place.tier,
        place.standing.lane,
        place.reason,
        hit.received,
        hit.score,
    )
