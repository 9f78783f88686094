"""Examining: cases as examiners work on them, blind until each is closed.

A case shows its prints and nothing else: no record, no level, no score, no name, nothing of what
another examiner concluded. Two examiners decide it, a supervisor where they differ; then it is
closed, and shown whole (ACE-V; sequential unmasking, Krane et al., J. Forensic Sci. 53, 2008).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from engine.errors import ConflictError, NotFoundError
from engine.risk.policy import Policy
from engine.risk.queue import Case, rank
from engine.service import comparing
from engine.service.cases import (
    OTHERS,
    OWN,
    Closed,
    DeskCase,
    Examiner,
    OpenCase,
    desk_case,
    key_of,
    refusal,
    role_of,
)
from engine.service.comparing import PROBE, SIDES, Compared
from engine.service.journal import Entry, on_record
from engine.service.queueing import explain_case, keep_rules, make_queue, name_case
from engine.service.results import NOBODY, Decision, Queued, Use
from engine.service.searching import settings_for
from engine.service.work_order import WorkOrder
from engine.settings import Settings
from engine.store import case_holds, changes, decisions, galleries, hits, prints, probe_prints
from engine.store import records as offense_records
from engine.store.database import Database
from engine.store.decisions import EXAMINER, SUPERVISOR
from engine.store.hits import CLOSED, FIRST, SECOND, STAGES, SUPERVISION, WaitingHit
from engine.store.prints import StoredPrint
from engine.store.probe_prints import HeldProbe
from engine.store.schema import now

__all__ = [
    "CLOSED", "EXAMINER", "FIRST", "OTHERS", "OWN", "SECOND", "STAGES", "SUPERVISION", "SUPERVISOR",
    "Closed", "DeskCase", "Examiner", "Examining", "OpenCase",
]  # fmt: skip

HOLD = timedelta(minutes=30)  # for which an opened case is nobody else's
LOOKED_UP = 100  # cases whose decisions are read at once
LONGEST = 19  # digits of an id
TAKEN = "another examiner has this case open: take the next one"


class Examining:
    """What examiners do, for any number of threads."""

    def __init__(self, database: Database, settings: Settings, policy: Policy) -> None:
        self._database = database
        self._settings = settings
        self._policy = policy
        self._order = WorkOrder(self._rank)

    def waiting(
        self, who: Examiner, *, stages: Collection[str] = STAGES, limit: int = 50, offset: int = 0
    ) -> tuple[list[DeskCase], int]:
        """Cases in the order of work, and how many wait in all, at these stages."""
        cases = [item for item in self._order.cases() if item.hit.stage in stages]
        with self._database.read() as connection:
            return self._shown(connection, cases[offset : offset + limit], who), len(cases)

    def next(self, who: Examiner, use: Use = NOBODY) -> DeskCase | None:
        """The first case in the order of work that `who` may decide and nobody else has open; held
        for `who` from now on. None where there is none."""
        cases = self._order.cases()
        for start in range(0, len(cases), LOOKED_UP):
            with self._database.read() as connection:
                shown = self._shown(connection, cases[start : start + LOOKED_UP], who)
            for case in shown:
                if case.may_decide and case.held != OTHERS:
                    try:
                        self.open(case.key, who, use)
                    except (ConflictError, NotFoundError):  # somebody was quicker; no prints left
                        continue
                    return case
        return None

    def open(self, key: str, who: Examiner, use: Use = NOBODY) -> OpenCase:
        """A case with its prints; held for `who` for half an hour.

        NotFoundError where there is no such case or its prints are gone, ConflictError where it is
        not theirs to decide or somebody else has it open.
        """
        with on_record(self._database, "examine", use, key) as entry:
            hit, made = self._find(key)
            _require_may_decide(made, who)
            compared = self._compared(hit)
            with self._database.write() as writer:
                if case_holds.take(writer, (hit.search_id, hit.person), who.name, HOLD):
                    raise ConflictError(TAKEN)
                _tell(writer, entry, "opened", hit, who, stage=hit.stage)
            entry.outcome = f"{hit.stage}: opened by {who.name}"
            return OpenCase(desk_case(hit, made, who, held_by=who.name), compared)

    def show(self, key: str, who: Examiner) -> OpenCase | None:
        """A case that `who` has open, with its prints; None where nobody has it and they might.

        NotFoundError and ConflictError as for `open`.
        """
        hit, made = self._find(key)
        _require_may_decide(made, who)
        holder = self._holder(hit)
        if not holder:
            return None
        if holder != who.name:
            raise ConflictError(TAKEN)
        return OpenCase(desk_case(hit, made, who, held_by=who.name), self._compared(hit))

    def release(self, key: str, who: Examiner) -> None:
        """Gives a case back that `who` has open."""
        hit, _ = self._find(key)
        with self._database.write() as writer:
            case_holds.release(writer, (hit.search_id, hit.person), who.name)

    def picture(
        self, key: str, who: Examiner, number: int, side: str, view: str, use: Use = NOBODY
    ) -> bytes:
        """The picture of one side of one finger, as a PNG at 500 ppi. side: "probe" or
        "candidate". view: "original", or "enhanced" for its ridges redrawn.

        NotFoundError where there is none; ConflictError where `who` has the case not open, and it
        is not closed. Of a closed case each is on record: nobody had to open it first.
        """
        hit, made = self._find(key)
        if hit.stage != CLOSED:
            if self._holder(hit) != who.name:
                raise ConflictError("open the case first: its prints are shown to who holds it")
            return self._draw(hit, number, side, view)
        with on_record(self._database, "reveal", use, key) as entry:
            self._require_part(key, made, who)
            with self._database.write() as writer:
                _tell(writer, entry, "revealed", hit, who)
            entry.outcome = f"a picture shown to {who.name}"
            return self._draw(hit, number, side, view)

    def _draw(self, hit: WaitingHit, number: int, side: str, view: str) -> bytes:
        with self._database.read() as connection:
            probes, enrolled = self._prints(connection, hit)
        settings = self._settings_of(hit)
        if side not in SIDES:
            raise NotFoundError(f"there is no side {side!r}: ask for {' or '.join(SIDES)}")
        if side == PROBE:
            for finger in probes:
                if finger.number == number:
                    return comparing.draw(finger.image, finger.ppi, view, settings)
            raise NotFoundError(f"the probe has no finger {number}")
        for each in comparing.compare(probes, enrolled, settings):
            if each.number == number:
                stored = next(x for x in enrolled if x.template_id == each.template_id)
                return comparing.draw(stored.image, stored.ppi, view, settings)
        raise NotFoundError(f"the probe has no finger {number}")

    def decide(
        self, key: str, who: Examiner, conclusion: str, notes: str = "", use: Use = NOBODY
    ) -> str:
        """Keeps a conclusion, and gives the stage that the case is at then.

        NotFoundError for an unknown case, ConflictError where it is not theirs to decide or they
        have it not open: what nobody looked at cannot be decided. StoreError where the conclusion
        is none.
        """
        hit, _ = self._find(key)
        case = (hit.search_id, hit.person)
        with (
            on_record(self._database, "decide", use, key) as entry,
            self._database.write() as writer,
        ):
            changes.lock(writer)
            made = decisions.of_case(writer, *case)
            _require_may_decide(made, who)
            role = role_of(made, who)
            if not case_holds.release(writer, case, who.name):
                raise ConflictError("you do not have this case open any more: open it again")
            decisions.put(
                writer,
                *case,
                examiner=who.name,
                conclusion=conclusion,
                notes=notes,
                role=role,
                submission=entry.submission,
            )
            stage = decisions.stage_of(decisions.of_case(writer, *case))
            _tell(writer, entry, "decided", hit, who, role=role, conclusion=conclusion, stage=stage)
            entry.outcome = f"{conclusion} by {who.name}"
        self._order.note(name_case(*case), stage)
        return stage

    def closed(
        self, who: Examiner, *, limit: int = 50, offset: int = 0
    ) -> tuple[list[DeskCase], int]:
        """Closed cases, the newest first, and how many there are: those that `who` decided too, or
        all for a supervisor."""
        own = None if who.supervisor else who.name
        with self._database.read() as connection:
            ended, count = decisions.closing(connection, own, limit, offset)
            found = [hits.find(connection, each.search_id, each.person) for each in ended]
        return [desk_case(hit, (), who) for hit in found], count

    def reveal(self, key: str, who: Examiner, use: Use = NOBODY) -> Closed:
        """A closed case with all that was held back: who it was, score, decisions, record, level.

        NotFoundError where there is no such case, or it is closed and `who` had no part in it;
        ConflictError where it is not closed.
        """
        with on_record(self._database, "reveal", use, key) as entry:
            hit, made = self._find(key)
            if hit.stage != CLOSED:
                raise ConflictError("this case is not closed: compare before you see the record")
            self._require_part(key, made, who)
            name = name_case(hit.search_id, hit.person)
            with self._database.write() as writer:
                known = offense_records.of_persons(writer, [hit.person])[hit.person]
                keep_rules(writer, self._policy, entry.submission)
                _tell(writer, entry, "revealed", hit, who)
            place = rank([Case(name, hit.received, known)], self._policy, now())[0]
            try:
                compared = self._compared(hit)
            except NotFoundError:
                compared = ()
            entry.outcome = f"shown to {who.name}"
            return Closed(
                desk_case(hit, made, who),
                hit.person,
                hit.gallery,
                hit.score,
                hit.llr,
                hit.rank,
                next(each.conclusion for each in made if each.closes),
                tuple(made),
                explain_case(Queued(place, hit)),
                compared,
            )

    def _require_part(self, key: str, made: Sequence[Decision], who: Examiner) -> None:
        if not who.supervisor and who.name not in {each.examiner for each in made}:
            raise NotFoundError(f"you decided no case {key}")

    def _rank(self) -> Sequence[Queued]:
        return make_queue(self._database, self._policy, compare_scales=False).queue

    def _find(self, key: str) -> tuple[WaitingHit, list[Decision]]:
        search = key.partition("-")[0]
        known = search.isascii() and search.isdecimal() and len(search) < LONGEST
        with self._database.read() as connection:
            for hit in hits.of_search(connection, int(search)) if known else ():
                if key_of(hit) == key:
                    return hit, decisions.of_case(connection, hit.search_id, hit.person)
        raise NotFoundError(f"there is no case {key[:64]!r}")

    def _holder(self, hit: WaitingHit) -> str:
        """Who has its case open, "" for nobody."""
        with self._database.read() as connection:
            held = case_holds.holders(connection, [hit.search_id])
        return held.get((hit.search_id, hit.person), "")

    def _shown(
        self, connection: Connection, cases: Sequence[Queued], who: Examiner
    ) -> list[DeskCase]:
        """Cases of the order as they stand now, which may be a few seconds younger than it."""
        ids = {item.hit.search_id for item in cases}
        made = decisions.of_searches(connection, ids)
        held = case_holds.holders(connection, ids)
        return [
            desk_case(
                item.hit,
                made.get((item.hit.search_id, item.hit.person), ()),
                who,
                place=item.place.place,
                held_by=held.get((item.hit.search_id, item.hit.person), ""),
            )
            for item in cases
        ]

    def _prints(
        self, connection: Connection, hit: WaitingHit
    ) -> tuple[list[HeldProbe], list[StoredPrint]]:
        row = galleries.lookup(connection, hit.gallery)
        enrolled = prints.of_person(connection, row, hit.person) if row else []
        return probe_prints.of_search(connection, hit.search_id), enrolled

    def _compared(self, hit: WaitingHit) -> tuple[Compared, ...]:
        """Its prints. NotFoundError where those of a side are not kept any more."""
        with self._database.read() as connection:
            probes, enrolled = self._prints(connection, hit)
        return comparing.compare(probes, enrolled, self._settings_of(hit))

    def _settings_of(self, hit: WaitingHit) -> Settings:
        with self._database.read() as connection:
            row = galleries.lookup(connection, hit.gallery)
        return settings_for([row] if row else [], self._settings)


def _require_may_decide(made: Sequence[Decision], who: Examiner) -> None:
    """ConflictError where a case with these decisions is not theirs to decide."""
    refused = refusal(made, who)
    if refused:
        raise ConflictError(f"this case {refused}")


def _tell(
    writer: Connection, entry: Entry, event: str, hit: WaitingHit, who: Examiner, **more: str
) -> None:
    """Writes what `who` did with a case in the audit log."""
    entry.tell(writer, event, search=hit.search_id, persons=[hit.person], examiner=who.name, **more)
