"""The desk in a real browser: the whole story by keyboard, the viewer, and that all can use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from desk.server import make_app, serving

from engine.service.tenprint import Tenprint
from engine.web.pages import static
from engine.web.sessions import EXAMINE, STATISTICS, SUPERVISE
from tests.web.pages.browsing import TABLET, WIDE, Desk, browser, drawn, pixels, state
from tests.web.pages.office import PEOPLE, PERSONS, PROBE

__all__ = ["browser"]
pytestmark = pytest.mark.sqlite
ADA, BOB, SUE = "Ada", "Bob Ø", "Sue"
EVERYBODY = {**PEOPLE, SUE: frozenset({EXAMINE, SUPERVISE, STATISTICS})}


@pytest.fixture
def desk(browser: Any, filled: Tenprint) -> Iterator[Desk]:
    """The pages served, and watched: a test fails for whatever a page must not do."""
    with serving(make_app(filled, EVERYBODY)) as address:
        made = Desk(browser, address)
        yield made
    assert made.trouble == []


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def next_case(page: Any) -> str:
    """Takes the next case by its key; gives the case's key."""
    press(page, "n")
    page.wait_for_url("**/desk/cases/*")
    drawn(page)
    return str(re.split(r"[/?]", page.url)[5])


def decide(page: Any, choice: str, notes: str = "") -> None:
    """Decides the case that is open, by keys alone, and goes on to whatever comes next."""
    press(page, choice)
    if notes:
        while page.evaluate("document.activeElement.id") != "notes":
            press(page, "Tab")
        page.keyboard.type(notes)
        press(page, "Tab")
        assert page.evaluate("document.activeElement.type") == "submit"
    press(page, "Enter")
    # The focus comes a moment after the part that was put in, so it is waited for.
    page.locator("#confirm button:focus", has_text=re.compile("^Record it, next")).wait_for()
    with page.expect_navigation(url=re.compile("recorded=1")):
        press(page, "Enter")


def test_two_examiners_agree_by_keys_alone(desk: Desk) -> None:
    with desk.visit(ADA) as ada, desk.visit(BOB) as bob:
        key = next_case(ada)
        assert ada.get_by_role("heading", level=1).inner_text() == PROBE
        decide(ada, "1", "ridge ends, then a fork 123n")
        assert key not in ada.url and "/desk/cases/" in ada.url
        assert next_case(bob) == key
        content = bob.content()
        assert not [name for name in (*PERSONS, "MURDER", "ridge ends") if name in content]
        decide(bob, "1")
        link = bob.get_by_role("link", name="see it whole")
        while not link.evaluate("each => each === document.activeElement"):
            press(bob, "Tab")
        press(bob, "Enter")
        bob.wait_for_url(f"**/desk/closed/{key}")
        shown = bob.locator("main").inner_text()
        for words in (PERSONS[0], "MURDER", "Level 1", "ridge ends, then a fork 123n", "Ada"):
            assert words in shown


def test_a_supervisor_ends_what_two_dispute(desk: Desk) -> None:
    with desk.visit(ADA) as ada, desk.visit(BOB) as bob, desk.visit(SUE) as sue:
        key = next_case(ada)
        decide(ada, "1")
        assert next_case(bob) == key
        decide(bob, "2", "the core differs")
        sue.goto(f"{desk.address}/desk/disputed")
        assert sue.locator("tbody tr").count() == 1
        assert next_case(sue) == key
        assert "the core differs" not in sue.content()
        decide(sue, "3", "too little")
        ada.goto(f"{desk.address}/desk/closed/{key}")
        said = ada.locator(".decisions li").all_inner_texts()
        assert [re.search("Identification|Exclusion|Inconclusive", each)[0] for each in said] == [  # type: ignore[index]
            "Identification", "Exclusion", "Inconclusive",
        ]  # fmt: skip


