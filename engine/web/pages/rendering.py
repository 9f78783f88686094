"""Rendering: templates to answers, in the words and times that people read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jinja2
from starlette.responses import HTMLResponse

from engine.types import FingerPosition
from engine.web.pages.static import HTMX, has_htmx

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    ),
    # Not "no-referrer": with that browsers send forms with the origin "null".
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
STAGES = {
    "first": "first examiner",
    "second": "second examiner",
    "supervision": "supervisor",
    "closed": "closed",
}
MINUTE, HOUR, DAY = 60, 3600, 86_400


def page(template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page. context: what its template names; session and here for the layout."""
    text = environment().get_template(f"{template}.html.j2").render(**context)
    return HTMLResponse(text, status, HEADERS)


@cache
def environment() -> jinja2.Environment:
    """The templates, with what they have in common."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("engine.web.pages", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "stage": STAGES.__getitem__,
        "finger": name_finger,
        "moment": lambda at: f"{_utc(at):%Y-%m-%d %H:%M} UTC",
        "iso": lambda at: _utc(at).isoformat(timespec="seconds"),
        "waited": lambda at: waited((datetime.now(UTC) - _utc(at)).total_seconds()),
        "count": lambda number: f"{number:,}",
        "score": lambda value: f"{value:.2f}",
        "signed": lambda value: f"{value:+.1f}".replace("-", "−"),
    }
    made.filters.update(filters)
    made.globals["htmx"] = f"/desk/static/{HTMX}" if has_htmx() else ""
    return made


def waited(seconds: float) -> str:
    """How long that is, in one unit."""
    for size, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number:,} {unit}{'s' * (number > 1)}"
    return "just now"


def name_finger(position: FingerPosition) -> str:
    """The finger, as a caption."""
    if position == FingerPosition.UNKNOWN:
        return "Finger unknown"
    return FingerPosition(position).name.replace("_", " ").capitalize()


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
