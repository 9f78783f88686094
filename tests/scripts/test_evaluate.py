"""A whole evaluation of drawn prints, and what it writes."""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser
from pathlib import Path

import evaluate
import numpy as np
import pytest
from evaluation import about, pairs, verification
from evaluation.comparisons import compare_all
from evaluation.intervals import Bootstrap
from evaluation.prints import Print

from engine.index.gallery import Entry, Gallery
from engine.settings import Settings
from tests.templates import draw_templates

FINGERS = draw_templates(9, 3, seed=23)


def drawn(fingers: slice, *, missing: str = "") -> list[Print]:
    """Prints 00_1, 00_2, 01_1, ...; the one called `missing` without a template."""
    return [
        Print(f"{number:02}", str(i), None if f"{number:02}_{i}" == missing else each, 0.1)
        for number, finger in enumerate(FINGERS[fingers])
        for i, each in enumerate(finger[:2], start=1)
    ]


SETS = {"one": drawn(slice(0, 4)), "other": drawn(slice(4, 8), missing="03_2")}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command on SETS with a few distractors; returns the figures as written."""
    gallery = Gallery("drawn")
    gallery.add([Entry(i, f"D{i}", each) for i, each in enumerate(FINGERS[8])])
    gallery.save(tmp_path / "drawn.npz")
    for name in SETS:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(evaluate, "read_set", lambda folder, *_: SETS[folder.name])

    def run(*options: str) -> dict:
        folders = [str(tmp_path / name) for name in SETS]
        written = ["--json", str(tmp_path / "out.json"), "--resamples", "20"]
        monkeypatch.setattr(sys, "argv", ["scripts/evaluate.py", *folders, *written, *options])
        assert evaluate.main() == 0
        return json.loads(
            (tmp_path / "out.json").read_text(),
            parse_constant=lambda word: pytest.fail(f"{word} is no JSON"),
        )

    return run


class Page(HTMLParser):
    """What a page says, and everything that it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words, self.loaded = "", []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.loaded += [value for name, value in attrs if name in ("src", "href")]


def test_every_figure_and_the_page(run, tmp_path):
    page, scores, det = (tmp_path / name for name in ("page.html", "scores.npz", "det.png"))
    told = run(
        *("--distractors", str(tmp_path / "drawn.npz"), "--size", "10"),
        *("--html", str(page), "--scores", str(scores), "--det", str(det)),
    )
    assert {name: (row["n_mated"], row["n_nonmated"]) for name, row in told["sets"].items()} == {
        "one": (4, 24),
        "other": (4, 24),
    }
    assert told["sets"]["one"]["eer"] == 0  # clear impressions
    assert told["sets"]["other"]["fte"] == 12.5
    assert told["sets"]["other"]["fmr1000"] == 25  # one mated pair of four is without a template
    assert [row["persons"] for row in told["identification"]] == [8, 10]
    assert [row["extraction_error"] for row in told["identification"]] == [12.5, 12.5]
    assert [pair["set"] for pair in told["worst_mated"]].count("other") == 3
    assert det.read_bytes().startswith(b"\x89PNG")
    with np.load(scores) as stored:
        assert stored["one/score"].shape == (28,)
    shown = Page(page.read_text(encoding="utf-8"))
    assert len(shown.loaded) == 6 + len(told["worst_mated"]) + len(told["best_nonmated"])
    assert all(address.startswith("data:image/") for address in shown.loaded)
    first = told["best_nonmated"][0]
    assert f"{first['one']} and {first['other']}" in shown.words
    assert str(tmp_path) not in shown.words + json.dumps(told)


def test_persons_of_several_fingers(run, monkeypatch):
    renamed = [Print(f"p{int(p.finger) // 2}_{p.finger}", *_rest(p)) for p in SETS["one"]]
    monkeypatch.setitem(SETS, "one", renamed)
    monkeypatch.setitem(SETS, "other", [Print(f"q_{p.finger}", *_rest(p)) for p in SETS["other"]])
    (row,) = run("--per-person", "2")["identification"]
    assert (row["persons"], row["prints"], row["searches"]) == (4, 8, 4)
    # the finger that was not extracted is one of two: its person is found by the other
    assert (row["rank1"], row["extraction_error"]) == (100, 0)


def _rest(each: Print) -> tuple:
    return each.impression, each.template, each.cpu


def test_what_cannot_be_measured_is_told(run, monkeypatch, tmp_path):
    with pytest.raises(SystemExit, match="a gallery of 100 persons"):
        run("--distractors", str(tmp_path / "drawn.npz"), "--size", "100")
    monkeypatch.setitem(SETS, "one", SETS["one"][:1])
    with pytest.raises(SystemExit, match="one: error rates need mated and non-mated"):
        run()


def test_fingers_left_out_are_not_searched(run):
    (row,) = run("--leave-out", "other/03")["identification"]
    assert (row["persons"], row["extraction_error"]) == (7, 0)


def test_the_mean_and_its_interval():
    bootstrap = Bootstrap(resamples=20)
    sets = [
        verification.verify(name, prints, Settings(), bootstrap) for name, prints in SETS.items()
    ]
    rows = [verification.figures(each, bootstrap) for each in sets]
    mean = verification.mean(rows, sets, bootstrap)
    assert mean["fmr1000"] == pytest.approx(12.5)
    low, high = mean["intervals"]["fmr1000"]
    assert low <= 12.5 <= high <= 100 / 2


def test_the_pairs_that_make_the_errors():
    measured = verification.verify("one", SETS["one"], Settings(), Bootstrap(resamples=2))
    scores = compare_all(SETS["one"], Settings())
    worst, best = pairs.worst_mated([measured], 2), pairs.best_nonmated([measured], 3)
    assert [pair.score for pair in worst] == sorted(scores.score[scores.mated])[:2]
    assert [pair.score for pair in best] == sorted(scores.score[~scores.mated])[:-4:-1]
    assert all(pair.one.finger == pair.other.finger for pair in worst)
    assert all(pair.one.finger != pair.other.finger for pair in best)


def test_the_command_is_told_without_the_places_of_files(tmp_path):
    words = ["scripts/evaluate.py", str(tmp_path / "my prints"), "--leave-out", "a/101"]
    assert about.command(words) == "evaluate.py 'my prints' --leave-out a/101"
    assert Path("scripts/evaluate.py").exists()  # so only its name is told
