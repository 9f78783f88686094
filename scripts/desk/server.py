"""The pages on 127.0.0.1, for people who are signed in by name: to look at, never to work with."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request

from engine.service.tenprint import Tenprint
from engine.web.faults import Fault
from engine.web.pages.router import make_pages
from engine.web.sessions import EXAMINE, STATISTICS, SUPERVISE, Session, Sessions

COOKIE, CSRF = "name", "made-up"
PEOPLE: Mapping[str, frozenset[str]] = {
    "M. Okafor": frozenset({EXAMINE}),
    "J. Lindqvist": frozenset({EXAMINE}),
    "R. Ortiz": frozenset({EXAMINE, SUPERVISE, STATISTICS}),
}


class Named(Sessions):
    """Believes the cookie."""

    def of(self, request: Request) -> Session | None:
        name = request.cookies.get(COOKIE, "").strip('"')
        return Session(name, PEOPLE[name], CSRF) if name in PEOPLE else None

    def check_form(self, session: Session, token: str) -> None:
        if token != session.csrf:
            raise Fault(403, "the form is not of this session")


@contextmanager
def serving(tenprint: Tenprint) -> Iterator[str]:
    """Serves the pages inside a block; gives their address."""
    app = FastAPI(openapi_url=None)
    examining = tenprint.examining()
    app.include_router(make_pages(lambda _: (examining, tenprint), Named()))
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.05)
            if not thread.is_alive():
                raise RuntimeError("the server did not start")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
