"""Searching: probes to candidates, each search kept, and hits in the order in which to examine."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice

from sqlalchemy import Connection

from engine import pipeline
from engine.errors import InputError, MakerMismatchError
from engine.formats import template as template_format
from engine.index.gallery import Gallery
from engine.risk.policy import Policy
from engine.risk.queue import Case, rank
from engine.service.inputs import load
from engine.service.journal import Entry
from engine.service.queueing import name_case
from engine.service.results import Probe, ProbeFinger, Progress, Queued, Rejected, Searched
from engine.service.workers import Job, Refused, extract_all
from engine.settings import Settings
from engine.store import changes, persons, probe_prints, searches
from engine.store.database import Database
from engine.store.galleries import GalleryRow
from engine.store.hits import WaitingHit
from engine.store.probe_prints import ProbeData
from engine.store.schema import now
from engine.types import Candidate, OffenseRecord, Site

DEFAULT_FPIR = 1e-3  # of a gallery that none was chosen for


def settings_for(galleries: Sequence[GalleryRow], settings: Settings) -> Settings:
    """The settings with the extractor that made the galleries.

    MakerMismatchError where they were made differently: one probe cannot meet them all.
    """
    makers = {gallery.maker for gallery in galleries if gallery.maker}
    if len(makers) > 1:
        named = "; ".join(f"{gallery.name} by {gallery.maker}" for gallery in galleries)
        raise MakerMismatchError(
            f"one search cannot cover galleries of different makers ({named}): search them apart"
        )
    extractors = {gallery.extractor for gallery in galleries if gallery.extractor}
    return replace(settings, extractor=extractors.pop()) if extractors else settings


def extract_probes(
    probes: Sequence[Probe], settings: Settings, workers: int, on_progress: Progress
) -> list[tuple[tuple[ProbeFinger, ...], tuple[Rejected, ...]]]:
    """For each probe its fingers, in their order, and those that gave no template.

    A file that a probe names twice is one print: as two fingers it would count as two witnesses.
    """
    rows = [(whose, row) for whose, probe in enumerate(probes) for row in probe.prints]
    results: dict[int, ProbeFinger | Rejected] = {}

    def jobs() -> Iterator[Job]:
        seen: set[tuple[int, str]] = set()
        for number, (whose, row) in enumerate(rows):
            try:
                job = load(row, settings.images, number)
                if (whose, job.sha256) in seen:
                    raise InputError(str(row.path), "the same file as another of this probe")
            except InputError as error:
                results[number] = Rejected(error.source, error.reason)
                continue
            seen.add((whose, job.sha256))
            yield job

    with closing(extract_all(jobs(), settings, workers)) as outcomes:
        for job, outcome in outcomes:
            if isinstance(outcome, Refused):
                results[job.number] = Rejected(str(job.row.path), outcome.reason)
            else:
                template = template_format.decode(outcome.template, str(job.row.path))
                results[job.number] = ProbeFinger(job.row, job.sha256, template)
            on_progress(len(results), len(rows))
    ordered = iter([results[number] for number in range(len(rows))])
    return [_sort(list(islice(ordered, len(probe.prints)))) for probe in probes]


def search(
    probe: str,
    fingers: Sequence[ProbeFinger],
    rejected: Sequence[Rejected],
    indexes: Sequence[Gallery],
    sites: Mapping[str, Sequence[Site]],
    settings: Settings,
    fpir: float,
    max_candidates: int,
) -> Searched:
    """Searches one probe; without a usable finger there is nothing to search. sites: of each
    gallery, by its name."""
    if not fingers:
        return Searched(probe, (), tuple(rejected), None, None, now(), 0.0)
    began = time.perf_counter()
    templates = [finger.template for finger in fingers]
    found = pipeline.identify(
        templates, indexes, settings, sites=sites, fpir=fpir, max_candidates=max_candidates
    )
    seconds = time.perf_counter() - began
    return Searched(probe, tuple(fingers), tuple(rejected), found, None, now(), seconds)


def keep(database: Database, searched: Searched, entry: Entry, max_candidates: int) -> Searched:
    """Writes a search to the database and the audit log, before anyone sees its result."""
    if searched.search is None:
        return searched
    with database.write() as writer:
        changes.lock(writer)
        return write_down(writer, searched, entry, max_candidates)


def write_down(
    writer: Connection, searched: Searched, entry: Entry, max_candidates: int
) -> Searched:
    """Writes a search that was made and its audit entry, within the caller's transaction, which has
    the clock's lock: nobody is removed before what is kept of a hit is there."""
    found = searched.search
    assert found is not None
    probes = [
        searches.ProbePrint(
            int(finger.row.position), finger.sha256, str(finger.row.path), finger.template.quality
        )
        for finger in searched.fingers
    ]
    search_id = searches.save(
        writer,
        entry.submission,
        probe=searched.probe,
        maker=str(searched.fingers[0].template.maker),
        fpir=found.fpir,
        threshold=found.threshold,
        gallery_size=found.gallery_size,
        compared=found.compared,
        max_candidates=max_candidates,
        probes=probes,
        sequences=found.sequences,
        calibrations=found.calibrations,
        candidates=found.candidates,
    )
    hits = {each.person for each in found.candidates if each.over_threshold}
    if persons.unknown(writer, hits) != hits:  # what may be of who was removed is not kept
        probe_prints.keep(writer, search_id, [_data_of(finger) for finger in searched.fingers])
    entry.tell(
        writer,
        "searched",
        search=search_id,
        galleries=sorted(found.sequences),
        sequences=dict(found.sequences),  # up to which change each was seen
        probes=[finger.sha256 for finger in searched.fingers],
        persons=sorted(hits),
        candidates=len(found.candidates),
    )
    return replace(searched, search_id=search_id)


