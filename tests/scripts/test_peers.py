"""What does not need the peers: which pairs are compared, the tables, what is said without them."""

from __future__ import annotations

import numpy as np
import peers
import pytest
from contest.matchers import MATCHERS, Matcher, find_missing
from contest.ours import compare_ours
from contest.plan import draw_plan
from contest.tables import describe, gather
from evaluation.prints import Print
from pages import replace_section

from engine import pipeline
from tests.templates import draw_templates

FINGERS = [finger for finger in "abcde" for _ in range(6)]


def test_the_plan_has_all_mated_pairs_and_a_sample_of_the_others():
    plan = draw_plan(FINGERS, nonmated=50, probes=8)
    assert plan.mated.sum() == 5 * 15
    assert (~plan.mated).sum() == 50
    assert len(np.unique(plan.pairs[: len(plan.first)], axis=0)) == 125
    assert (plan.first < plan.second).all()
    names = np.array(FINGERS)
    assert (plan.mated == (names[plan.first] == names[plan.second])).all()


def test_small_sets_are_compared_completely():
    plan = draw_plan(FINGERS, nonmated=10_000, probes=10_000)
    assert len(plan.first) == 30 * 29 / 2
    assert len(plan.probes) == 25


def test_searches_are_of_later_prints_among_the_first_ones():
    plan = draw_plan(FINGERS, nonmated=50, probes=8)
    assert plan.gallery.tolist() == [0, 6, 12, 18, 24]
    assert not set(plan.probes) & set(plan.gallery)
    searches = plan.pairs[len(plan.first) :].reshape(8, 5, 2)
    assert (searches[:, :, 0] == plan.probes[:, None]).all()
    assert (searches[:, :, 1] == plan.gallery).all()
    mates = plan.gallery[plan.mate]
    assert [FINGERS[i] for i in mates] == [FINGERS[i] for i in plan.probes]


def test_every_matcher_gets_the_same_pairs():
    one, other = (draw_plan(FINGERS, nonmated=50, probes=8).pairs for _ in range(2))
    assert (one == other).all()


def test_prints_of_one_finger_alone_are_refused():
    with pytest.raises(ValueError, match="one of another"):
        draw_plan(["a", "a"], nonmated=1, probes=1)


@pytest.fixture
def matcher(monkeypatch):
    """A matcher of minutiae's first x: the nearer, the more alike. Counts what it compares."""
    compared = []

    def compare(a: float, b: float) -> float:
        compared.append((a, b))
        return -abs(a - b)

    made = Matcher(("numpy",), lambda minutiae: minutiae[0, 0], compare)
    monkeypatch.setitem(MATCHERS, "nearest", made)
    return compared


def set_of_prints() -> list[np.ndarray]:
    """One minutia a print, near to those of its own finger."""
    x = [20 * "abcde".index(finger) + i % 6 for i, finger in enumerate(FINGERS)]
    return [np.array([[each, 0, 0, 0, 1.0]]) for each in x]


def test_pairs_are_compared_in_their_order_and_judged(matcher):
    plan, minutiae = draw_plan(FINGERS, nonmated=50, probes=8), set_of_prints()
    scores, took = peers.compare_pairs(peers.Job("nearest", minutiae, plan.pairs, None))
    expected = [(minutiae[a][0, 0], minutiae[b][0, 0]) for a, b in plan.pairs]
    assert matcher[1:] == expected  # one more at the beginning, which is not timed
    figures = peers.judge(plan, scores, [(each, 0.001) for each in minutiae], took)
    assert figures["rank1"] == 100
    assert figures["fte"] == 0
    assert figures["extract_ms"] == 1
    assert figures["eer"] == 0


def test_a_failure_to_extract_is_a_miss(matcher):
    plan, minutiae = draw_plan(FINGERS, nonmated=10_000, probes=100), set_of_prints()
    minutiae[7] = np.zeros((0, 5))  # the second print of finger b, a probe
    scores, took = peers.compare_pairs(peers.Job("nearest", minutiae, plan.pairs, None))
    assert (np.isneginf(scores) == (plan.pairs == 7).any(axis=1)).all()
    figures = peers.judge(plan, scores, [(each, 0.001) for each in minutiae], took)
    assert figures["fte"] == pytest.approx(100 / 30)
    assert figures["rank1"] == pytest.approx(100 * 24 / 25)


