"""The statistics page: the counts of `tenprint stats`, for a period and by what was asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from markupsafe import Markup
from starlette.responses import Response

from engine.report.counts import KEYS
from engine.report.statistics import draw_parts
from engine.web.faults import Fault, busy
from engine.web.pages.rendering import page
from engine.web.pages.visits import Visit

EVERYTHING = ("level",)  # counted by, unless asked for
AGAIN = 5.0  # seconds, for who comes while others' statistics are counted


def show(visit: Visit) -> Response:
    """The counts of all that is kept, or of a period."""
    by = tuple(key for key in KEYS if key in visit.request.query_params.getlist("by"))
    first, last = _day(visit, "from"), _day(visit, "to")
    if first and last and last < first:
        raise Fault(400, "the period ends before it starts: change its days")
    counter = visit.office.counters[visit.session.tenant]
    if not counter.acquire(blocking=False):
        raise busy("the statistics are being counted for somebody else", AGAIN)
    try:
        counted = visit.counting.statistics(
            by=by or EVERYTHING,
            policy=visit.office.policy,
            start=_midnight(first),
            end=_midnight(last and last + timedelta(days=1)),
            use=visit.use,
        )
    finally:
        counter.release()
    return page(
        "statistics",
        session=visit.session,
        here="statistics",
        keys=KEYS,
        by=counted.by,
        first=first,
        last=last,
        made=counted.made,
        body=Markup(draw_parts(counted)),
    )


def _day(visit: Visit, name: str) -> date | None:
    text = visit.asked(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Fault(400, f"{text[:32]!r} is no day such as 2026-03-01") from None


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
