"""Signing in and out at the pages: at the issuer, or with a pasted token for development."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from engine.web import faults, openid
from engine.web.auth import Caller
from engine.web.door import Door
from engine.web.entrance import CALLBACK, Entrance, local_path
from engine.web.faults import Fault
from engine.web.forms import read_form
from engine.web.locks import client_of
from engine.web.openid import CodeRefusedError, Pending, Provider
from engine.web.page_watching import Endpoint, Watch, note_visitor, unwatched
from engine.web.sessions import PAGE_SCOPES, SIGN_IN, SIGN_OUT, SUPERVISE, Sessions
from engine.web.tokens import SUBJECT_LENGTH, BadTokenError, claimed

START = f"{SIGN_IN}/start"
HOME = "/"  # where to, where a sign-in was begun for no page
PENDING, PENDING_SECONDS = "tenprint-sign-in", 600
TEMPLATES = Path(__file__).parent / "pages" / "templates"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class SignIn:
    """The routes of the sign-in."""

    def __init__(
        self, door: Door, sessions: Sessions, entrance: Entrance, watch: Watch = unwatched
    ) -> None:
        """watch: what is told of each request."""
        self._watch = watch
        self._door = door
        self._sessions = sessions
        self._entrance = entrance
        self._cookie = entrance.cookie(PENDING)
        self._provider = Provider(door.guard, entrance, PAGE_SCOPES) if entrance.client else None
        self._pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
        self.router = APIRouter()
        self._add("GET", SIGN_IN, self._show)
        self._add("POST", SIGN_OUT, self._sign_out)
        if self._provider:
            self._add("GET", START, self._start)
            self._add("GET", CALLBACK, self._finish)
        if entrance.development:
            self._add("POST", SIGN_IN, self._paste)

    def close(self) -> None:
        if self._provider:
            self._provider.close()

    def _add(self, method: str, path: str, answer: Endpoint) -> None:
        async def endpoint(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as error:
                return self._page(request, faults.of(error))

        self.router.add_api_route(path, self._watch(path, endpoint), methods=[method])

    async def _show(self, request: Request) -> Response:
        return self._page(request)

    async def _start(self, request: Request) -> Response:
        """Sends the browser to the issuer."""
        assert self._provider
        pending = openid.begin(local_path(request.query_params.get("next"), HOME))
        there = await asyncio.to_thread(self._provider.address, pending)
        response = RedirectResponse(there, 303)
        response.set_cookie(
            self._cookie, pending.pack(), max_age=PENDING_SECONDS, path="/",
            secure=self._entrance.secure, httponly=True, samesite="lax",
        )  # fmt: skip
        return response

    async def _finish(self, request: Request) -> Response:
        """The issuer sends the browser back."""
        query = request.query_params
        pending = openid.unpack(request.cookies.get(self._cookie, ""))
        state = query.get("state", "")
        # A page of another site can send a browser here: that counts for nobody's failure.
        if pending is None or not hmac.compare_digest(state.encode(), pending.state.encode()):
            raise Fault(400, "the sign-in took too long, or was begun elsewhere: begin again")
        if query.get("iss", self._door.guard.issuer) != self._door.guard.issuer:
            raise Fault(400, "the sign-in was made at another issuer: begin again")
        if "code" not in query:
            raise Fault(403, "the issuer did not let you in: begin again, or ask its operator")
        caller = await asyncio.to_thread(self._caller, query["code"], pending, client_of(request))
        there = local_path(pending.next, HOME)  # the cookie is what the browser says it is
        response = await self._let_in(request, caller, there)
        response.delete_cookie(
            self._cookie, path="/", secure=self._entrance.secure, httponly=True, samesite="lax"
        )
        return response

    def _caller(self, code: str, pending: Pending, client: str) -> Caller:
        """Who signed in: the identity token says who, the access token what they may."""
        assert self._provider
        locks = self._door.locks_of("")
        locks.check_sign_in(client)
        try:
            identity, access = self._provider.exchange(code, pending)
        except CodeRefusedError:
            locks.fail_sign_in(client)
            raise
        said = claimed(identity)
        locks = self._door.locks_of(self._door.guard.tenant_of(claimed(access)))
        locks.check(client, said.get("sub"))
        try:
            subject = self._provider.subject(identity, access, pending)
        except BadTokenError:
            locks.fail(client, said.get("sub"))
            raise
        caller = self._door.enter(access, client)
        if caller.subject != subject:
            raise Fault(403, "the issuer's two tokens name two people: tell its operator")
        return caller

    async def _paste(self, request: Request) -> Response:
        """Development only: whoever has the printed token may be anybody."""
        self._entrance.require_own(request)
        form = await read_form(request)
        request.state.next = form.get("next")
        token = form.get("token", "").strip()
        caller = await asyncio.to_thread(self._door.enter, token, client_of(request))
        name = form.get("name", "").strip()[:SUBJECT_LENGTH]
        if name and not name.isprintable():
            raise Fault(400, "a name is made of letters that can be read")
        scopes = caller.scopes if "supervisor" in form else caller.scopes - {SUPERVISE}
        caller = replace(caller, subject=name or caller.subject, scopes=scopes)
        return await self._let_in(request, caller, local_path(form.get("next"), HOME))

    async def _let_in(self, request: Request, caller: Caller, there: str) -> Response:
        note_visitor(request, caller)
        cookie = await asyncio.to_thread(self._sessions.begin, caller, request)
        response = RedirectResponse(there, 303)
        self._sessions.give(response, cookie)
        return response

    async def _sign_out(self, request: Request) -> Response:
        session = await asyncio.to_thread(self._sessions.of, request)
        note_visitor(request, session)
        if session:
            form = await read_form(request)
            self._sessions.check_form(session, form.get("csrf", ""))
            await asyncio.to_thread(self._sessions.end, request)
        response = RedirectResponse(f"{SIGN_IN}?out=1", 303)
        self._sessions.take(response)
        return response

    def _page(self, request: Request, fault: Fault | None = None) -> Response:
        wanted = getattr(request.state, "next", None) or request.query_params.get("next")
        there = local_path(wanted, HOME)
        text = self._pages.get_template("sign_in.html.j2").render(
            error=fault.message if fault else "",
            signed_out="out" in request.query_params,
            development=self._entrance.development,
            start=f"{START}?{urlencode({'next': there})}" if self._provider else "",
            issuer=urlsplit(self._door.guard.issuer).netloc,
            action=SIGN_IN,
            next=there,
            session=None,
        )
        # Not "no-referrer": with that browsers send forms with the origin "null".
        headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
        headers |= fault.headers if fault else {}
        headers.pop("WWW-Authenticate", None)  # a browser would ask for a password
        return HTMLResponse(text, fault.status if fault else 200, headers)
