"""Readiness: whether the process can serve, looked at once for all who ask meanwhile."""

from __future__ import annotations

import asyncio

from engine.web.faults import Fault
from engine.web.house import House
from engine.web.operations import Kind

READY_SECONDS = 5.0
FIRST = 9  # priority


class Readiness:
    """Galleries are loaded, each tenant's database answers, and its line moves. Anybody may ask:
    however many do, they take one place in a line."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._looking: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """A Fault 503 where the process cannot serve."""
        if not all(place.desk.is_warm for place in self._house.places.values()):
            raise Fault(503, "not ready: the galleries are being loaded")
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)

    async def _look(self) -> None:
        try:
            desks = [place.desk for place in self._house.places.values()]
            futures = [desk.put(Kind.READ, desk.tasks.load, FIRST) for desk in desks]
            waiting = asyncio.gather(*map(asyncio.wrap_future, futures))
            await asyncio.wait_for(waiting, READY_SECONDS)
        except Exception as error:
            words = "not ready: the database does not answer, or too many wait"
            raise Fault(503, words) from error
