"""Sessions: who is signed in at the pages, by a cookie whose session lies in the database."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from engine.service.access import Access
from engine.web.auth import Caller
from engine.web.entrance import SAFE, Entrance
from engine.web.faults import Fault
from engine.web.locks import client_of

EXAMINE, SUPERVISE = "tenprint.examine", "tenprint.supervise"
STATISTICS = "tenprint.statistics"
PAGE_SCOPES = (EXAMINE, SUPERVISE, STATISTICS)
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"  # SIGN_IN?next=/local/path; SIGN_OUT: POST, field csrf
COOKIE = "tenprint"
LONGEST = 300  # characters of a cookie


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. subject: as the issuer names them. csrf: what each form must bring, in the
    field `csrf` or the header X-CSRF-Token. tenant: whose data they see; "" without tenants."""

    subject: str
    scopes: frozenset[str]
    csrf: str
    tenant: str = ""


class Sessions:
    """Finds, makes and ends sessions. Asks the database: call it in a thread, not in the loop."""

    def __init__(self, access: Mapping[str, Access], entrance: Entrance) -> None:
        """access: of each tenant: its sessions lie in its own database."""
        self._access = access
        self._entrance = entrance
        self._cookie = entrance.cookie(COOKIE)

    def of(self, request: Request) -> Session | None:
        """Who is signed in at the browser that asks; None for nobody, or no longer. A Fault 403
        for a request that changes something and comes from another site."""
        tenant, secret = self._read(request)
        if not secret:
            return None
        self._entrance.require_own(request)
        found = self._access[tenant].session(secret, use=not _is_refresh(request))
        if found is None:
            return None
        return Session(found.subject, frozenset(found.scopes.split()), found.csrf, tenant)

    def check_form(self, session: Session, token: str) -> None:
        """A Fault 403 unless the form's token is that of the session."""
        if not hmac.compare_digest(session.csrf.encode(), token.encode(errors="replace")):
            raise Fault(403, "the form is not of this session: open the page again")

    def begin(self, caller: Caller, request: Request) -> str:
        """Signs a caller in, in the place of whoever was signed in there, and gives the value of
        the cookie. A Fault 403 where the caller may use no page."""
        scopes = caller.scopes & set(PAGE_SCOPES)
        if not scopes:
            raise Fault(
                403, f"{caller.subject} may use no page here: that needs {' or '.join(PAGE_SCOPES)}"
            )
        self.end(request)
        access = self._access[caller.tenant]
        secret = access.sign_in(caller.subject, scopes, client_of(request))
        return f"{caller.tenant}:{secret}"

    def end(self, request: Request) -> None:
        """Ends the session of the browser that asks, if it has one."""
        tenant, secret = self._read(request)
        if secret:
            self._access[tenant].sign_out(secret, client_of(request))

    def give(self, response: Response, value: str) -> None:
        """Has the browser keep the cookie, until it is closed or signed out. Lax: the page that
        follows a sign-in at the issuer is asked for by the issuer's site."""
        response.set_cookie(
            self._cookie, value, path="/", secure=self._entrance.secure, httponly=True,
            samesite="lax",
        )  # fmt: skip

    def take(self, response: Response) -> None:
        """Has the browser forget the cookie."""
        response.delete_cookie(
            self._cookie, path="/", secure=self._entrance.secure, httponly=True, samesite="lax"
        )

    def _read(self, request: Request) -> tuple[str, str]:
        """(tenant, secret) of the cookie; no secret where it is none of ours."""
        value = request.cookies.get(self._cookie, "")
        tenant, _, secret = value.rpartition(":")
        return (tenant, secret) if tenant in self._access and len(value) <= LONGEST else ("", "")


def _is_refresh(request: Request) -> bool:
    """Whether a page asks by itself, with or without somebody before it: that is no use of the
    session, or one that lies open would never end."""
    return request.method in SAFE and "hx-request" in request.headers
