"""A client of a chaos run that ends before it is told to is no quiet success."""

from __future__ import annotations

import os
from typing import Any

import pytest

os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")  # the other tests have real threads
pytest.importorskip("locust", reason="pip install 'tenprint[load]'")

import gevent
from loading import chaos, payloads
from loading.arrivals import Answer, Request
from loading.chaos import Crowd
from loading.ledger import Ledger
from loading.payloads import Newcomer, Probe


class Newcomers:
    """People without a print, without end."""

    def __init__(self, _seed: int, prefix: str) -> None:
        self._prefix, self._count = prefix, 0

    def __next__(self) -> Newcomer:
        self._count += 1
        name = f"{self._prefix}-{self._count}"
        return Newcomer(name, b"{}", Probe(b"{}", name))


class Service:
    """One that answers all alike, after a moment."""

    def __init__(self, status: int, content: Any, forever: bool = False) -> None:
        self.told = status, content
        self.answers: list[Answer] = []
        self._seconds = 3600.0 if forever else 0.005

    def send(self, request: Request, due: float | None = None) -> tuple[int, Any]:
        gevent.sleep(self._seconds)
        self.answers.append(Answer(request.kind, 0.0, 0.0, self.told[0], ""))
        return self.told


def lived(service: Service, monkeypatch: pytest.MonkeyPatch, as_task: float = 1.0) -> Crowd:
    """A crowd of three that was stopped after a while."""
    monkeypatch.setattr(payloads, "Newcomers", Newcomers)
    monkeypatch.setattr(chaos, "REMOVED", 0.0)  # enrolments alone
    monkeypatch.setattr(chaos, "PATIENCE", 0.2)  # seconds
    crowd = Crowd(service, Ledger(), "http://127.0.0.1:1", 3, as_task)  # type: ignore[arg-type]
    gevent.sleep(0.1)
    crowd.stop()
    return crowd


def test_clients_that_live_until_they_are_stopped_are_expected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service(202, {"taskId": "T"})
    assert not lived(service, monkeypatch).unexpected
    assert len(service.answers) > 3


def test_a_client_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    (words,) = lived(Service(202, {}), monkeypatch).unexpected  # no task to ask for
    assert "KeyError" in words


def test_a_client_that_is_never_answered_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = lived(Service(200, {}, forever=True), monkeypatch)
    assert sum(crowd.unexpected.values()) == 3
