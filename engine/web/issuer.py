"""The issuer's site: what it says of itself, and its answers, asked with bounds."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx

from engine.web.faults import Fault, busy

DISCOVERY = "/.well-known/openid-configuration"
KEEP_SECONDS = 3600.0  # that the issuer's description is used for
ASK_SECONDS = 10.0
ASKING = 4  # at once
MOST_BYTES = 2**17  # of an answer

log = logging.getLogger(__name__)


class IssuerSite:
    """The issuer over HTTP. Call it in a thread."""

    def __init__(self, issuer: str, http: httpx.Client | None) -> None:
        """http: what asks it; a test may give one."""
        self._issuer = issuer
        self._http = http or httpx.Client(timeout=ASK_SECONDS, follow_redirects=False)
        self._asking = threading.Semaphore(ASKING)
        self._described: Mapping[str, str] = {}
        self._read_at = -KEEP_SECONDS

    def close(self) -> None:
        self._http.close()

    def endpoint(self, name: str) -> str:
        """The address of "authorization_endpoint" or "token_endpoint". A Fault 503 where the issuer
        does not say it, 429 where too many ask already."""
        if not self._described or time.monotonic() - self._read_at >= KEEP_SECONDS:
            self._described = self._describe()
            self._read_at = time.monotonic()
        return self._described[name]

    def _describe(self) -> Mapping[str, str]:
        """The discovery document, as far as it is used. A Fault 503 where it will not do."""
        status, told = self.ask("GET", self._issuer.rstrip("/") + DISCOVERY)
        if status != 200 or told.get("issuer") != self._issuer:
            raise unusable("its discovery document is not there, or of another issuer")
        names = ("authorization_endpoint", "token_endpoint")
        found = {name: str(told.get(name)) for name in names}
        if not all(each.startswith("https://") for each in found.values()):
            raise unusable("its discovery document names no https endpoints")
        return found

    def ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, Any]]:
        """(status, object) of an answer; no object where it is none. A Fault likewise."""
        data = b""
        # Anybody can have the issuer asked: if it hangs, that must not take every thread.
        if not self._asking.acquire(blocking=False):
            raise busy("too many sign in at once", 5.0)
        try:
            with self._http.stream(method, url, data=form, headers=headers) as response:
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > MOST_BYTES:
                        raise unusable("its answer is too long")
            told = json.loads(data)
        except httpx.HTTPError as error:
            raise unusable(type(error).__name__) from error
        except (ValueError, RecursionError):
            told = None
        finally:
            self._asking.release()
        return response.status_code, told if isinstance(told, dict) else {}


def unusable(why: str) -> Fault:
    log.error("the issuer cannot be used to sign in: %s", why)
    return Fault(503, "signing in is not possible now: come again later, or tell us when")
