"""The files of the pages: our own, htmx from its package, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.web.pages import rendering, static
from tests.web.pages.office import ADA, Visitor

pytestmark = pytest.mark.sqlite
Visit = Callable[[str], Visitor]
PAGES = Path(static.__file__).parent


def test_a_file_is_sent_once_and_then_asked_for(visitor: Visit) -> None:
    nobody = visitor("")
    for name in static.files():
        first = nobody.get(f"/desk/static/{name}")
        assert first.status_code == 200
        assert first.headers["content-type"].partition(";")[0] in static.KINDS.values()
        again = nobody.get(f"/desk/static/{name}", **{"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = nobody.get(f"/desk/static/{name}", **{"If-None-Match": '"old"'})
        assert other.content == first.content


def test_no_other_file_is_sent(visitor: Visit) -> None:
    for name in ("no.css", "..%2Fstatic.py", "%2Fetc%2Fpasswd", "layout.html.j2"):
        assert visitor(ADA).get(f"/desk/static/{name}").status_code == 404


def test_every_file_that_pages_and_scripts_name_is_there() -> None:
    named: set[str] = set()
    for page in (PAGES / "templates").iterdir():
        named |= set(re.findall(r"/desk/static/([\w.-]+)", page.read_text()))
    for script in (PAGES / "static").glob("*.js"):
        named |= set(re.findall(r'from "\./([\w.-]+)"', script.read_text()))
    assert {"desk.css", "viewer.js", "view.js", "statistics.css"} <= named
    assert named <= set(static.files())


def test_pages_do_without_htmx(visitor: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'src="/desk/static/htmx.js"' in visitor(ADA).get("/desk").text
    monkeypatch.setattr(static, "HTMX_PACKAGE", "no_such_package")
    for each in (static.has_htmx, static.files, rendering.environment):
        each.cache_clear()
    try:
        ada = visitor(ADA)
        page = ada.get("/desk").text + ada.open(ada.listed()[0]).text
        assert "htmx" not in page and "hx-" not in page
        assert visitor("").get("/desk/static/htmx.js").status_code == 404
    finally:
        monkeypatch.undo()
        for each in (static.has_htmx, static.files, rendering.environment):
            each.cache_clear()
