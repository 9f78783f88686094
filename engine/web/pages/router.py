"""The router of the pages: which path is answered by what, for whom, and what errors look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engine.service.tenprint import DEFAULT_POLICY
from engine.web import faults
from engine.web.faults import Fault
from engine.web.forms import read_form
from engine.web.page_watching import Endpoint, Watch, note_visitor, unwatched
from engine.web.pages import cases, closed, errors, queue, static, statistics
from engine.web.pages.visits import (
    ANYBODY,
    COUNTERS,
    EXAMINERS,
    HOME,
    SUPERVISORS,
    Desks,
    Office,
    Visit,
    go,
    require,
    send_to_sign_in,
)
from engine.web.sessions import Session, Sessions

Answer = Callable[[Visit], Response]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
CASE, CLOSED = "/desk/cases/{key}", "/desk/closed/{key}"
ROUTES: tuple[tuple[str, str, Answer, frozenset[str]], ...] = (
    ("GET", HOME, queue.show_home, ANYBODY),
    ("GET", "/desk/disputed", queue.show_disputed, SUPERVISORS),
    ("POST", "/desk/next", queue.take_next, EXAMINERS),
    ("GET", CASE, cases.show, EXAMINERS),
    ("POST", CASE + "/open", cases.take, EXAMINERS),
    ("GET", CASE + "/pictures/{number:int}/{side}/{view}", cases.picture, EXAMINERS),
    ("POST", CASE + "/confirm", cases.confirm, EXAMINERS),
    ("POST", CASE + "/edit", cases.edit, EXAMINERS),
    ("POST", CASE + "/decide", cases.decide, EXAMINERS),
    ("POST", CASE + "/release", cases.release, EXAMINERS),
    ("GET", "/desk/closed", closed.show_list, EXAMINERS),
    ("GET", CLOSED, closed.show_case, EXAMINERS),
    ("GET", "/desk/statistics", statistics.show, COUNTERS),
)


def make_pages(
    desks: Desks,
    sessions: Sessions,
    *,
    purpose: str = "",
    policy: str | Path = DEFAULT_POLICY,
    watch: Watch = unwatched,
) -> APIRouter:
    """All pages below /desk; what else is asked for there is a page that says so. See Office.
    watch: what is told of each request."""
    pages = _Pages(Office(desks, sessions, purpose, policy), watch)
    for method, path, answer, scopes in ROUTES:
        pages.add(method, path, answer, scopes)
    pages.finish()
    return pages.router


class _Pages:
    """The routes on one office."""

    def __init__(self, office: Office, watch: Watch) -> None:
        self._office = office
        self._watch = watch
        self.router = APIRouter()

    def add(self, method: str, path: str, answer: Answer, scopes: frozenset[str]) -> None:
        """A page for whoever is signed in and has one of the scopes."""

        async def endpoint(request: Request) -> Response:
            session = None
            form: dict[str, str] = {}
            try:
                session = await self._session(request)
                if method == "POST":
                    form = await read_form(request)
                if session is None:
                    if form.get("notes"):
                        raise Fault(403, "you are signed out: copy your notes, and sign in again")
                    return send_to_sign_in(request)
                require(session, scopes)
                if method == "POST":
                    self._office.sessions.check_form(session, form.pop("csrf", ""))
                visit = Visit(self._office, request, session, form)
                return await run_in_threadpool(answer, visit)
            except Exception as error:
                return errors.show(faults.of(error), session, form)

        self._add(path, endpoint, [method])

    def finish(self) -> None:
        """Files, the way to the first page, and a page for whatever is not there."""

        async def send(request: Request) -> Response:
            try:
                return await run_in_threadpool(static.send, request, request.path_params["name"])
            except Exception as error:
                return errors.show(faults.of(error))

        async def miss(request: Request) -> Response:
            if request.url.path == f"{HOME}/":
                return go(HOME)
            try:
                session = await self._session(request)
            except Exception as error:
                return errors.show(faults.of(error))
            return errors.show(Fault(404, "There is no such page here."), session)

        async def go_home(_request: Request) -> Response:
            return go(HOME)

        self._add("/desk/static/{name}", send, ["GET"])
        self._add("/desk/{path:path}", miss, METHODS)
        self._add("/", go_home, ["GET"])

    def _add(self, path: str, endpoint: Endpoint, methods: list[str]) -> None:
        self.router.add_api_route(path, self._watch(path, endpoint), methods=methods)

    async def _session(self, request: Request) -> Session | None:
        session = await run_in_threadpool(self._office.sessions.of, request)
        note_visitor(request, session)
        return session
