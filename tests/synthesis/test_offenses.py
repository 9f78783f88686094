"""Invented records: facts of offenses of every kind, and nothing about a person."""

from __future__ import annotations

import numpy as np

from engine.settings import RecordSettings
from engine.synthesis.offenses import CHARGES, DISPOSITIONS, draw_records
from engine.types import Degree

SETTINGS = RecordSettings()


def test_same_seed_same_records() -> None:
    one, two = (draw_records("P0001", np.random.default_rng(3), SETTINGS) for _ in range(2))
    assert one == two


def test_records_cover_all_charges_and_dispositions_and_some_have_none() -> None:
    rng = np.random.default_rng(0)
    histories = [draw_records(f"P{i:04d}", rng, SETTINGS) for i in range(1500)]
    records = [record for history in histories for record in history]
    assert {record.ncic for record in records} == {charge.ncic for charge in CHARGES}
    assert {record.disposition for record in records} == {text for text, _ in DISPOSITIONS}
    assert 0.25 < np.mean([not history for history in histories]) < 0.35
    assert max(map(len, histories)) <= SETTINGS.most
    assert len({record.record_id for record in records}) == len(records)


def test_dates_are_in_order_and_in_range() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        days = [record.offense_date for record in draw_records("P0001", rng, SETTINGS)]
        assert days == sorted(days)
        assert all(SETTINGS.first <= day <= SETTINGS.last for day in days)


def test_felonies_carry_more_than_a_year_and_misdemeanors_do_not() -> None:
    for charge in CHARGES:
        if charge.degree == Degree.FELONY:
            assert charge.max_sentence_months > 12
        elif charge.degree == Degree.MISDEMEANOR:
            assert 0 < charge.max_sentence_months <= 12
