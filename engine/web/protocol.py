"""The protocol: HTTP as uvicorn speaks it, but no connection is held for a request that never
comes, nor for who does not read the answer."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_SECONDS = 15.0  # for the whole head of a request, from when one is waited for
HEADERS_BYTES, HEADERS_COUNT = 16_384, 100  # of the head


class PatientProtocol(H11Protocol):
    """Closes a connection whose next request does not come whole in time, or whose answer is not
    read on: uvicorn waits for ever for who sends a letter now and then, or reads none, and a few
    hundred such would keep all others out, with as many answers in memory."""

    patience = HEADERS_SECONDS

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._waiting: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

    def handle_events(self) -> None:
        super().handle_events()
        if self._is_answering():
            self._stop_waiting()

    def on_response_complete(self) -> None:
        self._wait()
        super().on_response_complete()  # and begins with what came meanwhile

    def _wait(self) -> None:
        self._stop_waiting()
        self._waiting = self.loop.call_later(self.patience, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        if not self._is_answering():
            self.transport.close()  # once what was written is read
            self._watch_reader()

    def _watch_reader(self) -> None:
        self._stop_watching()
        left = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(self.patience, self._look, left)

    def _stop_watching(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _look(self, before: int) -> None:
        """Ends the connection where nothing was read since; where it is slow, looks again."""
        if 0 < before <= self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self.transport.get_write_buffer_size():
            self._watch_reader()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete
