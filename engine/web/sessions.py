"""Sessions: who is signed in at the pages, by a cookie whose session lies in the database."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from engine.web.faults import Fault

EXAMINE, SUPERVISE = "tenprint.examine", "tenprint.supervise"
STATISTICS = "tenprint.statistics"
PAGE_SCOPES = (EXAMINE, SUPERVISE, STATISTICS)
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"  # SIGN_IN?next=/local/path; SIGN_OUT: POST, field csrf


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. subject: as the issuer names them. csrf: what each form must bring, in the
    field `csrf` or the header X-CSRF-Token. tenant: whose data they see; "" without tenants."""

    subject: str
    scopes: frozenset[str]
    csrf: str
    tenant: str = ""


class Sessions:
    """Finds and checks sessions. Asks the database: call it in a thread, not in the loop."""

    def of(self, request: Request) -> Session | None:
        """Who is signed in at the browser that asks; None for nobody, or no longer. A Fault 403
        for a request that changes something and comes from another site."""
        raise NotImplementedError

    def check_form(self, session: Session, token: str) -> None:
        """A Fault 403 unless the form's token is that of the session."""
        raise Fault(403, "the form is not of this session: open the page again")