def test_kept_scores_are_used_until_the_minutiae_change(matcher, tmp_path):
    plan, minutiae = draw_plan(FINGERS, nonmated=50, probes=8), set_of_prints()
    job = peers.Job("nearest", minutiae, plan.pairs, tmp_path / "set+nearest")
    scores, _ = peers.compare_pairs(job)
    matcher.clear()
    again, _ = peers.compare_pairs(job)
    assert not matcher
    assert (again == scores).all()
    moved = [each + 1 for each in minutiae]
    peers.compare_pairs(peers.Job("nearest", moved, plan.pairs, job.kept))
    assert matcher


@pytest.fixture(scope="module")
def drawn() -> list[list[Print]]:
    """Two sets of three fingers with two prints each; in the first, one could not be extracted."""
    templates = draw_templates(6, 2, seed=5)
    prints = [
        Print(str(finger), str(i), template, 0.1)
        for finger, pair in enumerate(templates)
        for i, template in enumerate(pair)
    ]
    prints[3] = Print("1", "1", None, 0.1)
    return [prints[:6], prints[6:]]


def test_ours_compares_the_pairs_of_the_plan(drawn):
    pairs = np.array([(4, 0), (0, 1), (3, 2), (4, 5), (0, 4)])
    ((scores, took),) = compare_ours([(drawn[0], pairs)], "leader")
    expected = [
        pipeline.compare(drawn[0][a].template, drawn[0][b].template).llr
        for a, b in np.delete(pairs, 2, axis=0)
    ]
    assert scores[2] == -np.inf
    assert np.delete(scores, 2) == pytest.approx(expected)
    assert took > 0


def test_ours_weighs_a_set_as_the_other_one_teaches(drawn):
    plans = [draw_plan([made.finger for made in prints], 100, 100).pairs for prints in drawn]
    both = list(zip(drawn, plans, strict=True))
    first, second = (scores for scores, _ in compare_ours(both, "leader"))
    # the first set with itself as the other: what it teaches differs, so its scores do
    again, same = (scores for scores, _ in compare_ours([both[0], both[0]], "leader"))
    assert (again == same).all()
    assert not np.allclose(again[np.isfinite(again)], first[np.isfinite(first)])
    # the second set's scores come from the first, whatever else of itself it has
    fewer = compare_ours([both[0], (drawn[1], plans[1][:5])], "leader")[1][0]
    assert fewer == pytest.approx(second[:5])


def figures(eer: float) -> dict[str, float]:
    rates = dict.fromkeys(("fmr100", "fmr1000", "zero_fmr", "rank1", "fte"), 7.0)
    return {"eer": eer, **rates, "extract_ms": 25.0, "compare_us": 900.0}


def test_the_section_has_the_mean_and_the_rates_by_set():
    found = gather([("one", "us", figures(1)), ("two", "us", figures(2))])
    lines = describe(found, "How.").splitlines()
    assert lines[0] == "How."
    assert "| us | 1.50 | 7.00 | 7.00 | 7.00 | 7.00 | 7.00 | 25 | 900 |" in lines
    assert "| EER | one | two |" in lines
    assert "| us | 1.00 | 2.00 |" in lines


def test_only_the_section_of_a_page_is_replaced():
    page = "above\n<!-- peers -->\nold\n<!-- /peers -->\nbelow\n"
    once = replace_section(page, "peers", "new\n")
    assert once == "above\n<!-- peers -->\n\nnew\n\n<!-- /peers -->\nbelow\n"
    assert replace_section(once, "peers", "new\n") == once


@pytest.mark.parametrize("page", ["", "<!-- peers -->", "<!-- /peers --> <!-- peers -->"])
def test_a_page_without_the_marks_is_refused(page):
    with pytest.raises(ValueError, match="put <!-- peers -->"):
        replace_section(page, "peers", "new")


def test_what_is_not_installed_is_named_with_what_installs_it():
    assert find_missing(["numpy"]) == ""
    missing = find_missing(["numpy", "no-such-package"])
    assert missing.startswith("no-such-package")
    assert "pip install 'tenprint[peers]'" in missing


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch, capsys):
    monkeypatch.setitem(MATCHERS, "absent", Matcher(("no-such-package",), len, max))
    assert "absent" not in peers.find_able()
    said = " ".join(capsys.readouterr().err.split())
    assert "without absent" in said
    assert "pip install 'tenprint[peers]'" in said
