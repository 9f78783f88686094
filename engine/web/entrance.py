"""The entrance: how people sign in at the pages, and by which address they reach them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from starlette.requests import Request

from engine.web.faults import Fault

SAFE = ("GET", "HEAD", "OPTIONS")
OWN_SITE = ("same-origin", "none")  # none: the person typed it, or reloaded
LONGEST_PATH = 2000  # characters
CALLBACK = "/sign-in/callback"


@dataclass(frozen=True, slots=True)
class Entrance:
    """client: the service's id at the issuer, "" where people cannot sign in by it. secret: of the
    client, "" for a public one. public_address: the origin that browsers know the pages by.
    development: a token may be pasted. secure: browsers come over https. http: what asks the
    issuer; a test may give one."""

    client: str = ""
    secret: str = field(default="", repr=False)
    public_address: str = ""
    development: bool = False
    secure: bool = True
    http: httpx.Client | None = None

    @property
    def redirect(self) -> str:
        """The address that the issuer sends browsers back to."""
        return f"{self.public_address}{CALLBACK}"

    def cookie(self, name: str) -> str:
        """The name of a cookie. __Host- has browsers take it from this very host alone, over
        https; on a development machine without TLS they would not keep it."""
        return f"__Host-{name}" if self.secure else name

    def require_own(self, request: Request) -> None:
        """A Fault 403 for a request that changes something and was made by another site's page."""
        if request.method in SAFE:
            return
        if request.headers.get("sec-fetch-site", "same-origin") not in OWN_SITE:
            raise _foreign()
        origin = request.headers.get("origin")
        if origin is not None and not self._is_own(origin, request.headers.get("host", "")):
            raise _foreign()

    def _is_own(self, origin: str, host: str) -> bool:
        if self.public_address:
            return origin == self.public_address
        return "://" in origin and origin.partition("://")[2] == host


def local_path(wanted: str | None, otherwise: str) -> str:
    """Where to go after the sign-in: a path of this service, or `otherwise`."""
    if not wanted or len(wanted) > LONGEST_PATH or not wanted.isascii() or not wanted.isprintable():
        return otherwise
    parts = urlsplit(wanted)
    is_local = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if is_local and not parts.scheme and not parts.netloc else otherwise


def _foreign() -> Fault:
    return Fault(403, "the request comes from a page of another site: go to the page itself")
