"""The desk from the queue to a closed case: what pages show, and above all what they do not."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import delete, update

from engine.service.examining import Examiner, Examining
from engine.service.results import Probe
from engine.service.tenprint import Tenprint
from engine.store import case_holds
from engine.store.audit import Filter
from engine.store.database import Database
from engine.store.schema import now, probe_prints, templates
from engine.types import FingerPosition
from engine.web.pages.rendering import name_finger, waited
from tests.prints_at_no_cost import Row
from tests.web.pages.office import (
    ADA,
    BOB,
    GALLERIES,
    NOTES,
    PERSONS,
    PROBE,
    SECRETS,
    STU,
    SUE,
    Visitor,
)

pytestmark = pytest.mark.sqlite
Visit = Callable[[str], Visitor]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def prints_of(text: str) -> dict[str, object]:
    """The document for the viewer in a case's page."""
    found = re.search(r'<script type="application/json" id="prints">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


def test_the_queue_says_what_waits_in_the_order_of_work(visitor: Visit) -> None:
    page = visitor(ADA).get("/desk").text
    rows = [
        [
            html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.S)
        ]
        for row in re.findall(r"<tr class.*?</tr>", page, re.S)
    ]
    assert rows == [
        [place, probe, "Harris", "first examiner", "just now", "–"]
        for place, probe in (("1", PROBE), ("2", "latent-2"), ("3", "latent-3"))
    ]
    assert "<strong>3</strong> cases wait" in page


def test_nothing_of_a_case_is_told_before_it_is_closed(visitor: Visit, filled: Tenprint) -> None:
    ada, bob, sue = visitor(ADA), visitor(BOB), visitor(SUE)
    first, second, third = ada.listed()
    told = [ada.get("/desk"), ada.post("/desk/next"), ada.get(f"/desk/cases/{first}")]
    chosen = {"conclusion": "identification", "notes": NOTES}
    for key in (first, second):
        ada.decide(key, "identification", NOTES)
        told += [ada.get(f"/desk/cases/{key}"), ada.get(f"/desk/closed/{key}")]
        told += [bob.get("/desk"), bob.open(key), bob.get("/desk/closed")]
        told += [bob.post(f"/desk/cases/{key}/confirm", conclusion="exclusion")]
        told += [bob.post(f"/desk/cases/{key}/confirm", htmx=True, conclusion="exclusion")]
        told += [ada.post(f"/desk/cases/{key}/confirm", conclusion="exclusion")]
        told += [sue.get("/desk"), sue.open(key), bob.get("/desk/cases/9-9")]
    told += [bob.decide(second, "exclusion", "other words")]
    told += [sue.get("/desk/disputed"), sue.open(second), sue.get("/desk/closed")]
    told += [ada.get("/desk"), ada.get(f"/desk/cases/{second}"), ada.get(f"/desk/closed/{second}")]
    told += [sue.open(third), ada.get(f"/desk/cases/{third}")]
    bob.decide(first, "identification")
    secret = filled.examining().reveal(first, Examiner(BOB))
    numbers = (f"{secret.score:.1f}", f"{secret.llr:.1f}", f"{secret.score:.4f}")
    for answer in told:
        text = answer.text + repr(answer.headers)
        shown = re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.S)
        assert not [each for each in SECRETS if each in text], answer.url
        assert not [each for each in numbers if each in shown], answer.url
    assert NOTES in ada.post(f"/desk/cases/{third}/confirm", **chosen).text  # what was looked for


def test_the_second_examiner_sees_the_same_whatever_the_first_concluded(visitor: Visit) -> None:
    ada, bob = visitor(ADA), visitor(BOB)
    seen = {}
    for key, conclusion in zip(
        ada.listed(), ("identification", "exclusion", "inconclusive"), strict=True
    ):
        ada.decide(key, conclusion, NOTES)
        page = bob.open(key).text
        seen[conclusion] = page[
            page.index('<section id="decision"') : page.index("</section>")
        ].replace(key, "")
    assert len(set(seen.values())) == 1
    assert "checked" not in seen["exclusion"]


