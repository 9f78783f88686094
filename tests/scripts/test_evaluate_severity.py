"""A whole evaluation of invented charges, and the parts of it that are counted by hand."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import evaluate_severity
import numpy as np
import pytest
from severity import grouping, ranking, tiers, trusting
from severity.grading import grade, read_degree
from severity.labelling import BROAD_OF, UCCS, broad_of, read_broad, read_uccs
from severity.stripping import read_mark, strip, strip_all

from engine.risk.coding import offenses
from engine.risk.suggesting import BROAD, GRADES
from engine.types import Degree

ACTS = {
    "Murder of a neighbour": "FB", "Armed robbery of a baker": "F2", "Theft of a cart": "M1",
    "Burglary of a barn": "F4", "Speeding by a mill": "M2", "Parking on a lawn": "P",
    "Assault on a miller": "M1", "Kidnapping a miller": "F1",
}  # fmt: skip
KINDS = ["Violent", "Violent", "Property", "Property", "Traffic", "Traffic", "Violent", "Violent"]
PLACES = ["at dawn", "at noon", "at dusk", "at night"]


@pytest.fixture
def file(tmp_path):
    """Writes a CSV of these rows and returns its path."""

    def write(rows: list[dict[str, str]]) -> Path:
        path = tmp_path / "charges.csv"
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command; returns the figures as written."""

    def run(path: Path, *options: str) -> dict:
        out = tmp_path / "out.json"
        argv = ["evaluate_severity.py", str(path), "--json", str(out), "--folds", "3", *options]
        monkeypatch.setattr(sys, "argv", argv)
        assert evaluate_severity.main() == 0
        return json.loads(
            out.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON")
        )

    return run


def invented(**more: str) -> list[dict[str, str]]:
    """Charges of ACTS at PLACES, marked with their degree, each place a statute."""
    return [
        {"description": f"{act} {at} ({degree})", "statute": f"{i}-{j}(F1)", "degree": degree,
         "offense_type": kind, "state": "north" if j % 2 else "south", **more}
        for j, at in enumerate(PLACES)
        for i, ((act, degree), kind) in enumerate(zip(ACTS.items(), KINDS, strict=True))
    ]  # fmt: skip


def test_a_whole_evaluation(run, file, capsys):
    told = run(file(invented()))
    assert told["about"]["hidden_labels"]["degree in brackets"] == len(ACTS) * len(PLACES)
    assert list(told["by"]) == ["statute", "statute or text", "statute as written", "ungrouped"]
    order = told["by"]["statute"]["order"]
    assert order["charges"] == len(ACTS) * len(PLACES)
    assert order["tau_b"] > 0.8  # the same acts stand in other folds
    assert told["by"]["statute"]["felony"]["accuracy"] > 0.9
    assert told["by"]["statute"]["broad"]["accuracy"] > 0.9
    assert told["tiers"]["level_1"]["rules"]["charges"] == 3 * len(PLACES)  # F2, F1 and FB
    assert "Kendall" not in capsys.readouterr().out


def test_statutes_keep_what_belongs_together_out_of_other_folds(run, file):
    rows = invented()
    for row in rows:  # one statute an act: nothing of it is ever learned from
        row["statute"] = row["description"].split()[0] + row["description"].split()[3]
    apart = run(file(rows))["by"]
    assert apart["ungrouped"]["order"]["tau_b"] > apart["statute"]["order"]["tau_b"] + 0.2


def test_a_shipped_model_judges_all_by_jurisdiction(run, file):
    rows = [row | {"level": "1" if row["degree"] in ("FB", "F2", "F1") else "3"}
            for row in invented() for _ in range(2)]  # fmt: skip
    told = run(file(rows), "--shipped")
    (title,) = told["by"]
    assert title.startswith("shipped 2")
    assert told["by"][title]["order"]["tau_b"] > 0.5
    assert set(told["jurisdictions"]) == {"north", "south"}
    assert told["tiers"]["level_1"]["truth"] == "column of levels"
    assert told["tiers"]["level_1"]["rules"]["recall_or_review"] == 1


