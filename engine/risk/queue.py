"""The order in which hits are worked on: most severe first, every place with its reason.

Order: tier (Level 1, then what someone has to read, then the other levels), lane (a conviction
before a charge), severity on the policy's scale, category, attempts after what was completed, then
the longest wait, then the case's id. One place in so many goes to a case that is overdue, so that
nothing starves however much comes in. A comparison score is no input: severity orders work that
already exists, and nothing here changes a candidate.
"""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from operator import add
from typing import Final, NamedTuple

from engine.errors import PolicyError
from engine.risk.counting import BITS, make_key, read_key
from engine.risk.levels import assess, read_records
from engine.risk.policy import Policy
from engine.risk.scales import Stability, compare_orders
from engine.risk.standing import Standing, book_of, stand_many
from engine.risk.suggesting import Suggestion, suggest, suggest_many
from engine.types import Assessment, OffenseRecord

DAY: Final = timedelta(days=1).total_seconds()
SURE_ENOUGH: Final = 0.5  # of a suggestion, to order those that need review among themselves


@dataclass(frozen=True, slots=True)
class Case:
    """Work that waits: `received` when it came in (UTC where it names no zone), and what is on
    record about the candidate."""

    case_id: str
    received: datetime
    records: tuple[OffenseRecord, ...]


class Place(NamedTuple):
    """A case at its place in the queue, 1 the first.

    by_severity: the place it would have if nothing was ever overdue. late: when it becomes overdue,
    in seconds since 1970; due: the same as a time. overdue: whether it was when the queue was made.
    tied: how many cases are exactly as severe, itself included.
    """

    place: int
    case: Case
    policy: Policy
    standing: Standing
    by_severity: int
    late: float
    overdue: bool
    tied: int

    @property
    def due(self) -> datetime:
        return datetime.fromtimestamp(self.late, UTC)

    @property
    def tier(self) -> str:
        return self.policy.tiers[self.standing.tier]

    @property
    def lane(self) -> str:
        """ "conviction" or "charge", of a level; what needs review may be neither."""
        return self.standing.lane if self.standing.level else ""

    @property
    def assessment(self) -> Assessment:
        """The level in full, with its reasons; made when it is asked for."""
        return assess(self.case.records, self.policy)

    @property
    def suggestion(self) -> Suggestion | None:
        """What the text model takes an offense for that nobody could code; it gives no level."""
        if not self.standing.uncoded:
            return None
        return suggest(_read_uncoded(self.case.records, self.policy))

    @property
    def reason(self) -> str:
        """Why the case stands here, in the order in which places are decided."""
        standing = self.standing
        category = self.policy.offenses.categories.get(standing.category)
        kind = category.title if category else "offense not coded" if standing.lane else ""
        lane = f"by {self.lane}" if self.lane else ""
        others = self.tied - 1
        tied = f"as severe as {others} other{'s' * (others > 1)}" if others else ""
        since = _utc(self.case.received).astimezone(UTC)
        waiting = f"waiting since {since:%Y-%m-%d %H:%M} UTC"
        parts = [self.tier, lane, kind, tied, waiting]
        if self.overdue:
            parts.append(f"overdue since {self.due:%Y-%m-%d}")
        if self.place < self.by_severity:
            one_in = self.policy.aging.one_in
            parts.append(
                f"one place in {one_in} goes to overdue cases: by severity it would be at"
                f" {self.by_severity}"
            )
        return "; ".join(part for part in parts if part)


def rank(
    cases: Sequence[Case], policy: Policy, at: datetime | None = None, served: int = 0
) -> list[Place]:
    """All cases in the order of work: total, and the same whatever order they come in.

    at: the moment of the ranking, which tells what is overdue; without it nothing is. served: how
    many cases of this queue were done before: the places of overdue cases count on from there, so
    that ranking anew after each does not push them back. Raises PolicyError where two cases share
    an id.
    """
    _check(cases)
    with collector_paused():
        return _rank(cases, policy, at, served)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Leaves the garbage collector out of work that makes very many objects and no cycles: it would
    go over all of them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _rank(cases: Sequence[Case], policy: Policy, at: datetime | None, served: int) -> list[Place]:
    by = _sort(cases, policy)
    ties = Counter(by.severities)
    due = [policy.aging.due_days[standing.tier] * DAY for standing in by.standings]
    late = list(map(add, by.seconds, due))
    now = _utc(at).timestamp() if at else -inf
    order = _interleave(by.order, late, now, policy.aging.one_in, served)
    placed = dict(zip(by.order, range(1, len(cases) + 1), strict=True))
    return [
        Place(place, cases[n], policy, by.standings[n], placed[n], late[n], late[n] < now,
              ties[by.severities[n]])
        for place, n in enumerate(order, start=1)
    ]  # fmt: skip


