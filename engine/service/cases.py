"""Cases: what examiners and pages are given of one, before and after it is closed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.service.comparing import Compared
from engine.service.results import Decision, Explanation
from engine.store import decisions
from engine.store.decisions import EXAMINER, SUPERVISOR
from engine.store.hits import CLOSED, SUPERVISION, WaitingHit

OWN, OTHERS = "own", "others"  # with whom a case is open: others are not named, see DeskCase
MARK_LENGTH = 8  # hex digits


@dataclass(frozen=True, slots=True)
class Examiner:
    """Who works on cases. name: what decisions are signed with."""

    name: str
    supervisor: bool = False


@dataclass(frozen=True, slots=True)
class DeskCase:
    """A case as it is shown before it is closed. key: what to ask for it by. place: in the order
    of work, 1 the first, 0 for a case that is out of it. stage: one of STAGES. held: by whom: OWN
    for the examiner who asks, OTHERS, or "" for nobody. may_decide: whether the examiner who asks
    may.

    Who has it open decides it next: named, the second examiner would know who the first was."""

    key: str
    place: int
    stage: str
    received: datetime
    jurisdiction: str
    probe: str
    held: str
    may_decide: bool


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case with its prints, finger by finger."""

    case: DeskCase
    compared: tuple[Compared, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed case, shown whole. conclusion: of the decision that closed it. compared: its prints,
    none where those of a side are not kept any more."""

    case: DeskCase
    person: str
    gallery: str
    score: float
    llr: float
    rank: int
    conclusion: str
    decisions: tuple[Decision, ...]
    explanation: Explanation
    compared: tuple[Compared, ...]


def key_of(hit: WaitingHit) -> str:
    """What a case is asked for by. It stays the same, and does not show how the search ranked the
    candidate, as a number would."""
    ranked = f"{hit.search_id}/{hit.rank}".encode()
    return f"{hit.search_id}-{hashlib.sha256(ranked).hexdigest()[:MARK_LENGTH]}"


def refusal(made: Sequence[Decision], who: Examiner) -> str:
    """Why `who` may not decide a case with these decisions, "" where they may."""
    return decisions.refusal(made, who.name, role_of(made, who))


def role_of(made: Sequence[Decision], who: Examiner) -> str:
    """As whom somebody decides a case with these decisions."""
    disputed = decisions.stage_of(made) == SUPERVISION
    return SUPERVISOR if disputed and who.supervisor else EXAMINER


def desk_case(
    hit: WaitingHit, made: Sequence[Decision], who: Examiner, *, place: int = 0, held_by: str = ""
) -> DeskCase:
    """A hit with these decisions, as it is shown to somebody. held_by: who has it open."""
    stage = decisions.stage_of(made) if made else hit.stage
    may = stage != CLOSED and not refusal(made, who)
    return DeskCase(
        key_of(hit),
        place,
        stage,
        hit.received,
        hit.jurisdiction,
        hit.probe,
        OWN if held_by == who.name else OTHERS if held_by else "",
        may,
    )
