"""Encounters as clients of a service send, read, change, move and remove them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from engine import pipeline
from engine.errors import InputError, NotFoundError
from engine.formats import template as template_format
from engine.service.extracting import Extractors
from engine.service.indexes import Indexes
from engine.service.items import Item, check_reference, read_template
from engine.service.journal import Entry, on_record
from engine.service.removal import Going
from engine.service.results import ProbeFinger, Use
from engine.service.searching import settings_for
from engine.service.tasks import require_pending, settle
from engine.service.workers import Refused
from engine.settings import Settings
from engine.stages import EXTRACT, KEEP, stage
from engine.store import (
    changes,
    encounters,
    galleries,
    holdings,
    holds,
    memberships,
    merging,
    persons,
)
from engine.store.database import Database
from engine.store.encounters import EncounterRow, Facts, KeptPrint
from engine.store.holdings import NewItem
from engine.store.schema import ACTIVE, INACTIVE

__all__ = ["ALL", "Encounter", "EncounterRow", "Encounters", "Facts", "Given", "KeptPrint"]

ALL = "ALL"  # stands for every gallery, so none is called that


@dataclass(frozen=True, slots=True)
class Given:
    """An encounter as a client sends it. galleries: at least one, none twice."""

    facts: Facts
    galleries: tuple[str, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Encounter:
    """An encounter as it is kept, with its prints."""

    row: EncounterRow
    prints: tuple[KeptPrint, ...]


class Encounters:
    """The persons of one installation, encounter by encounter; safe between threads.

    Whatever is read or changed is on record. NotFoundError where a person or an encounter is not
    there, ConflictError where one is that may not be, InputError for what is wrong with an input.
    """

    def __init__(
        self, database: Database, indexes: Indexes, settings: Settings, extractors: Extractors
    ) -> None:
        self._database = database
        self._indexes = indexes
        self._settings = settings
        self._extractors = extractors

    def create(self, person: str, encounter: str, given: Given, use: Use) -> None:
        """Keeps a new encounter, and its person where there is none. Nobody is searched for."""
        check_reference("personId", person)
        check_reference("encounterId", encounter)
        with self._on_record("enrol", use, person) as entry:
            with self._database.read() as connection:
                found = persons.lookup(connection, person)
            if found is not None:  # told before any work, and again when it is written
                self._refuse_if_there(found, person, encounter)
            items = self._extract_new(given)
            with self._writing(use) as writer:
                row = encounters.create(writer, person, encounter, given.facts, entry.submission)
                holdings.put(writer, row, items, given.galleries, entry.submission)
                entry.tell(
                    writer,
                    "enrolled",
                    galleries=sorted(given.galleries),
                    persons=[person],
                    prints=len(items),
                )
            entry.outcome = f"{len(items)} prints in {', '.join(given.galleries)}"

    def replace(self, person: str, encounter: str, given: Given, use: Use) -> None:
        """Puts what is given in the place of all that an encounter had."""
        with self._on_record("update", use, person) as entry:
            self.find(person, encounter)
            items = self._extract_new(given)
            with self._writing(use) as writer:
                holds.require_none(writer, [person])
                row = encounters.find(writer, person, encounter)
                going = Going(writer, [person])
                holdings.clear(writer, row, entry.submission)
                encounters.change(writer, row.id, given.facts)
                fresh = encounters.find(writer, person, encounter)
                holdings.put(writer, fresh, items, given.galleries, entry.submission)
                lost = [name for name in row.galleries if name not in given.galleries]
                holdings.forget_galleries(writer, row.person_id, lost)
                going.tell(entry, "updated", given.galleries)
            entry.outcome = f"{len(items)} prints in {', '.join(given.galleries)}"
        self._forget(row.galleries)

    def find(self, person: str, encounter: str) -> EncounterRow:
        """One encounter without its prints."""
        with self._database.read() as connection:
            return encounters.find(connection, person, encounter)

    def read(self, person: str, encounter: str | None, use: Use) -> list[Encounter]:
        """All encounters of a person, or the one of that name, with their prints and images."""
        with self._on_record("read", use, person) as entry, self._database.read() as connection:
            person_id = encounters.find_person(connection, person)
            if encounter is None:
                rows = encounters.of_person(connection, person_id)
            else:
                rows = [encounters.find(connection, person, encounter)]
            found = [
                Encounter(row, tuple(encounters.prints_of(connection, row.id))) for row in rows
            ]
            entry.outcome = f"{len(found)} encounters read"
            return found

    def remove(self, person: str, encounter: str | None, use: Use) -> None:
        """Deletes one encounter of a person, or all; with the last one the person goes."""
        with self._on_record("remove", use, person) as entry:
            with self._writing(use) as writer:
                holds.require_none(writer, [person])
                person_id = encounters.find_person(writer, person)
                if encounter is None:
                    rows = encounters.of_person(writer, person_id)
                else:
                    rows = [encounters.find(writer, person, encounter)]
                going = Going(writer, [person])
                for row in rows:
                    holdings.clear(writer, row, entry.submission)
                encounters.drop(writer, [row.id for row in rows])
                names = sorted({name for row in rows for name in row.galleries})
                holdings.forget_galleries(writer, person_id, names)
                persons.remove_if_empty(writer, person_id, person)
                going.tell(entry, "removed", names)
            entry.outcome = f"{len(rows)} encounters removed"
        self._forget(names)

    def merge(self, target: str, source: str, use: Use) -> None:
        """Gives all encounters of one person to another, who is there already."""
        self._refuse_same(target, source)
        with (
            self._on_record("merge", use, f"{source} into {target}"[:200]) as entry,
            self._writing(use) as writer,
        ):
            holds.require_none(writer, [source, target])
            target_id = encounters.find_person(writer, target)
            rows = encounters.of_person(writer, encounters.find_person(writer, source))
            merging.move(writer, rows, target_id, entry.submission)
            merging.join_persons(writer, source, target)
            self._tell(writer, entry, "merged", [source, target], ())
            entry.outcome = f"{len(rows)} encounters moved"

    def move(self, target: str, source: str, encounter: str, use: Use) -> None:
        """Gives one encounter of a person to another, who is there already; with the last one
        goes all that is left of the person."""
        self._refuse_same(target, source)
        with (
            self._on_record("move", use, f"{source} to {target}"[:200]) as entry,
            self._writing(use) as writer,
        ):
            holds.require_none(writer, [source, target])
            target_id = encounters.find_person(writer, target)
            row = encounters.find(writer, source, encounter)
            merging.move(writer, [row], target_id, entry.submission)
            if not encounters.of_person(writer, row.person_id):
                merging.join_persons(writer, source, target)
            else:
                holdings.forget_galleries(writer, row.person_id, row.galleries)
            self._tell(writer, entry, "moved", [source, target], row.galleries)
            entry.outcome = "1 encounter moved"

    def set_status(self, person: str, encounter: str, status: str, use: Use) -> None:
        """Makes an encounter ACTIVE, or INACTIVE: kept and not searched."""
        if status not in (ACTIVE, INACTIVE):
            raise InputError("status", f"must be {ACTIVE} or {INACTIVE}, not {status[:20]!r}")
        with self._on_record("status", use, person) as entry, self._writing(use) as writer:
            row = encounters.find(writer, person, encounter)
            holdings.set_status(writer, row, status, entry.submission)
            self._tell(writer, entry, status.lower(), [person], row.galleries)
            entry.outcome = status

    def set_galleries(self, person: str, encounter: str, names: Sequence[str], use: Use) -> None:
        """Puts an encounter into exactly these galleries."""
        check_galleries(names)
        with self._on_record("galleries", use, person) as entry, self._writing(use) as writer:
            row = encounters.find(writer, person, encounter)
            if set(row.galleries) - {*names}:
                holds.require_none(writer, [person])
            going = Going(writer, [person])
            holdings.set_galleries(writer, row, names, entry.submission)
            going.tell(entry, "galleries", names)
            entry.outcome = ", ".join(names)

    def names(self) -> list[str]:
        """The names of all galleries."""
        with self._database.read() as connection:
            return [row.name for row in galleries.listing(connection)]

    def content(self, gallery: str, offset: int, limit: int) -> list[tuple[str, str]]:
        """References of persons and encounters of a gallery, or of ALL."""
        with self._database.read() as connection:
            row = None if gallery == ALL else galleries.lookup(connection, gallery)
            if row is None and gallery != ALL:
                raise NotFoundError(f"there is no gallery {gallery[:64]!r}")
            return memberships.content(connection, row.id if row else None, offset, limit)

    def extract(self, items: Sequence[Item], settings: Settings) -> list[ProbeFinger]:
        """The fingers of a probe. An item that comes twice is one finger: it would count as two
        witnesses."""
        once = {(item.position, item.sha256): item for item in items}
        return self._extract(list(once.values()), settings)

    def _extract(self, items: Sequence[Item], settings: Settings) -> list[ProbeFinger]:
        """The template of each item. InputError, which names it, where one gives none."""
        numbered = [(number, item) for number, item in enumerate(items) if item.image is not None]
        jobs = [item.job(number) for number, item in numbered]
        with stage(EXTRACT):
            outcomes = self._extractors.run(jobs, settings)
        found: dict[int, ProbeFinger] = {}
        for (number, item), outcome in zip(numbered, outcomes, strict=True):
            if isinstance(outcome, Refused):
                raise InputError(item.source, outcome.reason)
            template = template_format.decode(outcome.template, item.source)
            found[number] = item.finger(template)
        for number, item in enumerate(items):
            if number not in found:
                found[number] = item.finger(read_template(item, settings))
        return [found[number] for number in range(len(items))]

    def _extract_new(self, given: Given) -> list[NewItem]:
        check_galleries(given.galleries)
        with self._database.read() as connection:
            known = [galleries.lookup(connection, name) for name in given.galleries]
        settings = settings_for([row for row in known if row], self._settings)
        for row in known:
            if row:
                galleries.require_maker(row, str(pipeline.maker(settings)))
        fingers = self._extract(given.items, settings)
        return [
            NewItem(
                int(finger.template.position),
                item.sha256,
                item.source,
                item.ppi,
                item.details,
                item.image,
                template_format.encode(finger.template),
                str(finger.template.maker),
                finger.template.quality,
            )
            for item, finger in zip(given.items, fingers, strict=True)
        ]

    def _refuse_if_there(self, person_id: int, person: str, encounter: str) -> None:
        with self._database.read() as connection:
            if encounters.of_person(connection, person_id, encounter):
                raise encounters.conflict(person, encounter)

    def _refuse_same(self, target: str, source: str) -> None:
        if target == source:
            raise InputError("personIdSource", "is the target itself")

    def _forget(self, names: Sequence[str]) -> None:
        """What was removed leaves the disk at once: the log of the database, and the indexes."""
        self._database.forget()
        with self._database.read() as connection:
            rows = [galleries.lookup(connection, name) for name in names]
        for row in rows:
            if row:
                self._indexes.refresh(row)

    def _tell(
        self,
        writer: Connection,
        entry: Entry,
        event: str,
        people: Sequence[str],
        names: Sequence[str],
    ) -> None:
        entry.tell(writer, event, persons=[*people], galleries=sorted(names))

    @contextmanager
    def _writing(self, use: Use) -> Iterator[Connection]:
        """One transaction; writers wait for each other before they read what they change. What a
        task does is kept with its result."""
        with stage(KEEP), self._database.write() as writer:
            changes.lock(writer)
            require_pending(writer, use.task)
            yield writer
            settle(writer, use.task)

    @contextmanager
    def _on_record(self, verb: str, use: Use, subject: str) -> Iterator[Entry]:
        with on_record(self._database, verb, use, subject) as entry:
            yield entry


def check_galleries(names: Sequence[str]) -> None:
    """InputError unless an encounter may be in exactly these galleries."""
    if not names:
        raise InputError("galleries", "an encounter is in one gallery at least: name one")
    if len(set(names)) != len(names):
        raise InputError("galleries", "one is named twice")
    for name in names:
        if name == ALL:
            raise InputError("galleries", f"{ALL} stands for every gallery: use another name")
        galleries.check_name(name)
