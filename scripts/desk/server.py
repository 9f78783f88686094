"""The pages on 127.0.0.1, for people who are signed in by name: to look at, never to work with."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, unquote

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


def cookie(name: str, address: str) -> dict[str, str]:
    """The cookie of a browser where somebody is signed in."""
    return {"name": COOKIE, "value": quote(name), "url": address}


class Named(Sessions):
    """Believes the cookie. people: their scopes by name."""

    def __init__(self, people: Mapping[str, frozenset[str]]) -> None:
        self._people = people

    def of(self, request: Request) -> Session | None:
        if request.headers.get("origin") == "null":  # as the real one: it could be any site's page
            raise Fault(403, "the request comes from a page of another site")
        name = unquote(request.cookies.get(COOKIE, ""))
        return Session(name, self._people[name], CSRF) if name in self._people else None

    def check_form(self, session: Session, token: str) -> None:
        if token != session.csrf:
            raise Fault(403, "the form is not of this session")


def make_app(
    tenprint: Tenprint, people: Mapping[str, frozenset[str]] = PEOPLE, purpose: str = ""
) -> FastAPI:
    """The pages on an installation, and nothing else."""
    app = FastAPI(openapi_url=None)
    examining = tenprint.examining()
    app.include_router(make_pages(lambda _: (examining, tenprint), Named(people), purpose=purpose))
    return app


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serves an application on this machine inside a block; gives its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False)
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