def test_one_file_judged_by_another(run, file, tmp_path):
    other = tmp_path / "other.csv"
    other.write_bytes(file(invented()).read_bytes())
    rows = [row | {"violent": "1" if kind == "Violent" else "0"}
            for row, kind in zip(invented(), KINDS * len(PLACES), strict=True)]  # fmt: skip
    told = run(file(rows), "--learn-from", str(other))
    assert told["by"]["learned from other.csv"]["violent_auc"] == 1


def test_folds_drawn_several_times(run, file):
    rows = [{"charge": row["description"], "degree": row["degree"]} for row in invented()]
    order = run(file(rows), "--repeats", "2")["by"]["text"]["order_over_seeds"]
    assert order["least"]["tau_b"] <= order["mean"]["tau_b"] <= order["most"]["tau_b"]


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([{"a": "1"}], (), r"charges\.csv: has no column of charges .* it has a"),
        ([{"charge": "Theft"}], ("--degree", "rank"), r"charges\.csv: has no column 'rank'"),
        ([{"charge": "Theft"}], (), r"charges\.csv: has too few labels"),
        ([{"charge": " ", "degree": "F1"}], (), r"charges\.csv: column 'charge' has no charge"),
        ([{"charge": "Theft"}], ("--policy", "none"), r"no policy 'none'"),
    ],
)
def test_what_is_missing_is_named(run, file, rows, options, said):
    with pytest.raises(SystemExit, match=said):
        run(file(rows), *options)


def test_a_missing_file_is_named(run, tmp_path):
    with pytest.raises(SystemExit, match=r"gone\.csv: cannot be read"):
        run(tmp_path / "gone.csv")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Stealing a boat (F5)", "Stealing a boat"),
        ("Fishing at night(M1)", "Fishing at night"),
        ("Noise (PO)", "Noise"),
        ("STEAL BOAT-F2(ABSO00-12345)", "STEAL BOAT"),
        ("STEAL BOAT-SJF (ABPD 06-12345)", "STEAL BOAT"),
        ("STEAL BOAT-A", "STEAL BOAT"),
        ("FLEEING [CR-17-0083]", "FLEEING"),
        ("Stealing a boat - Class 4 Felony", "Stealing a boat"),
        ("Loud boat--Violation as petty offense", "Loud boat"),
        ("Boat theft (Felony 3)", "Boat theft"),
        ("Misprision of Felony", "Misprision of Felony"),
        ("Boat theft $401-$1000", "Boat theft $401-$1000"),
        ("POSS 4-200G", "POSS 4-200G"),
    ],
)
def test_labels_in_a_charge_are_taken_out(text, clean):
    assert strip(text)[0] == clean


def test_what_was_taken_out_is_counted_and_can_be_read():
    _, counts = strip_all(["Boat (F5)", "BOAT-F2(ABSO00-12345)", "Boat"])
    assert counts["any"] == 2
    assert counts["degree in brackets"] == counts["case number"] == 1
    assert read_mark("BOAT-F2(ABSO00-12345)") == "F2"
    assert read_mark("Boat") == ""


def test_statutes_of_one_section_are_one_group():
    put = grouping.put_statute
    assert put("22-30A-17(F6)") == put("22-30A-17 (2)") == put("22-30A-17") == "22-30A-17"
    assert put("22-19-1(BFel)") == "22-19-1"
    assert put("26USC5861(i)") == "26USC5861"


def test_groups_join_over_statute_and_text():
    keys = grouping.join(["a", "a", "b", "c"], ["x", "y", "y", "z"])
    assert keys[0] == keys[1] == keys[2] != keys[3]
    groups = grouping.group(["", "", "1-1"], ["x", "x", "y"], ["x", "X", "y"])
    assert groups["text"] == ["x", "x", "y"]
    assert groups["text as written"] == ["X", "X", "Y"]
    assert "statute" not in groups