def test_a_case_shows_both_prints_of_eachname_finger(visitor: Visit) -> None:
    ada = visitor(ADA)
    key = ada.listed()[0]
    ada.open(key)
    page = ada.get(f"/desk/cases/{key}?finger=2").text
    assert page.count('data-side="probe"') == page.count('data-side="candidate"') == 2
    assert re.search(r'data-finger="2" aria-current="true">Left thumb|Left index', page)
    assert re.findall(r'data-panel="(\d)"( hidden)?>', page) == [("1", " hidden"), ("2", "")]
    assert "quality <b>80</b>" in page and "30 minutiae" in page
    document = prints_of(page)
    assert set(document) == {"key", "fingers"}
    for finger in document["fingers"]:  # type: ignore[attr-defined]
        assert set(finger) == {"number", "probe", "candidate", "pairs"}
        assert len(finger["pairs"]) > 20
        for side in ("probe", "candidate"):
            assert set(finger[side]) == {"width", "height", "image", "minutiae"}
            assert np.shape(finger[side]["minutiae"]) == (30, 5)
        assert finger["probe"]["image"] and finger["candidate"]["image"]
    for number in (1, 2):
        for side in ("probe", "candidate"):
            for view in ("original", "enhanced"):
                picture = ada.get(f"/desk/cases/{key}/pictures/{number}/{side}/{view}")
                assert picture.headers["content-type"] == "image/png"
                assert picture.headers["cache-control"] == "no-store"
    for wrong in ("3/probe/original", "1/both/original", "1/probe/x-ray", "x/probe/original"):
        assert ada.get(f"/desk/cases/{key}/pictures/{wrong}").status_code == 404


def test_a_print_without_an_image_is_said_to_have_none(visitor: Visit) -> None:
    ada = visitor(ADA)
    key = ada.listed()[1]
    page = ada.open(key).text
    assert page.count("No image is kept of this print") == 1
    (finger,) = prints_of(page)["fingers"]  # type: ignore[misc]
    assert finger["probe"]["image"] and not finger["candidate"]["image"]
    assert ada.get(f"/desk/cases/{key}/pictures/1/candidate/original").status_code == 404


def test_two_who_agree_see_the_case_whole(visitor: Visit) -> None:
    ada, bob, sue = visitor(ADA), visitor(BOB), visitor(SUE)
    key, following, _ = ada.listed()
    answer = ada.decide(key, "identification", NOTES, then="next")
    assert answer.headers["location"] == f"/desk/cases/{following}?recorded=1"
    assert "Your decision is recorded" in ada.get(answer.headers["location"]).text
    assert ada.get(f"/desk/closed/{key}").status_code == 409
    answer = bob.decide(key, "identification")
    assert answer.headers["location"] == f"/desk?recorded=1&closed={key}"
    assert f'href="/desk/closed/{key}"' in bob.get(answer.headers["location"]).text
    for browser in (ada, bob, sue):
        assert html.escape(PROBE) in browser.get("/desk/closed").text
        page = html.unescape(browser.get(f"/desk/closed/{key}").text)
        for shown in (PERSONS[0], "REC-7-1", "MURDER", "Level 1", NOTES, ADA, BOB, "Score"):
            assert shown in page
        assert page.count("closed the case") == 1
    assert "MURDER <b>" not in ada.get(f"/desk/closed/{key}").text  # it is escaped
    assert ada.get("/desk/cases/" + key).status_code == 409


def test_what_two_dispute_waits_for_a_supervisor(visitor: Visit) -> None:
    ada, bob, sue = visitor(ADA), visitor(BOB), visitor(SUE)
    key = ada.listed()[0]
    assert "Nothing is disputed" in sue.get("/desk/disputed").text
    ada.decide(key, "identification")
    answer = bob.decide(key, "exclusion")
    assert answer.headers["location"] == "/desk?recorded=1"
    assert key not in ada.listed() + bob.listed() + sue.listed()
    assert sue.listed("/desk/disputed") == [key]
    for browser in (ada, bob):
        answer = browser.get(f"/desk/cases/{key}")
        assert answer.status_code == 409
        assert "Next case" in answer.text
    sue.decide(key, "exclusion")
    page = ada.get(f"/desk/closed/{key}").text
    assert page.count('class="card"') >= 3 and "supervisor" in page


