"""A real Chromium that looks at the pages, and what it must never be caught at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from desk.server import cookie

NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDE, TABLET = (1280, 800), (820, 1180)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; the tests are skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: tenprint[dev]")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"needs a browser: one of {', '.join(NAMES)}")
    driver = api.sync_playwright().start()
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
    opened = driver.chromium.launch(executable_path=program, args=arguments)
    yield opened
    opened.close()
    driver.stop()  # with it ends its loop, in which no other test could run its own


@dataclass
class Desk:
    """Browsers on one service. trouble: whatever a page did that it must not: errors, violations of
    its policy, requests to elsewhere."""

    browser: Any
    address: str
    trouble: list[str] = field(default_factory=list)

    @contextmanager
    def visit(self, name: str, size: tuple[int, int] = WIDE, **options: Any) -> Iterator[Any]:
        """A window where somebody is signed in, or nobody ("")."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, **options
        )
        context.set_default_timeout(10_000)
        if name:
            context.add_cookies([cookie(name, self.address)])
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.trouble.append(f"{page.url}: {error}"))
        page.on("request", self._watch)
        page.goto(f"{self.address}/desk")
        try:
            yield page
        finally:
            context.close()

    def check(self, page: Any) -> None:
        """Fails where axe finds something wrong with the page."""
        module = pytest.importorskip("axe_playwright_python.sync_playwright")
        found = module.Axe().run(page, options=RULES)
        assert not found.violations_count, f"{page.url}\n{found.generate_report()}"

    def _hear(self, message: Any) -> None:
        known = "status of 4" in message.text  # an error that the test asked for
        if message.type in ("error", "warning") and not known:
            self.trouble.append(f"{message.type}: {message.text}")

    def _watch(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.trouble.append(f"asked elsewhere: {request.url}")


def drawn(page: Any) -> Any:
    """The two canvases of the finger that is shown, as soon as their prints are drawn."""
    seen = page.locator(
        "canvas:visible:is([data-seen=original], [data-seen=enhanced], [data-seen=none])"
    )
    seen.nth(1).wait_for()
    return seen


def state(canvas: Any) -> dict[str, float]:
    """How a canvas is seen: x, y, scale, angle."""
    found = canvas.evaluate("each => ({...each.dataset})")
    return {name: float(found[name]) for name in ("x", "y", "scale", "angle")}


def pixels(canvas: Any) -> str:
    """What a canvas shows, after the drawing that is due."""
    text = canvas.evaluate(
        "each => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame("
        "() => done(each.toDataURL()))))"
    )
    return str(text)
