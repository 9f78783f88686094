"""The queue: cases in the order of work, without anything that is on record."""

from __future__ import annotations

from collections.abc import Collection

from starlette.responses import Response

from engine.service.examining import FIRST, SECOND, SUPERVISION
from engine.web.pages.paging import LENGTH, Paging
from engine.web.pages.rendering import page
from engine.web.pages.visits import EXAMINERS, HOME, Visit, go

DISPUTED = "/desk/disputed"


def show_home(visit: Visit) -> Response:
    """The queue; the statistics for those who may see nothing else."""
    if not visit.session.scopes & EXAMINERS:
        return go("/desk/statistics")
    return _show(visit, "queue", HOME, (FIRST, SECOND))


def show_disputed(visit: Visit) -> Response:
    """The cases that two examiners differ on, as blind as the others."""
    return _show(visit, "disputed", DISPUTED, (SUPERVISION,))


def take_next(visit: Visit) -> Response:
    """Opens the first case that is theirs to decide."""
    return go_to_next(visit)


def go_to_next(visit: Visit, **told: str) -> Response:
    """To the first case that is theirs to decide, or back to the queue. told: what became of the
    case before, for the page to say."""
    case = visit.examining.next(visit.who, visit.use)
    if case is None:
        return go(HOME, none="1", **told)
    return go(f"/desk/cases/{case.key}", **told)


def _show(visit: Visit, here: str, path: str, stages: Collection[str]) -> Response:
    asked = Paging(visit.whole("page", 1))
    cases, count = visit.examining.waiting(
        visit.who, stages=stages, limit=LENGTH, offset=asked.offset
    )
    paging = Paging(asked.number, count)
    if paging.is_beyond:
        return go(path, page=paging.last)
    return page(
        "queue",
        session=visit.session,
        here=here,
        path=path,
        cases=cases,
        paging=paging,
        who=visit.who,
        told=visit.asked,
    )