def test_a_case_that_another_has_open_is_said_to_be(visitor: Visit) -> None:
    ada, bob = visitor(ADA), visitor(BOB)
    answer = ada.post("/desk/next")
    key = answer.headers["location"].rsplit("/", 1)[1]
    assert ada.get(answer.headers["location"]).status_code == 200
    refused = bob.get(f"/desk/cases/{key}")
    assert refused.status_code == 409
    assert "Another examiner has this case open: take the next one" in refused.text
    assert bob.post("/desk/next").headers["location"] != answer.headers["location"]
    queue = bob.get("/desk").text
    assert key not in bob.listed() and ">another<" in queue
    assert "<strong>you</strong>" in ada.get("/desk").text
    lost = bob.post(f"/desk/cases/{key}/decide", conclusion="exclusion", notes="long <words>")
    assert lost.status_code == 409
    assert "long &lt;words&gt;" in lost.text  # not lost
    given = ada.post(f"/desk/cases/{key}/release")
    assert given.headers["location"] == "/desk?released=1"
    assert "undecided" in ada.get("/desk?released=1").text
    assert bob.open(key).status_code == 200


def test_a_page_that_is_only_looked_at_opens_nothing(visitor: Visit, filled: Tenprint) -> None:
    ada, bob = visitor(ADA), visitor(BOB)
    key = ada.listed()[0]
    page = ada.get(f"/desk/cases/{key}")
    assert page.status_code == 200
    assert "Nobody has this case open" in page.text and "prints" not in page.text
    assert ada.get(f"/desk/cases/{key}/pictures/1/probe/original").status_code == 409
    assert ada.post(f"/desk/cases/{key}/open", csrf="x").status_code == 403
    assert not list(filled.audit.show(Filter(verb="examine"), 9))
    assert f'action="/desk/cases/{key}/open"' in page.text
    assert bob.open(key).status_code == 200
    assert ada.post(f"/desk/cases/{key}/open").status_code == 409
    for where in ("9-9", "x"):
        assert ada.post(f"/desk/cases/{where}/open").status_code == 404


def test_a_closed_case_shows_its_prints_while_they_are_kept(
    visitor: Visit, filled: Tenprint
) -> None:
    ada, bob, sue = visitor(ADA), visitor(BOB), visitor(SUE)
    key = ada.listed()[0]
    seen = prints_of(ada.open(key).text)
    for browser in (ada, bob):
        browser.decide(key, "identification")
    for browser in (ada, bob, sue):
        assert prints_of(browser.get(f"/desk/closed/{key}?finger=2").text) == seen
        picture = browser.get(f"/desk/cases/{key}/pictures/2/candidate/original")
        assert picture.headers["content-type"] == "image/png"
    with filled._database.write() as connection:
        connection.execute(delete(probe_prints))
    page = ada.get(f"/desk/closed/{key}").text
    assert "They are not kept any more" in page and PERSONS[0] in page
    assert "viewer" not in page


def test_who_works_on_a_case_is_told_to_nobody_else(visitor: Visit) -> None:
    """Or the second examiner knew who the first was, by a look at the queue meanwhile."""
    ada, bob, sue = visitor(ADA), visitor(BOB), visitor(SUE)
    key = ada.listed()[0]
    told = []
    for step in (lambda: ada.open(key), lambda: ada.decide(key, "exclusion")):
        step()
        for browser in (bob, sue):
            told += [browser.get("/desk"), browser.get(f"/desk/cases/{key}")]
            told += [browser.post(f"/desk/cases/{key}/decide", conclusion="exclusion")]
        told += [sue.get("/desk/disputed"), bob.post(f"/desk/cases/{key}/open")]
    assert [answer.status_code for answer in told].count(409) == 7
    assert not [answer.url for answer in told if ADA in answer.text]


def test_the_key_of_a_case_does_not_show_its_rank(
    visitor: Visit, filled: Tenprint, make_row: Row
) -> None:
    filled.enrol([make_row("TWIN", 12, 2)], gallery=GALLERIES[0])
    probe = Probe("of two", (make_row("x", 12, 2),))
    (searched,) = filled.identify([probe]).searches
    ada = visitor(ADA)
    keys = [each for each in ada.listed() if each.startswith(f"{searched.search_id}-")]
    assert len(set(keys)) == 2
    assert not [key for key in keys if key.partition("-")[2] in ("0", "1", "2")]
    for key in keys:
        assert ada.open(key).status_code == 200


