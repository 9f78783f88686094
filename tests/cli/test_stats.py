"""`tenprint stats`: the same counts as a table, as JSON and as a page, and never a person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from engine.cli.app import app
from engine.cli.exits import Exit
from engine.cli.stats import KEYS
from engine.report.counts import NOTHING
from engine.service import statistics
from engine.store.database import Database
from tests.decided_searches import fill

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs `tenprint stats` with its words, on a home with four searches."""
    monkeypatch.setenv("TENPRINT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "home").mkdir()
    database = Database(tmp_path / "home" / "tenprint.sqlite")
    with database.write() as writer:
        fill(writer)
    database.close()

    def call(*words: object) -> Result:
        return CliRunner().invoke(app, ["stats", *(str(word) for word in words)])

    return call


def answer(result: Result) -> Any:
    assert result.exit_code == Exit.DONE, result.output
    return json.loads(result.stdout)


def test_a_row_a_combination_and_a_total_with_how_they_were_counted(run: Run) -> None:
    result = run("--by", "jurisdiction,level")
    assert result.exit_code == Exit.DONE, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    first = next(row for row in rows if row[:3] == ["Harris", "Level", "1"])
    assert first[3:] == ["1", "2", "2", "1", "0", "0", "1", "1", "(50", "%)", "2.0", "2.0"]
    total = next(row for row in rows if row[:1] == ["total"])
    assert total[1:] == ["3", "4", "4", "2", "1", "0", "1", "3", "(75", "%)", "30.0", "38.0"]
    assert "Hits by level: Level 1 3, needs review 0" in result.stdout
    assert "as they stand now, under sc-2010-conviction" in result.stdout


def test_json_has_every_count(run: Run) -> None:
    document = answer(run("--by", "month", "--json"))
    assert document["by"] == ["month"]
    assert document["policy"]["name"] == "sc-2010-conviction"
    assert re.fullmatch(r".+\+[0-9a-f]{12}", document["policy"]["table"])
    january, february = document["rows"]
    assert (january["month"], january["submissions"], january["searches"]) == ("2026-01", 1, 3)
    assert january["hits_by_level"]["Level 1"] == 2
    assert january["time_to_decision"] == {
        "decided": 2, "median_hours": 16.0, "p90_hours": 27.2,
    }  # fmt: skip
    assert january["share_decided"] == 0.667
    assert january["oldest_waiting_days"] > 0
    assert (february["waiting"], february["oldest_waiting_days"]) == (0, None)
    total = document["total"]
    assert (total["submissions"], total["searches"], total["hits"]) == (3, 4, 4)
    ends = ("identifications", "exclusions", "inconclusive", "waiting")
    assert sum(total[end] for end in ends) == total["hits"]


def test_days_of_the_period_are_both_in_it(run: Run) -> None:
    document = answer(run("--by", "month", "--from", "2026-01-10", "--to", "2026-02-01", "--json"))
    assert [row["month"] for row in document["rows"]] == ["2026-01", "2026-02"]
    assert document["from"] == "2026-01-10T00:00:00+00:00"
    assert document["before"] == "2026-02-02T00:00:00+00:00"
    earlier = answer(run("--by", "month", "--from", "2026-01-11", "--to", "2026-01-31", "--json"))
    assert earlier["rows"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--by", "level,person"], "level, jurisdiction, month, not person"),
        (["--by", ""], "level, jurisdiction, month"),
        (["--by", "month,month"], "each once"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], "--to is before --from"),
        (["--from", "yesterday"], "%Y-%m-%d"),
    ],
)
def test_wrong_usage_is_told(run: Run, words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == Exit.USAGE
    assert told in " ".join(re.sub("[│╭╮╰╯─]", " ", result.stderr).split())


def test_an_unknown_policy_is_refused(run: Run) -> None:
    assert run("--policy", "unheard-of").exit_code == Exit.FAILED


def test_nothing_is_told_of_a_person_in_any_form(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "out" / "statistics.html"
    table, document = run("--html", page), run("--json")
    assert (table.exit_code, document.exit_code) == (Exit.DONE, Exit.DONE)
    assert f"page: {page}" in table.stderr
    text = page.read_text()
    assert "Candidates are proposals: people decide." in text
    for told in (text, table.stdout, document.stdout):
        assert "Harris" in told
        for secret in ("SECRET", "P0", "MURDER", "latent-9", "op-77", "examiner-"):
            assert secret not in told


def test_an_empty_database_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENPRINT_HOME", str(tmp_path / "new"))
    page = tmp_path / "statistics.html"
    result = CliRunner().invoke(app, ["stats", "--html", str(page)])
    assert (result.exit_code, result.stdout.strip()) == (Exit.DONE, NOTHING)
    assert NOTHING in page.read_text()
    document = answer(CliRunner().invoke(app, ["stats", "--json"]))
    assert (document["rows"], document["total"]["hits"]) == ([], 0)


def test_the_keys_are_those_of_the_service() -> None:
    assert KEYS == statistics.KEYS
