"""Authorisation: who calls, by a signed token, and what the token lets them do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.web.faults import Fault
from engine.web.keys import Keys
from engine.web.tokens import Tokens, refusal

TENANT_CLAIM = "tenant"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. subject: as the issuer names it. tenant: whose data it may see; "" where the
    token names none, or there are none."""

    subject: str
    scopes: frozenset[str]
    tenant: str = ""


class Guard:
    """Knows callers by their tokens, which `Tokens` checks."""

    def __init__(self, issuer: str, audience: str, keys: Keys, tenant_claim: str = "") -> None:
        """tenant_claim: of the token, that names the tenant; "" without tenants."""
        self.issuer = issuer
        self.keys = keys
        self.tenant_claim = tenant_claim
        self._tokens = Tokens(issuer, audience, keys)

    def check(self, header: str | None, scope: str) -> Caller:
        """The caller that an Authorization header names. A Fault: 401 where it names none, 403
        where the token does not allow `scope`."""
        caller = self.caller(bearer(header))
        require(caller, scope)
        return caller

    def caller(self, token: str) -> Caller:
        """The caller that a token names; a Fault 401 where it will not do."""
        claims = self._tokens.claims(token)
        return Caller(claims["sub"], _scopes(claims), self.tenant_of(claims))

    def tenant_of(self, claims: Mapping[str, Any]) -> str:
        """The tenant that claims name; "" for none."""
        found = claims.get(self.tenant_claim, "") if self.tenant_claim else ""
        return found if isinstance(found, str) else ""


def bearer(header: str | None) -> str:
    """The token of an Authorization header; a Fault 401 where there is none."""
    kind, _, token = (header or "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise refusal("send a token: Authorization: Bearer ...", "")
    return token.strip()


def require(caller: Caller, scope: str) -> None:
    """A Fault 403 where the caller's token does not allow `scope`."""
    if scope not in caller.scopes:
        raise Fault(
            403,
            f"the token does not allow this: it needs the scope {scope}",
            {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """What a token allows, as RFC 8693 writes it (scope), or as others do (scp, a list)."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            found.update(value.split())
        elif isinstance(value, list):
            found.update(each for each in value if isinstance(each, str))
    return frozenset(found)
