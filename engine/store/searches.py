"""Searches: what was looked for, where, under which threshold, and the candidates that came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from engine.store import rows
from engine.store.schema import (
    now,
    search_candidates,
    search_galleries,
    search_probes,
    searches,
)
from engine.types import Candidate


@dataclass(frozen=True, slots=True)
class ProbePrint:
    """One finger of a probe: what it was, never what it looked like."""

    position: int
    sha256: str
    source: str
    quality: int


@dataclass(frozen=True, slots=True)
class ListedCandidate:
    """A candidate as the list showed it."""

    rank: int
    person: str
    gallery: str
    score: float
    llr: float
    gap: float
    over_threshold: bool


@dataclass(frozen=True, slots=True)
class SearchRow:
    """A search as it is kept. sequences: per gallery searched, the last change that it saw.
    calibrations: likewise, what its scores rest on; missing where that was not kept. gallery_size:
    persons searched. compared: comparisons that reached the second stage."""

    id: int
    submission_id: int
    probe: str
    maker: str
    fpir: float
    threshold: float
    gallery_size: int
    compared: int
    max_candidates: int
    at: datetime
    probes: tuple[ProbePrint, ...]
    sequences: Mapping[str, int]
    calibrations: Mapping[str, str]
    candidates: tuple[ListedCandidate, ...]


def save(
    connection: Connection,
    submission: int,
    *,
    probe: str,
    maker: str,
    fpir: float,
    threshold: float,
    gallery_size: int,
    compared: int,
    max_candidates: int,
    probes: Sequence[ProbePrint],
    sequences: Mapping[str, int],
    calibrations: Mapping[str, str],
    candidates: Sequence[Candidate],
) -> int:
    """Keeps a search and gives its id."""
    row = {
        "submission_id": submission,
        "probe": probe,
        "maker": maker,
        "fpir": fpir,
        "threshold": threshold,
        "gallery_size": gallery_size,
        "compared": compared,
        "max_candidates": max_candidates,
        "at": now(),
    }
    search = rows.add(connection, searches, row)
    numbered = [
        {
            "search_id": search,
            "number": number,
            "position": item.position,
            "sha256": item.sha256,
            "source": item.source,
            "quality": item.quality,
        }
        for number, item in enumerate(probes, start=1)
    ]
    covered = [
        {
            "search_id": search,
            "gallery": gallery,
            "sequence": sequence,
            "calibration": calibrations[gallery],
        }
        for gallery, sequence in sequences.items()
    ]
    listed = [
        {
            "search_id": search,
            "rank": item.rank,
            "person": item.person,
            "gallery": item.gallery,
            "score": item.score,
            "llr": item.llr,
            "gap": item.gap,
            "over_threshold": item.over_threshold,
        }
        for item in candidates
    ]
    for table, lines in (
        (search_probes, numbered),
        (search_galleries, covered),
        (search_candidates, listed),
    ):
        if lines:
            connection.execute(insert(table), lines)
    return search


def read(connection: Connection, limit: int = 100) -> list[SearchRow]:
    """The newest searches, newest first."""
    query = select(searches).order_by(searches.c.id.desc()).limit(limit)
    return [_complete(connection, dict(row)) for row in connection.execute(query).mappings()]


def _complete(connection: Connection, search: dict[str, object]) -> SearchRow:
    """A search with its probes, galleries and candidates."""
    probe, gallery, candidate = search_probes.c, search_galleries.c, search_candidates.c
    probes = select(probe.position, probe.sha256, probe.source, probe.quality)
    covered = select(gallery.gallery, gallery.sequence, gallery.calibration)
    candidates = select(*(candidate[name] for name in ListedCandidate.__dataclass_fields__))
    own = search["id"]
    seen = connection.execute(covered.where(gallery.search_id == own)).all()
    return SearchRow(
        **search,  # type: ignore[arg-type]
        probes=tuple(
            ProbePrint(*item)
            for item in connection.execute(
                probes.where(probe.search_id == own).order_by(probe.number)
            )
        ),
        sequences={row.gallery: row.sequence for row in seen},
        calibrations={row.gallery: row.calibration for row in seen if row.calibration},
        candidates=tuple(
            ListedCandidate(*item)
            for item in connection.execute(
                candidates.where(candidate.search_id == own).order_by(candidate.rank)
            )
        ),
    )
