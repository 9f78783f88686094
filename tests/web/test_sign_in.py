"""People sign in at the issuer, or for development with the printed token; and out again."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.service.auditing import Filter
from engine.service.tenprint import Tenprint
from engine.store import sessions as stored
from engine.web import faults, sign_in
from engine.web import issuer as issuer_site
from engine.web.app import make_app
from engine.web.auth import Guard
from engine.web.entrance import Entrance, local_path
from engine.web.keys import DevelopmentKey, FixedKeys
from engine.web.server import ALL_SCOPES
from engine.web.sessions import EXAMINE, STATISTICS, SUPERVISE, Sessions
from tests.web.serving import AUDIENCE, ISSUER, QUICK, Issuer

ADDRESS = "https://prints.example"
CLIENT, SECRET = "tenprint-desk", "a secret/of:the client"
ENDPOINTS = {"authorization_endpoint": f"{ISSUER}/auth?x=1", "token_endpoint": f"{ISSUER}/token"}
Json = Any


class FakeIssuer:
    """An issuer that lets anyone in who comes by its pages. said: what replaces its own words."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._codes: dict[str, dict[str, str]] = {}
        self.description: Json = {"issuer": ISSUER, **ENDPOINTS}
        self.identity: dict[str, Any] = {}
        self.access: dict[str, Any] = {"scope": f"{EXAMINE} abis.identify"}
        self.answer: httpx.Response | None = None
        self.asked: list[httpx.Request] = []

    def visit(self, address: str) -> dict[str, str]:
        """The person signs in there; what their browser brings back."""
        assert address.startswith(ENDPOINTS["authorization_endpoint"] + "&")
        query = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        return {"code": code, "state": query["state"]}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path.startswith("/.well-known"):
            return httpx.Response(200, json=self.description)
        if self.answer is not None:
            return self.answer
        form = dict(parse_qsl(request.content.decode()))
        asked = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return httpx.Response(400, json={"error": "invalid_grant"})
        own = {"aud": CLIENT, "sub": "e.ashby", "nonce": asked["nonce"], "scope": None}
        identity = self._issuer.token(**{**own, **self.identity})
        access = self._issuer.token(**{"sub": "e.ashby", **self.access})
        return httpx.Response(200, json={"id_token": identity, "access_token": access})


@pytest.fixture(autouse=True)
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages' frame, where it is not there."""
    if not (sign_in.TEMPLATES / "layout.html.j2").exists():
        (tmp_path / "layout.html.j2").write_text("{% block title %}{% endblock %}"
                                                 "{% block content %}{% endblock %}")  # fmt: skip
        monkeypatch.setattr(sign_in, "TEMPLATES", [sign_in.TEMPLATES, tmp_path])


@contextmanager
def browsing(tenprint: Tenprint, guard: Guard, entrance: Entrance) -> Iterator[TestClient]:
    """A browser at the service, with a page that says who is signed in and takes a form."""
    app = make_app(tenprint, guard, workers=0, limits=QUICK, entrance=entrance)
    sessions: Sessions = app.state.sessions

    @app.api_route("/page", methods=["GET", "POST"])
    def page(request: Request) -> Response:
        try:
            session = sessions.of(request)
            if session is None:
                return JSONResponse(None, 401)
            if request.method == "POST":
                sessions.check_form(session, request.headers.get("x-csrf-token", ""))
        except faults.Fault as fault:
            return fault.response()
        return JSONResponse(
            {"subject": session.subject, "scopes": sorted(session.scopes), "csrf": session.csrf}
        )

    base = ADDRESS if entrance.secure else "http://localhost:8443"
    with TestClient(app, base, raise_server_exceptions=False, follow_redirects=False) as http:
        yield http


@pytest.fixture
def fake(issuer: Issuer) -> FakeIssuer:
    return FakeIssuer(issuer)


Browsing = Callable[..., Any]


