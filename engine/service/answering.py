"""Answering: searches of many clients, taken together as far as they go to the same galleries."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from engine import pipeline
from engine.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    TenprintError,
    UseError,
)
from engine.formats import template as template_format
from engine.formats.manifest import PrintRow
from engine.index.gallery import Entry, Gallery
from engine.risk.policy import Policy
from engine.risk.queue import Case, Place, rank
from engine.service import journal
from engine.service.calibrating import sites_of
from engine.service.encounters import ALL
from engine.service.indexes import Indexes
from engine.service.journal import Entry as Line
from engine.service.journal import on_record, on_record_together
from engine.service.queueing import keep_rules, name_case
from engine.service.results import ProbeFinger, Searched, Use
from engine.service.searching import DEFAULT_FPIR, search, settings_for, write_down
from engine.service.tasks import require_pending, settle
from engine.settings import Settings
from engine.stages import CATCH_UP, COMPARE, KEEP, PLACE, stage
from engine.store import changes, encounters, galleries, prints, records
from engine.store.database import Database
from engine.store.encounters import HeldTemplate, Origin
from engine.store.galleries import GalleryRow
from engine.store.schema import now
from engine.types import Candidate, FingerPosition, OffenseRecord, Search, Site

__all__ = ["Answer", "Answering", "Asked", "Origin", "Place"]

MOST_FINGERS = 10  # of a probe made of what is enrolled
SEARCHED_AGAIN = 2  # times, where a print that was found went before the search was kept
DEFAULT_FMR = 1e-3  # of a verification
_NOWHERE = Path("enrolled")  # in the place of the file that a probe comes from


@dataclass(frozen=True, slots=True)
class Asked:
    """A search that a client asks for. gallery: a name, or ALL. point: the operating point, ""
    for the settings' own. leave_out: a person who is not to be among the candidates. told: what a
    client is told of the answer, which a task keeps with the search."""

    fingers: tuple[ProbeFinger, ...]
    gallery: str
    most: int
    use: Use
    point: str = ""
    leave_out: str = ""
    probe: str = "probe"
    told: Callable[[Answer], bytes] = lambda _: b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found. places: by person, where the candidate would stand in the order of work
    of these. origins: of the candidates' prints, by template id. search_id: as it is kept; None
    where there was nothing to search."""

    search: Search | None
    search_id: int | None
    at: datetime
    places: Mapping[str, Place]
    origins: Mapping[int, Origin]


