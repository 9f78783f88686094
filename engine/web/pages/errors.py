"""Errors as pages: what is wrong, in words, and the way on."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from engine.web.faults import Fault
from engine.web.pages.rendering import page
from engine.web.pages.visits import EXAMINERS
from engine.web.sessions import Session

TITLES = {
    400: "This cannot be done",
    403: "This is not open to you",
    404: "There is nothing here",
    409: "This case is not yours to work on now",
    429: "Too much at once",
    500: "Something went wrong",
    503: "The service is not ready",
}


def show(
    fault: Fault, session: Session | None = None, form: Mapping[str, str] | None = None
) -> Response:
    """A fault as a page. form: what was sent: notes that were not kept are shown again."""
    response = page(
        "error",
        fault.status,
        session=session,
        here="",
        title=TITLES.get(fault.status) or HTTPStatus(fault.status).phrase,
        message=_sentence(fault.message),
        code=fault.status,
        examines=bool(session and session.scopes & EXAMINERS),
        notes=(form or {}).get("notes", ""),
    )
    for name, value in fault.headers.items():
        if name.lower() != "www-authenticate":  # a browser would ask for a password
            response.headers[name] = value
    return response


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:].rstrip('.')}."
