"""Locks: callers that failed too often are kept out for a while, without a look at their token."""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from datetime import UTC, datetime

from starlette.requests import Request

from engine.errors import TenprintError
from engine.service.access import EVERYBODY, Access, Failing
from engine.web import logs
from engine.web.faults import Fault
from engine.web.metrics import Metrics
from engine.web.tokens import SUBJECT_LENGTH

NOBODY = "?"  # whom a token claims that claims nobody
SIGNING_IN = "(sign-in)"  # who brings a code, and is nobody yet; no token can claim it
NETWORK_BITS = 64  # of an IPv6 address: whoever has one has all of its network
OTHER_LENGTH = 64  # characters of what is no address
EXPIRE_EVERY = 60.0  # seconds
WRITES = (
    50  # failures that are written in a second: a flood from everywhere must not stop enrolment
)

log = logging.getLogger(__name__)


class Locks:
    """Who is locked, as the database said a moment ago: a request asks no database for it. What
    other processes lock is known when `look` was called, about once a second."""

    def __init__(self, access: Access, metrics: Metrics) -> None:
        self._access = access
        self._metrics = metrics
        self._known: dict[tuple[str, str], Failing] = {}
        self._expired_at = -EXPIRE_EVERY
        self._second, self._written = 0, 0

    def check(self, client: str, subject: object) -> None:
        """A Fault 403 where the caller, or its whole address, is locked."""
        self._check(client, _named(subject))

    def check_sign_in(self, client: str) -> None:
        """A Fault 403 where an address brought too many codes that the issuer does not know."""
        self._check(client, SIGNING_IN)

    def fail(self, client: str, subject: object) -> None:
        """Counts a failure, which may lock; in a flood only some."""
        self._fail(client, _named(subject))

    def fail_sign_in(self, client: str) -> None:
        """Counts a code that the issuer does not know, likewise: apart from tokens that claim
        nobody, or a client with a wrong one would lock out all who sign in beside it."""
        self._fail(client, SIGNING_IN)

    def _check(self, client: str, name: str) -> None:
        for key in ((client, name), (client, EVERYBODY)):
            failing = self._known.get(key)
            until = failing.locked_until if failing else None
            if until is None:
                continue
            seconds = (until - datetime.now(UTC)).total_seconds()
            if seconds > 0:
                again = math.ceil(seconds)
                raise Fault(
                    403,  # which the interface describes
                    f"too many failures to show who calls: come again in {again} s, or ask the "
                    "operator to unlock",
                    {"Retry-After": str(again)},
                )

    def _fail(self, client: str, name: str) -> None:
        self._metrics.failures.inc()
        second = int(time.monotonic())
        self._written = self._written + 1 if second == self._second else 1
        self._second = second
        if self._written > WRITES:
            return
        try:
            changed = self._access.fail(client, name)
        except TenprintError as error:
            log.error("a failure cannot be counted: %s", error)
            return
        for each in changed:
            self._known[each.client, each.subject] = each
            if each.locked_until:
                self._metrics.locks.labels("locked").inc()
                logs.event("locked", client=each.client, caller=each.subject)

    def succeed(self, client: str, subject: object) -> None:
        """Forgets the caller's failures."""
        key = (client, _named(subject))
        if self._known.pop(key, None):
            self._access.succeed(*key)

    def look(self) -> None:
        """Learns what other processes and operators did, and ends what is over."""
        known = self._access.failing()
        now = {(each.client, each.subject): each for each in known}
        ended = [key for key, each in self._known.items() if each.locked_until and key not in now]
        if ended or time.monotonic() - self._expired_at >= EXPIRE_EVERY:
            self._expired_at = time.monotonic()
            self._access.expire()
        for key in ended:
            self._metrics.locks.labels("unlocked").inc()
            logs.event("unlocked", client=key[0], caller=key[1])
        self._known = now


def client_of(request: Request) -> str:
    """The address that a request came from, as failures are counted by it; "" where it is not
    known."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:OTHER_LENGTH] if host.isprintable() else ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, NETWORK_BITS), strict=False))


def _named(subject: object) -> str:
    """A claimed subject as it can be kept."""
    if not isinstance(subject, str) or not subject or not subject.isprintable():
        return NOBODY
    if subject == SIGNING_IN:
        return NOBODY
    return subject[:SUBJECT_LENGTH]
