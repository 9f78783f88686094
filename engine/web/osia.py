"""Routes of the interface: each request is let in, put in line, and answered; or kept as a task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.service.tasks import COMPLETED, ERROR, PENDING, RETRY, SCHEDULED
from engine.stages import ANSWER, RECEIVE, stage
from engine.web import faults, logs, reading
from engine.web.auth import Caller
from engine.web.bodies import Bodies
from engine.web.calls import Call, Reply
from engine.web.door import Door
from engine.web.faults import Fault, busy
from engine.web.house import House, Place
from engine.web.limits import DEFAULT_PRIORITY
from engine.web.operations import OPERATIONS, TASK_OPERATIONS, Kind, Operation
from engine.web.reasons import reason_of
from engine.web.shapes import EncounterBody, IdentifyBody, VerifyBioBody, VerifyIdBody

SHAPES: dict[str, Any] = {
    **dict.fromkeys(
        ("createEncounterNoIds", "createEncounterNoId", "createEncounter", "updateEncounter"),
        EncounterBody,
    ),
    "identify": IdentifyBody,
    "verifyFromId": VerifyIdBody,
    "verifyFromBio": VerifyBioBody,
    "updateEncounterGalleries": list[str],
}
STATES = {
    PENDING: "PENDING",
    SCHEDULED: "RESPONSE_SCHEDULED",
    RETRY: "RESPONSE_RETRY",
    ERROR: "RESPONSE_ERROR",
    COMPLETED: "COMPLETED",
}
Answering = Callable[[Request, Caller, Place], Awaitable[Response]]


class Osia:
    """The operations as routes, each for the tenant that the caller belongs to."""

    def __init__(self, house: House, door: Door, purpose: str = "") -> None:
        self._purpose = purpose
        self._house = house
        self._door = door
        self._bodies = {name: Bodies(place.desk.limits) for name, place in house.places.items()}
        self.router = APIRouter()
        for operation in OPERATIONS:
            self._add(operation, partial(self._answer, operation))
        status, redeliver = TASK_OPERATIONS
        self._add(status, self._task_status)
        self._add(redeliver, self._redeliver)

    def _add(self, operation: Operation, answer: Answering) -> None:
        async def endpoint(request: Request) -> Response:
            caller = None
            watching = self._house.first.desk.watching
            with watching.request(operation, request.headers) as watched:
                try:
                    # Keys may have to be fetched.
                    caller = await asyncio.to_thread(self._door.check, request, operation.scope)
                    place = self._house.places[caller.tenant]
                    watched.metrics = place.desk.metrics
                    response = await answer(request, caller, place)
                except Exception as error:
                    response = faults.of(error).response()
                watched.status = response.status_code
            logs.event(
                "request",
                operation=operation.name,
                status=watched.status,
                ms=round(1000 * watched.seconds),
                caller=caller.subject if caller else None,
            )
            return response

        self.router.add_api_route(
            operation.path, endpoint, methods=[operation.method], name=operation.name
        )

    async def _answer(
        self, operation: Operation, request: Request, caller: Caller, place: Place
    ) -> Response:
        if not operation.has_body:
            return await self._with_body(operation, request, caller, place, b"")
        with stage(RECEIVE):
            body = await self._bodies[caller.tenant].read(request)
        try:
            return await self._with_body(operation, request, caller, place, body.data)
        finally:
            body.close()

    async def _with_body(
        self, operation: Operation, request: Request, caller: Caller, place: Place, body: bytes
    ) -> Response:
        reason = reason_of(request.headers, self._purpose)
        asked = replace(_call(operation, request, caller, body), reason=reason)
        _ = asked.transaction, asked.priority
        if "callback" in asked.query:
            place.callbacks.check(asked.query["callback"])
            keep = partial(_keep, asked, place)
            future = place.desk.put(Kind.READ, keep, asked.priority)
            task = await asyncio.wrap_future(future)
            place.runner.wake()
            return JSONResponse({"taskId": task}, 202)
        reply = await asyncio.wrap_future(place.desk.begin(asked))
        with stage(ANSWER):
            return _response(reply)

    async def _task_status(self, request: Request, caller: Caller, place: Place) -> Response:
        name = _task(request)
        work = partial(place.desk.tasks.state, name, caller.subject)
        state = await asyncio.wrap_future(place.desk.put(Kind.READ, work, DEFAULT_PRIORITY))
        return JSONResponse(STATES[state])

    async def _redeliver(self, request: Request, caller: Caller, place: Place) -> Response:
        name = _task(request)
        work = partial(place.desk.tasks.redeliver, name, caller.subject)
        await asyncio.wrap_future(place.desk.put(Kind.READ, work, DEFAULT_PRIORITY))
        place.runner.wake()
        return Response(status_code=204)


def _keep(asked: Call, place: Place) -> str:
    """Keeps a call as a task, and gives its name: from then on it survives a restart."""
    shape = SHAPES.get(asked.operation)
    if shape is not None:
        reading.parse(shape, asked.body)
    for name in asked.path:
        asked.id(name)
    limits = place.desk.limits
    count, size = place.desk.tasks.load()
    if count >= limits.tasks or size + len(asked.body) > limits.tasks_bytes:
        raise busy("too many tasks wait", 30.0)
    return place.desk.tasks.add(
        operation=asked.operation,
        transaction=asked.transaction,
        operator=asked.operator,
        callback=asked.query["callback"],
        priority=asked.priority,
        request=asked.pack(),
    )


def _response(reply: Reply) -> Response:
    if reply.text is not None:
        return Response(reply.text, reply.status, media_type="text/csv")
    if reply.status == 204:
        return Response(status_code=204)
    return JSONResponse(reply.content, reply.status)


def _task(request: Request) -> str:
    _ = _call(TASK_OPERATIONS[0], request, None, b"").transaction
    return str(request.path_params["taskId"])


def _call(operation: Operation, request: Request, caller: Caller | None, body: bytes) -> Call:
    """A request as its operation sees it."""
    given = request.query_params.multi_items()
    query = dict(given)
    if len(query) != len(given):
        raise Fault(400, "query: a parameter is there twice")
    accepted = request.headers.get("accept", "")
    return Call(
        operation.name,
        dict(request.path_params),
        query,
        body,
        caller.subject if caller else "",
        "text/csv" in accepted and "application/json" not in accepted,
        request.client.host if request.client else "",
    )