def test_an_error_of_a_print_does_not_name_its_file(visitor: Visit, filled: Tenprint) -> None:
    """Which is often called by the person."""
    ada = visitor(ADA)
    key = ada.listed()[0]
    database = Database(filled.home.database)
    with database.write() as writer:
        writer.execute(update(templates).values(data=b"TPT\xff of an old version" + bytes(9_999)))
    database.close()
    answer = ada.post(f"/desk/cases/{key}/open")
    assert answer.status_code == 400
    assert "enrol again" in answer.text and "candidate" in answer.text
    assert not [each for each in SECRETS if each in answer.text]


def test_who_has_nothing_left_to_decide_is_told(visitor: Visit) -> None:
    ada = visitor(ADA)
    *others, last = ada.listed()
    for key in others:
        ada.decide(key, "inconclusive")
    assert (
        ada.decide(last, "exclusion", then="next").headers["location"] == "/desk?none=1&recorded=1"
    )
    answer = ada.post("/desk/next")
    assert answer.headers["location"] == "/desk?none=1"
    assert "No case waits for you now" in ada.get("/desk?none=1").text
    assert ada.listed() == []


def test_a_decision_is_looked_at_again_before_it_is_kept(visitor: Visit) -> None:
    ada = visitor(ADA)
    key = ada.listed()[0]
    assert ada.open(key).status_code == 200
    chosen = {"conclusion": "exclusion", "notes": "no <core>"}
    whole = ada.post(f"/desk/cases/{key}/confirm", **chosen).text
    part = ada.post(f"/desk/cases/{key}/confirm", htmx=True, **chosen).text
    assert "<!doctype html>" in whole and "<!doctype html>" not in part
    for page in (whole, part):
        assert f'action="/desk/cases/{key}/decide"' in page
        assert 'name="notes" value="no &lt;core&gt;"' in page
    assert visitor(BOB).get("/desk").text.count("first examiner") == 3  # nothing is kept yet
    again = ada.post(f"/desk/cases/{key}/edit", htmx=True, **chosen).text
    assert re.search(r'value="exclusion"[^>]* checked', again)
    assert ">no &lt;core&gt;</textarea>" in again


