"""Authorisation: who calls, by a signed token, and what the token lets them do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from engine.errors import SettingsError
from engine.web.faults import Fault
from engine.web.keys import ALGORITHMS, Keys

LEEWAY = 30  # seconds that clocks may differ
MOST_CHARACTERS = 8192  # of a token
SUBJECT_LENGTH = 200

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. subject: as the issuer names it."""

    subject: str
    scopes: frozenset[str]


class Guard:
    """Checks tokens: signed with RS256 or ES256 by a known key, not expired, of this issuer, for
    this audience."""

    def __init__(self, issuer: str, audience: str, keys: Keys) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    def check(self, header: str | None, scope: str) -> Caller:
        """The caller that an Authorization header names. A Fault: 401 where it names none, 403
        where the token does not allow `scope`."""
        kind, _, token = (header or "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise _unknown("send a token: Authorization: Bearer ...", "")
        caller = self._caller(token.strip())
        if scope not in caller.scopes:
            raise Fault(
                403,
                f"the token does not allow this: it needs the scope {scope}",
                {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
            )
        return caller

    def _caller(self, token: str) -> Caller:
        claims = self._claims(token)
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject.isprintable():
            raise _unknown("the token names nobody (sub)")
        return Caller(subject[:SUBJECT_LENGTH], _scopes(claims))

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            if len(token) > MOST_CHARACTERS:
                raise jwt.DecodeError("too long")
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise _unknown(f"the token must be signed with {' or '.join(ALGORITHMS)}")
            kid = header.get("kid")
            key = self._keys.find(kid if isinstance(kid, str) else None)
            if key is None or key.algorithm_name != header["alg"]:
                raise _unknown("the token is signed with a key that is not known here")
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise _unknown("the token has expired: get a new one") from error
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise _unknown("the token is of another issuer or for another audience") from error
        except SettingsError as error:
            log.error("keys cannot be read: %s", error)
            raise Fault(503, "tokens cannot be checked now: come again later") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _unknown("the token is not valid") from error


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


def _unknown(message: str, error: str = ' error="invalid_token"') -> Fault:
    return Fault(401, message, {"WWW-Authenticate": f"Bearer{error}"})