@pytest.fixture
def browser(tenprint: Tenprint, issuer: Issuer, fake: FakeIssuer) -> Iterator[TestClient]:
    guard = Guard(ISSUER, AUDIENCE, FixedKeys(issuer.jwks, "test"))
    http = httpx.Client(transport=httpx.MockTransport(fake))
    with browsing(tenprint, guard, Entrance(CLIENT, SECRET, ADDRESS, http=http)) as made:
        yield made


@pytest.fixture
def developer(tenprint: Tenprint) -> Iterator[tuple[TestClient, str]]:
    """A browser at a service with a development key, and its token."""
    key = DevelopmentKey("tenprint-development", AUDIENCE, ALL_SCOPES)
    guard = Guard("tenprint-development", AUDIENCE, key)
    entrance = Entrance(development=True, secure=False)
    with browsing(tenprint, guard, entrance) as made:
        yield made, key.token()


def enter(browser: TestClient, fake: FakeIssuer, path: str = "/page?a=1") -> httpx.Response:
    """Signs in; the service's last answer."""
    started = browser.get("/sign-in/start", params={"next": path})
    assert started.status_code == 303, started.text
    return browser.get("/sign-in/callback", params=fake.visit(started.headers["location"]))


def failing(tenprint: Tenprint) -> list[str]:
    return [each.subject for each in tenprint.access.failing()]


def test_people_sign_in_at_the_issuer(
    browser: TestClient, fake: FakeIssuer, tenprint: Tenprint
) -> None:
    page = browser.get("/sign-in", params={"next": "/page?a=1"})
    assert page.status_code == 200
    assert 'href="/sign-in/start?next=%2Fpage%3Fa%3D1"' in page.text
    entered = enter(browser, fake)
    assert (entered.status_code, entered.headers["location"]) == (303, "/page?a=1")
    seen = browser.get("/page").json()
    assert seen["subject"] == "e.ashby"
    assert seen["scopes"] == [EXAMINE]  # what a page may never need stays out of the session
    asked = fake.asked[-1]
    known = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
    assert known == "tenprint-desk:a%20secret%2Fof%3Athe%20client"
    assert parse_qs(asked.content.decode())["redirect_uri"] == [f"{ADDRESS}/sign-in/callback"]
    assert len([each for each in fake.asked if each.method == "GET"]) == 1
    entries = tenprint.audit.show(Filter(verb="access"), 9)
    assert [(each.fields["event"], each.fields["operator"]) for each in entries] == [
        ("signed in", "e.ashby")
    ]


def test_the_issuer_is_asked_as_the_standards_say(browser: TestClient) -> None:
    there = urlsplit(browser.get("/sign-in/start").headers["location"])
    query = dict(parse_qsl(there.query))
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert query["scope"] == f"openid {EXAMINE} {SUPERVISE} {STATISTICS}"
    again = dict(parse_qsl(urlsplit(browser.get("/sign-in/start").headers["location"]).query))
    for name in ("state", "nonce", "code_challenge"):
        assert len(query[name]) >= 43
        assert query[name] != again[name]


def test_the_cookies_are_for_this_host_alone(browser: TestClient, fake: FakeIssuer) -> None:
    started = browser.get("/sign-in/start")
    entered = browser.get("/sign-in/callback", params=fake.visit(started.headers["location"]))
    pending = started.headers["set-cookie"]
    cookies = entered.headers.get_list("set-cookie")
    (session,) = [each for each in cookies if each.startswith("__Host-tenprint=")]
    for cookie, name in ((pending, "__Host-tenprint-sign-in"), (session, "__Host-tenprint")):
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert cookie.startswith(f"{name}=")
        assert {"httponly", "secure", "path=/", "samesite=lax"} <= parts
        assert not [part for part in parts if part.startswith("domain")]
    assert "max-age=600" in pending.lower()
    assert [each for each in cookies if each.startswith('__Host-tenprint-sign-in="";')]


