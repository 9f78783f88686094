"""`tenprint audit`, `retention`, `gallery remove --proof`, `--case-id`: answers and exit codes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from engine.cli.app import app
from engine.cli.exits import Exit
from tests.prints_at_no_cost import Row


class Runner:
    """Runs `tenprint` with its words, on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    def json(self, *words: object) -> Any:
        return json.loads(self(*words, "--json").stdout)

    def tamper(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.home / "tenprint.sqlite")) as database:
            for name in ("audit_no_update", "audit_no_delete", "audit_at_the_end"):
                database.execute(f"DROP TRIGGER IF EXISTS {name}")
            for statement in statements:
                database.execute(statement)
            database.commit()


@pytest.fixture
def run(
    tmp_path: Path, free_extraction: None, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> Runner:
    """P1 .. P3 enrolled as case 17-1 and searched for as 17-221, by clerk."""
    home = tmp_path / "home"
    monkeypatch.setenv("TENPRINT_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("USER", "clerk")
    call = Runner(home)
    images = [make_row(f"P{finger}", finger).path for finger in (1, 2, 3)]
    words = ("--purpose", "booking", "--case-id")
    assert call("enrol", *images, *words, "17-1").exit_code == Exit.DONE
    assert call("identify", make_row("x", 2).path, *words, "17-221").exit_code == Exit.DONE
    return call


def test_the_log_is_shown_as_a_table_and_in_json(run: Runner) -> None:
    shown = run("audit", "show").stdout
    for words in ("searched", "P2", "clerk", "case 17-221", "purpose booking", "galleries default"):
        assert words in shown
    entries = run.json("audit", "show", "--verb", "identify", "--operator", "clerk")["entries"]
    assert [entry["event"] for entry in entries] == ["begin", "searched", "end"]
    assert entries[0]["case"] == "17-221"
    assert len(entries[0]["hash"]) == 64
    (hit,) = run.json("audit", "show", "--person", "P2", "--limit", 1)["entries"]
    assert hit["persons"] == ["P2"]
    assert "no such entry" in run("audit", "show", "--to", "2020-01-01").stdout
    assert run("audit", "show", "--from", "soon").exit_code == Exit.USAGE


def test_the_log_is_verified(run: Runner) -> None:
    result = run("audit", "verify")
    assert result.exit_code == Exit.DONE
    assert "entries 1 to 6 are as they were written" in result.stdout
    document = run.json("audit", "verify", "--since", 2)
    assert (document["after"], document["entries"], document["broken"]) == (2, 4, None)


def test_a_changed_log_ends_with_its_own_code(run: Runner) -> None:
    run.tamper("UPDATE audit SET entry = replace(entry, 'clerk', 'other') WHERE sequence = 3")
    result = run("audit", "verify")
    assert result.exit_code == Exit.FAILED
    assert "entries 1 to 2 are right; entry 3: its hash is not that of its content" in result.stdout
    broken = run.json("audit", "verify")["broken"]
    assert broken["sequence"] == 3


def test_a_head_finds_a_log_that_was_cut_off(run: Runner) -> None:
    head = run("audit", "head").stdout.strip()
    assert run.json("audit", "head")["head"] == head
    assert run("audit", "verify", "--head", head).exit_code == Exit.DONE
    run.tamper("DELETE FROM audit WHERE sequence > 4")
    assert run("audit", "verify").exit_code == Exit.DONE
    result = run("audit", "verify", "--head", head)
    assert result.exit_code == Exit.FAILED
    assert "entry 5: missing" in result.stdout
    assert run("audit", "verify", "--head", "5:ab").exit_code == Exit.USAGE


def test_an_exported_log_is_verified_without_the_database(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "out" / "log.jsonl"
    made = run.json("audit", "export", file)
    assert (made["first"], made["entries"]) == (1, 7)
    assert run("audit", "verify", "--against", file).exit_code == Exit.DONE
    (run.home / "tenprint.sqlite").rename(tmp_path / "gone")
    assert run("audit", "verify", "--file", file).exit_code == Exit.DONE
    assert not (run.home / "tenprint.sqlite").exists()
    file.write_text(file.read_text().replace("17-221", "17-222"))
    assert run("audit", "verify", "--file", file).exit_code == Exit.FAILED
    file.write_text("nonsense")
    assert run("audit", "verify", "--file", file).exit_code == Exit.NOTHING_DONE
    both = run("audit", "verify", "--file", file, "--against", file)
    assert both.exit_code == Exit.USAGE


def test_a_site_names_its_purposes(run: Runner, make_row: Row) -> None:
    assert "any purpose" in run("audit", "purposes").stdout
    run("audit", "purposes", "--allow", "booking", "--allow", "training")
    assert run.json("audit", "purposes") == {"purposes": ["booking", "training"]}
    probe = make_row("x", 2).path
    refused = run("identify", probe, "--purpose", "curiosity")
    assert refused.exit_code == Exit.FAILED
    assert "one of booking, training" in refused.stderr
    (last,) = run.json("audit", "show", "--verb", "identify", "--limit", 1)["entries"]
    assert (last["outcome"], last["error"]) == ("refused", "UseError")
    assert run("identify", probe, "--purpose", "booking").exit_code == Exit.DONE
    assert run("queue").exit_code == Exit.FAILED
    run("audit", "purposes", "--any")
    assert run("queue").exit_code == Exit.DONE
    assert run("audit", "purposes", "--any", "--allow", "x").exit_code == Exit.USAGE


@pytest.mark.parametrize(
    "words",
    [
        ["enrol"], ["identify"], ["verify"], ["queue"], ["decide"], ["gallery", "remove"],
        ["audit", "show"], ["audit", "export"], ["retention", "hold"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_case_can_be_named(run: Runner, words: list[str]) -> None:
    shown = run(*words, "--help").stdout
    assert "--case-id" in shown
    assert "--purpose" in shown


def test_the_case_stands_with_the_use(run: Runner) -> None:
    run("decide", "1/P2", "exclusion", "--examiner", "R", "--case-id", "17-9")
    run("queue", "--case-id", "17-10")
    with closing(sqlite3.connect(run.home / "tenprint.sqlite")) as database:
        kept = database.execute("SELECT verb, case_id FROM submissions ORDER BY id").fetchall()
    assert kept == [
        ("enrol", "17-1"), ("identify", "17-221"), ("decide", "17-9"), ("queue", "17-10"),
    ]  # fmt: skip


def test_timers_are_set_shown_and_applied(run: Runner) -> None:
    assert "no timer is set" in run("retention", "apply").stdout
    made = run.json("retention", "set", "--searches", "365d", "--images", "5y", "--exports", "8w")
    assert made["days"] == {
        "images": 1825, "probes": None, "searches": 365, "decisions": None,
        "closed-records": None, "exports": 56,
        "empty-encounters": None, "tasks": None,
    }  # fmt: skip
    run("retention", "set", "--exports", "never")
    shown = run("retention", "show").stdout
    for words in ("1,825 days", "365 days", "exports"):
        assert words in shown
    run.tamper("UPDATE prints SET created_at = '2020-01-01 00:00:00.000000'")
    tried = run("retention", "apply", "--dry-run")
    assert "would be deleted" in tried.stdout
    assert run.json("retention", "apply", "--dry-run")["deleted"] == {"images": 3, "searches": 0}
    done = run.json("retention", "apply")
    assert done["deleted"]["images"] == 3
    assert done["proof"]["pieces_found"] == 0
    assert run.json("gallery", "info", "default")["images"] == 0
    for wrong in (["--searches", "5"], ["--searches", "5m"], []):
        assert run("retention", "set", *wrong).exit_code == Exit.USAGE
    assert run("retention", "set", "--searches", "0d").exit_code == Exit.FAILED


def test_a_hold_is_placed_shown_and_released(run: Runner, tmp_path: Path) -> None:
    assert run("retention", "hold", "P1", "--reason", "case 17").exit_code == Exit.DONE
    assert "P1" in run("retention", "show").stdout
    proof = tmp_path / "proof.json"
    refused = run("gallery", "remove", "--person", "P1", "--yes", "--proof", proof)
    assert refused.exit_code == Exit.FAILED
    assert "legal hold" in refused.stderr
    assert not proof.exists()
    assert run("retention", "release", "P1").exit_code == Exit.DONE
    assert run("retention", "release", "P1").exit_code == Exit.FAILED
    assert run("retention", "hold", "P1").exit_code == Exit.USAGE


def test_a_removal_is_proved(run: Runner, tmp_path: Path) -> None:
    proof = tmp_path / "out" / "proof.json"
    result = run("gallery", "remove", "--person", "P2", "--yes", "--proof", proof)
    assert result.exit_code == Exit.DONE
    assert "nothing of it is left" in result.stdout
    document = json.loads(proof.read_text())
    assert document["clean"]
    sequence = document["audit"]["sequence"]
    head = f"{sequence}:{document['audit']['hash']}"
    assert run("audit", "verify", "--head", head).exit_code == Exit.DONE


def test_removals_of_the_past_are_proved(run: Runner, tmp_path: Path) -> None:
    run("gallery", "remove", "--person", "P2", "--yes")
    run("gallery", "remove", "--person", "P3", "--yes")
    result = run("audit", "prove", tmp_path / "out" / "proof.json", "--person", "P2")
    assert result.exit_code == Exit.DONE, result.output
    assert "nothing of it is left" in result.stdout
    (removal,) = json.loads((tmp_path / "out" / "proof.json").read_text())["removals"]
    assert removal["persons"] == ["P2"]
    assert len(run.json("audit", "prove")["removals"]) == 2
    (gone, _), *_ = removal_rows(run)["persons"]
    run.tamper(f"INSERT INTO persons VALUES ({gone}, 'somebody', '2026-01-01 00:00:00')")
    left = run("audit", "prove")
    assert left.exit_code == Exit.FAILED
    assert "1 rows in persons" in left.stdout


def removal_rows(run: Runner) -> Any:
    """The ids that the log has of the first removal."""
    entries = run.json("audit", "show", "--verb", "remove")["entries"]
    return next(entry["rows"] for entry in entries if entry["event"] == "removed")


def test_a_removal_that_leaves_something_says_so(run: Runner, tmp_path: Path) -> None:
    with closing(sqlite3.connect(run.home / "tenprint.sqlite")) as database:
        query = "SELECT data FROM images WHERE print_id = 1"
        (run.home / "copy").write_bytes(database.execute(query).fetchone()[0])
    proof = tmp_path / "proof.json"
    result = run("gallery", "remove", "--person", "P1", "--yes", "--proof", proof)
    assert result.exit_code == Exit.FAILED
    assert "pieces in files" in result.stdout
    assert not json.loads(proof.read_text())["clean"]


def test_a_proof_that_cannot_be_written_stops_the_removal(run: Runner, tmp_path: Path) -> None:
    result = run("gallery", "remove", "--person", "P1", "--yes", "--proof", tmp_path)
    assert result.exit_code == Exit.FAILED
    assert "cannot be written" in result.stderr
    assert run.json("gallery", "info", "default")["persons"] == 3
    alone = run("gallery", "remove", "default", "--yes", "--proof", tmp_path / "x")
    assert alone.exit_code == Exit.USAGE