class Answering:
    """Searches and verifications for many clients; safe between threads."""

    def __init__(
        self, database: Database, indexes: Indexes, settings: Settings, policy: Policy
    ) -> None:
        self._database = database
        self._indexes = indexes
        self._settings = settings
        self.policy = policy

    def settings_of(self, gallery: str) -> Settings:
        """The settings with which to extract a probe for a gallery or for ALL. NotFoundError where
        there is none, MakerMismatchError where ALL cannot be searched together."""
        return settings_for(self._rows(gallery), self._settings)

    def own_settings(self) -> Settings:
        """The settings with which to extract prints that meet no gallery."""
        return self._settings

    def answer(self, batch: Sequence[Asked]) -> list[Answer | TenprintError]:
        """Searches all probes, those of the same galleries on one view of them, and keeps each
        search before it is told. A search that cannot be made gives its error."""
        found: dict[int, Answer | TenprintError] = {}
        order = sorted(range(len(batch)), key=lambda n: (batch[n].gallery, batch[n].point))
        for (gallery, point), numbers in itertools.groupby(
            order, key=lambda n: (batch[n].gallery, batch[n].point)
        ):
            group = list(numbers)
            answers = self._answer_some([batch[n] for n in group], gallery, point)
            found.update(zip(group, answers, strict=True))
        return [found[n] for n in range(len(batch))]

    def probe_of(
        self, person: str, encounter: str | None, settings: Settings
    ) -> tuple[ProbeFinger, ...]:
        """What is enrolled of a person, as a probe: of every finger the print of best quality, out
        of one encounter or of all that are active. NotFoundError where there is no such person or
        encounter, InputError where nothing of it can be searched."""
        with self._database.read() as connection:
            person_id = encounters.find_person(connection, person)
            if encounter is not None:
                encounters.find(connection, person, encounter)
            held = encounters.templates_of(connection, person_id)
        chosen: dict[object, ProbeFinger] = {}
        maker = pipeline.maker(settings)
        for item in held:
            if item.encounter != encounter if encounter is not None else not item.active:
                continue
            template = template_format.decode(item.data, f"template {item.id}")
            if template.maker != maker:
                continue
            row = PrintRow(person, FingerPosition(item.position), _NOWHERE)
            key = item.position or item.sha256
            chosen.setdefault(key, ProbeFinger(row, item.sha256, template))
        if not chosen:
            raise InputError("personId", "has no active print that can be searched there")
        return tuple(chosen.values())[:MOST_FINGERS]

    def verify(
        self, fingers: Sequence[ProbeFinger], gallery: str, person: str, use: Use
    ) -> tuple[Search | None, Mapping[int, Origin]]:
        """Compares a probe with a person of a gallery (or of ALL). NotFoundError where the person
        is not there."""
        names = {row.name for row in self._rows(gallery)}
        with on_record(self._database, "verify", use, person) as line:
            with self._database.read() as connection:
                person_id = encounters.find_person(connection, person)
                rows = encounters.of_person(connection, person_id)
                if not any(names & set(row.galleries) for row in rows):
                    raise NotFoundError(f"gallery {gallery[:64]!r} has no person {person!r}")
                held = [
                    item
                    for item in encounters.templates_of(connection, person_id)
                    if item.active and item.gallery in names
                ]
                origins = encounters.origins(connection, [item.id for item in held])
            found = self._compare(fingers, [_entry(item, person) for item in held])
            line.outcome = _verdict(found)
            return found, origins

    def compare(
        self, fingers: Sequence[ProbeFinger], others: Sequence[ProbeFinger], use: Use
    ) -> Search | None:
        """Compares two sets of prints that are not enrolled."""
        with on_record(self._database, "verify", use) as line:
            entries = [Entry(n, "other", each.template) for n, each in enumerate(others, start=1)]
            found = self._compare(fingers, entries)
            line.outcome = _verdict(found)
            return found

    def warm(self) -> None:
        """Makes now what the first search of each gallery would make: loads its index, or makes it,
        files its minutiae, and searches it once for a print of its own."""
        for row in self._rows(ALL):
            settings = settings_for([row], self._settings)
            with self._indexes.reading([row], settings) as (index,):
                if not len(index):
                    continue
                with self._database.read() as connection:
                    ids = [int(index.template_ids[0])]
                    ((stored,),) = prints.read_templates(connection, ids)
                probe = template_format.decode(stored.data, f"template {stored.id}")
                pipeline.identify([probe], [index], settings)

    def sizes(self) -> dict[str, int]:
        """How many templates are searched in each gallery."""
        with self._database.read() as connection:
            return {
                row.name: prints.count(connection, row) for row in galleries.listing(connection)
            }

    def _compare(self, fingers: Sequence[ProbeFinger], entries: Sequence[Entry]) -> Search | None:
        if not fingers or not entries:
            return None
        only = Gallery("verification")
        only.add(entries)
        templates = [finger.template for finger in fingers]
        with stage(COMPARE):
            return pipeline.identify(
                templates, [only], self._settings, fpir=DEFAULT_FMR, max_candidates=1
            )

    def _rows(self, gallery: str) -> list[GalleryRow]:
        with self._database.read() as connection:
            if gallery == ALL:
                return galleries.listing(connection)
            row = galleries.lookup(connection, gallery)
            if row is None:
                raise NotFoundError(f"there is no gallery {gallery[:64]!r}")
            return [row]

    def _answer_some(
        self, batch: Sequence[Asked], gallery: str, point: str
    ) -> list[Answer | TenprintError]:
        """The answers to searches of the same galleries at the same point."""
        try:
            rows = self._rows(gallery)
            asked = replace(self._settings, search=point or self._settings.search)
            _ = asked.point
            settings = settings_for(rows, asked)
        except TenprintError as error:
            return [error] * len(batch)
        uses = [each.use for each in batch]
        with on_record_together(self._database, "identify", uses, gallery) as lines:
            answers, left = None, SEARCHED_AGAIN
            while answers is None:
                made = self._search_some(batch, lines, rows, settings)
                answers = self._keep(batch, lines, made, is_last=not left)
                left -= 1
            return answers

    def _search_some(
        self,
        batch: Sequence[Asked],
        lines: Sequence[Line],
        rows: Sequence[GalleryRow],
        settings: Settings,
    ) -> list[Searched | TenprintError]:
        """Searches all on one view of the galleries."""
        fpir = min((row.fpir for row in rows if row.fpir), default=DEFAULT_FPIR)
        with ExitStack() as view:
            with stage(CATCH_UP):
                indexes = view.enter_context(self._indexes.reading(rows, settings))
            with stage(COMPARE):
                with self._database.read() as connection:
                    sites = {row.name: sites_of(connection, row) for row in rows}
                return [
                    UseError(line.refusal)
                    if line.refusal
                    else _search(each, indexes, sites, settings, fpir)
                    for each, line in zip(batch, lines, strict=True)
                ]

    def _keep(
        self,
        batch: Sequence[Asked],
        lines: Sequence[Line],
        made: Sequence[Searched | TenprintError],
        *,
        is_last: bool,
    ) -> list[Answer | TenprintError] | None:
        """Writes all searches in one transaction, those of tasks with what their clients are told;
        then tells what they found. None, and nothing is written, where a print that they found is
        gone by now, removed or another person's: they are made again, unless it is the last
        time."""
        kept: list[Searched | Answer | TenprintError] = []
        with stage(KEEP), self._database.write() as writer:
            changes.lock(writer)
            if not is_last and not prints.are_there(writer, _found_by(made)):
                return None
            for each, line, found in zip(batch, lines, made, strict=True):
                if isinstance(found, TenprintError):
                    journal.end(writer, line, found)
                    kept.append(found)
                    continue
                try:
                    require_pending(writer, each.use.task)
                    _require_probe(writer, each)
                except (ConflictError, NotFoundError) as error:
                    journal.end(writer, line, error)
                    kept.append(error)
                    continue
                if found.search is not None:
                    found = write_down(writer, found, line, each.most)
                    keep_rules(writer, self.policy, line.submission)
                line.outcome = _outcome(found)
                journal.end(writer, line)
                kept.append(self._settle(writer, each, found))
        for line in lines:
            line.ended = True
        with stage(PLACE), self._database.read() as connection:
            return [
                self._told(connection, each) if isinstance(each, Searched) else each
                for each in kept
            ]

    def _settle(self, writer: Connection, asked: Asked, found: Searched) -> Searched | Answer:
        """Keeps a task's result with its search. Who waits for an answer is told after the lock."""
        if asked.use.task is None:
            return found
        answer = self._told(writer, found)
        settle(writer, replace(asked.use.task, result=asked.told(answer)))
        return answer

    def _told(self, connection: Connection, found: Searched) -> Answer:
        if found.search is None:
            return Answer(None, None, found.at, {}, {})
        listed = found.search.candidates
        persons = sorted({candidate.person for candidate in listed})
        ids = [evidence.template_id for each in listed for evidence in each.evidence]
        facts = records.of_persons(connection, persons)
        origins = encounters.origins(connection, ids)
        return Answer(
            found.search, found.search_id, found.at, self._places(found, persons, facts), origins
        )

    def _places(
        self,
        found: Searched,
        persons: Sequence[str],
        facts: Mapping[str, Sequence[OffenseRecord]],
    ) -> dict[str, Place]:
        """How severe the records of the candidates are. Who is one was decided before."""
        assert found.search_id is not None
        cases = {name_case(found.search_id, person): person for person in persons}
        placed = rank(
            [Case(name, found.at, tuple(facts[person])) for name, person in cases.items()],
            self.policy,
            now(),
        )
        return {cases[place.case.case_id]: place for place in placed}


