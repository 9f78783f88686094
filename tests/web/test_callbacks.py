"""Callbacks over HTTP: who is posted to may answer what it likes."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from engine.web import callbacks
from engine.web.callbacks import HttpPoster

URL = httpx.URL("https://client.example/results")


class Endless(httpx.SyncByteStream):
    """An answer that does not end. read: chunks that were asked for."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.read += 1
            assert self.read < 10_000, "read without end"
            yield bytes(self._size)


def poster_of(response: httpx.Response) -> HttpPoster:
    transport = httpx.MockTransport(lambda _: response)
    return HttpPoster(httpx.Client(transport=transport), seconds=10.0)


def test_an_answer_without_end_is_not_read() -> None:
    answer = Endless(1000)
    response = poster_of(httpx.Response(200, stream=answer)).post(URL, content=b"1", headers={})
    assert response.is_success
    assert answer.read <= callbacks.MOST_BYTES // 1000 + 1


def test_an_answer_that_comes_slowly_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: next(clock))
    answer = Endless(1)
    response = poster_of(httpx.Response(204, stream=answer)).post(URL, content=b"1", headers={})
    assert response.is_success
    assert answer.read == 3
