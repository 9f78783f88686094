"""Suggestions: what they say, what they must not say, and weights that are checked."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from engine.errors import PolicyError
from engine.risk import weighing
from engine.risk.coding import offenses
from engine.risk.describing import N_FACTS, describe, find_facts, put_plainly
from engine.risk.suggesting import (
    BROAD,
    GRADES,
    WEIGHTS,
    judge,
    shipped,
    silence,
    suggest,
    suggest_many,
    sum_degrees,
    weigh_severity,
)
from engine.risk.weighing import ORDINAL, SOFTMAX, Head, Model, join, load, save, spread
from engine.types import Degree

PLAIN = {
    "Shoplifting at a store": ("larceny", "property", Degree.MISDEMEANOR),
    "Murder with premeditation": ("murder", "violent", Degree.FELONY),
    "Driving while intoxicated, first offense": (
        "impaired-driving", "impaired-driving", Degree.MISDEMEANOR,
    ),
    "Burglary of a dwelling at night": ("burglary", "property", Degree.FELONY),
    "Armed robbery of a grocer": ("robbery", "violent", Degree.FELONY),
    "Failed to yield at a stop sign": ("traffic", "traffic", Degree.MISDEMEANOR),
}  # fmt: skip


def place(probabilities: dict[str, float]) -> np.ndarray:
    """Probabilities of GRADES (1, 12) with those that are named."""
    row = np.zeros((1, len(GRADES)), np.float32)
    for name, probability in probabilities.items():
        row[0, GRADES.index(name)] = probability
    return row


@pytest.mark.parametrize("charge", PLAIN)
def test_plain_charges_are_told(charge):
    found = suggest(charge)
    assert found is not None
    category, broad, degree = PLAIN[charge]
    assert (found.category, found.broad, found.degree) == (category, broad, degree)
    assert found.model == shipped().version


def test_a_suggestion_is_of_the_tables_and_its_numbers_are_in_range():
    for found in suggest_many(["qwzx vbnm", "7", "Some words that name no offense at all", *PLAIN]):
        assert found is not None
        assert found.category in offenses().categories
        assert found.broad in BROAD
        for probability in (found.probability, found.broad_probability, found.degree_probability):
            assert 0 < probability <= 1
        assert 0 <= found.severity <= len(GRADES) - 1


def test_many_are_told_as_one_at_a_time_in_their_order():
    charges = ["", *PLAIN, "  -- ", "Sodomy", *reversed(PLAIN)]
    many = suggest_many(charges)
    blank = [not put_plainly(charge) or charge == "Sodomy" for charge in charges]
    assert [found is None for found in many] == blank
    for charge, found in zip(charges, many, strict=True):
        alone = suggest(charge)
        if found is not None and alone is not None:
            assert (found.category, found.degree) == (alone.category, alone.degree)
            assert found.severity == pytest.approx(alone.severity, abs=1e-4)


def test_words_nobody_knows_are_not_told_with_certainty():
    unknown, known = suggest("zzyzx qwfpg"), suggest("Armed robbery of a grocer")
    assert unknown is not None and known is not None
    assert unknown.probability < 0.7 < known.probability


def test_the_graver_charge_has_the_higher_severity():
    order = [
        "Murder in the first degree",
        "Aggravated assault with a deadly weapon",
        "Burglary of a building",
        "Shoplifting under $50",
        "Parking in a loading zone",
    ]
    places = [found.severity for found in suggest_many(order) if found is not None]
    assert places == sorted(places, reverse=True)
    assert places[0] > places[1] > places[3]


@pytest.mark.parametrize(
    ("charge", "why"),
    [
        ("SODOMY", "same-sex conduct"),
        ("Homosexual act with man", "same-sex conduct"),
        ("SEX OFFENSE - GIRL/GIRL", "same-sex conduct"),
        ("Crime against nature", "same-sex conduct"),
        ("Deviate sexual intercourse", "same-sex conduct"),
        ("ABORTION - SUBMISSION TO", "abortion"),
        ("Terminating a pregnancy", "abortion"),
        ("Alien registration", "immigration status"),
        ("ILLEGAL RE-ENTRY", "immigration status"),
        ("Unlawful presence", "immigration status"),
        ("DEPORTATION PROCEEDINGS", "immigration status"),
    ],
)
def test_status_and_private_conduct_get_no_suggestion(charge, why):
    assert silence(charge) == why
    assert suggest(charge) is None


@pytest.mark.parametrize(
    "charge",
    ["Forcible sodomy", "Sodomy of a child under 13", "Illegal entry of a building",
     "Alienation of property", "Unlawful entry into a dwelling"],
)  # fmt: skip
def test_what_harms_somebody_does_get_one(charge):
    assert silence(charge) == ""
    assert suggest(charge) is not None


def test_the_sex_of_a_victim_changes_nothing():
    told = suggest_many(["Rape - female", "Rape - male", "Rape - woman", "Rape"])
    assert told[0] is not None
    assert len(set(told)) == 1
    assert suggest("Assault on wife") == suggest("Assault on husband")
    assert suggest("Assault on girl") == suggest("Assault on boy")


def test_facts_read_sums_and_repeats():
    over, under = find_facts("THEFT >$1500"), find_facts("THEFT <$1500")
    assert np.flatnonzero(over != under).size == 1  # whether the sum is the most that it can be
    assert not np.array_equal(find_facts("DUI 1ST OFFENSE"), find_facts("DUI 3RD OFFENSE"))
    assert find_facts("").shape == (N_FACTS,)


def test_severity_ties_below_a_felony_and_expects_gain_above():
    petty = weigh_severity(place({"P": 0.2, "M2": 0.7, "F1": 0.1}))
    assert petty == GRADES.index("M2") == weigh_severity(place({"M2": 1.0}))
    sure, risky = place({"F3": 1.0}), place({"F3": 0.8, "FA": 0.2})
    assert weigh_severity(sure) == pytest.approx(GRADES.index("F3"))
    assert weigh_severity(risky) > GRADES.index("F2")


def test_degrees_add_up():
    said = sum_degrees(place({"P": 0.1, "M2": 0.2, "M1": 0.3, "F6": 0.3, "FA": 0.1}))
    assert said[0] == pytest.approx([0.1, 0.5, 0.4])


def test_ordinal_answers_by_hand():
    said = spread(np.array([[np.log(3), -np.log(3), 5.0]]), ORDINAL, 1.0)
    # P(more than 0) = 3/4, P(more than 1) = 1/4, and no later step is likelier than an earlier one
    assert said[0] == pytest.approx([0.25, 0.5, 0.0, 0.25], abs=1e-6)
    warm = spread(np.array([[2.0, 0.0]]), SOFTMAX, 4.0)
    assert warm[0, 0] == pytest.approx(1 / (1 + np.exp(-0.5)))


def test_each_kind_of_n_gram_has_unit_length():
    counts = csr_matrix(np.array([[3, 1, 0, 2], [0, 0, 0, 0]], np.float32))
    found = join(counts, np.zeros((2, 1), np.float32), np.array([1, 2, 1, 5], np.float32)).toarray()
    assert found[0, :2] @ found[0, :2] == pytest.approx(1)
    assert found[0, 3] == pytest.approx(1)
    assert not found[1].any()


def small_model() -> Model:
    """A model with all heads, over few bins."""
    rng = np.random.default_rng(3)
    _, facts = describe(["A"], ("murder", "larceny"), 8)
    size = 16 + facts.shape[1]
    kinds = ("murder", "larceny", "hit-and-run")

    def head(kind: str, answers: tuple[str, ...]) -> Head:
        columns = len(answers) - (kind == ORDINAL)
        weights = rng.normal(size=(size, columns)).astype(np.float32)
        return Head(kind, answers, weights, rng.normal(size=columns).astype(np.float32), 1.5)

    heads = {
        "broad": head(SOFTMAX, BROAD),
        "category": head(SOFTMAX, kinds),
        "grade": head(ORDINAL, GRADES),
    }
    return Model("test", ("murder", "larceny"), np.ones(16, np.float32), heads, {"data": ["none"]})


def test_a_model_comes_back_as_it_was_kept(tmp_path):
    model = small_model()
    save(model, tmp_path / "model.npz")
    back = load(tmp_path / "model.npz")
    assert back.made["data"] == ["none"]
    one, other = (judge(each, each.see(list(PLAIN))) for each in (model, back))
    assert one.categories == other.categories == ("murder", "larceny", "hit-and-run")
    for name in ("category", "broad", "grade"):
        assert getattr(one, name).sum(axis=1) == pytest.approx(np.ones(len(PLAIN)), abs=1e-4)
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=0.05)


def test_damaged_weights_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    save(small_model(), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(PolicyError, match=r"model\.npz or model\.json is damaged: their SHA-256"):
        load(path)


def test_a_changed_temperature_is_refused(tmp_path):
    save(small_model(), tmp_path / "model.npz")
    path = tmp_path / "model.json"
    path.write_text(path.read_text().replace('"temperature": 1.5', '"temperature": 0.5', 1))
    with pytest.raises(PolicyError, match=r"model\.npz or model\.json is damaged"):
        load(tmp_path / "model.npz")


@pytest.mark.parametrize("missing", ["model.npz", "model.json"])
def test_missing_weights_are_named(tmp_path, missing):
    save(small_model(), tmp_path / "model.npz")
    (tmp_path / missing).unlink()
    with pytest.raises(PolicyError, match=r"model\.npz, model\.json: .* cannot be read"):
        load(tmp_path / "model.npz")


def test_the_shipped_weights_hold_no_words_and_say_where_they_are_from():
    told = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    assert all(row["licence"] and len(row["sha256"]) == 64 for row in told["data"])
    with np.load(WEIGHTS, allow_pickle=False) as kept:
        assert all(kept[name].dtype.kind in "if" for name in kept.files)
    assert WEIGHTS.stat().st_size < 3_000_000
    assert weighing.HALF == 127
    assert set(told["heads"]["category"]["answers"]) <= set(offenses().categories)


def test_scikit_learn_is_not_imported_before_it_is_needed():
    script = "import engine.risk.suggesting, sys; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
