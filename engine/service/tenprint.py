"""Tenprint opened on a home folder: each method is one use, and each use is on record."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from sqlalchemy import Connection

from engine import pipeline
from engine.errors import GalleryError, SettingsError
from engine.formats import template as template_format
from engine.formats.images import read_image
from engine.formats.manifest import PrintRow
from engine.index.team import Team
from engine.report.page import write_report
from engine.risk.policy import load_policy
from engine.service import removal, rotation
from engine.service.access import Access
from engine.service.answering import Answering
from engine.service.auditing import EVERYTHING, Audit, Filter
from engine.service.calibrating import measure, scoring, sites_of
from engine.service.drift import Drift, DriftSettings
from engine.service.drift import measure as measure_drift
from engine.service.encounters import Encounters
from engine.service.enrolment import Enrolment
from engine.service.examining import Examining
from engine.service.exporting import digest_of, keep_export
from engine.service.extracting import Extractors
from engine.service.home import open_home
from engine.service.indexes import Indexes
from engine.service.journal import on_record
from engine.service.past_removals import prove_past
from engine.service.proving import prove_removal
from engine.service.queueing import keep_rules, make_queue, read_case, rules_for
from engine.service.reporting import make_report
from engine.service.results import (
    NOBODY,
    Attached,
    CalibrationReport,
    Decision,
    EnrolReport,
    Extraction,
    GalleryInfo,
    IdentifyReport,
    KeyStatus,
    PastProof,
    Probe,
    Progress,
    Proof,
    QueueReport,
    Removed,
    RotationReport,
    StoredPrint,
    Use,
    Verification,
    Version,
)
from engine.service.retaining import Retention
from engine.service.searching import (
    DEFAULT_FPIR,
    extract_probes,
    hits_of,
    keep,
    order_hits,
    settings_for,
)
from engine.service.searching import search as search_one
from engine.service.statistics import Statistics, gather
from engine.service.tasks import TaskList
from engine.settings import Settings
from engine.store import changes, decisions, galleries, prints, records, sites
from engine.store.audit import stamp as audit_stamp
from engine.store.database import Database
from engine.store.galleries import GalleryRow
from engine.store.schema import now
from engine.store.sealing import Vault
from engine.trace import Recorder
from engine.types import FingerImage, OffenseRecord

DEFAULT_GALLERY = "default"
DEFAULT_POLICY = "sc-2010-conviction"
PRINTS_PER_WORKER = 4  # fewer are extracted sooner than a process is started


def _no_progress(done: int, total: int) -> None:
    """Shows nothing."""


class Tenprint:
    """One installation: a database, and the indexes derived from it. Close it, or use `with`."""

    def __init__(
        self,
        home: Path | None = None,
        settings: Settings | None = None,
        *,
        database: str | None = None,
        keys: Path | None = None,
        searchers: int = 0,
    ) -> None:
        """home: a folder, made if need be. database: the URL of one that is not in it. keys: the
        file of the keys that templates and images are sealed with. Each unless given as the
        environment says (see service.home). searchers: processes that compare prints, which share
        the galleries' memory; 0: threads of this one. StoreError where one of them is no good."""
        self.home = open_home(home, database, keys)
        self.settings = settings or Settings()
        self._database = Database(self.home.database, Vault(self.home.keys))
        self._team = Team(searchers) if searchers else None
        make = self._team.empty if self._team else np.empty
        self._indexes = Indexes(self.home.index, self._database, make)
        self.access = Access(self._database)
        self.audit = Audit(self._database)
        self.retention = Retention(self.home, self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Saves what the indexes have read, and lets the database go."""
        try:
            self._indexes.close()
        finally:
            if self._team:
                self._team.close()
            self._database.close()

    def catch_up(self) -> dict[str, int]:
        """Reads what other processes changed into the indexes in use, and gives up those of
        galleries that are gone: for a server to call now and then, so that what was removed leaves
        its memory and disk though nobody searches. A search does so by itself. Gives the number
        that each gallery has been read up to."""
        return self._indexes.catch_up()

    def enrol(
        self,
        rows: Sequence[PrintRow],
        *,
        gallery: str = DEFAULT_GALLERY,
        extractor: str | None = None,
        use: Use = NOBODY,
        keep_images: bool = True,
        workers: int | None = None,
        on_progress: Progress = _no_progress,
    ) -> EnrolReport:
        """Enrols prints into a gallery, which the first one makes. What it has already is skipped,
        so that an interrupted enrolment is finished by running it again.

        extractor: the gallery's own unless given. workers: processes, one for each core unless
        given. MakerMismatchError where the gallery is of another maker.
        """
        with on_record(self._database, "enrol", use, gallery, galleries=[gallery]) as entry:
            galleries.check_name(gallery)
            with self._database.read() as connection:
                row = galleries.lookup(connection, gallery)
            chosen = extractor or (row and row.extractor) or self.settings.extractor
            settings = replace(self.settings, extractor=chosen)
            if row:
                galleries.require_maker(row, str(pipeline.maker(settings)))
            enrolment = Enrolment(
                self._database,
                gallery,
                entry,
                settings,
                keep_images=keep_images,
                on_progress=on_progress,
            )
            try:
                enrolment.run(rows, _workers(workers, len(rows)))
            finally:
                report = enrolment.report()
                entry.outcome = (
                    f"{report.enrolled} enrolled, {report.already} already enrolled, "
                    f"{len(report.rejected)} rejected"
                )
                entry.counted = {
                    "enrolled": report.enrolled,
                    "already": report.already,
                    "rejected": len(report.rejected),
                }
            return report

    def attach_records(
        self,
        offenses: Sequence[tuple[str, OffenseRecord]],
        *,
        gallery: str = DEFAULT_GALLERY,
        use: Use = NOBODY,
    ) -> Attached:
        """Attaches (person, record) pairs to persons of a gallery; a record sent again replaces
        what it said before. GalleryError where there is no such gallery."""
        if not offenses:
            return Attached(0, 0, 0, ())
        with (
            on_record(self._database, "records", use, gallery, galleries=[gallery]) as entry,
            self._database.write() as writer,
        ):
            attached = records.attach(
                writer, galleries.find(writer, gallery), offenses, entry.submission
            )
            entry.outcome = (
                f"{attached.added} added, {attached.updated} updated, {attached.unchanged} "
                f"unchanged, {len(attached.unknown_persons)} unknown persons"
            )
            entry.tell_of_many(
                writer,
                "attached",
                sorted({person for person, _ in offenses} - {*attached.unknown_persons}),
                galleries=[gallery],
                added=attached.added,
                updated=attached.updated,
                unchanged=attached.unchanged,
                closed=attached.refused,
            )
            return attached

    def identify(
        self,
        probes: Sequence[Probe],
        *,
        gallery_names: Sequence[str] = (),
        fpir: float | None = None,
        max_candidates: int = 20,
        search: str | None = None,
        policy: str | Path = DEFAULT_POLICY,
        use: Use = NOBODY,
        workers: int | None = None,
        on_progress: Progress = _no_progress,
    ) -> IdentifyReport:
        """Searches each probe in the named galleries (all of them, where none is named), keeps
        the searches, and orders the hits by severity under the policy.

        fpir: share of non-mated searches that may return a candidate over the threshold; unless
        given, the lowest that was chosen for one of the galleries, else 1e-3. search: the operating
        point, the settings' own unless given. GalleryError where a gallery is unknown or all are
        empty, MakerMismatchError where they cannot be searched together, PolicyError where the
        policy is not valid, SettingsError for what is out of its range.
        """
        subject = ", ".join(gallery_names)
        with on_record(
            self._database, "identify", use, subject, galleries=[*gallery_names]
        ) as entry:
            if max_candidates < 1 or not 0.0 < (DEFAULT_FPIR if fpir is None else fpir) < 1.0:
                raise SettingsError("fpir must lie between 0 and 1, max_candidates be at least 1")
            asked = replace(self.settings, search=search or self.settings.search)
            _ = asked.point  # an unknown one is told before any work
            chosen = load_policy(policy)
            rows = self._searchable(gallery_names)
            settings = settings_for(rows, asked)
            rate = fpir or min((row.fpir for row in rows if row.fpir), default=DEFAULT_FPIR)
            count = sum(len(probe.prints) for probe in probes)
            extracted = extract_probes(probes, settings, _workers(workers, count), on_progress)
            searched = []
            with self._indexes.reading(rows, settings) as indexes:
                with self._database.read() as connection:
                    sites = {row.name: sites_of(connection, row) for row in rows}
                for probe, (fingers, rejected) in zip(probes, extracted, strict=True):
                    found = search_one(
                        probe.name,
                        fingers,
                        rejected,
                        indexes,
                        sites,
                        settings,
                        rate,
                        max_candidates,
                    )
                    searched.append(keep(self._database, found, entry, max_candidates))
            hits = hits_of(searched)
            with self._database.read() as connection:
                facts = records.of_persons(connection, sorted({hit.person for _, hit in hits}))
            with self._database.write() as writer:
                keep_rules(writer, chosen, entry.submission)
            queue = order_hits(searched, facts, chosen, use.jurisdiction)
            points = {found.search.point for found in searched if found.search}
            manner = f" ({', '.join(sorted(points))})" if points else ""
            entry.outcome = (
                f"{len(searched)} searches{manner}, {len(hits)} candidates over the threshold"
            )
            entry.counted = {"searches": len(searched), "hits": len(hits)}
            return IdentifyReport(entry.submission, chosen, tuple(searched), queue, facts)

    def queue(
        self,
        *,
        policy: str | Path = DEFAULT_POLICY,
        scale: str | None = None,
        gallery: str | None = None,
        at: datetime | None = None,
        compare_scales: bool = True,
        use: Use = NOBODY,
        on_progress: Progress = _no_progress,
    ) -> QueueReport:
        """Every hit that nobody has decided yet, in the order of work under the policy.

        scale: orders the cases inside a level, the policy's own unless given. gallery: only hits in
        it. at: the queue as it was then, by the records, decisions and rules of that moment.
        compare_scales: whether to say how far the order would be the same under other scales.
        PolicyError where the policy is not valid or has no such scale, SettingsError where `at` has
        not come yet.
        """
        if at is not None:
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            if at > now():
                raise SettingsError(f"{at:%Y-%m-%d %H:%M} UTC has not come yet: ask for the past")
        asked = {"galleries": [gallery] if gallery else [], "as_of": at and audit_stamp(at)}
        with on_record(self._database, "queue", use, gallery or "", **asked) as entry:
            with self._database.read() as connection:
                if gallery is not None:
                    galleries.find(connection, gallery)
                chosen, notes = rules_for(connection, policy, scale, at)
            if at is None:
                with self._database.write() as writer:
                    keep_rules(writer, chosen, entry.submission)
            report = make_queue(
                self._database,
                chosen,
                gallery=gallery,
                at=at,
                notes=notes,
                compare_scales=compare_scales,
                on_progress=on_progress,
            )
            entry.outcome = f"{len(report.queue)} cases wait, {report.decided} were decided"
            entry.counted = {"waiting": len(report.queue), "decided": report.decided}
            return report

    def decide(
        self,
        case: str,
        conclusion: str,
        *,
        examiner: str,
        notes: str = "",
        supervisor: bool = False,
        use: Use = NOBODY,
    ) -> Decision:
        """Records an examiner's conclusion on a case: "identification", "exclusion" or
        "inconclusive"; supervisor: of one who decides where two examiners differ. GalleryError
        where there is no such case, StoreError where the conclusion is none, ConflictError where
        the case is not theirs to decide."""
        with (
            on_record(self._database, "decide", use, case) as entry,
            self._database.write() as writer,
        ):
            search_id, person = read_case(case)
            decisions.put(
                writer,
                search_id,
                person,
                examiner=examiner,
                conclusion=conclusion,
                notes=notes,
                role=decisions.SUPERVISOR if supervisor else decisions.EXAMINER,
                submission=entry.submission,
            )
            made = decisions.of_case(writer, search_id, person)
            entry.outcome = f"{conclusion} by {examiner}"
            entry.tell(
                writer,
                "decided",
                search=search_id,
                persons=[person],
                examiner=examiner,
                role=made[-1].role,
                conclusion=conclusion,
                stage=decisions.stage_of(made),
            )
            return made[-1]

    def correct(
        self,
        person: str,
        record_id: str,
        change: str,
        *,
        fields: Mapping[str, Any] | None = None,
        reason: str = "",
        gallery: str | None = None,
        use: Use = NOBODY,
    ) -> Version:
        """Amends, seals, expunges or restores an offense record: from now on the queue goes by the
        new version; the old one stays in the record's history.

        change: "amended" (with `fields`), "sealed", "expunged" or "restored". GalleryError where
        there is no such person or record, StoreError where the change cannot be made.
        """
        with (
            on_record(self._database, "correct", use, person, persons=[person]) as entry,
            self._database.write() as writer,
        ):
            version = records.correct(
                writer,
                gallery,
                person,
                record_id,
                change=change,
                reason=reason,
                submission=entry.submission,
                fields=fields,
            )
            entry.outcome = f"record {record_id} {change}"
            entry.tell(
                writer,
                "corrected",
                persons=[person],
                galleries=[gallery] if gallery else [],
                record=record_id,
                change=change,
            )
            return version

    def history(
        self, person: str, *, gallery: str | None = None, use: Use = NOBODY
    ) -> list[Version]:
        """All that was ever recorded about a person's offenses, oldest first. GalleryError where
        there is no such person or gallery."""
        with (
            on_record(self._database, "history", use, person, persons=[person]) as entry,
            self._database.read() as connection,
        ):
            versions = records.history(connection, person, gallery)
            entry.outcome = f"{len(versions)} versions shown"
            entry.counted = {"versions": len(versions)}
            return versions

    def statistics(
        self,
        *,
        by: Sequence[str],
        policy: str | Path = DEFAULT_POLICY,
        start: datetime | None = None,
        end: datetime | None = None,
        use: Use = NOBODY,
    ) -> Statistics:
        """What came in from `start` on and before `end`, and what became of it, counted by any of
        "level", "jurisdiction" and "month". PolicyError where the policy is not valid."""
        with on_record(self._database, "stats", use) as entry:
            found = gather(self._database, load_policy(policy), by=by, start=start, end=end)
            entry.outcome = "counted"
            return found

    def calibrate(
        self,
        gallery: str,
        *,
        fpir: float = DEFAULT_FPIR,
        searches: int = 2000,
        use: Use = NOBODY,
        on_progress: Progress = _no_progress,
    ) -> CalibrationReport:
        """Measures what scores mean in a gallery by searching it for its own persons, `searches`
        of them at most, and keeps that with it; fpir is what its searches keep from now on.

        GalleryError where the gallery is unknown or has too few persons.
        """
        began = time.perf_counter()
        with on_record(self._database, "calibrate", use, gallery, galleries=[gallery]) as entry:
            if not 0.0 < fpir < 1.0:
                raise SettingsError(f"fpir must lie between 0 and 1, not be {fpir}")
            with self._database.read() as connection:
                row = galleries.find(connection, gallery)
            settings = settings_for([row], self.settings)
            with self._indexes.reading([row], settings) as (index,):
                measured, refused = measure(
                    self._database, row, index, searches, settings, on_progress
                )
            found = [each.site for each in measured]
            with self._database.write() as writer:
                changes.lock(writer)  # before the gallery's rows, as a removal takes them
                sites.put(writer, row, found, scoring(row), fpir=fpir, submission=entry.submission)
                entry.tell(writer, "calibrated", galleries=[gallery], fpir=fpir, sites=len(found))
            entry.outcome = f"FPIR {fpir:g}; " + "; ".join(map(str, found))
            seconds = time.perf_counter() - began
            return CalibrationReport(
                gallery, entry.submission, fpir, tuple(measured), tuple(refused), seconds
            )

    def verify(
        self,
        first: PrintRow,
        second: PrintRow,
        *,
        fmr: float = 1e-3,
        extractor: str | None = None,
        use: Use = NOBODY,
    ) -> Verification:
        """Compares two prints. fmr: share of non-mated comparisons that may pass the threshold.
        ImageError or FailureToExtractError where one of them will not do."""
        settings = replace(self.settings, extractor=extractor or self.settings.extractor)
        with on_record(self._database, "verify", use) as entry:
            templates = (
                pipeline.extract(_read(first, settings), settings),
                pipeline.extract(_read(second, settings), settings),
            )
            verdict = pipeline.verify(*templates, settings, fmr=fmr)
            over = "over" if verdict.over_threshold else "under"
            entry.outcome = f"{over} the threshold for FMR {fmr:g}"
            entry.counted = {
                "probes": [digest_of(first), digest_of(second)],
                "over_threshold": verdict.over_threshold,
                "fmr": fmr,
            }
            return Verification(verdict, templates)

    def extract(
        self, row: PrintRow, *, extractor: str | None = None, use: Use = NOBODY
    ) -> Extraction:
        """Extracts one print without keeping anything, and shows every step."""
        settings = replace(self.settings, extractor=extractor or self.settings.extractor)
        with on_record(self._database, "extract", use) as entry:
            image, recorder = _read(row, settings), Recorder()
            template = pipeline.extract(image, settings, recorder)
            entry.outcome = f"{len(template.minutiae)} minutiae shown"
            entry.counted = {"probes": [digest_of(row)]}
            return Extraction(image, template, template_format.encode(template), recorder.shown)

    def galleries(self) -> list[GalleryInfo]:
        """Every gallery, by name."""
        with self._database.read() as connection:
            return [self._info(connection, row) for row in galleries.listing(connection)]

    def info(self, gallery: str) -> GalleryInfo:
        """One gallery; GalleryError where there is none of that name."""
        with self._database.read() as connection:
            return self._info(connection, galleries.find(connection, gallery))

    def rebuild(
        self, gallery: str, on_progress: Progress = _no_progress, *, use: Use = NOBODY
    ) -> GalleryInfo:
        """Makes a gallery's derived index anew from the database."""
        with on_record(self._database, "rebuild", use, gallery, galleries=[gallery]) as entry:
            with self._database.read() as connection:
                row = galleries.find(connection, gallery)
            self._indexes.rebuild(row, on_progress)
            entry.outcome = "index made again"
            return self.info(gallery)

    def remove_person(
        self, person: str, *, gallery: str | None = None, use: Use = NOBODY
    ) -> Removed:
        """Removes a person from one gallery, or from all: templates, images and records, in the
        database and in the indexes. GalleryError where the person is in none, HoldError where a
        legal hold stops it."""
        with on_record(self._database, "remove", use, person, persons=[person]) as entry:
            removed, _ = removal.remove_person(
                self._database, self._indexes, person, gallery, entry
            )
            entry.outcome = f"{removed.templates} templates of one person removed"
            return removed

    def remove_with_proof(
        self,
        person: str,
        *,
        gallery: str | None = None,
        use: Use = NOBODY,
        on_progress: Progress = _no_progress,
    ) -> Proof:
        """Removes a person likewise, and then looks everywhere for what was removed: in tables,
        indexes and the bytes of every file of the home folder. on_progress: bytes of files."""
        with on_record(self._database, "remove", use, person, persons=[person]) as entry:
            proof = prove_removal(
                self.home, self._database, self._indexes, person, gallery, entry, on_progress
            )
            entry.outcome = f"{proof.removed.templates} templates of one person removed, " + (
                "with proof" if proof.clean else "but the proof found remains"
            )
            return proof

    def prove_removals(self, wanted: Filter = EVERYTHING, *, use: Use = NOBODY) -> PastProof:
        """Looks for all that the removals of a person, or of a time, deleted, whoever made them:
        in tables and saved indexes, by the ids that the audit log has."""
        told: dict[str, Any] = {"persons": [wanted.person]} if wanted.person else {}
        with on_record(self._database, "prove", use, wanted.person, **told) as entry:
            proof = prove_past(self._database, self._indexes, wanted, entry)
            entry.outcome = f"{len(proof.document['removals'])} removals looked for, " + (
                "nothing is left" if proof.clean else "something is left"
            )
            return proof

    def remove_gallery(
        self, gallery: str, *, use: Use = NOBODY, on_progress: Progress = _no_progress
    ) -> Removed:
        """Removes a gallery with everything that is in no other. Interrupted, run it again.
        HoldError where a legal hold on one of its persons stops it."""
        with on_record(self._database, "remove", use, gallery, galleries=[gallery]) as entry:
            removed = removal.remove_gallery(
                self._database, self._indexes, gallery, entry, on_progress
            )
            entry.outcome = f"{removed.templates} templates of a whole gallery removed"
            return removed

    def key_status(self) -> KeyStatus:
        """Which keys there are, and how much is sealed with which."""
        return rotation.status(self._database, self._indexes)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys there are, the one that seals first."""
        return tuple(key.id for key in self._database.vault.keys)

    def rotate_keys(
        self, *, use: Use = NOBODY, on_progress: Progress = _no_progress
    ) -> RotationReport:
        """Seals everything with the first key, what is plain and what older keys sealed. Others
        may go on working meanwhile. Interrupted, run it again. KeysError without keys."""
        with on_record(self._database, "rotate keys", use) as entry:
            report = rotation.rotate(self._database, self._indexes, on_progress)
            damaged = len(report.damaged)
            entry.outcome = f"{report.sealed} sealed with key {report.key}, {damaged} damaged"
            return report

    def write_report(self, result: IdentifyReport, path: Path, use: Use = NOBODY) -> None:
        """Writes an identification as one page: prints, pairs, queue. TenprintError where the file
        cannot be written."""
        with on_record(self._database, "report", use) as entry:
            write_report(path, make_report(result, self.prints_of, now(), self.settings))
            with self._database.write() as writer:
                whose = sorted({item.hit.person for item in result.queue})
                keep_export(writer, entry, "report", path, of=result.submission, persons=whose)
            entry.outcome = "page written"

    def prints_of(self, gallery: str, person: str) -> list[StoredPrint]:
        """The enrolled prints of a person, with their images as far as they are kept."""
        with self._database.read() as connection:
            return prints.of_person(connection, galleries.find(connection, gallery), person)

    def encounters(self, extractors: Extractors) -> Encounters:
        """What a service does with persons' encounters, as its clients send them."""
        return Encounters(self._database, self._indexes, self.settings, extractors)

    def answering(self, policy: str | Path = DEFAULT_POLICY) -> Answering:
        """Searches for many clients at once. PolicyError where the policy is not valid."""
        return Answering(self._database, self._indexes, self.settings, load_policy(policy))

    def examining(self, policy: str | Path = DEFAULT_POLICY) -> Examining:
        """Cases for examiners to work on. PolicyError where the policy is not valid."""
        return Examining(self._database, self.settings, load_policy(policy))

    def drift(self, settings: DriftSettings = DriftSettings()) -> list[Drift]:  # noqa: B008 (frozen)
        """Of every gallery searched lately, whether its searches keep the FPIR that was promised,
        by what examiners decided."""
        return measure_drift(self._database, settings)

    def task_list(self) -> TaskList:
        """The requests that wait to be done or delivered."""
        return TaskList(self._database)

    def _searchable(self, names: Sequence[str]) -> list[GalleryRow]:
        """The galleries to search; GalleryError where there is nothing in them."""
        with self._database.read() as connection:
            rows = (
                [galleries.find(connection, name) for name in dict.fromkeys(names)]
                if names
                else galleries.listing(connection)
            )
            if not any(prints.has_any(connection, row) for row in rows):
                raise GalleryError("nothing is enrolled there yet: enrol prints first")
            return rows

    def _info(self, connection: Connection, row: GalleryRow) -> GalleryInfo:
        return GalleryInfo(
            row.name,
            row.maker,
            row.created_at,
            row.fpir,
            sites_of(connection, row),
            galleries.contents(connection, row),
            changes.last_of(connection, row.id),
            self._indexes.path(row),
            self._indexes.bytes(row),
        )


def _read(row: PrintRow, settings: Settings) -> FingerImage:
    return read_image(row.path, ppi=row.ppi, position=row.position, limits=settings.images)


def _workers(asked: int | None, prints_to_do: int) -> int:
    """The processes to extract with; 1 is this one."""
    if asked:
        return asked
    where_known = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if where_known else os.cpu_count() or 1
    return max(1, min(cores, prints_to_do // PRINTS_PER_WORKER))