def measure_stability(cases: Sequence[Case], policy: Policy) -> dict[str, list[Stability]]:
    """For each other scale, tier by tier, how far the order of severity would be the same."""
    own = _sort(cases, policy)
    tiers = [policy.tiers[standing.tier] for standing in own.standings]
    others = [policy.by(name) for name in policy.scales if name != policy.scale.id]
    found = {}
    for other in others:
        by = _sort(cases, other)
        found[other.scale.id] = compare_orders(tiers, own.severities, own.order, by.severities,
                                               by.order)  # fmt: skip
    return found


class Sorted(NamedTuple):
    """Cases by severity alone. order: their numbers, the most severe first; the rest by number.
    severities: the smallest first, equal where two are exactly as severe. seconds: since 1970."""

    order: list[int]
    standings: list[Standing]
    severities: list[int]
    seconds: list[float]


def _sort(cases: Sequence[Case], policy: Policy) -> Sorted:
    standings = stand_many([case.records for case in cases], policy)
    severities = _order_severities(cases, standings, policy)
    seconds = [_utc(case.received).timestamp() for case in cases]
    order = sorted(range(len(cases)), key=lambda n: (severities[n], seconds[n], cases[n].case_id))
    return Sorted(order, standings, severities, seconds)


def _check(cases: Sequence[Case]) -> None:
    counts = Counter(case.case_id for case in cases)
    if len(counts) < len(cases):
        twice = counts.most_common(1)[0][0]
        raise PolicyError(f"case {twice!r} is in the queue twice; give every case its own id")


def _order_severities(
    cases: Sequence[Case], standings: Sequence[Standing], policy: Policy
) -> list[int]:
    """A number for each case that orders by severity; equal where two are exactly as severe."""
    shift = sum(BITS.values()) - BITS["rule"]
    found = [standing.tier << shift | standing.key >> BITS["rule"] for standing in standings]
    uncoded = [n for n, standing in enumerate(standings) if standing.uncoded]
    charges = [_read_uncoded(cases[n].records, policy) for n in uncoded]
    different = sorted(set(charges))
    likely = dict(zip(different, suggest_many(different), strict=True))
    for n, charge in zip(uncoded, charges, strict=True):
        suggestion = likely[charge]
        if suggestion and suggestion.probability >= SURE_ENOUGH:
            # Level and lane stay: the suggestion only orders what someone has to read anyway.
            said = read_key(standings[n].key)
            value, category = book_of(policy).severity(suggestion.category)
            key = make_key(**said | {"value": value, "category": category})
            found[n] = standings[n].tier << shift | key >> BITS["rule"]
    return found


def _read_uncoded(records: Sequence[OffenseRecord], policy: Policy) -> str:
    """The words of the charge that decides, of those that nobody could code."""
    book = book_of(policy)
    weighed = [book.weighed[number] for number in book.number(records)]
    open_ = [
        record
        for record, one in zip(records, weighed, strict=True)
        if one.category is None and not one.drop
    ]
    return open_[0].charge if len(open_) == 1 else read_records(open_, policy)[0].record.charge


def _interleave(
    by_severity: Sequence[int], late: Sequence[float], now: float, one_in: int, served: int
) -> list[int]:
    """The cases in the order of work. by_severity: their numbers, the most severe first. late: of
    each by number, when it becomes overdue (s since 1970)."""
    overdue = deque(sorted((n for n in by_severity if late[n] < now), key=late.__getitem__))
    if not overdue:
        return list(by_severity)
    order: list[int] = []
    placed = bytearray(len(by_severity))
    rest = iter(by_severity)
    for turn in range(served + 1, served + len(by_severity) + 1):
        number = -1
        if turn % one_in == 0:
            while overdue and placed[overdue[0]]:
                overdue.popleft()
            number = overdue.popleft() if overdue else -1
        if number < 0:
            number = next(rest)
            while placed[number]:
                number = next(rest)
        order.append(number)
        placed[number] = 1
    return order


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
