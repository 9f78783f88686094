"""OpenID Connect: people sign in at the issuer, by the authorization code flow with PKCE."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
from dataclasses import asdict, dataclass
from urllib.parse import quote, urlencode

from engine.web.auth import Guard
from engine.web.entrance import Entrance
from engine.web.faults import Fault
from engine.web.issuer import IssuerSite, unusable
from engine.web.tokens import BadTokenError, Tokens

RANDOM_BYTES = 32

log = logging.getLogger(__name__)


class CodeRefusedError(Fault):
    """The issuer does not know the code that a browser brought."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that was begun: its browser keeps this, and nobody else. next: where to then."""

    state: str
    nonce: str
    verifier: str
    next: str

    def pack(self) -> str:
        """As a cookie's value."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()


def begin(next_path: str) -> Pending:
    """A new sign-in."""
    state, nonce, verifier = (secrets.token_urlsafe(RANDOM_BYTES) for _ in range(3))
    return Pending(state, nonce, verifier, next_path)


def unpack(value: str) -> Pending | None:
    """What `Pending.pack` wrote; None for anything else."""
    try:
        told = json.loads(base64.urlsafe_b64decode(value))
        made = Pending(**told)
    except (ValueError, TypeError, RecursionError):
        return None
    told = asdict(made).values()
    return made if all(isinstance(each, str) and each and each.isascii() for each in told) else None


class Provider:
    """The sign-in at the issuer. Asks it: call it in a thread."""

    def __init__(self, guard: Guard, entrance: Entrance, scopes: tuple[str, ...]) -> None:
        """scopes: that are asked for."""
        self._entrance = entrance
        self._scopes = ("openid", *scopes)
        self._tokens = Tokens(guard.issuer, entrance.client, guard.keys)
        self._site = IssuerSite(guard.issuer, entrance.http)

    def address(self, pending: Pending) -> str:
        """Where the browser is sent to sign in."""
        digest = hashlib.sha256(pending.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._entrance.client,
            "redirect_uri": self._entrance.redirect,
            "scope": " ".join(self._scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        there = self._site.endpoint("authorization_endpoint")
        return f"{there}{'&' if '?' in there else '?'}{urlencode(query)}"

    def exchange(self, code: str, pending: Pending) -> tuple[str, str]:
        """(identity token, access token) for a code. CodeRefusedError where the issuer does not
        take it, another Fault where it does not answer as it should."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._entrance.redirect,
            "code_verifier": pending.verifier,
            "client_id": self._entrance.client,
        }
        headers = {"Accept": "application/json"}
        if self._entrance.secret:
            known = (quote(self._entrance.client, safe=""), quote(self._entrance.secret, safe=""))
            pair = base64.b64encode(":".join(known).encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        status, told = self._site.ask("POST", self._site.endpoint("token_endpoint"), form, headers)
        if status in (400, 401, 403):
            log.warning("the issuer refuses a code: status %d, %s", status, told.get("error"))
            raise CodeRefusedError(401, "the issuer does not confirm the sign-in: begin again")
        identity, access = told.get("id_token"), told.get("access_token")
        if status != 200 or not isinstance(identity, str) or not isinstance(access, str):
            raise unusable("its token endpoint gives no identity and access token")
        return identity, access

    def subject(self, identity: str, access: str, pending: Pending) -> str:
        """Whom an identity token names. A Fault where it is not of this sign-in."""
        claims = self._tokens.claims(identity)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not _same(nonce, pending.nonce):
            raise BadTokenError(401, "the sign-in is another one than was begun: begin again")
        audience, party = claims["aud"], claims.get("azp")
        is_one_of_many = isinstance(audience, list) and len(audience) > 1
        if (party is not None or is_one_of_many) and party != self._entrance.client:
            raise BadTokenError(401, "the sign-in was made for another service")
        bound = claims.get("at_hash")
        if bound is not None and not _same(str(bound), _half_hash(access)):
            raise BadTokenError(401, "the access token is not of this sign-in")
        return str(claims["sub"])

    def close(self) -> None:
        self._site.close()


def _same(first: str, second: str) -> bool:
    return hmac.compare_digest(first.encode(), second.encode())


def _half_hash(token: str) -> str:
    """What at_hash says of a token: RS256 and ES256 both go with SHA-256."""
    half = hashlib.sha256(token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()
