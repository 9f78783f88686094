"""The queue and what it rests on, from the command line: shown, explained, decided, corrected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from engine.cli.app import app
from engine.cli.exits import Exit
from engine.risk.tables import POLICIES
from tests.prints_at_no_cost import Row

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, free_extraction: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs `tenprint` with its words, on an empty home."""
    monkeypatch.setenv("TENPRINT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("USER", "ortiz")

    def call(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return call


@pytest.fixture
def waiting(run: Run, make_row: Row, tmp_path: Path) -> Run:
    """P1 (theft), P2 (homicide) and P3 (words nobody can code), each hit by a search."""
    rows = [make_row(f"P{finger}", finger, position=2) for finger in (1, 2, 3)]
    people, probes, records = (tmp_path / f"{name}.csv" for name in ("people", "probes", "records"))
    lines = [f"{row.person},{row.path},2" for row in rows]
    people.write_text("\n".join(["person,image,position", *lines]))
    again = [f"x{finger},{make_row('x', finger).path},2" for finger in (1, 2, 3)]
    probes.write_text("\n".join(["person,image,position", *again]))
    records.write_text(
        "person,record_id,ncic,charge,degree,disposition\n"
        "P1,r1,2303,,M,Convicted\nP2,r2,0999,,F,Convicted\nP3,r3,,QXQ ZZ,F,Convicted\n"
    )
    assert run("enrol", "--manifest", people, "--records", records).exit_code == Exit.DONE
    assert run("identify", "--manifest", probes, "--jurisdiction", "Harris").exit_code == Exit.DONE
    return run


def answer(result: Result) -> Any:
    assert result.exit_code == Exit.DONE, result.stderr
    return json.loads(result.stdout)


def persons(document: Any) -> list[str]:
    return [item["person"] for item in document["queue"]]


def test_the_queue_is_shown_with_what_it_rests_on(waiting: Run) -> None:
    shown = waiting("queue", "--policy", "harm-tiers")
    assert shown.exit_code == Exit.DONE
    assert "3 cases wait (1 Level 1, 1 needs review, 1 Level 3), 0 were decided" in shown.stdout
    document = answer(waiting("queue", "--policy", "harm-tiers", "--json"))
    assert persons(document) == ["P2", "P3", "P1"]
    first = document["queue"][0]
    assert (first["tier"], first["lane"], first["category"]) == (
        "Level 1",
        "conviction",
        "homicide",
    )
    assert (first["case"], first["jurisdiction"]) == ("2/P2", "Harris")
    assert first["assessment"]["rule"] == "life"
    assert document["policy"]["table"] in first["assessment"]["table"]
    assert document["queue"][1]["suggestion"]["model"]


def test_nothing_waits(run: Run) -> None:
    result = run("queue")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        Exit.DONE,
        "no case waits; 0 were decided",
    )


def test_blind_shows_nothing_that_is_on_record(waiting: Run) -> None:
    for words in ([], ["--json"]):
        shown = waiting("queue", "--blind", "--policy", "sc-2009-list", *words)
        assert shown.exit_code == Exit.DONE
        for told in ("homicide", "conviction", "r2", "0999", "assessment", "Level", "review"):
            assert told not in shown.stdout
        assert "2/P2" in shown.stdout
    assert waiting("queue", "--blind", "--explain", "1").exit_code == Exit.USAGE


def test_one_case_is_explained(waiting: Run) -> None:
    shown = waiting("queue", "--policy", "sc-2009-list", "--explain", "1").stdout
    assert "source    ICE list, Level 1: homicide; in force 2008-10-27 to" in shown
    for told in ("case      2/P2", "Level 1: homicide (rule homicide)", "record r2", "NCIC 0999",
                 "dropped   nothing", "rules     sc-2009-list", "Without record r2"):  # fmt: skip
        assert told in shown
    document = answer(waiting("queue", "--explain", "2/P2", "--json"))
    assert document["records"][0]["coding"]["field"] == "ncic"
    missing = waiting("queue", "--explain", "99")
    assert (missing.exit_code, "no case '99' waits" in missing.stderr) == (Exit.FAILED, True)


def test_a_decision_takes_a_case_out_of_the_queue(waiting: Run) -> None:
    made = answer(waiting("decide", "2/P2", "exclusion", "--notes", "scar", "--json"))
    assert (made["examiner"], made["conclusion"], made["notes"]) == ("ortiz", "exclusion", "scar")
    cases = answer(waiting("queue", "--json"))["queue"]
    stages = {case["person"]: case["stage"] for case in cases}
    assert stages == {"P1": "first", "P2": "second", "P3": "first"}
    again = waiting("decide", "2/P2", "identification")
    assert (again.exit_code, "decided by ortiz before" in again.stderr) == (Exit.FAILED, True)
    second = waiting("decide", "2/P2", "exclusion", "--examiner", "reyes")
    assert "the case is closed" in second.stdout
    assert persons(answer(waiting("queue", "--json"))) == ["P3", "P1"]
    for examiner, conclusion in (("ortiz", "exclusion"), ("reyes", "inconclusive")):
        said = waiting("decide", "3/P3", conclusion, "--examiner", examiner).stdout
        assert "the case waits for somebody else" in said
    assert "a supervisor" in waiting("queue").stdout
    ruled = answer(
        waiting("decide", "3/P3", "exclusion", "--examiner", "sue", "--supervisor", "--json")
    )
    assert (ruled["role"], ruled["closes"]) == ("supervisor", True)
    assert waiting("decide", "2/P2", "maybe").exit_code == Exit.USAGE
    assert waiting("decide", "2/P1", "exclusion").exit_code == Exit.FAILED


def test_a_correction_is_seen_at_once_and_the_past_can_be_asked_for(waiting: Run) -> None:
    before = answer(waiting("queue", "--json"))
    done = waiting("records", "amend", "P2", "r2", "disposition=Dismissed", "--reason", "appeal")
    assert done.exit_code == Exit.DONE
    assert persons(answer(waiting("queue", "--json")))[-1] == "P2"
    past = answer(waiting("queue", "--as-of", before["at"], "--json"))
    assert (persons(past), past["as_of_the_past"]) == (persons(before), True)
    versions = answer(waiting("records", "show", "P2", "--json"))["versions"]
    assert [each["change"] for each in versions] == ["added", "amended"]
    assert versions[1]["reason"] == "appeal"
    assert "Dismissed" in waiting("records", "show", "P2").stdout


@pytest.mark.parametrize("verb", ["seal", "expunge"])
def test_a_record_is_closed_and_restored(waiting: Run, verb: str) -> None:
    closed = answer(waiting("records", verb, "P2", "r2", "--json"))
    assert (closed["record"]["ncic"], closed["record"]["degree"]) == ("", "unknown")
    asked = ("queue", "--policy", "sc-2009-list", "--json")
    assert persons(answer(waiting(*asked)))[0] == "P3"
    assert waiting("records", "amend", "P2", "r2", "ncic=0999").exit_code == Exit.FAILED
    assert answer(waiting("records", "restore", "P2", "r2", "--json"))["record"]["ncic"] == "0999"
    assert persons(answer(waiting(*asked)))[0] == "P2"


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("race=x", "unknown field 'race': a record has record_id"),
        ("degree=capital", "degree 'capital' is none of"),
        ("ncic", "'ncic' is not FIELD=VALUE"),
        ("record_id=x", "the id of a record stays"),
        ("person=x", "unknown field 'person': a record has record_id, ncic"),
    ],
)
def test_an_amendment_that_will_not_do_is_refused(waiting: Run, pair: str, says: str) -> None:
    result = waiting("records", "amend", "P2", "r2", pair)
    assert result.exit_code == Exit.USAGE
    assert says in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["queue", "--as-of", "yesterday"], "is no date or time"),
        (["queue", "--as-of", ""], "is no date or time"),
        (["queue", "--as-of", "9000-01-01T00:00"], "has not come yet"),
        (["queue", "--as-of", "0001-01-01T00:00+05:00"], "before anything"),
        (["decide", "²/P1", "exclusion"], "names no case"),
        (["stats", "--to", "9999-12-31"], "last day of the calendar"),
        (["queue", "--policy", "none"], "there are harm-tiers"),
        (["queue", "--scale", "none"], "there are ussg-2016"),
        (["queue", "--gallery", "none"], "no gallery 'none'"),
        (["records", "show", "nobody"], "nobody"),
    ],
)
def test_what_will_not_do_is_said(run: Run, words: list[str], says: str) -> None:
    result = run(*words)
    assert result.exit_code in (Exit.USAGE, Exit.FAILED)
    assert says in " ".join(result.stderr.replace("│", " ").split())


