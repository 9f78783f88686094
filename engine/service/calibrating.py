"""Calibrating: searches a gallery for its own persons, and keeps what scores mean in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import Connection

from engine import pipeline, trials
from engine.errors import GalleryError
from engine.index.gallery import Gallery
from engine.service.indexes import entry
from engine.service.results import Progress
from engine.settings import Settings
from engine.store import prints, sites
from engine.store.database import Database
from engine.store.galleries import GalleryRow
from engine.store.schema import now
from engine.trials import Measured, Trial
from engine.types import Site, Template

ONE, SEVERAL = "one finger", "several fingers"


def scoring(row: GalleryRow) -> str:
    """What makes the scores of a gallery: its templates' maker, and what compares them."""
    known = row.extractor if row.extractor in pipeline.EXTRACTORS else None
    return f"{row.maker}/{pipeline.scoring(known)}" if known else ""


def sites_of(connection: Connection, row: GalleryRow) -> tuple[Site, ...]:
    """What was measured of a gallery's scores, as they are made now."""
    return sites.of(connection, row, scoring(row))


def measure(
    database: Database,
    row: GalleryRow,
    index: Gallery,
    searches: int,
    settings: Settings,
    on_progress: Progress,
) -> tuple[list[Measured], list[str]]:
    """Searches for `searches` persons of the gallery at most, each with one finger and, where
    finger positions are known, with one print of every finger together. Gives what both kinds
    measured, and why one did not.

    GalleryError where neither did.
    """
    _require(row, index.person_count, "persons", settings)
    rng = np.random.default_rng(settings.trials.seed)
    drawn = rng.permutation(np.array(sorted(index.persons)))[:searches].tolist()
    fewer = trials.draw_fewer(index, settings.trials)
    tried: dict[str, list[Trial]] = {ONE: [], SEVERAL: []}
    fingers = []
    for done, (person, templates) in enumerate(_encounters(database, row, drawn), start=1):
        one, several = [templates[rng.integers(len(templates))]], _one_each(templates)
        tried[ONE].append(trials.run(person, one, index, fewer, settings))
        if len(several) > 1:
            tried[SEVERAL].append(trials.run(person, several, index, fewer, settings))
            fingers.append(len(several))
        on_progress(done, len(drawn))
    measured, refused = [], []
    for kind, count in ((ONE, 1), (SEVERAL, round(np.median(fingers or 0)))):
        try:
            _require(row, len(tried[kind]), f"searches with {kind}", settings)
            measured.append(trials.measure(tried[kind], count, index, now().date(), settings))
        except GalleryError as error:
            refused.append(str(error))
    if not measured:
        raise GalleryError(refused[0])
    return measured, refused


def _require(row: GalleryRow, count: int, what: str, settings: Settings) -> None:
    """GalleryError where there are too few of what is needed."""
    least = settings.trials.min_persons
    if count < least:
        raise GalleryError(
            f"gallery {row.name!r} gives {count} {what}, and {least} are needed to measure what "
            "scores mean in it: the shipped calibration stays in use"
        )


def _encounters(
    database: Database, row: GalleryRow, drawn: Sequence[str]
) -> Iterator[tuple[str, list[Template]]]:
    """The persons with the templates of one occasion each."""
    for person in drawn:
        with database.read() as connection:
            stored = prints.of_encounter(connection, row, person)
        if stored:  # not removed meanwhile
            yield person, [entry(each).template for each in stored]


def _one_each(templates: Sequence[Template]) -> list[Template]:
    """One print of every finger whose position is known."""
    first: dict[int, Template] = {}
    for template in templates:
        if template.position:
            first.setdefault(int(template.position), template)
    return list(first.values())
