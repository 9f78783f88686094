"""The queue: the hits of many searches in the order of work, now or as it was on a past day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from engine.errors import GalleryError, PolicyError
from engine.risk.counting import LANES
from engine.risk.levels import read_records
from engine.risk.policy import MODEL, Policy, list_policies, load_policy, read_policy
from engine.risk.queue import Case, collector_paused, measure_stability, rank
from engine.risk.suggesting import model_version
from engine.service.results import Explanation, Progress, Queued, QueueReport, RecordLine
from engine.store import hits, records, rule_sets
from engine.store.database import Database
from engine.store.schema import now
from engine.types import OffenseRecord

READ_AT_ONCE = 5000  # persons whose records are read before the bar moves


def make_queue(
    database: Database,
    policy: Policy,
    *,
    gallery: str | None = None,
    at: datetime | None = None,
    notes: Sequence[str] = (),
    compare_scales: bool = True,
    on_progress: Progress = lambda done, total: None,
) -> QueueReport:
    """Everything that waits, in the order of work; `at`: as it was then, by the records, the
    decisions and the cases of that moment. compare_scales: whether to measure how far the order
    would be the same under the others."""
    with database.read() as connection, collector_paused():
        waiting = hits.waiting(connection, at, gallery)
        served = hits.decided(connection, at, gallery)
        people = list(dict.fromkeys(hit.person for hit in waiting))
        facts: dict[str, tuple[OffenseRecord, ...]] = {}
        for start in range(0, len(people), READ_AT_ONCE):
            some = people[start : start + READ_AT_ONCE]
            facts |= records.of_persons(connection, some, at)
            on_progress(start + len(some), len(people))
    moment = at or now()
    by_id = {name_case(hit.search_id, hit.person): hit for hit in waiting}
    cases = [Case(name, hit.received, facts[hit.person]) for name, hit in by_id.items()]
    places = rank(cases, policy, moment, served)
    return QueueReport(
        policy,
        moment,
        at is not None,
        tuple(Queued(place, by_id[place.case.case_id]) for place in places),
        served,
        measure_stability(cases, policy) if compare_scales else {},
        tuple(notes),
    )


def rules_for(
    connection: Connection, policy: str | Path, scale: str | None, at: datetime | None
) -> tuple[Policy, list[str]]:
    """The policy as it is, or as it was in use at that time, and what to say about that.

    PolicyError where it is neither in the package, nor a file, nor in use at that time.
    """
    notes: list[str] = []
    if at is None:
        chosen = load_policy(policy)
    else:
        chosen, notes = _past_rules(connection, policy, at)
        notes.append("what was sealed or expunged since is shown as it was recorded then")
        start, end = chosen.effective_from, chosen.effective_to
        if at.date() < start or (end and at.date() > end):
            notes.append(f"policy {chosen.name} was in force from {start} to {end or 'today'}")
    return (chosen.by(scale) if scale else chosen), notes


def _past_rules(
    connection: Connection, policy: str | Path, at: datetime
) -> tuple[Policy, list[str]]:
    shipped = str(policy) in list_policies()
    now_used = load_policy(policy) if shipped or Path(policy).suffix == ".toml" else None
    name = now_used.name if now_used else str(policy)
    files = rule_sets.in_force(connection, name, at)
    if files is not None:
        policy_then = read_policy(files, f"{name} as used on {at:%Y-%m-%d}")
        return policy_then, _tell_model(files)
    if now_used is None:
        raise PolicyError(f"no policy {name!r} was in use on {at:%Y-%m-%d}; name one, or its file")
    return now_used, [f"policy {name} was not in use yet: ordered by its rules of today"]


def _tell_model(files: Mapping[str, bytes]) -> list[str]:
    """What to know where another text model ordered what needs review."""
    then, here = files.get(MODEL, b"").decode(), model_version()
    if then == here:
        return []
    return [
        f"suggestions were by the text model {then or 'of before'}, here it is {here}: the order "
        "inside needs review may differ"
    ]


def keep_rules(connection: Connection, policy: Policy, submission: int) -> None:
    """Notes in the database which rules are used, so that the order can be made again."""
    rule_sets.keep(connection, policy.name, policy.table, policy.files, submission)


def name_case(search_id: int, person: str) -> str:
    """How a case is called: the search and the person that it compares."""
    return f"{search_id}/{person}"


def read_case(name: str) -> tuple[int, str]:
    """(search id, person) of a case's name. GalleryError where it is none."""
    search, slash, person = name.partition("/")
    if not (search.isascii() and search.isdecimal() and slash and person):
        raise GalleryError(f"{name!r} names no case: write SEARCH/PERSON, as tenprint queue does")
    return int(search), person


def find_case(report: QueueReport, name: str) -> Queued:
    """One case of the queue, by its name or its place. GalleryError where it does not wait."""
    for item in report.queue:
        if name in (item.place.case.case_id, str(item.place.place)):
            return item
    raise GalleryError(f"no case {name!r} waits in the queue: it was decided, or never a hit")


def explain_case(item: Queued) -> Explanation:
    """Why a case stands where it does, with every record that counts and how it was read."""
    place = item.place
    return Explanation(
        item,
        place.assessment,
        tuple(
            RecordLine(each.record, each.coding, LANES[each.weighed.lane], each.degree_why)
            for each in read_records(place.case.records, place.policy)
        ),
        place.suggestion,
    )
