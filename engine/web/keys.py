"""Keys: with which tokens are checked, out of a file, from a URL, or made for development."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from engine.errors import SettingsError

ALGORITHMS = ("RS256", "ES256")
LEAST_RSA_BITS = 2048
MOST_BYTES = 2**20  # of a set of keys
DEVELOPMENT_HOURS = 12  # that the token of the development key is good for
SURE_SECONDS = 1.0  # after keys were read
_CURVE = "secp256r1"


class Keys(Protocol):
    """Where the public keys come from."""

    def find(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of that id; without an id, the only key there is. None where there is none."""

    def is_sure(self) -> bool:
        """Whether a key that was not found just now is truly none of the issuer's."""


class FixedKeys:
    """Keys that do not change while the service runs."""

    def __init__(self, text: str, source: str) -> None:
        """text: a JSON Web Key Set. SettingsError where it holds no key that can be used."""
        self._keys = read_keys(text, source)

    def find(self, kid: str | None) -> jwt.PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid or "")

    def is_sure(self) -> bool:
        return True


class FetchedKeys:
    """Keys at a URL, read when the first token comes and when one names a key that is not known,
    but not more often than some seconds allow: whoever sends bad tokens must not make us ask."""

    def __init__(self, url: str, seconds: float) -> None:
        if not url.startswith("https://"):
            raise SettingsError(f"--jwks {url}: keys are fetched over https only")
        self._url = url
        self._seconds = seconds
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = -seconds
        self._sure_until = -seconds
        self._lock = threading.Lock()

    def find(self, kid: str | None) -> jwt.PyJWK | None:
        known = self._known(kid)
        # Nobody waits for keys that another asks for, unless there are none at all: the issuer may
        # hang, and whoever sends bad tokens must not take every thread.
        if known is None and self._lock.acquire(blocking=not self._keys):
            try:
                self._read(kid)
            finally:
                self._lock.release()
            return self._known(kid)
        return known

    def _known(self, kid: str | None) -> jwt.PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid or "")

    def _read(self, kid: str | None) -> None:
        """Reads the keys for the sake of one, if it is time. SettingsError where there are none."""
        if self._known(kid) is None and time.monotonic() - self._read_at >= self._seconds:
            self._read_at = time.monotonic()
            self._keys = read_keys(_fetch(self._url), self._url)
            self._sure_until = time.monotonic() + SURE_SECONDS
        if not self._keys:
            raise SettingsError(f"{self._url}: the keys could not be read a moment ago")

    def is_sure(self) -> bool:
        """Not for long: the issuer may have a new key by now."""
        return time.monotonic() < self._sure_until


class DevelopmentKey:
    """A key made at the start of this process and lost with it, and tokens of it."""

    def __init__(self, issuer: str, audience: str, scopes: tuple[str, ...]) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._claims = {
            "iss": issuer,
            "aud": audience,
            "sub": "development",
            "scope": " ".join(scopes),
            "exp": int(time.time()) + DEVELOPMENT_HOURS * 3600,
        }
        described = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._private.public_key()))
        self._key = jwt.PyJWK(described | {"alg": "ES256"})

    def token(self, **more: str) -> str:
        """A token that allows everything. more: further claims."""
        return jwt.encode({**self._claims, **more}, self._private, "ES256")

    def find(self, kid: str | None) -> jwt.PyJWK | None:
        return self._key if kid is None else None

    def is_sure(self) -> bool:
        return True


def open_keys(place: str, seconds: float) -> Keys:
    """The keys at a URL or in a file. SettingsError where they cannot be read or used."""
    if "://" in place:
        return FetchedKeys(place, seconds)
    try:
        text = Path(place).read_text()
    except (OSError, ValueError) as error:
        raise SettingsError(f"--jwks {place}: the file cannot be read ({error})") from error
    return FixedKeys(text, place)


def read_keys(text: str, source: str) -> dict[str, jwt.PyJWK]:
    """The keys of a set that can check a signature, by their id. SettingsError where none can."""
    try:
        described: list[dict[str, Any]] = json.loads(text)["keys"]
        found = {str(each.get("kid", "")): _key(each) for each in described}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(f"{source}: no JSON Web Key Set") from error
    usable = {kid: key for kid, key in found.items() if key is not None}
    if not usable:
        raise SettingsError(
            f"{source}: no key for {' or '.join(ALGORITHMS)} (RSA of {LEAST_RSA_BITS} bits at "
            "least, or P-256)"
        )
    return usable


def _key(described: dict[str, Any]) -> jwt.PyJWK | None:
    """A public key to check signatures with; None for any other."""
    if described.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(described)
    except jwt.PyJWTError:
        return None
    public = key.key
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= LEAST_RSA_BITS:
        return key if key.algorithm_name == "RS256" else None
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == _CURVE:
        return key
    return None


def _fetch(url: str) -> str:
    try:
        with httpx.stream("GET", url, timeout=5.0, follow_redirects=False) as response:
            response.raise_for_status()
            data = b""
            for chunk in response.iter_bytes():
                data += chunk
                if len(data) > MOST_BYTES:
                    raise SettingsError(f"{url}: more than {MOST_BYTES} bytes of keys")
    except httpx.HTTPError as error:
        raise SettingsError(f"{url}: the keys cannot be read ({type(error).__name__})") from error
    return data.decode(errors="replace")
