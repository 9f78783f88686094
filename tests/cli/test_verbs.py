"""The command line: what is printed where, and which exit code says what."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from engine import pipeline
from engine.cli.app import app
from engine.cli.exits import Exit
from engine.cli.session import Session
from engine.formats.manifest import PrintRow
from engine.service.tenprint import Tenprint
from engine.settings import THREAD_VARIABLES, Settings, TrialSettings
from tests.prints_at_no_cost import Row
from tests.templates import draw_templates

Run = Callable[..., Result]
ALONE = ("enrol", "identify", "queue", "decide", "stats", "calibrate", "verify", "extract", "code")
GROUPS = {
    "gallery": ("list", "info", "remove", "rebuild"),
    "records": ("show", "amend", "seal", "expunge", "restore"),
    "policy": ("list", "show", "check"),
    "keys": ("new", "rotate", "status"),
    "audit": ("show", "head", "verify", "export", "purposes"),
    "retention": ("set", "show", "apply", "hold", "release"),
}
VERBS = [[name] for name in (*ALONE, "sample", "serve")] + [
    [group, name] for group, names in GROUPS.items() for name in names
]


@pytest.fixture
def run(tmp_path: Path, free_extraction: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs `tenprint` with its words, on an empty home."""
    monkeypatch.setenv("TENPRINT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")

    def call(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return call


@pytest.fixture
def people(tmp_path: Path, make_row: Row) -> Path:
    """A list of P1 .. P4, whose last image is no finger."""
    rows = [make_row(f"P{finger}", finger, position=2) for finger in (1, 2, 3)]
    return write_manifest(tmp_path / "people.csv", [*rows, make_row("P4", 255)])


def write_manifest(path: Path, rows: list[PrintRow]) -> Path:
    lines = [f"{row.person},{row.path},{int(row.position)}" for row in rows]
    path.write_text("\n".join(["person,image,position", *lines]))
    return path


def answer(result: Result) -> Any:
    """The JSON document that is all of standard output."""
    return json.loads(result.stdout)


def test_enrol_counts_and_says_which_were_rejected(run: Run, people: Path) -> None:
    result = run("enrol", "--manifest", people)
    assert result.exit_code == Exit.SOME_REJECTED
    assert "default: 3 enrolled, 0 already enrolled, 1 rejected" in result.stdout
    assert "too little of a fingerprint" in result.stderr
    again = run("enrol", "--manifest", people, "--json")
    document = answer(again)
    assert (document["enrolled"], document["already_enrolled"]) == (0, 3)
    assert document["rejected"][0]["reason"] == "too little of a fingerprint"


def test_enrol_takes_folders_and_narrows_a_list(run: Run, people: Path, make_row: Row) -> None:
    row = make_row("someone", 9)
    assert answer(run("enrol", row.path.parent, "--json"))["enrolled"] == 4
    only = Path(people.read_text().splitlines()[1].split(",")[1])
    document = answer(run("enrol", only, "--manifest", people, "-g", "narrow", "--json"))
    assert document["enrolled"] == 1


def test_records_go_to_whom_the_gallery_knows(run: Run, people: Path, tmp_path: Path) -> None:
    records = tmp_path / "offenses.csv"
    records.write_text("person,charge,degree\nP1,ROBBERY,felony\nP9,ARSON,felony\nP1,,\n")
    run("enrol", "--manifest", people)
    result = run("enrol", "--records", records)
    assert result.exit_code == Exit.SOME_REJECTED
    assert "offense records: 1 added, 0 updated, 0 unchanged, 2 rejected" in result.stdout
    assert "person P9 is not in gallery default" in result.stderr


def test_identify_lists_candidates_then_the_order_of_work(
    run: Run, people: Path, make_row: Row
) -> None:
    run("enrol", "--manifest", people)
    probe = make_row("probe", 2).path
    result = run("identify", probe, "--fpir", "1e-3")
    assert result.exit_code == Exit.DONE
    first, second = result.stdout.split("Hits in order of work")
    for words in ("over threshold", "log10 LR", "P2", "3 persons", "up to change 3", "FPIR 0.001"):
        assert words in first
    assert "no counting record" in second
    for never in ("match found", "identified"):
        assert never not in result.stdout.lower()


def test_identify_answers_in_json(run: Run, people: Path, make_row: Row) -> None:
    run("enrol", "--manifest", people)
    one, other = make_row("x", 2, position=2), make_row("x", 99, position=7)
    document = answer(
        run("identify", one.path, other.path, "--positions", "2,left index", "--json")
    )
    (search,) = document["searches"]
    assert [finger["position"] for finger in search["fingers"]] == [2, 7]
    assert search["candidates"][0]["person"] == "P2"
    assert search["sequences"] == {"default": 3}
    assert document["queue"][0]["assessment"]["state"] == "no-record"


def test_identify_searches_at_the_point_asked_for(run: Run, people: Path, make_row: Row) -> None:
    run("enrol", "--manifest", people)
    probe = make_row("probe", 2).path
    for words, point in (([], "thorough"), (["--search", "fast"], "fast")):
        (found,) = answer(run("identify", probe, *words, "--json"))["searches"]
        assert (found["point"], found["compared"]) == (point, 3)
        assert f"{point} search, 3 prints compared" in run("identify", probe, *words).stdout
    assert run("identify", probe, "--search", "slow").exit_code == Exit.USAGE


def test_identify_says_by_its_code_that_nothing_is_over_the_threshold(
    run: Run, people: Path, make_row: Row
) -> None:
    run("enrol", "--manifest", people)
    result = run("identify", make_row("stranger", 99).path)
    assert result.exit_code == Exit.NO_CANDIDATE
    assert "No candidate over the threshold." in result.stdout


def test_identify_goes_through_a_list_of_probes(
    run: Run, people: Path, make_row: Row, tmp_path: Path
) -> None:
    run("enrol", "--manifest", people)
    rows = [make_row("first", 1), make_row("second", 99), make_row("third", 255)]
    probes = write_manifest(tmp_path / "probes.csv", rows)
    page = tmp_path / "out" / "report.html"
    result = run("identify", "--manifest", probes, "--report", page)
    assert result.exit_code == Exit.SOME_REJECTED
    assert "First candidate of each probe" in result.stdout
    assert "<html" in page.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ["identify"],
        ["identify", "a.png", "--manifest", "b.csv"],
        ["identify", "a.png", "--positions", "2,7"],
        ["identify", "a.png", "--positions", "11"],
        ["identify", "a.png", "--fpir", "0"],
        ["enrol"],
        ["enrol", "a.png", "--extractor", "other"],
        ["calibrate", "--fpir", "0.9"],
        ["calibrate", "--plot", "picture.txt"],
        ["gallery", "remove"],
        ["nothing"],
    ],
)
def test_wrong_usage_is_told_apart(run: Run, words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == Exit.USAGE
    assert result.stderr


def test_what_cannot_be_used_is_told_apart(run: Run, people: Path, tmp_path: Path) -> None:
    assert run("enrol", tmp_path / "nowhere").exit_code == Exit.NOTHING_DONE
    run("enrol", "--manifest", people)
    assert run("identify", tmp_path / "absent.png").exit_code == Exit.NOTHING_DONE


def test_errors_are_one_line_and_one_document(run: Run, people: Path) -> None:
    result = run("gallery", "info", "absent")
    assert result.exit_code == Exit.FAILED
    assert result.stdout == ""
    assert result.stderr.startswith("tenprint: no gallery 'absent'")
    result = run("gallery", "info", "absent", "--json")
    assert answer(result)["error"]["kind"] == "GalleryError"


def test_an_interruption_is_told_apart(
    run: Run, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "extract", interrupt)
    result = run("enrol", "--manifest", people)
    assert result.exit_code == Exit.INTERRUPTED
    assert "run it again to go on" in result.stderr


def test_a_defect_does_not_look_like_an_answer(
    run: Run, people: Path, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.service import tenprint

    def fail(*arguments: object) -> None:
        raise ZeroDivisionError("oh")

    run("enrol", "--manifest", people)
    monkeypatch.setattr(tenprint, "order_hits", fail)
    result = run("identify", make_row("x", 1).path, "--json")
    assert result.exit_code == Exit.FAILED
    assert answer(result)["error"] == {"kind": "Defect", "message": "ZeroDivisionError: oh"}
    assert "Traceback" in result.stderr


@pytest.mark.parametrize("person", ["[/b]", "[red]x", "P1 [link]"])
def test_names_are_not_markup(run: Run, people: Path, person: str) -> None:
    run("enrol", "--manifest", people)
    result = run("gallery", "remove", "--person", person, "--yes")
    assert result.exit_code == Exit.FAILED
    assert result.stderr.strip().endswith("is in no gallery")


def test_records_of_prints_that_were_all_refused_are_refused(
    run: Run, make_row: Row, tmp_path: Path
) -> None:
    records = tmp_path / "offenses.csv"
    records.write_text("person,charge\nP4,ARSON\n")
    result = run("enrol", make_row("P4", 255).path, "--records", records, "--json")
    assert result.exit_code == Exit.NOTHING_DONE
    reasons = [item["reason"] for item in answer(result)["rejected"]]
    assert reasons == ["too little of a fingerprint", "person P4 is not in gallery default"]
    assert run("enrol", "--records", records).exit_code == Exit.FAILED


def test_a_list_that_leaves_nothing_to_do_is_told(
    run: Run, people: Path, make_row: Row, tmp_path: Path
) -> None:
    elsewhere = Path(shutil.copytree(make_row("other", 9).path.parent, tmp_path / "elsewhere"))
    result = run("enrol", elsewhere, "--manifest", people)
    assert result.exit_code == Exit.NOTHING_DONE
    assert "lists no image at or under" in result.stderr
    people.write_text("person,image\n")
    assert run("identify", "--manifest", people).exit_code == Exit.NOTHING_DONE


def test_names_that_cannot_be_kept_stop_no_batch(run: Run, make_row: Row, tmp_path: Path) -> None:
    folder = tmp_path / "received"
    folder.mkdir()
    for name in ("good name\u202fPM_1.png", os.fsdecode(b"\xff\xfe_1.png"), "e\x1b[31mvil_1.png"):
        shutil.copy(make_row("x", 1).path, folder / name)
    document = answer(run("enrol", folder, "--json"))
    assert document["enrolled"] == 1
    assert sorted(item["reason"] for item in document["rejected"]) == [
        "its name is not UTF-8 text: rename it",
        "the person holds a line break or a control character",
    ]
    result = run("identify", folder / os.fsdecode(b"\xff\xfe_1.png"))
    assert result.exit_code == Exit.NOTHING_DONE
    assert "rename it" in result.stderr


def test_calibrate_measures_keeps_and_draws(
    run: Run, make_row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = draw_templates(25, 1, seed=5)
    monkeypatch.setattr(pipeline, "extract", lambda image, _: made[int(image.pixels[0, 0])][0])
    few = Settings(trials=TrialSettings(min_persons=20))
    monkeypatch.setattr(Session, "open", lambda session: Tenprint(session.home, few))
    prints = [make_row(f"P{finger}", finger) for finger in range(25)]
    run("enrol", "--manifest", write_manifest(tmp_path / "many.csv", prints))
    picture = tmp_path / "out" / "picture.svg"
    result = run("calibrate", "--fpir", "0.01", "--plot", picture)
    assert result.exit_code == Exit.DONE, result.stderr
    for words in ("kept, for FPIR 0.01", "stated FPIR", "25 non-mated searches with 1 finger"):
        assert words in result.stdout
    assert "several fingers" in result.stderr  # whose positions nobody knows
    assert "FPIR 0.01" in picture.read_text()
    document = answer(run("calibrate", "--fpir", "0.02", "--json"))
    (measured,) = document["measured"]
    assert (measured["fingers"], measured["searches"], measured["persons"]) == (1, 25, 24)
    assert {check["persons"] for check in measured["checks"]} == {24, 8}
    assert "25 non-mated searches" in run("gallery", "info", "default").stdout
    assert answer(run("gallery", "info", "default", "--json"))["fpir"] == 0.02
    shown = run("identify", prints[3].path)
    assert "for FPIR 0.02 (95 % interval" in shown.stdout
    assert "scores in default: 25 non-mated searches" in shown.stdout
    assert answer(run("identify", prints[3].path, "--json"))["searches"][0]["fpir"] == 0.02


def test_a_gallery_with_too_few_persons_keeps_the_shipped_calibration(
    run: Run, people: Path
) -> None:
    run("enrol", "--manifest", people)
    result = run("calibrate")
    assert result.exit_code == Exit.FAILED
    assert "3 persons, and 200 are needed" in result.stderr
    assert "the shipped calibration stays in use" in result.stderr


def test_verify_and_extract(run: Run, make_row: Row, tmp_path: Path) -> None:
    first, same, other = (make_row("x", finger).path for finger in (1, 1, 2))
    assert run("verify", first, same).exit_code == Exit.DONE
    assert run("verify", first, other).exit_code == Exit.NO_CANDIDATE
    assert answer(run("verify", first, same, "--json"))["over_threshold"] is True
    template = tmp_path / "template.tpt"
    document = answer(run("extract", first, "--out", template, "--json"))
    assert document["minutiae"] == 30
    assert template.stat().st_size > 1000


def test_galleries_are_listed_rebuilt_and_removed(run: Run, people: Path) -> None:
    assert "no gallery yet" in run("gallery", "list").stdout
    run("enrol", "--manifest", people, "-g", "criminal-history")
    assert "criminal-history" in run("gallery", "list").stdout
    info = answer(run("gallery", "info", "criminal-history", "--json"))
    assert (info["persons"], info["templates"], info["sequence"]) == (3, 3, 3)
    rebuilt = answer(run("gallery", "rebuild", "criminal-history", "--json"))
    assert rebuilt["index"]["bytes"] > 0
    removed = answer(run("gallery", "remove", "--person", "P1", "--yes", "--json"))
    assert removed["removed"]["templates"] == 1
    assert run("gallery", "remove", "criminal-history", "--yes").exit_code == Exit.DONE
    assert answer(run("gallery", "list", "--json")) == {"galleries": []}


def test_removal_asks_first(run: Run, people: Path) -> None:
    run("enrol", "--manifest", people)
    result = run("gallery", "remove", "default")  # nobody answers
    assert result.exit_code == Exit.INTERRUPTED
    assert answer(run("gallery", "list", "--json"))["galleries"][0]["templates"] == 3


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_has_json_and_an_example(run: Run, words: list[str]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == Exit.DONE
    assert "--json" in result.stdout
    assert f"Example:  tenprint {' '.join(words)}" in result.stdout


def test_common_options_stand_before_or_after_the_verb(run: Run, tmp_path: Path) -> None:
    run("--home", tmp_path / "a", "--json", "gallery", "list")
    run("gallery", "list", "--home", tmp_path / "b")
    assert not (tmp_path / "home").exists()
    assert (tmp_path / "a" / "tenprint.sqlite").exists()
    assert (tmp_path / "b" / "tenprint.sqlite").exists()


def test_the_version_is_told(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == Exit.DONE
    assert result.stdout.startswith("tenprint")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, engine.cli.app; "
        "print([name for name in ('numpy', 'cv2', 'sqlalchemy', 'faiss') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("told", [None, "2"])
def test_blas_keeps_to_one_thread_unless_told_otherwise(told: str | None) -> None:
    code = (
        "import os, engine.cli.app as entry; entry.app = lambda: None; entry.main(); "
        "import numpy, threadpoolctl; "
        "print(os.environ['OPENBLAS_NUM_THREADS'], *{each['num_threads'] for each in "
        "threadpoolctl.threadpool_info() if each['user_api'] == 'blas'})"
    )
    env = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    env |= {"OPENBLAS_NUM_THREADS": told} if told else {}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    says, *threads = result.stdout.split()
    assert says == (told or "1")
    assert told or threads == ["1"]
