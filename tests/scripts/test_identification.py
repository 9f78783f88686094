"""The figures of identification on outcomes small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation import identification
from evaluation.galleries import Probe
from evaluation.intervals import Bootstrap
from evaluation.searches import Outcome, Searches

from engine.matching.thresholds import threshold

PERSONS = 1000


def outcome(mate: float, rank: int, other: float, lost: str = "") -> Outcome:
    extracted = lost != "extraction"
    return Outcome(
        mate if rank else -np.inf,
        rank,
        other,
        other > 0.5,
        extracted,
        rank > 0 or lost == "comparison",
        8.0,
    )


def measure(outcomes: list[Outcome]) -> dict:
    probes = [Probe(f"f{i}_2", f"f{i}", f"f{i}", ()) for i in range(len(outcomes))]
    searches = Searches(PERSONS, 250, PERSONS, probes, outcomes)
    return identification.figures(identification.identify(searches, Bootstrap(resamples=50)))


# of 100 searches one was not extracted, two were not preselected, three are not listed, four have
# a low score; the best other candidate has 0.00, 0.01, ... 0.99, and one mate is second
OUTCOMES = [
    outcome(0, 0, 0.00, "extraction"),
    *[outcome(0, 0, 0.01 * i, "preselection") for i in (1, 2)],
    *[outcome(0, 0, 0.01 * i, "comparison") for i in (3, 4, 5)],
    *[outcome(0.985, 2 if i == 6 else 1, 0.01 * i) for i in (6, 7, 8, 9)],
    *[outcome(20.0, 1, 0.01 * i) for i in range(10, 100)],
]


def test_losses_and_ranks():
    told = measure(OUTCOMES)
    assert (told["searches"], told["persons"]) == (100, PERSONS)
    assert told["extraction_error"] == pytest.approx(1)
    assert told["preselection_error"] == pytest.approx(2)
    assert [told[f"rank{rank}"] for rank in (1, 5, 20)] == pytest.approx([93, 94, 94])
    assert told["cmc"][:2] == pytest.approx([93, 94])
    assert (told["enrolled"], told["other_enrolled"]) == (25, pytest.approx(49))
    assert told["search_ms"] == 8


def test_fnir_at_a_measured_fpir():
    at_one, at_tenth = measure(OUTCOMES)["at_measured_fpir"]
    # one of 100 may pass: the threshold is the 0.985 of four mates
    assert (at_one["fpir"], at_one["fnir"]) == (1, pytest.approx(6))
    assert at_one["threshold"] == 0.985
    # none may: over 0.99
    assert (at_tenth["fpir"], at_tenth["fnir"]) == (0.1, pytest.approx(10))
    assert at_tenth["comparison_error"] == pytest.approx(7)
    low, high = at_tenth["fnir_interval"]
    assert low < 10 < high


def test_fpir_and_fnir_at_stated_thresholds():
    stated = threshold(1e-2, PERSONS)
    told = measure([outcome(20.0, 1, stated), *[outcome(20.0, 1, stated - 0.1)] * 98, OUTCOMES[0]])
    tenth, hundredth, thousandth = told["at_stated_fpir"]
    assert tenth["measured_fpir"] == pytest.approx(99)
    assert hundredth["threshold"] == stated
    assert hundredth["measured_fpir"] == pytest.approx(1)  # at the threshold is over it
    assert thousandth["measured_fpir"] == 0
    assert thousandth["measured_fpir_interval"] == [0, pytest.approx(3)]  # the rule of three
    assert [at["fnir"] for at in (tenth, hundredth, thousandth)] == pytest.approx([1, 1, 1])


def test_all_mates_found_has_no_certain_hundred_percent():
    told = measure([outcome(20.0, 1, 0.5)] * 100)
    assert told["rank1"] == 100
    assert told["cmc_intervals"][0] == pytest.approx([97, 100])
