"""The house: all tenants that a process serves. They share the process, and nothing else."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.service.examining import Examining
from engine.service.extracting import Extractors
from engine.service.tenprint import DEFAULT_POLICY, Tenprint
from engine.web import heap
from engine.web.callbacks import Callbacks, Poster
from engine.web.desk import Desk
from engine.web.limits import Limits
from engine.web.locks import Locks
from engine.web.logs import JsonLines
from engine.web.runner import Runner
from engine.web.sessions import Session
from engine.web.telemetry import Telemetry

ALONE = ""  # the name of the only tenant, where there are no tenants
FOLLOW_EVERY = 1.0  # seconds
TRIM_EVERY = 60  # looks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """What serves one tenant."""

    tenprint: Tenprint
    desk: Desk
    runner: Runner
    callbacks: Callbacks
    locks: Locks

    def look(self) -> None:
        """Learns what other processes changed, so that what was removed leaves the memory."""
        self.tenprint.catch_up()
        self.locks.look()

    def close(self) -> None:
        """Answers and does what was taken in."""
        self.runner.close()
        self.desk.close()
        self.callbacks.close()


class House:
    """The tenants by name; one of the name "" where there are none. Extraction processes are
    shared; each has lines and bounds of its own, its share of what one alone would have."""

    def __init__(
        self,
        tenants: Mapping[str, Tenprint],
        *,
        workers: int,
        policy: str | Path = DEFAULT_POLICY,
        callbacks: Mapping[str, Sequence[str]] | None = None,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        poster: Poster | None = None,
        telemetry: Telemetry = Telemetry(),  # noqa: B008 (has no state)
    ) -> None:
        """callbacks: origins that each tenant's results may be posted to. The installations stay
        the caller's to close."""
        self._extractors = Extractors(workers, JsonLines())
        self._telemetry = telemetry
        share = limits.share(len(tenants))
        self.places: dict[str, Place] = {}
        self._following: list[asyncio.Task[None]] = []
        for name, tenprint in tenants.items():
            allowed = (callbacks or {}).get(name, ())
            desk = Desk(
                tenprint,
                extractors=self._extractors,
                policy=policy,
                limits=share,
                tenant=name,
                telemetry=telemetry,
            )
            posting = Callbacks(allowed, share, poster)
            locks = Locks(tenprint.access, desk.metrics)
            self.places[name] = Place(tenprint, desk, Runner(desk, posting), posting, locks)

    @property
    def first(self) -> Place:
        """The one that is told what belongs to none of them."""
        return next(iter(self.places.values()))

    def desk_of(self, tenant: str) -> Desk:
        """The desk of a tenant, as a `Session` or `Caller` names it. KeyError for any other."""
        return self.places[tenant].desk

    def at_the_desk(self, session: Session) -> tuple[Examining, Tenprint]:
        """What the pages work with, for who is signed in: what examines, and what counts."""
        place = self.places[session.tenant]
        return place.desk.examining, place.tenprint

    def start(self) -> None:
        """Begins to do tasks and to follow other processes; call it in the loop."""
        for place in self.places.values():
            place.runner.start()
            self._following.append(asyncio.create_task(_follow(place)))

    async def close(self) -> None:
        """Ends in order: requests were answered before."""
        for each in self._following:
            each.cancel()
        if self._following:
            await asyncio.wait(self._following)
        for place in self.places.values():
            await asyncio.to_thread(place.close)
        await asyncio.to_thread(self._extractors.close)
        await asyncio.to_thread(self._telemetry.close)


async def _follow(place: Place) -> None:
    for turn in itertools.count(1):
        await asyncio.sleep(FOLLOW_EVERY)
        try:
            await asyncio.shield(asyncio.to_thread(place.look))
            if turn % TRIM_EVERY == 0:
                await asyncio.shield(asyncio.to_thread(heap.trim))
        except Exception as error:
            log.error("changes cannot be followed: %s", type(error).__name__, exc_info=error)