def test_a_last_look_can_be_taken_back(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        next_case(page)
        page.get_by_label("Notes").fill("half a sentence")
        page.get_by_role("heading", level=1).click()
        press(page, "2", "Enter")
        page.locator("#confirm").wait_for()
        canvas = drawn(page).first
        press(page, "+")  # the prints are still there
        assert state(canvas)["scale"] > 0
        press(page, "Escape")
        page.locator("#conclude").wait_for()
        assert page.get_by_label("Notes").input_value() == "half a sentence"
        assert page.get_by_role("radio", name="Exclusion").is_checked()


def test_prints_are_moved_larger_smaller_and_turned(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        next_case(page)
        probe, candidate = drawn(page).all()
        first = state(probe), state(candidate)
        before = pixels(probe), pixels(candidate)
        assert before[0] != before[1]
        press(page, "+", "+")
        larger = pixels(probe), pixels(candidate)
        assert state(probe)["scale"] == pytest.approx(first[0]["scale"] * 1.25**2, rel=1e-2)
        assert larger[0] != before[0] and larger[1] != before[1]
        press(page, "-", "-", "ArrowRight", "ArrowDown")
        pixels(probe)
        for canvas, was in zip((probe, candidate), first, strict=True):
            now = state(canvas)
            assert now["scale"] == pytest.approx(was["scale"], rel=1e-2)
            assert now["x"] == pytest.approx(was["x"] + 60 / was["scale"], abs=0.2)
            assert now["y"] == pytest.approx(was["y"] + 60 / was["scale"], abs=0.2)
        press(page, "l", "]", "]", "ArrowLeft")
        pixels(probe)
        assert (state(probe)["angle"], state(candidate)["angle"]) == (10, 0)
        assert state(candidate)["x"] == pytest.approx(
            first[1]["x"] + 60 / first[1]["scale"], abs=0.2
        )
        press(page, "0")
        assert pixels(probe) == before[0]
        assert (state(probe), state(candidate)) == first


def test_the_wheel_and_dragging_move_both_prints(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        next_case(page)
        probe, candidate = drawn(page).all()
        first = state(probe), state(candidate)
        box = candidate.bounding_box()
        page.mouse.move(box["x"] + 50, box["y"] + 60)
        page.mouse.wheel(0, -400)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 60, steps=4)
        page.mouse.up()
        pixels(probe)
        for canvas, was in zip((probe, candidate), first, strict=True):
            assert state(canvas)["scale"] > was["scale"] * 1.3
        # What lay under the pointer lay there after the wheel, and followed the hand.
        scale, width = state(candidate)["scale"], box["width"]
        place = first[1]["x"] + (50 - width / 2) / first[1]["scale"]
        assert state(candidate)["x"] + (90 - width / 2) / scale == pytest.approx(place, abs=0.5)


def test_two_fingers_on_a_tablet_make_it_larger(desk: Desk) -> None:
    with desk.visit(ADA, TABLET, has_touch=True) as page:
        next_case(page)
        probe = drawn(page).first
        was = state(probe)["scale"]
        box = probe.bounding_box()
        session = page.context.new_cdp_session(page)

        def touch(kind: str, *at: int) -> None:
            points = [{"x": box["x"] + x, "y": box["y"] + 200, "id": n} for n, x in enumerate(at)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 140, 180)
        touch("touchMove", 120, 200)
        touch("touchMove", 100, 220)
        touch("touchEnd")
        pixels(probe)
        assert state(probe)["scale"] == pytest.approx(3 * was, rel=0.02)


def test_what_is_shown_of_a_print_can_be_chosen(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        next_case(page)
        probe = drawn(page).first
        plain = pixels(probe)
        seen = [plain]
        for key in ("m", "p", "i", "B", "C"):
            press(page, key)
            seen.append(pixels(probe))
        press(page, "e")
        page.locator("canvas[data-seen=enhanced]:visible").nth(1).wait_for()
        seen.append(pixels(probe))
        assert len(set(seen)) == len(seen)
        for name in ("Enhanced", "Minutiae", "Pairs", "Invert"):
            button = page.get_by_role("button", name=name)
            assert button.get_attribute("aria-pressed") == "true"
        press(page, "e", "m", "p", "0")
        assert pixels(probe) == plain
        assert page.get_by_label("Brightness").input_value() == "0"


def test_a_pair_that_is_chosen_stands_in_the_middle_of_both(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        next_case(page)
        both = drawn(page).all()
        press(page, ".", ".")
        pixels(both[0])
        assert page.locator("#said").inner_text().startswith("Pair 2 of")
        finger = page.evaluate("JSON.parse(document.getElementById('prints').textContent)")[
            "fingers"
        ][0]
        for column, (canvas, side) in enumerate(zip(both, ("probe", "candidate"), strict=True)):
            x, y, *_ = finger[side]["minutiae"][finger["pairs"][1][column]]
            assert (state(canvas)["x"], state(canvas)["y"]) == pytest.approx((x, y), abs=0.2)
        chosen = page.locator(".chips [aria-pressed=true]")
        assert chosen.inner_text() == "2"
        page.locator(".chips button").nth(4).click()
        assert chosen.inner_text() == "5"
        x, y, *_ = finger["probe"]["minutiae"][finger["pairs"][4][0]]
        pixels(both[0])
        assert (state(both[0])["x"], state(both[0])["y"]) == pytest.approx((x, y), abs=0.2)
        press(page, ",")  # back to the fourth; then its mark is pointed at after it was moved away
        both[0].focus()
        press(page, "ArrowRight")
        box = both[0].bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2 - 60, box["y"] + box["height"] / 2)
        assert chosen.inner_text() == "4"
        pixels(both[0])
        x, y, *_ = finger["probe"]["minutiae"][finger["pairs"][3][0]]
        assert (state(both[0])["x"], state(both[0])["y"]) == pytest.approx((x, y), abs=0.2)


def test_each_finger_has_its_tab(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        next_case(page)
        first = pixels(drawn(page).first)
        press(page, "f")
        assert pixels(drawn(page).first) != first
        shown = page.locator("nav.fingers [aria-current]")
        assert shown.inner_text() == page.locator("nav.fingers a").nth(1).inner_text()
        page.locator("nav.fingers a").first.click()
        assert pixels(drawn(page).first) == first


def test_a_print_without_an_image_is_drawn(desk: Desk) -> None:
    with desk.visit(SUE) as page:
        page.get_by_role("button", name="latent-2").click()
        candidate = drawn(page).nth(1)
        assert candidate.get_attribute("data-seen") == "none"
        before = pixels(candidate)
        press(page, "p")
        assert pixels(candidate) != before
        press(page, "e")
        page.locator("canvas[data-seen=enhanced]:visible").wait_for()
        assert candidate.get_attribute("data-seen") == "none"


def test_keys_are_explained_and_can_be_turned_off(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        next_case(page)
        probe = drawn(page).first
        press(page, "?")
        help_ = page.get_by_role("dialog", name="Keys")
        help_.wait_for()
        desk.check(page)
        press(page, "2", "+")  # nothing happens behind the dialog
        help_.get_by_label("Single keys are shortcuts").uncheck()
        press(page, "Escape")
        was = state(probe)
        press(page, "1", "+")
        pixels(probe)
        assert state(probe) == was
        assert not page.locator("input[type=radio]:checked").count()
        probe.focus()
        press(page, "+")
        pixels(probe)
        assert state(probe)["scale"] > was["scale"]


def test_keys_are_letters_where_somebody_writes(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        next_case(page)
        was = state(drawn(page).first)
        page.get_by_label("Notes").click()
        page.keyboard.type("1n+?f")
        assert page.get_by_label("Notes").input_value() == "1n+?f"
        pixels(page.locator("canvas:visible").first)
        assert state(drawn(page).first) == was
        assert not page.locator("input[type=radio]:checked").count()


@pytest.mark.skipif(not static.has_htmx(), reason="needs htmx: tenprint[desk]")
def test_the_queue_keeps_up_to_date(desk: Desk) -> None:
    with desk.visit(BOB) as page, desk.visit(ADA) as ada:
        link = page.get_by_role("button", name="latent-3")
        link.focus()
        next_case(ada)
        page.locator("#queue").evaluate("each => each.dispatchEvent(new Event('refresh'))")
        page.get_by_role("cell", name="another", exact=True).wait_for()
        assert page.locator("tbody tr").count() == 3
        assert link.evaluate("each => each === document.activeElement")


def test_the_desk_works_without_scripts(desk: Desk) -> None:
    with desk.visit(ADA, java_script_enabled=False) as page:
        page.get_by_role("button", name="Next case").click()
        assert page.locator("noscript img, .ground img").count() >= 2
        page.get_by_role("radio", name="Exclusion").check()
        page.get_by_label("Notes").fill("by hand")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Change it").click()
        assert page.get_by_label("Notes").input_value() == "by hand"
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Record it, to the queue").click()
        assert "Your decision is recorded" in page.locator("main").inner_text()


def test_every_page_can_be_used_by_all(desk: Desk) -> None:
    with desk.visit(ADA) as ada, desk.visit(BOB) as bob:
        closed = next_case(ada)
        decide(ada, "1")
        disputed = str(re.split(r"[/?]", ada.url)[5])
        decide(ada, "2")
        assert next_case(bob) == closed
        decide(bob, "1")
        assert disputed in bob.url
        decide(bob, "3")
    for size in (WIDE, TABLET):
        with desk.visit(SUE, size) as page:
            for path in ("/desk?none=1&recorded=1", "/desk/disputed", "/desk/closed",
                         f"/desk/closed/{closed}", "/desk/statistics", "/desk/no-such-page",
                         f"/desk/cases/{disputed}"):  # fmt: skip
                page.goto(f"{desk.address}{path}")
                desk.check(page)
                if path.endswith(f"cases/{disputed}") and size == WIDE:  # then it is open
                    page.get_by_role("button", name="Open this case").press("Enter")
                    drawn(page)
                    desk.check(page)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= size[0], f"{page.url} is {wide} px wide"
            left, right = (each.bounding_box() for each in drawn(page).all())
            assert left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
            assert min(left["width"], left["height"]) >= 300
            press(page, "p", "m", ".", "3", "Enter")
            page.locator("#confirm").wait_for()
            desk.check(page)


def test_what_cannot_be_used_by_all_is_found(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        page.evaluate("document.querySelector('main').append(document.createElement('button'))")
        with pytest.raises(AssertionError, match="button-name"):
            desk.check(page)


def test_the_first_key_leads_past_the_menu(desk: Desk) -> None:
    with desk.visit(ADA) as page:
        press(page, "Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        press(page, "Enter", "Tab")
        assert page.evaluate("document.activeElement.textContent").startswith("Next case")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
