"""The application: routes, headers, health, and an orderly beginning and end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.service.tenprint import DEFAULT_POLICY, Tenprint
from engine.web import faults, logs
from engine.web.auth import Guard
from engine.web.callbacks import Poster
from engine.web.door import Door
from engine.web.entrance import Entrance
from engine.web.faults import Fault
from engine.web.house import ALONE, House
from engine.web.limits import Limits
from engine.web.metrics import CONTENT_TYPE
from engine.web.operations import methods_at
from engine.web.osia import Osia
from engine.web.page_watching import watch_pages
from engine.web.pages.router import make_pages
from engine.web.protocol import HEADERS_BYTES, HEADERS_COUNT
from engine.web.readiness import Readiness
from engine.web.sessions import Sessions
from engine.web.sign_in import SignIn
from engine.web.telemetry import Telemetry

METRICS_SCOPE = "tenprint.metrics"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",  # heeded over TLS alone
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
WORDS = {404: "there is nothing here: see docs/osia.md", 405: "the method is not allowed here"}


def make_app(
    tenants: Tenprint | Mapping[str, Tenprint],
    guard: Guard,
    *,
    workers: int,
    policy: str | Path = DEFAULT_POLICY,
    callbacks: Sequence[str] | Mapping[str, Sequence[str]] = (),
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    poster: Poster | None = None,
    purpose: str = "",
    entrance: Entrance = Entrance(),  # noqa: B008 (frozen)
    telemetry: Telemetry = Telemetry(),  # noqa: B008 (has no state)
) -> FastAPI:
    """The service on open installations, one or several by tenant, which stay the caller's to
    close.

    workers: processes that extract, 0 for none. callbacks: origins that results may be posted to,
    by tenant where there are several. purpose: of uses that say none. entrance: how people sign
    in. telemetry: who is told of requests; closed at the end.
    PolicyError or SettingsError where an option will not do.
    """
    served = {ALONE: tenants} if isinstance(tenants, Tenprint) else tenants
    allowed = callbacks if isinstance(callbacks, Mapping) else dict.fromkeys(served, callbacks)
    house = House(
        served,
        workers=workers,
        policy=policy,
        callbacks=allowed,
        limits=limits,
        poster=poster,
        telemetry=telemetry,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        for place in house.places.values():
            place.desk.warm()
        house.start()
        logs.event("started", workers=workers, tenants=len(served))
        try:
            yield
        finally:  # requests were answered before: uvicorn waits for them
            await house.close()
            sign_in.close()
            logs.event("stopped")

    app = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan
    )
    door = Door(guard, {name: place.locks for name, place in house.places.items()})
    sessions = Sessions({name: each.access for name, each in served.items()}, entrance)
    app.state.desk = house.first.desk
    app.state.house = house
    app.state.sessions = sessions
    app.include_router(Osia(house, door, purpose).router)
    watch = watch_pages(house)
    sign_in = SignIn(door, sessions, entrance, watch)
    app.include_router(sign_in.router)
    app.include_router(
        make_pages(house.at_the_desk, sessions, purpose=purpose, policy=policy, watch=watch)
    )
    _add_health(app, house, door)
    _add_errors(app)
    return app


def _add_health(app: FastAPI, house: House, door: Door) -> None:
    readiness = Readiness(house)

    @app.get("/health")
    async def health() -> Response:
        """The process lives."""
        return JSONResponse({"status": "alive"})

    @app.get("/ready")
    async def ready() -> Response:
        """The process can serve."""
        try:
            await readiness.check()
        except Fault as fault:
            return fault.response()
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        """The figures of the caller's tenant, for a token that allows it: they name galleries."""
        try:
            caller = await asyncio.to_thread(door.check, request, METRICS_SCOPE)
            text = await asyncio.to_thread(house.desk_of(caller.tenant).metrics.text)
        except Exception as error:
            return faults.of(error).response()
        return Response(text, media_type=CONTENT_TYPE)


def _has_large_head(request: Request) -> bool:
    """Whether a head is too large: h11 lets one pass that comes in one piece."""
    raw = request.headers.raw
    size = len(request.scope["raw_path"]) + len(request.scope["query_string"])
    size += sum(len(name) + len(value) for name, value in raw)
    return len(raw) > HEADERS_COUNT or size > HEADERS_BYTES


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
        response = faults.of(error).response()
        response.headers.update(HEADERS)  # it does not come by add_headers
        return response

    @app.middleware("http")
    async def add_headers(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if _has_large_head(request):
            response: Response = Fault(431, "the head of the request is too large").response()
        else:
            response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