def test_each_sign_in_has_a_session_of_its_own(
    browser: TestClient, fake: FakeIssuer, tenprint: Tenprint
) -> None:
    browser.cookies.set("__Host-tenprint", ":chosen-by-somebody-else", domain="prints.example")
    enter(browser, fake)
    first = browser.cookies["__Host-tenprint"]
    assert "chosen" not in first
    enter(browser, fake)
    assert browser.cookies["__Host-tenprint"] != first
    assert len(tenprint.access.sessions()) == 1
    browser.cookies.clear()
    assert browser.get("/page", headers={"cookie": f"__Host-tenprint={first}"}).status_code == 401


@pytest.mark.parametrize(
    ("identity", "access", "status", "counted"),
    [
        ({"nonce": "another"}, {}, 401, "e.ashby"),
        ({"nonce": None}, {}, 401, "e.ashby"),
        ({"aud": "another"}, {}, 401, "e.ashby"),
        ({"aud": AUDIENCE}, {}, 401, "e.ashby"),
        ({"aud": [CLIENT, "another"]}, {}, 401, "e.ashby"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, {}, 401, "e.ashby"),
        ({"azp": "another"}, {}, 401, "e.ashby"),
        ({"iss": "https://evil.example"}, {}, 401, "e.ashby"),
        ({"at_hash": "x"}, {}, 401, "e.ashby"),
        ({"exp": 1}, {}, 401, None),
        ({}, {"exp": 1}, 401, None),
        ({}, {"aud": "another"}, 401, "e.ashby"),
        ({}, {"sub": "somebody"}, 403, None),
        ({}, {"scope": "abis.identify"}, 403, None),
    ],
)
def test_what_the_issuer_gives_is_checked(
    browser: TestClient,
    fake: FakeIssuer,
    tenprint: Tenprint,
    identity: dict[str, Any],
    access: dict[str, Any],
    status: int,
    counted: str | None,
) -> None:
    fake.identity, fake.access = identity, {**fake.access, **access}
    response = enter(browser, fake)
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("text/html")
    assert "www-authenticate" not in response.headers
    assert "__Host-tenprint=" not in str(response.headers.get_list("set-cookie"))
    assert browser.get("/page").status_code == 401
    assert failing(tenprint) == ([counted] if counted else [])


def test_an_issuer_that_hangs_stops_few(
    browser: TestClient, fake: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, asked = threading.Event(), threading.Semaphore(0)
    describe = FakeIssuer.__call__

    def hang(_self: FakeIssuer, request: httpx.Request) -> httpx.Response:
        asked.release()
        gate.wait(20)
        return describe(fake, request)

    monkeypatch.setattr(FakeIssuer, "__call__", hang)
    with ThreadPoolExecutor(issuer_site.ASKING) as crowd:
        waiting = [crowd.submit(browser.get, "/sign-in/start") for _ in range(issuer_site.ASKING)]
        for _ in waiting:
            assert asked.acquire(timeout=20)
        refused = browser.get("/sign-in/start")
        gate.set()
        assert [each.result().status_code for each in waiting] == [303] * issuer_site.ASKING
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")


def test_right_marks_of_the_tokens_are_taken(browser: TestClient, fake: FakeIssuer) -> None:
    fake.identity = {"aud": [CLIENT, "another"], "azp": CLIENT}
    assert enter(browser, fake).status_code == 303


def test_a_forged_identity_is_not_taken(
    browser: TestClient, fake: FakeIssuer, issuer: Issuer
) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "chief", "exp": time.time() + 99}
    told = {
        "id_token": jwt.encode(claims, stranger, "ES256", {"kid": "e"}),
        "access_token": issuer.token(sub="chief", scope=EXAMINE),
    }
    fake.answer = httpx.Response(200, json=told)
    codes = [enter(browser, fake).status_code for _ in range(6)]
    assert codes == [401] * 5 + [403]
    fake.answer = None
    assert enter(browser, fake).status_code == 303  # another subject


