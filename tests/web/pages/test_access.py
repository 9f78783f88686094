"""Who may see which page: nobody without a session, nobody without the scope, no form of others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.service.examining import Examining
from engine.web.pages.router import ROUTES
from engine.web.pages.visits import ANYBODY, COUNTERS, EXAMINERS, SUPERVISORS
from tests.web.pages.office import ADA, BOB, NIL, STU, SUE, Visitor

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


def fill(path: str) -> str:
    for name, value in NAMES.items():
        path = path.replace(f"{{{name}}}", value)
    return path


@pytest.mark.parametrize("path", READ)
def test_who_is_not_signed_in_is_sent_there_and_comes_back(visitor: Visit, path: str) -> None:
    answer = visitor("").get(f"{fill(path)}?page=2")
    assert answer.status_code == 303
    there = fill(path).replace("/", "%2F")
    assert answer.headers["location"] == f"/sign-in?next={there}%3Fpage%3D2"


@pytest.mark.parametrize("path", CHANGE)
def test_a_form_of_nobody_changes_nothing(visitor: Visit, path: str) -> None:
    answer = visitor("").post(fill(path), conclusion="exclusion")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fdesk"


def test_a_page_that_lies_open_leaves_as_a_whole(visitor: Visit) -> None:
    answer = visitor("").get("/desk", **{"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/sign-in?next=/desk")


@pytest.mark.parametrize("who", [ADA, SUE, STU, NIL])
@pytest.mark.parametrize(("method", "path", "scopes"), [(r[0], r[1], r[3]) for r in ROUTES])
def test_each_page_needs_its_scope(
    visitor: Visit, method: str, path: str, scopes: frozenset[str], who: str
) -> None:
    browser = visitor(who)
    answer = browser.get(fill(path)) if method == "GET" else browser.post(fill(path))
    refused = "may not use this page" in answer.text
    assert refused == (who not in MAY[scopes])
    assert refused == (answer.status_code == 403)
    if refused:
        assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", CHANGE)
@pytest.mark.parametrize("csrf", [None, "", "of-another"])
def test_a_form_without_its_token_is_refused(
    visitor: Visit, path: str, csrf: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("next", "open", "decide", "release"):
        monkeypatch.setattr(Examining, name, lambda *_: pytest.fail("the service was asked"))
    answer = visitor(ADA).post(fill(path), csrf=csrf, conclusion="exclusion")
    assert answer.status_code == 403
    assert "not of this session" in answer.text


@pytest.mark.parametrize("path", CHANGE)
def test_a_form_of_another_kind_is_refused(visitor: Visit, path: str) -> None:
    browser = visitor(ADA)
    answer = browser._send("POST", fill(path), {"Content-Type": "text/plain"})
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


@pytest.mark.parametrize("path", ["/", "/desk/"])
def test_short_addresses_lead_to_the_desk(visitor: Visit, path: str) -> None:
    answer = visitor(ADA).get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
