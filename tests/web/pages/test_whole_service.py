"""The desk in the whole service, in a real browser: its own sign-in, its own headers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from desk.server import serving

from engine.service.tenprint import Tenprint
from engine.web.app import make_app
from engine.web.auth import Guard
from engine.web.entrance import Entrance
from engine.web.keys import DevelopmentKey
from engine.web.server import ALL_SCOPES
from tests.web.pages.browsing import TABLET, WIDE, Desk, browser, drawn
from tests.web.serving import AUDIENCE, QUICK

__all__ = ["browser"]
pytestmark = pytest.mark.sqlite
ISSUER = "tenprint-development"


def test_who_signs_in_comes_to_the_page_they_wanted(browser: Any, filled: Tenprint) -> None:
    key = DevelopmentKey(ISSUER, AUDIENCE, ALL_SCOPES)
    app = make_app(
        filled,
        Guard(ISSUER, AUDIENCE, key),
        workers=0,
        limits=QUICK,
        entrance=Entrance(development=True, secure=False),
    )
    with serving(app) as address:
        desk = Desk(browser, address)
        for size in (WIDE, TABLET):
            with desk.visit("", size) as page:
                assert page.url == f"{address}/sign-in?next=%2Fdesk"
                desk.check(page)
                page.get_by_label("Name").fill(f"Ada {size[0]}")
                page.get_by_label("Token").fill(key.token())
                page.get_by_role("button", name="Sign in").click()
                page.wait_for_url(f"{address}/desk")
                page.keyboard.press("n")
                page.wait_for_url(re.compile("/desk/cases/"))
                assert drawn(page).first.get_attribute("data-seen") == "original"
                page.keyboard.press("3")
                page.keyboard.press("Enter")
                page.locator("#confirm").wait_for()
                page.get_by_role("button", name="Record it, to the queue").click()
                page.wait_for_url(re.compile("recorded=1"))
                page.goto(f"{address}/desk/statistics")
                assert page.locator("svg").count() > 4
                page.get_by_role("button", name="Sign out").click()
                page.wait_for_url(re.compile("/sign-in"))
                desk.check(page)
                page.goto(f"{address}/desk/closed")
                assert "/sign-in?next=" in page.url
        assert desk.trouble == []