def test_a_charge_is_coded(run: Run) -> None:
    document = answer(run("code", "AGG ASLT W/ DEADLY WPN", "--degree", "felony", "--json"))
    assert document["coding"]["category"] == "aggravated-assault"
    assert document["coding"]["traits"]["weapon"] is True
    assert document["assessments"]["sc-2009-list"]["level"] == 1
    shown = run("code", "--ncic", "0301")
    assert "does not rank by itself" in shown.stdout
    assert run("code").exit_code == Exit.USAGE
    assert run("code", "X", "--ncic", "12").exit_code == Exit.USAGE


def test_policies_are_listed_shown_and_checked(run: Run, tmp_path: Path) -> None:
    names = [each["name"] for each in answer(run("policy", "list", "--json"))["policies"]]
    assert names == ["harm-tiers", "sc-2009-list", "sc-2010-conviction"]
    for name in names:
        shown = run("policy", "show", name)
        assert shown.exit_code == Exit.DONE
        assert "source" in shown.stdout
        assert "overdue   after days: Level 1" in shown.stdout
    own = tmp_path / "own.toml"
    own.write_text((POLICIES / "harm-tiers.toml").read_text())
    assert "said to be violent and weapon" in run("policy", "show", own).stdout
    assert run("policy", "check", "harm-tiers").exit_code == Exit.DONE
    assert "15 rules" in run("policy", "check", own).stdout
    text = own.read_text().replace('name = "harm-tiers"', 'name = "ours"')
    own.write_text(text.replace('"robbery"', '"robery"'))
    wrong = run("policy", "check", own)
    assert wrong.exit_code == Exit.FAILED
    assert "own.toml: rule 'robery': unknown categories robery" in wrong.stderr
