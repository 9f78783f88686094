"""A receiver of results cannot hold the service up by what it answers."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from engine.web.callbacks import ANSWER_BYTES, HttpPoster

URL = httpx.URL("https://client.example/results")
PIECE = 1024


class Answer(httpx.SyncByteStream):
    """A body that counts how often more of it is asked for. most: pieces, then it fails."""

    def __init__(self, pieces: int, most: int) -> None:
        self._pieces, self._most = pieces, most
        self.asked = 0

    def __iter__(self) -> Iterator[bytes]:
        while self.asked < self._pieces:
            self.asked += 1
            assert self.asked <= self._most, "who reads so much never ends"
            yield b"x" * PIECE


def post(answer: Answer, seconds: float, status: int = 200) -> httpx.Response:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, stream=answer))
    poster = HttpPoster(seconds, transport)
    try:
        return poster.post(URL, content=b"[]", headers={})
    finally:
        poster.close()


def test_an_answer_without_an_end_is_read_a_little() -> None:
    answer = Answer(10**9, most=ANSWER_BYTES // PIECE + 1)
    assert post(answer, seconds=3600).is_success
    assert answer.asked > 1


def test_an_answer_that_drips_is_read_for_a_while() -> None:
    assert post(Answer(10**9, most=1), seconds=-1.0, status=503).status_code == 503


def test_an_answer_that_breaks_off_has_told_its_status() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise httpx.ReadError("gone")

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=broken()))
    assert HttpPoster(3600, transport).post(URL, content=b"[]", headers={}).is_success


def test_a_short_answer_is_read_to_its_end() -> None:
    answer = Answer(3, most=3)
    assert post(answer, seconds=3600).is_success
    assert answer.asked == 3