def _search(
    asked: Asked,
    indexes: Sequence[Gallery],
    sites: Mapping[str, Sequence[Site]],
    settings: Settings,
    fpir: float,
) -> Searched | TenprintError:
    """One search; galleries without a print have no candidate."""
    if not any(len(index) for index in indexes):
        return Searched(asked.probe, asked.fingers, (), None, None, now(), 0.0)
    most = asked.most + (1 if asked.leave_out else 0)
    try:
        found = search(asked.probe, asked.fingers, (), indexes, sites, settings, fpir, most)
    except TenprintError as error:
        return error
    if found.search is None or not asked.leave_out:
        return found
    others = _without(found.search.candidates, asked.leave_out, asked.most)
    return replace(found, search=replace(found.search, candidates=others))


def _found_by(made: Sequence[Searched | TenprintError]) -> set[int]:
    """The ids of the templates by which the searches found those over their thresholds."""
    return {
        evidence.template_id
        for found in made
        if isinstance(found, Searched) and found.search
        for candidate in found.search.candidates
        if candidate.over_threshold
        for evidence in candidate.evidence
    }


def _require_probe(connection: Connection, asked: Asked) -> None:
    """NotFoundError where enrolled prints that were searched with were removed meanwhile: nothing
    of them is to be kept."""
    files = {finger.sha256 for finger in asked.fingers}
    if asked.leave_out and not prints.has_files(connection, asked.leave_out, files):
        raise NotFoundError(f"prints of person {asked.leave_out!r} were removed meanwhile")


def _without(candidates: Sequence[Candidate], person: str, most: int) -> tuple[Candidate, ...]:
    """The candidates but one person, who is nobody's rival either; ranked anew."""
    others = [each for each in candidates if each.person != person]
    ranked = []
    for place, each in enumerate(others, start=1):
        rival = next((x.score for x in others[place:] if x.person != each.person), None)
        gap = each.gap if rival is None else each.score - rival
        ranked.append(replace(each, rank=place, gap=gap))
    return tuple(ranked[:most])


def _entry(held: HeldTemplate, person: str) -> Entry:
    return Entry(held.id, person, template_format.decode(held.data, f"template {held.id}"))


def _outcome(found: Searched) -> str:
    if found.search is None:
        return "nothing to search"
    over = sum(candidate.over_threshold for candidate in found.search.candidates)
    return f"1 search ({found.search.point}), {over} candidates over the threshold"


def _verdict(found: Search | None) -> str:
    over = found is not None and any(each.over_threshold for each in found.candidates)
    return f"{'over' if over else 'under'} the threshold for FMR {DEFAULT_FMR:g}"
