"""Requests of a load test come when they come, and each answer is taken for what it is."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")  # the other tests have real threads
pytest.importorskip("locust", reason="pip install 'tenprint[load]'")

import gevent
from gevent.event import Event
from gevent.pywsgi import WSGIServer
from loading import arrivals
from loading.arrivals import Answer, Client, Request

Told = tuple[str, list[tuple[str, str]], bytes]
ASKED = Request("identify", "POST", "/v1/identify/drawn", b"{}")


class Stub:
    """A service on a port of this machine that answers as it is told."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], Told] = lambda asked: ("200 OK", [], b"[]")
        self._server = WSGIServer(("127.0.0.1", 0), self._take, log=None)
        self._server.start()
        self.client = Client([f"http://127.0.0.1:{self._server.server_port}"], "token")

    def _take(self, environment: dict[str, Any], start: Any) -> list[bytes]:
        status, headers, body = self.answer(environment)
        start(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def stop(self) -> None:
        self._server.stop(timeout=0)


@pytest.fixture
def stub() -> Iterator[Stub]:
    made = Stub()
    try:
        yield made
    finally:
        made.stop()


def only(client: Client) -> Answer:
    (answer,) = client.take()
    return answer


def test_requests_do_not_wait_for_the_answers_of_others(stub: Stub) -> None:
    together, waiting = 20, Event()
    came: list[str] = []

    def hold(asked: dict[str, Any]) -> Told:
        came.append(asked["PATH_INFO"])
        if len(came) == together:
            waiting.set()
        assert waiting.wait(timeout=10), "the next came only when the one before was answered"
        return "200 OK", [], b"[]"

    stub.answer = hold
    stub.client.arrive(lambda: ASKED, rate=100.0, seconds=1.0, seed=1)
    answers = stub.client.take()
    assert len(answers) == len(came) >= together
    assert {each.status for each in answers} == {200}


def test_as_many_come_as_the_rate_says_and_the_same_with_one_seed(stub: Stub) -> None:
    counts = []
    for seed in (3, 3, 4):
        stub.client.arrive(lambda: ASKED, rate=200.0, seconds=0.5, seed=seed)
        counts.append(len(stub.client.take()))
    assert counts[0] == counts[1]
    assert all(60 <= count <= 140 for count in counts)  # 100, of which the deviation is 10


def test_what_is_never_answered_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "TIMEOUT", 0.05)  # seconds
    forever, made = Event(), Stub()
    made.client.send = lambda request, due=None: forever.wait()  # type: ignore[method-assign]
    try:
        made.client.arrive(lambda: ASKED, rate=100.0, seconds=0.1, seed=1)
        answers = made.client.take()
        assert answers
        assert {each.status for each in answers} == {0}
    finally:
        made.stop()


def test_time_runs_from_when_a_request_was_due(stub: Stub) -> None:
    stub.client.send(ASKED, due=time.perf_counter() - 5.0)
    assert only(stub.client).late >= 5.0


def test_token_and_body_are_sent(stub: Stub) -> None:
    def echo(asked: dict[str, Any]) -> Told:
        body = asked["wsgi.input"].read().decode()
        told = {"token": asked["HTTP_AUTHORIZATION"], "body": body}
        return "200 OK", [], json.dumps(told).encode()

    stub.answer = echo
    assert stub.client.send(ASKED) == (200, {"token": "Bearer token", "body": "{}"})


@pytest.mark.parametrize(
    ("told", "status", "wrong"),
    [
        (("204 No Content", [], b""), 204, ""),
        (("429 Too Many Requests", [("Retry-After", "2")], b"{}"), 429, ""),
        (("429 Too Many Requests", [], b"{}"), 429, "429 without Retry-After"),
        (("500 Internal Server Error", [], b"{}"), 500, ""),
        (("200 OK", [], b"<html>"), 200, "the answer is not JSON"),
    ],
)
def test_an_answer_is_taken_for_what_it_is(stub: Stub, told: Told, status: int, wrong: str) -> None:
    stub.answer = lambda asked: told
    stub.client.send(ASKED)
    answer = only(stub.client)
    assert (answer.status, answer.wrong) == (status, wrong)


def test_what_a_request_says_of_its_answer_is_kept(stub: Stub) -> None:
    asked = Request("identify", "POST", "/", b"{}", lambda status, content: f"{status} {content}")
    stub.client.send(asked)
    assert only(stub.client).wrong == "200 []"


def test_where_nobody_listens_nothing_is_acknowledged(stub: Stub) -> None:
    stub.stop()
    assert stub.client.send(ASKED) == (0, None)
    assert only(stub.client).status == 0


def test_a_connection_that_breaks_before_the_answer_acknowledges_nothing() -> None:
    from gevent.server import StreamServer

    server = StreamServer(("127.0.0.1", 0), lambda connection, _: (connection.recv(65536), None)[1])
    server.start()
    try:
        client = Client([f"http://127.0.0.1:{server.server_port}"], "token")
        with gevent.Timeout(20):
            assert client.send(ASKED) == (0, None)
    finally:
        server.stop(timeout=0)


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 20\r\n\r\n",
        b"Content-Length: 20\r\n\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\n",
    ],
)
@pytest.mark.parametrize("status", [b"200 OK", b"202 Accepted"])
def test_an_answer_that_breaks_off_acknowledges_nothing(status: bytes, framing: bytes) -> None:
    from gevent.server import StreamServer

    def cut_off(connection: Any, _address: Any) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 " + status + b"\r\n" + framing)

    server = StreamServer(("127.0.0.1", 0), cut_off)
    server.start()
    try:
        client = Client([f"http://127.0.0.1:{server.server_port}"], "token")
        with gevent.Timeout(20):
            assert client.send(ASKED) == (0, None)
        answer = only(client)
        assert (answer.status, answer.wrong) == (0, "")
    finally:
        server.stop(timeout=0)
