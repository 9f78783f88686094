"""Bodies: read whole, but never more of them than the service has room for."""

from __future__ import annotations

import asyncio
import threading

from starlette.requests import ClientDisconnect, Request

from engine.web.faults import Fault, busy
from engine.web.limits import Limits


class Bodies:
    """Room for the bodies of all requests that are at work or wait."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._used = 0

    async def read(self, request: Request) -> Body:
        """The body of a request; close it when the request is answered. A Fault where it is too
        large, does not come in time, or there is no room."""
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Fault(400, "a body with a content encoding is not read: send it plain")
        stated = request.headers.get("content-length", "")
        expected = int(stated) if stated.isdecimal() else 0
        body = Body(self)
        try:
            body.reserve(expected, self._limits)
            async with asyncio.timeout(self._limits.header_seconds):
                async for chunk in request.stream():
                    body.add(chunk, self._limits)
        except TimeoutError as error:
            body.close()
            raise Fault(408, "the body did not come in time: send it again") from error
        except ClientDisconnect as error:
            body.close()
            raise Fault(400, "the request was given up") from error
        except BaseException:
            body.close()
            raise
        return body

    def take(self, count: int) -> None:
        """Takes room for some more bytes; a Fault 429 where there is none."""
        with self._lock:
            if self._used + count > self._limits.bodies_bytes:
                raise busy("too many large requests at once", 2.0)
            self._used += count

    def give(self, count: int) -> None:
        """Gives room back."""
        with self._lock:
            self._used -= count


class Body:
    """The bytes of one request, and the room they take."""

    def __init__(self, room: Bodies) -> None:
        self._room = room
        self._taken = 0
        self._parts: list[bytes] = []
        self._length = 0

    @property
    def data(self) -> bytes:
        """All of it, held once."""
        self._parts = [b"".join(self._parts)]
        return self._parts[0]

    def reserve(self, count: int, limits: Limits) -> None:
        """Takes room for `count` bytes in all; a Fault where that is too much."""
        if count > limits.body_bytes:
            raise Fault(413, f"a body has {limits.body_bytes:,} bytes at most: send fewer prints")
        if count > self._taken:
            self._room.take(count - self._taken)
            self._taken = count

    def add(self, chunk: bytes, limits: Limits) -> None:
        """Adds what came."""
        self._length += len(chunk)
        self.reserve(self._length, limits)
        self._parts.append(chunk)

    def close(self) -> None:
        """Gives the room back."""
        self._room.give(self._taken)
        self._taken = 0
        self._parts.clear()
