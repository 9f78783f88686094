"""Closed cases: only here is shown what was on record, how it scored, and who decided what."""

from __future__ import annotations

from starlette.responses import Response

from engine.web.pages.paging import LENGTH, Paging
from engine.web.pages.prints import side_by_side
from engine.web.pages.rendering import page
from engine.web.pages.visits import Visit, go

PATH = "/desk/closed"


def show_list(visit: Visit) -> Response:
    """The closed cases that somebody decided too, newest first; all of them for a supervisor."""
    asked = Paging(visit.whole("page", 1))
    cases, count = visit.examining.closed(visit.who, limit=LENGTH, offset=asked.offset)
    paging = Paging(asked.number, count)
    if paging.is_beyond:
        return go(PATH, page=paging.last)
    return page(
        "closed",
        session=visit.session,
        here="closed",
        path=PATH,
        cases=cases,
        paging=paging,
        who=visit.who,
    )


def show_case(visit: Visit) -> Response:
    """A closed case, shown whole."""
    closed = visit.examining.reveal(visit.key, visit.who, visit.use)
    prints = side_by_side(closed.case.key, closed.compared, visit.whole("finger", 1))
    return page("revealed", session=visit.session, here="closed", closed=closed, **prints)
