"""Tokens: who signed them, for whom, and what they say; proved, or only claimed."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping
from typing import Any

import jwt

from engine.errors import SettingsError
from engine.web.faults import Fault
from engine.web.keys import ALGORITHMS, Keys

LEEWAY = 30  # seconds that clocks may differ
MOST_CHARACTERS = 8192  # of a token
SUBJECT_LENGTH = 200
WRONG = (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError)

log = logging.getLogger(__name__)


class BadTokenError(Fault):
    """A Fault 401 for a token that its issuer never made for us: who sends it is counted. One that
    only ran out is no such token, nor one whose key may be so new that it is not known yet."""


class Tokens:
    """Checks tokens: signed with RS256 or ES256 by a known key, not expired, of this issuer, for
    this audience."""

    def __init__(self, issuer: str, audience: str, keys: Keys) -> None:
        self.issuer = issuer
        self._audience = audience
        self._keys = keys

    def claims(self, token: str) -> Mapping[str, Any]:
        """What a token says, proved; with a subject, at most so long. A Fault 401 where it will
        not do, 503 where the keys cannot be read."""
        try:
            claims = self._decode(token)
        except jwt.ExpiredSignatureError as error:  # told after the signature was found right
            raise refusal("the token has expired: get a new one") from error
        except jwt.ImmatureSignatureError as error:
            raise refusal("the token is not good yet: compare the clocks") from error
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise _bad("the token is of another issuer or for another audience") from error
        except SettingsError as error:
            log.error("keys cannot be read: %s", error)
            raise Fault(503, "tokens cannot be checked now: come again later") from error
        except WRONG as error:
            raise _bad("the token is not valid") from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject or not subject.isprintable():
            raise refusal("the token names nobody (sub)")
        if len(subject) > SUBJECT_LENGTH:  # cut off, it could be somebody else's
            raise refusal(f"the token's subject has more than {SUBJECT_LENGTH} characters")
        return claims

    def _decode(self, token: str) -> Mapping[str, Any]:
        if len(token) > MOST_CHARACTERS:
            raise jwt.DecodeError("too long")
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise _bad(f"the token must be signed with {' or '.join(ALGORITHMS)}")
        kid = header.get("kid")
        key = self._keys.find(kid if isinstance(kid, str) else None)
        if key is None or key.algorithm_name != header["alg"]:
            words = "the token is signed with a key that is not known here"
            raise _bad(words) if self._keys.is_sure() else refusal(words)
        return jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm_name],
            audience=self._audience,
            issuer=self.issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )


def claimed(token: str) -> Mapping[str, Any]:
    """What a token says of itself, unproved and at no cost; nothing where it says nothing."""
    parts = token.split(".")
    if len(token) > MOST_CHARACTERS or len(parts) != 3:
        return {}
    try:
        said = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def refusal(message: str, error: str = ' error="invalid_token"') -> Fault:
    """A Fault 401, as RFC 6750 has it."""
    return Fault(401, message, {"WWW-Authenticate": f"Bearer{error}"})


def _bad(message: str) -> BadTokenError:
    return BadTokenError(401, message, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
