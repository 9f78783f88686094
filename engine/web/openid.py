"""OpenID Connect: people sign in at the issuer, by the authorization code flow with PKCE."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from engine.web.auth import Guard
from engine.web.entrance import Entrance
from engine.web.faults import Fault
from engine.web.tokens import BadTokenError, Tokens

DISCOVERY = "/.well-known/openid-configuration"
KEEP_SECONDS = 3600.0  # that the issuer's description is used for
ASK_SECONDS = 10.0
MOST_BYTES = 2**17  # of an answer of the issuer
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
    return made if all(isinstance(each, str) and each for each in asdict(made).values()) else None


class Provider:
    """The issuer, as its discovery document describes it. Asks it: call it in a thread."""

    def __init__(self, guard: Guard, entrance: Entrance, scopes: tuple[str, ...]) -> None:
        """scopes: that are asked for."""
        self._issuer = guard.issuer
        self._entrance = entrance
        self._scopes = ("openid", *scopes)
        self._tokens = Tokens(guard.issuer, entrance.client, guard.keys)
        self._http = entrance.http or httpx.Client(timeout=ASK_SECONDS, follow_redirects=False)
        self._lock = threading.Lock()
        self._described: Mapping[str, str] = {}
        self._read_at = -KEEP_SECONDS

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
        there = self._endpoint("authorization_endpoint")
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
        status, told = self._ask("POST", self._endpoint("token_endpoint"), form, headers)
        if status in (400, 401, 403):
            log.warning("the issuer refuses a code: status %d, %s", status, told.get("error"))
            raise CodeRefusedError(401, "the issuer does not confirm the sign-in: begin again")
        identity, access = told.get("id_token"), told.get("access_token")
        if status != 200 or not isinstance(identity, str) or not isinstance(access, str):
            raise _unusable("its token endpoint gives no identity and access token")
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
        self._http.close()

    def _endpoint(self, name: str) -> str:
        with self._lock:
            if not self._described or time.monotonic() - self._read_at >= KEEP_SECONDS:
                self._described = self._describe()
                self._read_at = time.monotonic()
            return self._described[name]

    def _describe(self) -> Mapping[str, str]:
        """The discovery document, as far as it is used. A Fault 503 where it will not do."""
        status, told = self._ask("GET", self._issuer.rstrip("/") + DISCOVERY)
        if status != 200 or told.get("issuer") != self._issuer:
            raise _unusable("its discovery document is not there, or of another issuer")
        names = ("authorization_endpoint", "token_endpoint")
        found = {name: str(told.get(name)) for name in names}
        if not all(each.startswith("https://") for each in found.values()):
            raise _unusable("its discovery document names no https endpoints")
        return found

    def _ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, Any]]:
        data = b""
        try:
            with self._http.stream(method, url, data=form, headers=headers) as response:
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > MOST_BYTES:
                        raise _unusable("its answer is too long")
            told = json.loads(data)
        except httpx.HTTPError as error:
            raise _unusable(type(error).__name__) from error
        except (ValueError, RecursionError):
            told = None
        return response.status_code, told if isinstance(told, dict) else {}


def _same(first: str, second: str) -> bool:
    return hmac.compare_digest(first.encode(), second.encode())


def _half_hash(token: str) -> str:
    """What at_hash says of a token: RS256 and ES256 both go with SHA-256."""
    half = hashlib.sha256(token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()


def _unusable(why: str) -> Fault:
    log.error("the issuer cannot be used to sign in: %s", why)
    return Fault(503, "signing in is not possible now: come again later, or tell us when")
