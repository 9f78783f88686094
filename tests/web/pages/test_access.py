"""Who may see which page: nobody without a session, nobody without the scope, no form of others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.service.examining import Examining
from engine.web.pages.router import ROUTES
from engine.web.pages.visits import ANYBODY, COUNTERS, EXAMINERS, SUPERVISORS
from tests.web.pages.office import ADA, BOB, NIL, STU, SUE, Visitor

# What pages do with a database is what the service does, whose tests run on both.
pytestmark = pytest.mark.sqlite
Visit = Callable[[str], Visitor]
READ = [path for method, path, *_ in ROUTES if method == "GET"]
CHANGE = [path for method, path, *_ in ROUTES if method == "POST"]
NAMES = {"key": "3-1", "number:int": "1", "side": "probe", "view": "original"}
MAY = {
    EXAMINERS: {ADA, BOB, SUE},
    SUPERVISORS: {SUE},
    COUNTERS: {STU},
    ANYBODY: {ADA, BOB, SUE, STU},
}


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test where the service is asked for anything."""
    for name in ("next", "open", "decide", "release"):
        monkeypatch.setattr(Examining, name, lambda *_: pytest.fail("the service was asked"))


def fill(path: str) -> str:
    for name, value in NAMES.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def test_who_is_not_signed_in_is_sent_there_and_comes_back(visitor: Visit) -> None:
    for path in map(fill, READ):
        answer = visitor("").get(f"{path}?page=2")
        there = path.replace("/", "%2F")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/sign-in?next={there}%3Fpage%3D2"


def test_a_form_of_nobody_changes_nothing(visitor: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch)
    for path in map(fill, CHANGE):
        answer = visitor("").post(path, conclusion="exclusion")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=%2Fdesk"


@pytest.mark.parametrize("htmx", [True, False])
def test_notes_of_who_was_signed_out_meanwhile_are_shown(visitor: Visit, htmx: bool) -> None:
    """As whoever writes for long may be."""
    for step in ("confirm", "decide"):
        answer = visitor("").post(
            f"/desk/cases/{NAMES['key']}/{step}", htmx=htmx, conclusion="exclusion", notes="a <b> c"
        )
        assert answer.status_code == 403
        assert "sign in again" in answer.text and "a &lt;b&gt; c" in answer.text


def test_a_page_that_lies_open_leaves_as_a_whole(visitor: Visit) -> None:
    answer = visitor("").get("/desk", **{"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/sign-in?next=/desk")


@pytest.mark.parametrize("who", [ADA, SUE, STU, NIL])
def test_each_page_needs_its_scope(visitor: Visit, who: str) -> None:
    browser = visitor(who)
    for method, path, _, scopes in ROUTES:
        answer = browser.get(fill(path)) if method == "GET" else browser.post(fill(path))
        refused = "may not use this page" in answer.text
        assert refused == (who not in MAY[scopes]), path
        assert refused == (answer.status_code == 403), path
        if refused:
            assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("csrf", [None, "", "of-another"])
def test_a_form_without_its_token_is_refused(
    visitor: Visit, csrf: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch)
    for path in map(fill, CHANGE):
        answer = visitor(ADA).post(path, csrf=csrf, conclusion="exclusion")
        assert answer.status_code == 403
        assert "not of this session" in answer.text


def test_a_form_of_another_kind_is_refused(visitor: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch)
    for path in map(fill, CHANGE):
        answer = visitor(ADA).send("POST", path, {"Content-Type": "text/plain"})
        assert answer.status_code == 415


def test_the_menu_shows_what_is_open_to_each(visitor: Visit) -> None:
    for who, path, shown in (
        (ADA, "/desk", {"Queue", "Closed"}),
        (SUE, "/desk", {"Queue", "Disputed", "Closed"}),
        (STU, "/desk/statistics", {"Statistics"}),
    ):
        text = visitor(who).get(path).text
        menu = text[text.index('aria-label="Pages"') :].partition("</nav>")[0]
        every = {"Queue", "Disputed", "Closed", "Statistics"}
        assert {name for name in every if f">{name}</a>" in menu} == shown
        assert menu.count("aria-current") == 1
        assert who in text
    assert visitor(STU).get("/desk").headers["location"] == "/desk/statistics"


def test_short_addresses_lead_to_the_desk(visitor: Visit) -> None:
    for path in ("/", "/desk/"):
        answer = visitor(ADA).get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
