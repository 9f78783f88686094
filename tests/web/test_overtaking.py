"""Priorities 0..9 overtake in every line; every limit answers 429, and when to come again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from engine.service.answering import Answering
from engine.web.calls import Call
from engine.web.desk import Desk
from engine.web.limits import Limits
from tests.web.serving import CALLBACK, Client, FakePoster, Serving, encounter, identify, item
from tests.web.test_persons import put

PATIENCE = 20.0  # seconds
ONE = Limits(look_again=0.02, work_threads=1, read_threads=1, task_threads=1, deliver_threads=1)
ORDER = (3, 9, 0, 7, 5, 1, 8, 2, 6, 4)  # in which priorities come


class Gate:
    """Holds up what comes, and remembers in which order it came."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.passed: list[str] = []

    def wait(self, transaction: str) -> None:
        self.passed.append(transaction)
        assert self.open.wait(PATIENCE)


@contextmanager
def crowd(client: Client, gate: Gate) -> Iterator[Callable[..., Any]]:
    """Asks in threads, each call when the one before has been taken in."""
    with ThreadPoolExecutor(16) as threads:
        try:
            yield lambda *words, **query: threads.submit(client, *words, **query)
        finally:
            gate.open.set()


def waiting(client: Client, line: str) -> int:
    """How many wait in a line."""
    text = client("GET", "/metrics").text
    (found,) = [each for each in text.splitlines() if f'line="{line}"' in each]
    return int(float(found.split()[-1]))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("line", "method", "path", "body"),
    [
        ("work", "POST", "/v1/persons", encounter(item(1))),
        ("read", "GET", "/v1/galleries", None),
        ("tasks", "GET", "/v1/galleries", None),
    ],
)
def test_every_priority_overtakes_those_below_it(
    line: str,
    method: str,
    path: str,
    body: Any,
    serving: Serving,
    poster: FakePoster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, usual = Gate(), Desk.perform

    def perform(desk: Desk, asked: Call) -> Any:
        gate.wait(asked.transaction)
        return usual(desk, asked)

    monkeypatch.setattr(Desk, "perform", perform)
    back = {"callback": CALLBACK} if line == "tasks" else {}
    with serving(ONE) as client, crowd(client, gate) as ask:
        answers = [ask(method, path, body, transactionId="first", **back)]
        until(lambda: gate.passed == ["first"])
        for number, priority in enumerate(ORDER, start=1):
            answers.append(
                ask(method, path, body, transactionId=str(priority), priority=priority, **back)
            )
            until(lambda number=number: waiting(client, line) == number + (line == "tasks"))
        gate.open.set()
        until(lambda: len(gate.passed) == 11)
        assert {each.result().status_code for each in answers} == ({202} if back else {200})
    assert gate.passed == ["first", *map(str, range(9, -1, -1))]


def test_every_priority_overtakes_among_searches(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, usual = Gate(), Answering.answer

    def answer(self: Answering, batch: Any) -> Any:
        (asked,) = batch
        gate.wait(asked.probe)
        return usual(self, batch)

    monkeypatch.setattr(Answering, "answer", answer)
    limits = Limits(look_again=0.02, work_threads=12, search_threads=1, search_batch=1)
    probe = identify(item(1, seed=1))
    with serving(limits) as client, crowd(client, gate) as ask:
        put(client, "P1", "E1", item(1))
        answers = [ask("POST", "/v1/identify/criminal", probe, transactionId="first")]
        until(lambda: gate.passed == ["first"])
        for number, priority in enumerate(ORDER, start=1):
            named = {"transactionId": str(priority), "priority": priority}
            answers.append(ask("POST", "/v1/identify/criminal", probe, **named))
            until(lambda number=number: waiting(client, "search") == number)
        gate.open.set()
        assert {each.result().status_code for each in answers} == {200}
    assert gate.passed == ["first", *map(str, range(9, -1, -1))]


def refuses(response: httpx.Response) -> bool:
    """Whether an answer is 429 as a client can use it."""
    return (
        response.status_code == 429
        and int(response.headers["Retry-After"]) >= 1
        and response.json()["code"] == 429
        and f"{response.headers['Retry-After']} s" in response.json()["message"]
    )


@pytest.mark.parametrize("line", ["work", "read"])
def test_a_full_line_says_when_to_come_again(
    line: str, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, usual = Gate(), Desk.perform

    def perform(desk: Desk, asked: Call) -> Any:
        gate.wait(asked.transaction)
        return usual(desk, asked)

    monkeypatch.setattr(Desk, "perform", perform)
    words = ("POST", "/v1/persons", encounter(item(1))) if line == "work" else (
        "GET", "/v1/galleries",
    )  # fmt: skip
    limits = Limits(look_again=0.02, work_threads=1, work_waiting=2, read_threads=1, read_waiting=2)
    with serving(limits) as client, crowd(client, gate) as ask:
        first = ask(*words)
        until(lambda: len(gate.passed) == 1)
        others = [ask(*words) for _ in range(2)]
        until(lambda: waiting(client, line) == 2)
        assert refuses(client(*words, priority=9))  # also the highest: memory is bounded
        gate.open.set()
        assert [each.result().status_code for each in (first, *others)] == [200] * 3
        assert client(*words).status_code == 200


@pytest.mark.parametrize(
    ("limits", "back"),
    [
        (Limits(look_again=0.02, bodies_bytes=300), {}),
        (Limits(look_again=0.02, tasks=0), {"callback": CALLBACK}),
        (Limits(look_again=0.02, tasks_bytes=300), {"callback": CALLBACK}),
    ],
    ids=["bodies", "tasks", "bytes of tasks"],
)
def test_other_limits_say_so_too(limits: Limits, back: Any, serving: Serving) -> None:
    with serving(limits) as client:
        assert refuses(client("POST", "/v1/persons", encounter(item(1)), **back))
        assert "tenprint_refused_total 1.0" in client("GET", "/metrics").text
        assert client("GET", "/v1/galleries").json() == []
