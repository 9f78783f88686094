"""Who is enrolled, who is searched for, and how galleries are filled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evaluation.galleries import enlist, fill, keep_first
from evaluation.prints import Print

from engine.errors import GalleryError
from engine.index.gallery import Entry, Gallery
from engine.types import FingerPosition
from tests.templates import draw_templates

FINGERS = draw_templates(4, 3, seed=21)


def prints(*names: str) -> list[Print]:
    """Prints of these names; the n-th finger has the templates of FINGERS[n]."""
    fingers = list(dict.fromkeys(name.rpartition("_")[0] for name in names))
    made = []
    for name in names:
        finger, _, impression = name.rpartition("_")
        templates = FINGERS[fingers.index(finger)]
        made.append(Print(finger, impression, templates[int(impression) - 1], 0.0))
    return made


def without_template(each: Print) -> Print:
    return Print(each.finger, each.impression, None, 0.0)


def save(path: Path, persons: int, prints_each: int = 1) -> Path:
    gallery = Gallery(path.stem)
    templates = [template for finger in FINGERS for template in finger]
    gallery.add(
        [
            Entry(i, f"{path.stem}{i // prints_each}", templates[i % len(templates)])
            for i in range(persons * prints_each)
        ]
    )
    gallery.save(path)
    return path


def test_each_finger_is_a_person_and_its_first_impression_is_enrolled():
    roster = enlist(prints("a_1", "a_2", "b_2", "b_3"))
    assert [(who, t.codes.tobytes()) for who, t in roster.enrolled] == [
        ("a", FINGERS[0][0].codes.tobytes()),
        ("b", FINGERS[1][1].codes.tobytes()),
    ]
    assert [(p.name, p.person, p.unit) for p in roster.probes] == [
        ("a_2", "a", "a"),
        ("b_3", "b", "b"),
    ]
    assert roster.persons == 2


def test_failures_to_extract_stay_probes_and_are_not_enrolled():
    first, second, third, fourth = prints("a_1", "a_2", "b_1", "b_2")
    roster = enlist([without_template(first), second, third, without_template(fourth)])
    assert [who for who, _ in roster.enrolled] == ["b"]
    assert [(p.person, len(p.templates)) for p in roster.probes] == [("a", 1), ("b", 0)]


def test_persons_of_two_fingers_and_impressions_that_both_have():
    roster = enlist(
        prints("p_4_1", "p_4_2", "p_4_3", "p_5_2", "p_5_3", "p_6_1", "p_6_2"), per_person=2
    )
    assert [who for who, _ in roster.enrolled] == ["p_4+5", "p_4+5"]  # p_6 is left over
    # p_4_1 and p_5_2 are enrolled: of those later, both have the third only
    (probe,) = roster.probes
    assert (probe.name, probe.person, probe.unit) == ("p_4+5_3", "p_4+5", "p")
    assert [t.codes.tobytes() for t in probe.templates] == [
        FINGERS[0][2].codes.tobytes(),
        FINGERS[1][2].codes.tobytes(),
    ]


def test_four_fingers_of_a_person_are_two_persons_that_resampling_draws_together():
    names = [f"p_{finger}_{impression}" for finger in (2, 3, 7, 8) for impression in (1, 2)]
    roster = enlist(prints(*names), per_person=2)
    assert [(p.person, p.unit) for p in roster.probes] == [("p_2+3", "p"), ("p_7+8", "p")]


def test_positions_are_known_only_when_said():
    some = prints("p_4_1", "p_4_2", "p_5_1", "p_5_2")
    known, unknown = enlist(some, 2, positions=True), enlist(some, 2)
    assert [t.position for t in known.probes[0].templates] == [
        FingerPosition.RIGHT_RING,
        FingerPosition.RIGHT_LITTLE,
    ]
    assert {t.position for _, t in known.enrolled} == {4, 5}
    assert {t.position for _, t in unknown.enrolled} == {FingerPosition.UNKNOWN}


def test_names_without_persons_are_refused():
    with pytest.raises(ValueError, match="<person>_<finger>_<impression>"):
        enlist(prints("a_1", "a_2"), per_person=2)


def test_galleries_have_the_size_asked_for(tmp_path):
    roster = enlist(prints("a_1", "a_2", "b_1", "b_2"))
    first, second = save(tmp_path / "x.npz", 5), save(tmp_path / "y.npz", 5)
    (alone,) = fill([], roster, 2)
    assert alone.persons == ("a", "b")
    (one,) = fill([first, second], roster, 6)
    assert one.persons == ("x0", "x1", "x2", "x3", "a", "b")
    assert len(set(one.template_ids.tolist())) == len(one) == 6
    one, other = fill([first, second], roster, 10)
    assert one.persons[-2:] == ("a", "b")
    assert other.persons == ("y0", "y1", "y2")


@pytest.mark.parametrize("persons", [1, 8])
def test_galleries_that_cannot_be_filled_are_refused(tmp_path, persons):
    roster = enlist(prints("a_1", "a_2", "b_1", "b_2"))
    with pytest.raises(GalleryError, match=f"a gallery of {persons} persons"):
        fill([save(tmp_path / "x.npz", 5)], roster, persons)


def test_a_distractor_with_the_name_of_a_mate_is_refused(tmp_path):
    roster = enlist(prints("x1_1", "x1_2"))
    with pytest.raises(GalleryError, match="x1"):
        fill([save(tmp_path / "x.npz", 5)], roster, 6)


def test_whole_persons_are_kept(tmp_path):
    gallery = Gallery.load(save(tmp_path / "x.npz", 4, prints_each=2))
    keep_first(gallery, 3)
    assert gallery.persons == ("x0", "x1", "x2")
    assert np.bincount(gallery.owner).tolist() == [2, 2, 2]