def test_a_sign_in_that_was_not_begun_here_counts_for_nobody(
    browser: TestClient, fake: FakeIssuer, tenprint: Tenprint
) -> None:
    back = fake.visit(browser.get("/sign-in/start").headers["location"])
    for _ in range(6):  # a page of another site may make a browser do this
        wrong = browser.get("/sign-in/callback", params=back | {"state": "x"})
        assert wrong.status_code == 400
    assert browser.get("/sign-in/callback", params=back | {"iss": "other"}).status_code == 400
    refused = browser.get("/sign-in/callback", params={"state": back["state"], "error": "denied"})
    assert refused.status_code == 403
    assert "denied" not in refused.text
    assert failing(tenprint) == []
    assert browser.get("/sign-in/callback", params=back).status_code == 303
    assert browser.get("/sign-in/callback", params=back).status_code == 400  # once
    for cookie in ("", "x", "bnVsbA==", base64.b64encode(b'{"state": 1}').decode()):
        browser.cookies.clear()
        answer = browser.get("/sign-in/callback", params=back,
                             headers={"cookie": f"__Host-tenprint-sign-in={cookie}"})  # fmt: skip
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("changed", "status", "there"),
    [
        ({"next": "https://evil.example/"}, 303, "/"),
        ({"next": "//evil.example/"}, 303, "/"),
        ({"state": "\ud800"}, 400, None),
        ({"verifier": "\ud800"}, 400, None),
    ],
)
def test_a_cookie_that_was_put_into_the_browser_leads_nowhere_else(
    browser: TestClient, fake: FakeIssuer, changed: dict[str, str], status: int, there: str | None
) -> None:
    """Without TLS another service on the machine can put one there."""
    back = fake.visit(browser.get("/sign-in/start").headers["location"])
    name = "__Host-tenprint-sign-in"
    told = json.loads(base64.urlsafe_b64decode(browser.cookies[name].strip('"')))
    made = base64.urlsafe_b64encode(json.dumps(told | changed).encode()).decode()
    browser.cookies.clear()
    answer = browser.get("/sign-in/callback", params=back, headers={"cookie": f"{name}={made}"})
    assert (answer.status_code, answer.headers.get("location")) == (status, there)


def test_codes_that_the_issuer_refuses_are_failures(
    browser: TestClient, fake: FakeIssuer, tenprint: Tenprint
) -> None:
    codes = []
    for _ in range(6):
        back = fake.visit(browser.get("/sign-in/start").headers["location"])
        answer = browser.get("/sign-in/callback", params=back | {"code": "guessed"})
        codes.append(answer.status_code)
    assert codes == [401] * 5 + [403]
    assert failing(tenprint) == ["(sign-in)"]


