"""Made prints by the thousand: the same whatever else is asked for, and gone on with."""

from __future__ import annotations

import json

import cv2
import make_masters
import numpy as np
import pytest
from make_masters import Plan, make_fingers, print_paths, truth_path

from engine.errors import InputError

PLAN = Plan(seed=4, impressions=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("prints") / "made"
    assert make_fingers(2, PLAN, out, 1) == 2
    return out


def test_the_truth_is_about_the_pictures(folder):
    master, impressions = make_masters.make_finger(1, PLAN)
    said = json.loads(truth_path(folder, 1).read_text())
    assert said["pattern"] == master.pattern.name.lower().replace("_", " ")
    for path, each, about in zip(
        print_paths(folder, 1, PLAN), impressions, said["impressions"], strict=True
    ):
        assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), each.pixels)
        assert (about["sensor"], about["type"]) == (each.sensor, "plain")
        assert [row[4] for row in about["minutiae"]] == each.identity.tolist()


def test_a_run_goes_on_where_it_was_and_another_adds_to_it(folder):
    whole = [path.read_bytes() for path in print_paths(folder, 0, PLAN)]
    kept = print_paths(folder, 1, PLAN)[0].stat().st_mtime_ns
    truth_path(folder, 0).unlink()
    print_paths(folder, 0, PLAN)[1].write_bytes(whole[1][:100])  # where it was killed
    assert make_fingers(3, PLAN, folder, 1) == 2
    assert [path.read_bytes() for path in print_paths(folder, 0, PLAN)] == whole
    assert print_paths(folder, 1, PLAN)[0].stat().st_mtime_ns == kept
    assert truth_path(folder, 2).exists()


def test_prints_of_another_plan_are_refused(folder):
    with pytest.raises(InputError, match="other work"):
        make_fingers(2, Plan(seed=4, impressions=3), folder, 1)


def test_the_last_impressions_are_rolled(tmp_path):
    plan = Plan(seed=4, impressions=2, rolled=1)
    make_fingers(1, plan, tmp_path / "made", 1)
    about = json.loads(truth_path(tmp_path / "made", 0).read_text())["impressions"]
    assert [each["type"] for each in about] == ["plain", "rolled"]
    plain, rolled = (cv2.imread(str(path), 0) for path in print_paths(tmp_path / "made", 0, plan))
    assert rolled.shape == (640, 640) != plain.shape


def test_fingers_lie_in_folders_of_a_thousand(tmp_path):
    assert truth_path(tmp_path, 12345) == tmp_path / "012" / "012345.json"


@pytest.mark.parametrize("words", [["--rolled", "5"], ["--impressions", "0"], ["--seed", "-1"]])
def test_numbers_that_make_no_prints_are_refused(words, tmp_path, monkeypatch, capsys):
    line = ["make_masters.py", "--masters", "1", "--out", str(tmp_path / "made"), *words]
    monkeypatch.setattr("sys.argv", line)
    with pytest.raises(SystemExit):
        make_masters.main()
    assert "must be" in capsys.readouterr().err and not list(tmp_path.iterdir())
