"""The application: routes, headers, health, and an orderly beginning and end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.service.tenprint import DEFAULT_POLICY, Tenprint
from engine.web import faults, logs
from engine.web.auth import Guard
from engine.web.callbacks import Callbacks, Poster
from engine.web.desk import Desk
from engine.web.faults import Fault
from engine.web.limits import Limits
from engine.web.metrics import CONTENT_TYPE
from engine.web.operations import Kind, methods_at
from engine.web.osia import Osia
from engine.web.runner import Runner
from engine.web.telemetry import Telemetry

METRICS_SCOPE = "tenprint.metrics"
READY_SECONDS = 5.0
FOLLOW_EVERY = 1.0  # seconds
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",  # heeded over TLS alone
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
log = logging.getLogger(__name__)

WORDS = {404: "there is nothing here: see docs/osia.md", 405: "the method is not allowed here"}


def make_app(
    tenprint: Tenprint,
    guard: Guard,
    *,
    workers: int,
    policy: str | Path = DEFAULT_POLICY,
    callbacks: Sequence[str] = (),
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    poster: Poster | None = None,
    purpose: str = "",
    telemetry: Telemetry = Telemetry(),  # noqa: B008 (has no state)
) -> FastAPI:
    """The service on an open installation, which stays the caller's to close.

    workers: processes that extract, 0 for none. callbacks: origins that results may be posted to.
    purpose: of every use, for the journal. telemetry: who is told of requests; closed at the end.
    PolicyError or SettingsError where an option will not do.
    """
    desk = Desk(tenprint, workers=workers, policy=policy, limits=limits, telemetry=telemetry)
    posting = Callbacks(callbacks, limits, poster)
    runner = Runner(desk, posting)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        runner.start()
        following = asyncio.create_task(_follow(tenprint))
        logs.event("started", workers=workers)
        try:
            yield
        finally:  # requests were answered before: uvicorn waits for them
            following.cancel()
            await asyncio.wait([following])
            await asyncio.to_thread(runner.close)
            await asyncio.to_thread(desk.close)
            posting.close()
            logs.event("stopped")

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.desk = desk
    app.include_router(Osia(desk, guard, runner, posting, purpose).router)
    _add_health(app, desk, guard)
    _add_errors(app)
    return app


async def _follow(tenprint: Tenprint) -> None:
    """Reads what other processes changed, so that what was removed leaves the memory."""
    while True:
        await asyncio.sleep(FOLLOW_EVERY)
        try:
            await asyncio.shield(asyncio.to_thread(tenprint.catch_up))
        except Exception as error:
            log.error("changes cannot be followed: %s", type(error).__name__, exc_info=error)


def _add_health(app: FastAPI, desk: Desk, guard: Guard) -> None:
    @app.get("/health")
    async def health() -> Response:
        """The process lives."""
        return JSONResponse({"status": "alive"})

    @app.get("/ready")
    async def ready() -> Response:
        """The process can serve: the database answers, and the line moves."""
        try:
            future = desk.put(Kind.READ, desk.tasks.load, 9)
            await asyncio.wait_for(asyncio.wrap_future(future), READY_SECONDS)
        except Exception:
            fault = Fault(503, "not ready: the database does not answer, or too many wait")
            return fault.response()
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        """The figures, for a token that allows it: they name galleries."""
        try:
            header = request.headers.get("authorization")
            await asyncio.to_thread(guard.check, header, METRICS_SCOPE)
            text = await asyncio.to_thread(desk.metrics.text)
        except Exception as error:
            return faults.of(error).response()
        return Response(text, media_type=CONTENT_TYPE)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> Response:
        words = WORDS.get(error.status_code, "the request is not understood")
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(methods_at(request.url.path))
        return Fault(error.status_code, words, headers).response()

    @app.exception_handler(Exception)
    async def fail(_request: Request, error: Exception) -> Response:
        return faults.of(error).response()

    @app.middleware("http")
    async def add_headers(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