def _data_of(finger: ProbeFinger) -> ProbeData:
    """What examiners will compare. A file that changed since it was searched is not it."""
    image = finger.image
    if image is None and finger.row.path.is_file():
        data = finger.row.path.read_bytes()
        image = data if hashlib.sha256(data).hexdigest() == finger.sha256 else None
    return ProbeData(template_format.encode(finger.template), image, finger.row.ppi)


def hits_of(searches: Sequence[Searched]) -> list[tuple[Searched, Candidate]]:
    """Every candidate over the threshold, with the search it is of."""
    return [
        (searched, candidate)
        for searched in searches
        if searched.search
        for candidate in searched.search.candidates
        if candidate.over_threshold
    ]


def order_hits(
    searches: Sequence[Searched],
    records: Mapping[str, Sequence[OffenseRecord]],
    policy: Policy,
    jurisdiction: str = "",
) -> tuple[Queued, ...]:
    """The hits in the order of work under the policy. Who is a hit was decided before."""
    hits: dict[str, WaitingHit] = {}
    for found, candidate in hits_of(searches):
        assert found.search_id is not None  # a search is kept before its hits are ordered
        # One comparison to examine, though several galleries may have the person.
        hits.setdefault(
            name_case(found.search_id, candidate.person),
            WaitingHit(
                found.search_id,
                found.probe,
                candidate.person,
                candidate.gallery,
                candidate.rank,
                candidate.score,
                candidate.llr,
                found.at,
                jurisdiction,
            ),
        )
    cases = [Case(name, hit.received, tuple(records[hit.person])) for name, hit in hits.items()]
    return tuple(Queued(place, hits[place.case.case_id]) for place in rank(cases, policy, now()))


def _sort(
    results: Sequence[ProbeFinger | Rejected],
) -> tuple[tuple[ProbeFinger, ...], tuple[Rejected, ...]]:
    return (
        tuple(item for item in results if isinstance(item, ProbeFinger)),
        tuple(item for item in results if isinstance(item, Rejected)),
    )
