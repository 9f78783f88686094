"""The door: lets a caller in by its token, unless it is locked out."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from engine.web.auth import Caller, Guard, bearer, require
from engine.web.faults import Fault
from engine.web.locks import Locks, client_of
from engine.web.tokens import BadTokenError, claimed


class Door:
    """Who may come in, to which tenant. May ask the issuer and the database: call it in a
    thread."""

    def __init__(self, guard: Guard, locks: Mapping[str, Locks]) -> None:
        """locks: of each tenant; without tenants of "". The first one's also hold those whose
        token names none of them."""
        self.guard = guard
        self._locks = locks

    def check(self, request: Request, scope: str) -> Caller:
        """Who sent a request. A Fault: 401 where it shows nobody, 403 where they may not do this,
        429 where they are locked."""
        caller = self.enter(bearer(request.headers.get("authorization")), client_of(request))
        require(caller, scope)
        return caller

    def enter(self, token: str, client: str) -> Caller:
        """Who is meant by a token that came from an address; a Fault likewise."""
        said = claimed(token)
        locks, subject = self.locks_of(self.guard.tenant_of(said)), said.get("sub")
        locks.check(client, subject)
        try:
            caller = self.guard.caller(token)
        except BadTokenError:
            locks.fail(client, subject)
            raise
        locks.succeed(client, subject)
        if caller.tenant not in self._locks:
            raise Fault(403, "the token is of no tenant that is served here")
        return caller

    def locks_of(self, tenant: str) -> Locks:
        """The locks that a claimed tenant's callers are under."""
        first = next(iter(self._locks.values()))
        return self._locks.get(tenant, first)