@pytest.mark.parametrize(
    ("written", "place", "kind"),
    [
        ("F3", "F3", Degree.FELONY),
        ("FA", "FA", Degree.FELONY),
        ("Class 2 Misdemeanor", "M2", Degree.MISDEMEANOR),
        ("MISDEMEANOR A", None, Degree.MISDEMEANOR),
        ("Felony, Class E", "F6", Degree.FELONY),
        ("Infraction", "P", Degree.INFRACTION),
        ("Felony", None, Degree.FELONY),
        ("F4|F6", None, Degree.FELONY),
        ("C", None, Degree.UNKNOWN),
        ("", None, Degree.UNKNOWN),
    ],
)
def test_degrees_are_read(written, place, kind):
    assert grade(written) == (None if place is None else GRADES.index(place))
    assert read_degree(written) is kind


def test_every_label_maps_to_a_category_and_a_type_of_ours():
    named = {
        case if isinstance(case, str) else case[1] for cases in UCCS.values() for case in cases
    }
    assert named | set(BROAD_OF) <= set(offenses().categories)
    assert {broad_of(one) for one in offenses().categories} == set(BROAD)
    assert read_uccs("1011", "ANY") == "murder"
    assert read_uccs("2040", "FORGED DEED") == "forgery"
    assert read_uccs("5120", "ANY") == read_uccs("", "ANY") == ""
    assert read_broad("Public Order") == "public-order"
    assert read_broad("felony") == ""


def test_gain_by_hand():
    truth = np.array([2, 0, 1])
    best = 3 + 1 / np.log2(3)
    assert ranking.ndcg(np.array([3.0, 1.0, 2.0]), truth, None, exponential=True) == 1
    worst = ranking.ndcg(np.array([1.0, 3.0, 2.0]), truth, None, exponential=True)
    assert worst == pytest.approx((1 / np.log2(3) + 3 / 2) / best)
    assert ranking.ndcg(np.array([1.0, 3.0, 2.0]), truth, 1, exponential=True) == 0


def test_the_order_of_the_file_gives_no_gain_to_ties():
    truth = np.array([2, 0])
    tied = [
        ranking.ndcg(np.zeros(2), each, None, exponential=True) for each in (truth, truth[::-1])
    ]
    assert tied[0] == tied[1] == pytest.approx((1.5 + 1.5 / np.log2(3)) / 3)


def test_an_order_without_ties_cannot_reach_one_where_the_truth_ties():
    truth = np.repeat([0, 1], 50)
    told = ranking.figures(truth.astype(float), np.arange(100.0), truth)
    assert told["tau_b"] == pytest.approx(1)
    assert told["tau_b_untied"] == pytest.approx(told["tau_b_untied_at_most"], abs=0.01)


def test_trust_by_hand():
    probability, right = np.array([0.95, 0.95, 0.6, 0.5]), np.array([True, False, True, False])
    told = trusting.figures(probability, right, np.array([False, True, False, False]))
    assert told["sure_accuracy"] == told["sure_coverage"] == 0.5
    assert told["sure_errors"] == told["sure_errors_disputed"] == 1
    assert told["undisputed"]["sure_accuracy"] == 1
    assert told["risk_coverage"][-1]["error"] == 0.5
    assert told["ece"] == pytest.approx((0.9 + 0.4 + 0.5) / 4)
    assert trusting.area(np.array([0.9, 0.5, 0.5]), np.array([True, True, False])) == 0.75
    assert trusting.area(probability, np.ones(4, bool)) is None


def test_the_worst_tier_counts_review_apart_and_lists_misses():
    texts = ["Murder of a neighbour", "qwzx", "Shoplifting", "Parking on a lawn"]
    told = tiers.worst_tier(texts, ["murder", "robbery", "rape", "traffic"])
    assert (told["charges"], told["missed"]) == (3, 1)
    assert told["in_tier"] == told["sent_to_review"] == pytest.approx(1 / 3)
    assert told["misses"] == [{"charge": "Shoplifting", "truth": "rape", "rules": "larceny"}]
