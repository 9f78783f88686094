"""Arrivals: requests that come when they come, whether or not the service keeps up.

Each is timed from the moment at which it was to be sent: a service that makes its clients wait
cannot make them ask less (no "coordinated omission"). Locust sends them and hears of each.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gevent
import numpy as np
from gevent.pool import Pool
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

TIMEOUT = 60.0  # seconds until a client gives up
CONNECTIONS = 256  # at once; a request beyond them waits, and its time runs
BUSY = 429
BAD = 400  # from here on, Locust calls an answer that came whole a failure too


@dataclass(frozen=True, slots=True)
class Request:
    """One request. kind: under which it is counted. check: says what is wrong with an answer."""

    kind: str
    method: str
    path: str
    body: bytes = b""
    check: Callable[[int, Any], str] = lambda status, content: ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request. late: seconds from when it was to be sent until it was answered.
    status: 0 where the connection failed. wrong: what was wrong with it, "" where nothing was."""

    kind: str
    at: float
    late: float
    status: int
    wrong: str


@dataclass
class Client:
    """Sends requests to the service's processes in turn, and keeps what became of them."""

    urls: Sequence[str]
    token: str
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.environment = Environment()
        self.environment.events.request.add_listener(self._hear)
        sessions = [
            FastHttpSession(
                url,
                self.environment.events.request,
                None,
                network_timeout=TIMEOUT,
                connection_timeout=TIMEOUT,
                concurrency=CONNECTIONS,
            )
            for url in self.urls
        ]
        self._sessions = itertools.cycle(sessions)

    def send(self, request: Request, due: float | None = None) -> tuple[int, Any]:
        """Sends a request that was due at a time of time.perf_counter(); gives status and content,
        (0, None) where the connection failed, if only on the way of the answer."""
        context = {"request": request, "due": time.perf_counter() if due is None else due}
        next(self._sessions).request(
            request.method,
            request.path,
            name=request.kind,
            data=request.body or None,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            context=context,
        )
        return context["status"], context["content"]

    def arrive(self, make: Callable[[], Request], rate: float, seconds: float, seed: int) -> float:
        """Lets requests arrive at random (Poisson) for some seconds; gives how long it took until
        the last was answered."""
        rng = np.random.default_rng(seed)
        pool, sent, before = Pool(), 0, len(self.answers)
        began = time.perf_counter()
        due = began + rng.exponential(1 / rate)
        while due < began + seconds:
            wait = due - time.perf_counter()
            if wait > 0:
                gevent.sleep(wait)
            pool.spawn(self.send, make(), due)
            sent += 1
            due += rng.exponential(1 / rate)
        pool.join(timeout=2 * TIMEOUT)
        pool.kill()
        for _ in range(sent - (len(self.answers) - before)):  # a silent end is an error too
            self.answers.append(Answer("cut off", time.perf_counter(), 2 * TIMEOUT, 0, ""))
        return time.perf_counter() - began

    def take(self) -> list[Answer]:
        """The answers since the last time."""
        taken, self.answers = self.answers, []
        return taken

    def _hear(
        self, *, response: Any, context: dict[str, Any], exception: Any = None, **_told: Any
    ) -> None:
        request: Request = context["request"]
        status = int(getattr(response, "status_code", 0) or 0)
        if exception and status < BAD:  # no error by its status: it broke off on its way
            status = 0
        content, wrong = None, ""
        if status:
            try:
                content = json.loads(response.content) if response.content else None
            except ValueError:
                wrong = "the answer is not JSON"
            if status == BUSY and not response.headers.get("Retry-After"):
                wrong = "429 without Retry-After"
        context["status"], context["content"] = status, content
        now = time.perf_counter()
        wrong = wrong or request.check(status, content)
        self.answers.append(Answer(request.kind, now, now - context["due"], status, wrong))
