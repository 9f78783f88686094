"""Callbacks: where results may be posted, and how they are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import httpx

from engine.errors import SettingsError
from engine.service.tasks import TaskRow
from engine.web.faults import Fault
from engine.web.limits import Limits

LONGEST = 2000  # characters of an address
MOST_BYTES = 65_536  # read of an answer, so that the connection can be used again
Origin = tuple[str, str, int | None]


class Poster(Protocol):
    """What posts; a test may be one."""

    def post(self, url: httpx.URL, *, content: bytes, headers: dict[str, str]) -> httpx.Response:
        """Posts some bytes."""


class HttpPoster:
    """Posts over HTTP. Of an answer only the status counts: who is posted to can neither fill the
    memory with the rest, nor hold a thread with it."""

    def __init__(self, http: httpx.Client, seconds: float) -> None:
        """seconds: for one delivery."""
        self._http = http
        self._seconds = seconds

    def post(self, url: httpx.URL, *, content: bytes, headers: dict[str, str]) -> httpx.Response:
        until, size = time.monotonic() + self._seconds, 0
        with self._http.stream("POST", url, content=content, headers=headers) as response:
            for chunk in response.iter_raw():
                size += len(chunk)
                if size > MOST_BYTES or time.monotonic() > until:
                    break
        return response

    def close(self) -> None:
        self._http.close()


class Callbacks:
    """Posts results to the origins that were allowed when the service was started: a client must
    not make it call whom it likes."""

    def __init__(
        self, allowed: Sequence[str], limits: Limits, poster: Poster | None = None
    ) -> None:
        """allowed: origins, such as https://client.example:8443. SettingsError for any other."""
        self._allowed = {_allow(each) for each in allowed}
        self._limits = limits
        self._poster = poster or HttpPoster(
            httpx.Client(timeout=limits.deliver_seconds, follow_redirects=False, trust_env=False),
            limits.deliver_seconds,
        )

    def check(self, address: str) -> None:
        """A Fault 400 unless results may be posted there."""
        if len(address) > LONGEST or not self._is_allowed(address):
            raise Fault(
                400,
                "callback: results are posted only to the origins that the service was started "
                "with (--callback): ask its operator, or leave it out and wait for the answer",
            )

    def deliver(self, task: TaskRow, result: bytes) -> str | None:
        """Posts the result of a task; None where it was taken, else why not."""
        if not self._is_allowed(task.callback):
            return "the origin is not allowed any more"
        kind = "application/error+json" if task.failed else "application/json"
        url = httpx.URL(task.callback).copy_merge_params(
            {"transactionId": task.transaction_name, "taskId": task.name}
        )
        try:
            response = self._poster.post(url, content=result, headers={"Content-Type": kind})
        except httpx.HTTPError as error:
            return type(error).__name__
        return None if response.is_success else f"status {response.status_code}"

    def again(self, attempts: int) -> timedelta | None:
        """How long to wait after so many attempts; None to give up."""
        if attempts >= self._limits.deliver_attempts:
            return None
        wait = self._limits.deliver_first * 2 ** (attempts - 1)
        return min(wait, self._limits.deliver_most)

    def close(self) -> None:
        if isinstance(self._poster, HttpPoster):
            self._poster.close()

    def _is_allowed(self, address: str) -> bool:
        try:
            return _origin(httpx.URL(address)) in self._allowed
        except (httpx.InvalidURL, ValueError, TypeError):
            return False


def _allow(text: str) -> Origin:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise SettingsError(f"--callback {text}: {error}") from error
    if url.scheme not in ("https", "http") or not url.host or url.path not in ("", "/"):
        raise SettingsError(
            f"--callback {text}: write an origin, such as https://client.example:8443"
        )
    return _origin(url)


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port