def test_notes_are_not_lost_with_the_hold(visitor: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = visitor(ADA)
    key = ada.listed()[0]
    ada.open(key)
    later = now() + timedelta(minutes=31)
    monkeypatch.setattr(case_holds, "now", lambda: later)
    for step in ("confirm", "edit"):
        answer = ada.post(f"/desk/cases/{key}/{step}", conclusion="exclusion", notes="long words")
        assert answer.status_code == 409
        assert "long words" in answer.text and "open it again" in answer.text


def test_pictures_of_a_closed_case_are_on_record_like_the_case(
    visitor: Visit, filled: Tenprint
) -> None:
    ada, bob = visitor(ADA), visitor(BOB)
    key = ada.listed()[0]
    for browser in (ada, bob):
        browser.decide(key, "identification")
    path = f"/desk/cases/{key}/pictures/1/candidate/original"
    assert ada.get(path).status_code == 200
    told = [each.fields for each in filled.audit.show(Filter(), 99)]
    (seen,) = (each for each in told if each["event"] == "revealed")
    assert (seen["examiner"], seen["persons"]) == (ADA, [PERSONS[0]])
    filled.audit.allow(["training"])
    refused = ada.get(path)
    assert refused.status_code == 403 and refused.headers["content-type"].startswith("text/html")


def test_a_decision_that_is_none_is_not_taken(visitor: Visit) -> None:
    ada = visitor(ADA)
    key = ada.listed()[0]
    ada.open(key)
    for form, says in (
        ({}, "Choose one of"),
        ({"conclusion": "match"}, "Choose one of"),
        ({"conclusion": "exclusion", "notes": "x" * 4001}, "4,000 characters"),
    ):
        for step in ("confirm", "decide"):
            answer = ada.post(f"/desk/cases/{key}/{step}", **form)
            assert answer.status_code == 400
            assert says in answer.text
    assert "second examiner" not in visitor(BOB).get("/desk").text


def test_each_use_is_on_record_with_who_and_why(visitor: Visit, filled: Tenprint) -> None:
    ada = visitor(ADA)
    ada.decide(ada.listed()[0], "exclusion")
    events = [each.fields for each in filled.audit.show(Filter(), 99)]
    own = [each for each in events if each["operator"] == ADA]
    assert {"opened", "decided"} <= {each["event"] for each in own}
    assert {each["origin"] for each in own} == {"testclient"}
    assert {each["purpose"] for each in own if "purpose" in each} == {"casework"}


def test_a_long_queue_comes_in_pages(visitor: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("paging", "queue", "closed"):
        monkeypatch.setattr(f"engine.web.pages.{module}.LENGTH", 2)
    ada = visitor(ADA)
    whole = ada.listed()
    assert len(whole) == 2
    second = ada.get("/desk?page=2").text
    assert "Page 2 of 2" in second and "latent-3" in second and "latent-2" not in second
    assert ada.get("/desk?page=7").headers["location"] == "/desk?page=2"
    for wrong in ("0x2", "-1", "", "²", "9" * 20):
        assert "Page 1 of 2" in ada.get(f"/desk?page={wrong}").text


def test_statistics_are_those_of_the_command(visitor: Visit, filled: Tenprint) -> None:
    ada, bob = visitor(ADA), visitor(BOB)
    key = ada.listed()[0]
    for browser in (ada, bob):
        browser.decide(key, "identification")
    page = visitor(STU).get("/desk/statistics?by=level&by=month").text
    counted = filled.statistics(by=("level", "month"))
    for row in counted.rows:
        for value in row.keys:
            assert f">{value}</th>" in page
    assert page.count("<svg") > 4 and "<style" not in page and "style=" not in page
    assert not [name for name in PERSONS if name in page]
    early = visitor(STU).get("/desk/statistics?from=2001-01-01&to=2001-12-31").text
    assert "Nothing was submitted in this period" in early
    for wrong in ("from=yesterday", "from=2002-01-01&to=2001-01-01"):
        assert visitor(STU).get(f"/desk/statistics?{wrong}").status_code == 400


def test_statistics_are_counted_once_at_a_time(
    visitor: Visit, filled: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each counts all there is: a few impatient readers would take every thread of the pages."""
    stu, statistics, meanwhile = visitor(STU), filled.statistics, list[int]()

    def count(**asked: Any) -> Any:
        if not meanwhile:
            meanwhile.append(0)
            meanwhile[0] = stu.get("/desk/statistics").status_code
        return statistics(**asked)

    monkeypatch.setattr(filled, "statistics", count)
    assert stu.get("/desk/statistics").status_code == 200
    assert meanwhile == [429]
    assert stu.get("/desk/statistics").status_code == 200


def test_every_answer_forbids_what_the_pages_do_not_need(visitor: Visit) -> None:
    ada = visitor(ADA)
    key = ada.listed()[0]
    ada.open(key)
    for path in (
        "/desk",
        f"/desk/cases/{key}",
        f"/desk/cases/{key}/pictures/1/probe/original",
        "/desk/no",
    ):
        headers = ada.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        text = ada.get(path).text if "pictures" not in path else ""
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
        scripts = re.findall(r"<script([^>]*)>", text)
        assert all("src=" in each or "application/json" in each for each in scripts)


def test_what_is_not_there_is_a_page_that_says_so(visitor: Visit) -> None:
    for path in ("/desk/no-such", "/desk/cases/77-1", "/desk/cases/x", "/desk/closed/9-1"):
        answer = visitor(ADA).get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert 'href="/desk"' in answer.text
    assert visitor(ADA).post("/desk/closed").status_code == 404
    assert "Sign out" not in visitor("").get("/desk/no-such").text


def test_what_fails_is_a_page_without_the_reason(
    visitor: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(Examining, "waiting", fail)
    answer = visitor(ADA).get("/desk")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text and "secret" not in answer.text


def test_positions_and_times_are_written_for_people() -> None:
    assert name_finger(FingerPosition.RIGHT_INDEX) == "Right index"
    assert name_finger(FingerPosition.UNKNOWN) == "Finger unknown"
    told = {5: "just now", 60: "1 minute", 7300: "2 hours", 90_000: "1 day", 10**6: "11 days"}
    assert {seconds: waited(seconds) for seconds in told} == told


def test_images_are_those_of_the_prints(visitor: Visit) -> None:
    ada = visitor(ADA)
    key = ada.listed()[0]
    ada.open(key)
    data = ada.get(f"/desk/cases/{key}/pictures/1/probe/original").content
    assert Image.open(io.BytesIO(data)).size == (100, 120)
