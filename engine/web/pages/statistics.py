"""The statistics page: the counts of `tenprint stats`, for a period and by what was asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from markupsafe import Markup
from starlette.responses import Response

from engine.report.counts import KEYS
from engine.report.statistics import draw_parts
from engine.web.faults import Fault
from engine.web.pages.rendering import page
from engine.web.pages.visits import Visit

EVERYTHING = ("level",)  # counted by, unless asked for


def show(visit: Visit) -> Response:
    """The counts of all that is kept, or of a period."""
    by = tuple(key for key in KEYS if key in visit.request.query_params.getlist("by"))
    first, last = _day(visit, "from"), _day(visit, "to")
    if first and last and last < first:
        raise Fault(400, "the period ends before it starts: change its days")
    counted = visit.counting.statistics(
        by=by or EVERYTHING,
        policy=visit.office.policy,
        start=_midnight(first),
        end=_midnight(last and last + timedelta(days=1)),
        use=visit.use,
    )
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
