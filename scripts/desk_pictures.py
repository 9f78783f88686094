#!/usr/bin/env python3
"""Makes the pictures of docs/desk.md: the examiner's desk on invented people, in a real browser.

    .venv/bin/python scripts/desk_pictures.py [--keep DIR] [--out docs/img]

Needs tenprint[dev] and Chromium. --keep: a folder for the made installation, which the next run
goes on from; prints of nine people take a minute. Every finger is drawn, every record invented.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desk.installation import make_installation
from desk.server import PEOPLE, cookie, make_app, serving
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from engine.service.tenprint import Tenprint

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDE, TABLET = (1280, 860), (820, 1180)
FIRST, SECOND, SUPERVISOR = PEOPLE


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/img"))
    options = parser.parse_args(arguments)
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        print(f"needs one of {', '.join(BROWSERS)}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as own:
        made = make_installation(options.keep or Path(own))
        home = shutil.copytree(made, Path(own) / "shown")  # deciding leaves the kept one as it is
        with (
            Tenprint(home) as tenprint,
            serving(make_app(tenprint)) as address,
            sync_playwright() as driver,
        ):
            browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
            _Shots(browser, address, options.out).take()
            browser.close()
    return 0


class _Shots:
    """Walks through the desk and keeps what it sees."""

    def __init__(self, browser: Browser, address: str, out: Path) -> None:
        self._browser = browser
        self._address = address
        self._out = out

    def take(self) -> None:
        with self._as(SUPERVISOR) as page:
            page.goto(f"{self._address}/desk")
            key, bare = self._find_two(page)
        self._decide(FIRST, key, "1", "Core and two deltas agree; 14 minutiae in sequence.")
        with self._as(SECOND) as page:
            page.goto(f"{self._address}/desk")
            self._keep(page, "queue")
            self._show_case(page, key, "case")
            page.keyboard.press("3")
            page.keyboard.press("Enter")
            page.wait_for_selector("#confirm")
            self._keep(page, "confirm")
            page.keyboard.press("Escape")
            page.wait_for_selector("#conclude")
            page.keyboard.press("?")
            self._keep(page, "keys")
            page.keyboard.press("Escape")
            page.get_by_role("button", name="Give it back").click()
        with self._as(SECOND, TABLET) as page:
            self._show_case(page, key, "tablet")
        self._decide(SECOND, key, "1", "Agree on the ridge count between core and left delta.")
        with self._as(SECOND) as page:
            page.goto(f"{self._address}/desk/closed/{key}")
            self._keep(page, "closed", whole=True)
        with self._as(FIRST) as page:
            self._open(page, bare)
            self._settle(page)
            self._keep(page, "no-image")
        self._decide(FIRST, bare, "1", "")
        self._decide(SECOND, bare, "2", "")
        with self._as(SUPERVISOR) as page:
            page.goto(f"{self._address}/desk/disputed")
            self._keep(page, "disputed")
            page.goto(f"{self._address}/desk/statistics?by=level")
            self._keep(page, "statistics")

    @contextmanager
    def _as(self, name: str, size: tuple[int, int] = WIDE) -> Iterator[Page]:
        context = self._browser.new_context(viewport={"width": size[0], "height": size[1]})
        context.add_cookies([cookie(name, self._address)])
        yield context.new_page()
        context.close()

    def _show_case(self, page: Page, key: str, name: str) -> None:
        self._open(page, key)
        self._settle(page)
        page.keyboard.press("p")
        page.keyboard.press(".")
        self._keep(page, name)

    def _decide(self, name: str, key: str, choice: str, notes: str) -> None:
        with self._as(name) as page:
            self._open(page, key)
            page.keyboard.press(choice)
            page.get_by_label("Notes").fill(notes)
            page.get_by_role("button", name="Go on").click()
            page.get_by_role("button", name="Record it, to the queue").click()
            page.wait_for_url("**/desk?*")

    def _find_two(self, page: Page) -> tuple[str, str]:
        """The first case with images on both sides, and the first without."""
        buttons = page.locator("table button").all()
        keys = [(each.get_attribute("id") or "").removeprefix("case-") for each in buttons]
        found: dict[bool, str] = {}
        for key in keys:
            self._open(page, key)
            found.setdefault(page.locator(".imageless").count() > 0, key)
            page.get_by_role("button", name="Give it back").click()
        return found[False], found[True]

    def _open(self, page: Page, key: str) -> None:
        """A case, which they have open already or open now."""
        page.goto(f"{self._address}/desk/cases/{key}")
        button = page.get_by_role("button", name="Open this case")
        if button.count():
            button.click()
            page.wait_for_selector("#viewer")

    def _settle(self, page: Page) -> None:
        """Waits until both prints are drawn."""
        drawn = ":is([data-seen=original], [data-seen=enhanced], [data-seen=none])"
        page.locator(f"canvas:visible{drawn}").nth(1).wait_for()

    def _keep(self, page: Page, name: str, whole: bool = False) -> None:
        page.wait_for_load_state("networkidle")
        taken = Image.open(io.BytesIO(page.screenshot(full_page=whole))).convert("RGB")
        path = self._out / f"desk-{name}.png"
        small = taken.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