@pytest.mark.parametrize("subject", [None, "(sign-in)"])
def test_tokens_that_are_none_lock_nobody_out_of_the_sign_in(
    browser: TestClient, fake: FakeIssuer, tenprint: Tenprint, subject: str | None
) -> None:
    """A client with a wrong token behind the address of an office full of examiners."""
    made = jwt.encode({"sub": subject} if subject else {}, "0" * 32, "HS256")
    headers = {"Authorization": f"Bearer {made}"}
    answers = [browser.get("/metrics", headers=headers).status_code for _ in range(6)]
    assert answers == [401] * 5 + [403]
    assert failing(tenprint) == ["?"]
    assert enter(browser, fake).status_code == 303


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"issuer": "https://evil.example", **ENDPOINTS},
        {"issuer": ISSUER, "token_endpoint": ENDPOINTS["token_endpoint"]},
        {"issuer": ISSUER, **ENDPOINTS, "token_endpoint": "http://id.example/token"},
        {"issuer": ISSUER, **ENDPOINTS, "more": "x" * 200_000},
        ["no", "object"],
    ],
)
def test_an_issuer_that_is_not_described_is_not_used(
    browser: TestClient, fake: FakeIssuer, description: Json
) -> None:
    fake.description = description
    for _ in range(6):  # more than may ask at once: each has let go
        assert browser.get("/sign-in/start").status_code == 503
    fake.description = {"issuer": ISSUER, **ENDPOINTS}
    assert browser.get("/sign-in/start").status_code == 303


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json={"id_token": 7, "access_token": "x"}),
        httpx.Response(200, json={"access_token": "x"}),
        httpx.Response(302, headers={"location": "https://evil.example"}),
    ],
)
def test_a_token_endpoint_that_answers_otherwise_lets_nobody_in(
    browser: TestClient, fake: FakeIssuer, answer: httpx.Response
) -> None:
    fake.answer = answer
    response = enter(browser, fake)
    assert response.status_code == 503
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("/cases/1-1?x=2#y", "/cases/1-1?x=2#y"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("javascript:alert(1)", "/"),
        ("cases", "/"),
        ("/" + "x" * 3000, "/"),
        ("/ö", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_after_the_sign_in_only_own_pages_follow(wanted: str | None, there: str) -> None:
    assert local_path(wanted, "/") == there


def test_forms_must_be_of_the_session_and_of_this_site(
    browser: TestClient, fake: FakeIssuer
) -> None:
    enter(browser, fake)
    csrf = {"x-csrf-token": browser.get("/page").json()["csrf"]}
    good: list[dict[str, str]] = [
        {},
        {"origin": ADDRESS},
        {"sec-fetch-site": "same-origin"},
        {"origin": ADDRESS, "sec-fetch-site": "same-origin"},
    ]
    for headers in good:
        assert browser.post("/page", headers=csrf | headers).status_code == 200
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ADDRESS + ".evil.example"},
        {"origin": ADDRESS.replace("https", "http")},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        refused = browser.post("/page", headers=csrf | headers)
        assert (refused.status_code, set(refused.json())) == (403, {"code", "message"})
    for wrong in ("", "x", "ü", csrf["x-csrf-token"][:-1]):
        headers = httpx.Headers({"x-csrf-token": wrong}, "latin-1")
        assert browser.post("/page", headers=headers).status_code == 403
    assert browser.get("/page", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_signing_out_ends_the_session(
    browser: TestClient, fake: FakeIssuer, tenprint: Tenprint
) -> None:
    enter(browser, fake)
    cookie = browser.cookies["__Host-tenprint"]
    csrf = browser.get("/page").json()["csrf"]
    assert browser.get("/sign-out").status_code in (404, 405)
    for form in ({"csrf": ""}, {"csrf": "x"}):
        assert browser.post("/sign-out", data=form).status_code == 403
    foreign = browser.post(
        "/sign-out", data={"csrf": csrf}, headers={"origin": "https://e.example"}
    )
    assert foreign.status_code == 403
    assert browser.get("/page").status_code == 200
    out = browser.post("/sign-out", data={"csrf": csrf})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in?out=1")
    assert "__Host-tenprint" not in browser.cookies
    assert browser.get("/page", headers={"cookie": f"__Host-tenprint={cookie}"}).status_code == 401
    assert browser.post("/sign-out").status_code == 303  # twice does no harm
    assert "signed out here" in browser.get("/sign-in?out=1").text
    events = [each.fields["event"] for each in tenprint.audit.show(Filter(verb="access"), 9)]
    assert events == ["signed in", "signed out"]


def test_an_operator_ends_sessions(
    browser: TestClient, fake: FakeIssuer, tenprint: Tenprint
) -> None:
    enter(browser, fake)
    assert tenprint.access.sign_out_all("somebody") == 0
    assert browser.get("/page").status_code == 200
    assert tenprint.access.sign_out_all("e.ashby") == 1
    assert browser.get("/page").status_code == 401


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(
    browser: TestClient, fake: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue does so every 15 s, whether somebody sits before it or not."""
    enter(browser, fake)
    start, idle = stored.now(), stored.TIMES.idle
    monkeypatch.setattr(stored, "now", lambda: start + idle * 0.9)
    assert browser.get("/page", headers={"HX-Request": "true"}).status_code == 200
    monkeypatch.setattr(stored, "now", lambda: start + idle * 1.1)
    assert browser.get("/page", headers={"HX-Request": "true"}).status_code == 401


def test_a_form_in_a_part_of_a_page_is_a_use(
    browser: TestClient, fake: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(browser, fake)
    csrf = browser.get("/page").json()["csrf"]
    start, idle = stored.now(), stored.TIMES.idle
    monkeypatch.setattr(stored, "now", lambda: start + idle * 0.9)
    headers = {"HX-Request": "true", "X-CSRF-Token": csrf}
    assert browser.post("/page", headers=headers).status_code == 200
    monkeypatch.setattr(stored, "now", lambda: start + idle * 1.1)
    assert browser.get("/page").status_code == 200


def test_a_session_that_was_not_used_is_over(
    browser: TestClient, fake: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(browser, fake)
    now = stored.now()
    monkeypatch.setattr(stored, "now", lambda: now + stored.TIMES.idle)
    assert browser.get("/page").status_code == 401


def test_for_development_several_people_sign_in_with_the_token(
    developer: tuple[TestClient, str],
) -> None:
    browser, token = developer
    page = browser.get("/sign-in?next=/page").text
    assert "Never use it with real data" in page
    assert re.search(r'name="next" value="/page"', page)
    form = {"token": token, "name": "Examiner One", "next": "/page"}
    entered = browser.post("/sign-in", data=form, headers={"origin": "http://localhost:8443"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/page")
    assert "secure" not in entered.headers["set-cookie"].lower()
    seen = browser.get("/page").json()
    assert (seen["subject"], seen["scopes"]) == ("Examiner One", [EXAMINE, STATISTICS])
    browser.post("/sign-in", data={"token": token, "name": "Chief", "supervisor": "1"})
    seen = browser.get("/page").json()
    assert (seen["subject"], seen["scopes"]) == ("Chief", [EXAMINE, STATISTICS, SUPERVISE])


def test_for_development_too_the_token_must_be_right(developer: tuple[TestClient, str]) -> None:
    browser, token = developer
    refused = browser.post("/sign-in", data={"token": token[:-4] + "AAAA", "name": "x"})
    assert refused.status_code == 401
    assert "<form" in refused.text
    foreign = {"origin": "https://evil.example"}
    assert browser.post("/sign-in", data={"token": token}, headers=foreign).status_code == 403
    assert browser.post("/sign-in", json={"token": token}).status_code == 415
    assert browser.post("/sign-in", data={"token": token, "name": "a\nb"}).status_code == 400
    twice = f"token={token}&token={token}".encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.post("/sign-in", content=twice, headers=kind).status_code == 400
    assert browser.post("/sign-in", content=b"a=%ff", headers=kind).status_code == 400
    assert browser.post("/sign-in", content=b"x" * 70_000, headers=kind).status_code == 413
    assert (
        browser.post("/sign-in", content=b"&".join([b"a=1"] * 60), headers=kind).status_code == 400
    )
    assert browser.get("/page").status_code == 401


def test_without_development_no_token_is_pasted(browser: TestClient, issuer: Issuer) -> None:
    token = issuer.token(scope=EXAMINE)
    assert browser.post("/sign-in", data={"token": token}).status_code in (404, 405)


def test_without_a_client_nobody_signs_in(tenprint: Tenprint, issuer: Issuer) -> None:
    guard = Guard(ISSUER, AUDIENCE, FixedKeys(issuer.jwks, "test"))
    with browsing(tenprint, guard, Entrance()) as browser:
        assert "--sign-in-client" in browser.get("/sign-in").text
        for path in ("/sign-in/start", "/sign-in/callback"):
            assert browser.get(path).status_code == 404


def test_the_page_says_what_came_from_outside_as_words(browser: TestClient) -> None:
    page = browser.get("/sign-in", params={"next": '/"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"


def test_tokens_of_pages_open_no_operation_without_its_scope(
    browser: TestClient, issuer: Issuer
) -> None:
    headers = {"authorization": f"Bearer {issuer.token(EXAMINE)}"}
    answer = browser.get("/v1/galleries?transactionId=T", headers=headers)
    assert answer.status_code == 403
    assert json.loads(answer.text)["code"] == 403


def test_a_session_opens_no_operation(browser: TestClient, fake: FakeIssuer) -> None:
    enter(browser, fake)
    assert browser.get("/v1/galleries?transactionId=T").status_code == 401
