"""Routes of the interface: each request is let in, put in line, and answered; or kept as a task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.service.tasks import COMPLETED, ERROR, PENDING, RETRY, SCHEDULED
from engine.web import faults, logs, reading
from engine.web.auth import Caller, Guard
from engine.web.bodies import Bodies
from engine.web.callbacks import Callbacks
from engine.web.calls import Call
from engine.web.desk import Desk
from engine.web.faults import Fault, busy
from engine.web.limits import DEFAULT_PRIORITY
from engine.web.operations import OPERATIONS, TASK_OPERATIONS, Kind, Operation
from engine.web.runner import Runner
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
Answering = Callable[[Request, Caller], Awaitable[Response]]


class Osia:
    """The operations as routes."""

    def __init__(
        self, desk: Desk, guard: Guard, runner: Runner, callbacks: Callbacks, purpose: str = ""
    ) -> None:
        self._purpose = purpose
        self._desk = desk
        self._guard = guard
        self._runner = runner
        self._callbacks = callbacks
        self._bodies = Bodies(desk.limits)
        self.router = APIRouter()
        for operation in OPERATIONS:
            self._add(operation, partial(self._answer, operation))
        status, redeliver = TASK_OPERATIONS
        self._add(status, self._task_status)
        self._add(redeliver, self._redeliver)

    def _add(self, operation: Operation, answer: Answering) -> None:
        async def endpoint(request: Request) -> Response:
            began = time.monotonic()
            caller, response = None, None
            try:
                header = request.headers.get("authorization")
                # Keys may have to be fetched.
                caller = await asyncio.to_thread(self._guard.check, header, operation.scope)
                response = await answer(request, caller)
            except Exception as error:
                response = faults.of(error).response()
            self._tell(operation, response.status_code, time.monotonic() - began, caller)
            return response

        self.router.add_api_route(
            operation.path, endpoint, methods=[operation.method], name=operation.name
        )

    def _tell(
        self, operation: Operation, status: int, seconds: float, caller: Caller | None
    ) -> None:
        metrics = self._desk.metrics
        metrics.requests.labels(operation.name, str(status)).observe(seconds)
        if status == 429:
            metrics.refused.inc()
        logs.event(
            "request",
            operation=operation.name,
            status=status,
            ms=round(1000 * seconds),
            caller=caller.subject if caller else None,
        )

    async def _answer(self, operation: Operation, request: Request, caller: Caller) -> Response:
        if not operation.has_body:
            return await self._with_body(operation, request, caller, b"")
        body = await self._bodies.read(request)
        try:
            return await self._with_body(operation, request, caller, body.data)
        finally:
            body.close()

    async def _with_body(
        self, operation: Operation, request: Request, caller: Caller, body: bytes
    ) -> Response:
        asked = replace(_call(operation, request, caller, body), purpose=self._purpose)
        _ = asked.transaction, asked.priority
        if "callback" in asked.query:
            self._callbacks.check(asked.query["callback"])
            keep = partial(self._keep, asked)
            future = self._desk.put(Kind.READ, keep, asked.priority)
            task = await asyncio.wrap_future(future)
            self._runner.wake()
            return JSONResponse({"taskId": task}, 202)
        reply = await asyncio.wrap_future(self._desk.begin(asked))
        if reply.text is not None:
            return Response(reply.text, reply.status, media_type="text/csv")
        if reply.status == 204:
            return Response(status_code=204)
        return JSONResponse(reply.content, reply.status)

    def _keep(self, asked: Call) -> str:
        """Keeps a call as a task, and gives its name: from then on it survives a restart."""
        shape = SHAPES.get(asked.operation)
        if shape is not None:
            reading.parse(shape, asked.body)
        for name in asked.path:
            asked.id(name)
        limits = self._desk.limits
        count, size = self._desk.tasks.load()
        if count >= limits.tasks or size + len(asked.body) > limits.tasks_bytes:
            raise busy("too many tasks wait", 30.0)
        return self._desk.tasks.add(
            operation=asked.operation,
            transaction=asked.transaction,
            operator=asked.operator,
            callback=asked.query["callback"],
            priority=asked.priority,
            request=asked.pack(),
        )

    async def _task_status(self, request: Request, caller: Caller) -> Response:
        name = _task(request)
        work = partial(self._desk.tasks.state, name, caller.subject)
        state = await asyncio.wrap_future(self._desk.put(Kind.READ, work, DEFAULT_PRIORITY))
        return JSONResponse(STATES[state])

    async def _redeliver(self, request: Request, caller: Caller) -> Response:
        name = _task(request)
        work = partial(self._desk.tasks.redeliver, name, caller.subject)
        await asyncio.wrap_future(self._desk.put(Kind.READ, work, DEFAULT_PRIORITY))
        self._runner.wake()
        return Response(status_code=204)


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
