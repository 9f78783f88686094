"""Visits: who asks for a page, what they may do, and what they sent."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from engine.report.counts import Statistics
from engine.service.examining import Examiner, Examining
from engine.service.results import Use
from engine.web.faults import Fault
from engine.web.sessions import EXAMINE, SIGN_IN, STATISTICS, SUPERVISE, Session, Sessions

SAFE = ("GET", "HEAD")
HOME = "/desk"
EXAMINERS = frozenset({EXAMINE, SUPERVISE})
SUPERVISORS = frozenset({SUPERVISE})
COUNTERS = frozenset({STATISTICS})
ANYBODY = EXAMINERS | COUNTERS


class Counting(Protocol):
    """What counts: an open installation."""

    def statistics(
        self,
        *,
        by: tuple[str, ...],
        policy: str | Path,
        start: datetime | None,
        end: datetime | None,
        use: Use,
    ) -> Statistics: ...


Desks = Callable[[Session], tuple[Examining, Counting]]


@dataclass(frozen=True, slots=True)
class Office:
    """What all pages share. desks: for a session, what it examines with and what counts for it.
    purpose: of every use, for the journal. policy: severity rules that statistics go by. counters:
    by tenant, what whoever counts holds: all that is kept is read for it."""

    desks: Desks
    sessions: Sessions
    purpose: str
    policy: str | Path
    counters: Mapping[str, threading.Lock] = field(
        default_factory=lambda: defaultdict(threading.Lock)
    )


@dataclass(frozen=True, slots=True)
class Visit:
    """One request by somebody who is signed in and may make it. form: what it sent, with its token
    checked; empty where it asks for something to read."""

    office: Office
    request: Request
    session: Session
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def who(self) -> Examiner:
        return Examiner(self.session.subject, SUPERVISE in self.session.scopes)

    @property
    def examining(self) -> Examining:
        return self.office.desks(self.session)[0]

    @property
    def counting(self) -> Counting:
        return self.office.desks(self.session)[1]

    @property
    def use(self) -> Use:
        """For the journal and the audit log."""
        client = self.request.client
        return Use(
            purpose=self.office.purpose,
            operator=self.session.subject,
            source="desk",
            origin=client.host if client else "",
        )

    @property
    def key(self) -> str:
        """Of the case that the path names."""
        return str(self.request.path_params["key"])

    def asked(self, name: str) -> str:
        """A parameter of the query, "" without it."""
        return self.request.query_params.get(name, "")

    def whole(self, name: str, default: int) -> int:
        """A parameter that is a whole number from 1 on; the default for anything else."""
        text = self.asked(name)
        return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 8 else default


def require(session: Session, scopes: frozenset[str]) -> None:
    """A Fault 403 unless somebody has one of the scopes."""
    if not session.scopes & scopes:
        needed = " or ".join(sorted(scopes))
        raise Fault(403, f"{session.subject} may not use this page: it needs {needed}")


def go(path: str, **query: Any) -> Response:
    """Sends the browser to another page."""
    asked = urlencode({name: value for name, value in query.items() if value})
    return RedirectResponse(f"{path}?{asked}" if asked else path, 303)


def send_to_sign_in(request: Request) -> Response:
    """Sends a browser where nobody is signed in to the sign-in, and back here afterwards."""
    there = request.url.path if request.method in SAFE else HOME
    if request.url.query and request.method in SAFE:
        there = f"{there}?{request.url.query}"
    if "hx-request" in request.headers:  # a part of a page that lies open: leave it as a whole
        return Response(status_code=204, headers={"HX-Redirect": f"{SIGN_IN}?next={HOME}"})
    return go(SIGN_IN, next=there)
