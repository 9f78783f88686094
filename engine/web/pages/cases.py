"""A case: both prints side by side, the decision on it, and its confirmation."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from engine.service.examining import CLOSED
from engine.web.faults import Fault
from engine.web.pages.prints import side_by_side
from engine.web.pages.queue import go_to_next
from engine.web.pages.rendering import HEADERS, page
from engine.web.pages.visits import HOME, Visit, go

CONCLUSIONS = {
    "identification": "Both prints are of the same finger.",
    "exclusion": "The prints are of different fingers.",
    "inconclusive": "The prints do not allow a conclusion.",
}
LONGEST_NOTES = 4000  # characters
QUEUE = "queue"  # where to, after a decision, in the place of the next case


def take(visit: Visit) -> Response:
    """Opens a case, which is then held for who asks: a form, since a page that is only looked at
    changes nothing, whoever makes a browser ask for it."""
    case = visit.examining.open(visit.key, visit.who, visit.use).case
    return go(f"/desk/cases/{case.key}")


def show(visit: Visit) -> Response:
    """A case that who asks has open."""
    return _show(visit, "form")


def picture(visit: Visit) -> Response:
    """One side of one finger, original or enhanced."""
    asked = visit.request.path_params
    data = visit.examining.picture(
        visit.key, visit.who, asked["number"], asked["side"], asked["view"], visit.use
    )
    return Response(data, headers=HEADERS, media_type="image/png")


def confirm(visit: Visit) -> Response:
    """Shows a decision for a last look, before it is kept."""
    _read(visit)
    return _show(visit, "confirm")


def edit(visit: Visit) -> Response:
    """Back from the last look, with what was filled in."""
    return _show(visit, "form")


def decide(visit: Visit) -> Response:
    """Keeps a decision, and goes on to the next case or to the queue."""
    conclusion, notes = _read(visit)
    stage = visit.examining.decide(visit.key, visit.who, conclusion, notes, visit.use)
    told = {"recorded": "1", "closed": visit.key if stage == CLOSED else ""}
    if visit.form.get("then") == QUEUE:
        return go(HOME, **told)
    return go_to_next(visit, **told)


def release(visit: Visit) -> Response:
    """Gives a case back without a decision."""
    visit.examining.release(visit.key, visit.who)
    return go(HOME, released="1")


def _show(visit: Visit, panel: str) -> Response:
    """The case with its decision as a form or for a last look; of a page that lies open and asks
    for a part, that part alone."""
    decision: dict[str, Any] = {
        "session": visit.session,
        "key": visit.key,
        "panel": panel,
        "conclusions": CONCLUSIONS,
        "longest": LONGEST_NOTES,
        "conclusion": visit.form.get("conclusion", ""),
        "notes": visit.form.get("notes", ""),
        "swapped": "hx-request" in visit.request.headers,
    }
    if decision["swapped"] and visit.form:
        return page("decision", **decision)
    opened = visit.examining.show(visit.key, visit.who)
    if opened is None and visit.form:  # whose notes would be lost on a page without a form
        raise Fault(409, "you do not have this case open any more: open it again")
    if opened is None:
        return page("unopened", session=visit.session, here="", key=visit.key)
    return page(
        "case",
        here="",
        case=opened.case,
        told=visit.asked,
        **side_by_side(opened.case.key, opened.compared, visit.whole("finger", 1)),
        **decision,
    )


def _read(visit: Visit) -> tuple[str, str]:
    """Conclusion and notes, as they were sent."""
    conclusion, notes = visit.form.get("conclusion", ""), visit.form.get("notes", "").strip()
    if conclusion not in CONCLUSIONS:
        raise Fault(400, f"choose one of {', '.join(CONCLUSIONS)}, then go on")
    if len(notes) > LONGEST_NOTES:
        raise Fault(400, f"notes have {LONGEST_NOTES:,} characters at most: shorten them")
    return conclusion, notes
