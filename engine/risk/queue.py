"""The order in which hits are worked on: most severe first, every place with its reason.

Order: level (with "needs review" right after Level 1), then lane (a conviction before a charge),
then the order of the categories, then the longest wait, then the case's id. A comparison score is
no input: severity orders work that already exists, and nothing here changes a candidate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Final

from engine.errors import PolicyError
from engine.risk.coding import offenses
from engine.risk.counting import LANES
from engine.types import Assessment

TIERS: Final = ("Level 1", "needs review", "Level 2", "Level 3", "no counting record")
REMEMBERED_SEVERITIES = 4096  # combinations of state, level, lane and category; under 700 exist


@dataclass(frozen=True, slots=True)
class Case:
    """Work that waits: `received` when it came in (UTC where it names no zone)."""

    case_id: str
    received: datetime
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class Place:
    """A case at its place in the queue, 1 the first; tier: one of TIERS."""

    place: int
    case: Case
    tier: str

    @property
    def reason(self) -> str:
        """Why the case stands here, in the order in which places are decided."""
        found = self.case.assessment
        category = offenses().categories.get(found.category)
        kind = category.title if category else "offense not coded" if found.lane else ""
        lane = f"by {found.lane}" if found.lane else ""
        since = _utc(self.case.received).astimezone(UTC)
        waiting = f"waiting since {since:%Y-%m-%d %H:%M} UTC"
        return "; ".join(part for part in (self.tier, lane, kind, waiting) if part)


def rank(cases: Sequence[Case]) -> list[Place]:
    """All cases in the order of work: total, and the same whatever order they come in.

    Raises PolicyError where two cases share an id, or were assessed under different rules.
    """
    _check(cases)
    keyed = sorted(((_key(case), case) for case in cases), key=itemgetter(0))
    return [
        Place(place, case, TIERS[key[0][0]]) for place, (key, case) in enumerate(keyed, start=1)
    ]


def _check(cases: Sequence[Case]) -> None:
    counts = Counter(case.case_id for case in cases)
    if len(counts) < len(cases):
        twice = counts.most_common(1)[0][0]
        raise PolicyError(f"case {twice!r} is in the queue twice; give every case its own id")
    rules = {(case.assessment.policy, case.assessment.table) for case in cases}
    if len(rules) > 1:
        found = ", ".join(f"{policy} {table}" for policy, table in sorted(rules))
        raise PolicyError(f"cases were assessed under different rules ({found}); assess them anew")


def _key(case: Case) -> tuple[tuple[int, int, int], float, str]:
    found = case.assessment
    severity = _severity(found.state, found.level, found.lane, found.category)
    return severity, _utc(case.received).timestamp(), case.case_id


@lru_cache(maxsize=REMEMBERED_SEVERITIES)
def _severity(state: str, level: int | None, lane: str, category_id: str) -> tuple[int, int, int]:
    """Tier, lane and category of an assessment as numbers, the smallest first in the queue."""
    if state == "needs-review":
        tier = TIERS.index("needs review")
    else:
        tier = len(TIERS) - 1 if level is None else TIERS.index(f"Level {level}")
    table = offenses()
    category = table.categories.get(category_id)
    order = category.order if category else table.uncoded_order
    return tier, LANES.index(lane) if lane in LANES else len(LANES), order


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
