"""Sets of invented people: files, lists and truth, the same for the same seed."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import InputError, SettingsError
from engine.settings import SynthesisSettings
from engine.synthesis.people import SampleSet, make_prints
from engine.synthesis.person import make_person
from engine.types import FingerPosition

BASE = SynthesisSettings()
QUICK = replace(BASE, master=replace(BASE.master, width=200, height=240, rounds=6))


def make(folder: Path, **changes: int) -> SampleSet:
    wanted = {"persons": 3, "fingers": 2, "impressions": 2, "seed": 1, "strangers": 1} | changes
    return make_prints(folder, settings=QUICK, workers=1, **wanted)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    return make(tmp_path_factory.mktemp("people"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_lists_name_every_picture_once(sample: SampleSet) -> None:
    gallery, probes = rows(sample.people), rows(sample.probes)
    assert list(gallery[0]) == ["person", "image", "position", "encounter"]
    assert (len(gallery), len(probes)) == (sample.gallery_prints, sample.probe_prints) == (4, 8)
    listed = [row["image"] for row in gallery + probes]
    found = [str(p.relative_to(sample.folder)) for p in sample.folder.glob("*/*.png")]
    assert sorted(listed) == sorted(found)
    assert all(row["image"].endswith(f"{row['person']}_{row['position']}_1.png") for row in gallery)


def test_strangers_are_probes_only(sample: SampleSet) -> None:
    enrolled = {row["person"] for row in rows(sample.people)}
    assert enrolled == {"P0001", "P0002"}
    assert Counter(row["person"] for row in rows(sample.probes)) == {
        "P0001": 2,
        "P0002": 2,
        "P0003": 4,
    }
    assert {row["person"] for row in rows(sample.offenses)} <= enrolled


def test_pictures_say_500_ppi(sample: SampleSet) -> None:
    for row in rows(sample.people):
        with Image.open(sample.folder / row["image"]) as picture:
            assert picture.mode == "L"
            assert picture.info["dpi"] == pytest.approx((500, 500), abs=0.01)


def test_truth_knows_every_picture(sample: SampleSet) -> None:
    truth = json.loads(sample.truth.read_text(encoding="utf-8"))["prints"]
    for row in rows(sample.people) + rows(sample.probes):
        known = truth[row["image"]]
        assert known["person"] == row["person"] and known["position"] == int(row["position"])
        assert known["mated"] == (row["person"] != "P0003")
        assert len(known["minutiae"]) > 5 and len(known["minutiae"][0]) == 5


def test_a_person_does_not_depend_on_the_rest_of_the_set(sample: SampleSet) -> None:
    person = make_person(1, 2, fingers=1, impressions=1, settings=QUICK)
    with Image.open(sample.folder / "gallery" / "P0002_2_1.png") as picture:
        assert np.array_equal(np.asarray(picture), person.fingers[0].impressions[0].pixels)
    assert person.fingers[0].position == FingerPosition.RIGHT_INDEX


def test_another_seed_makes_other_people() -> None:
    one, two = (make_person(s, 1, fingers=1, impressions=1, settings=QUICK) for s in (1, 2))
    assert not np.array_equal(one.fingers[0].master.pixels, two.fingers[0].master.pixels)


def test_two_processes_make_the_same_set(tmp_path: Path) -> None:
    wanted = {"persons": 4, "fingers": 1, "impressions": 1, "seed": 3}
    one = make_prints(tmp_path / "one", settings=QUICK, workers=1, **wanted)
    two = make_prints(tmp_path / "two", settings=QUICK, workers=2, **wanted)
    assert one.truth.read_bytes() == two.truth.read_bytes()
    for row in rows(one.people):
        assert (one.folder / row["image"]).read_bytes() == (two.folder / row["image"]).read_bytes()


def test_progress_ends_at_the_number_of_prints(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    make_prints(
        tmp_path,
        persons=2,
        fingers=1,
        impressions=2,
        seed=1,
        settings=QUICK,
        workers=1,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(2, 4), (4, 4)]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        make(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "wrong", [{"persons": 0}, {"fingers": 11}, {"impressions": 0}, {"strangers": 4}, {"seed": -1}]
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match="must be"):
        make(tmp_path / "new", **wrong)
