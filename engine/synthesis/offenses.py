"""Invents criminal histories, so that the order of cases can be shown: offense facts, no person."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from engine.settings import RecordSettings
from engine.types import Degree, OffenseRecord


class Charge(NamedTuple):
    """A charge as a record may state it; share: how often, relative to the others."""

    ncic: str
    text: str
    degree: Degree
    max_sentence_months: int
    share: float


# Codes and short names are NCIC's uniform offense codes; degrees and sentences are made up, though
# plausible. Grave charges come more often than in life: a few dozen people show every level.
CHARGES = (
    Charge("0999", "HOMICIDE", Degree.FELONY, 1200, 2.0),
    Charge("1099", "KIDNAPPING", Degree.FELONY, 480, 1.5),
    Charge("1204", "ROBBERY - STREET-GUN", Degree.FELONY, 300, 2.0),
    Charge("1299", "ROBBERY", Degree.FELONY, 240, 2.5),
    Charge("1315", "AGGRAV ASSLT - WEAPON", Degree.FELONY, 120, 3.0),
    Charge("1313", "SIMPLE ASSLT", Degree.MISDEMEANOR, 12, 6.0),
    Charge("2202", "BURGL - FORCED ENTRY-RESID", Degree.FELONY, 180, 1.5),
    Charge("2299", "BURGLARY", Degree.FELONY, 120, 2.0),
    Charge("2303", "SHOPLIFTING", Degree.MISDEMEANOR, 6, 5.0),
    Charge("2399", "LARCENY", Degree.MISDEMEANOR, 12, 6.0),
    Charge("2404", "VEHICLE THEFT", Degree.FELONY, 60, 1.5),
    Charge("2605", "FRAUD - ILLEG USE CREDIT CARDS", Degree.FELONY, 60, 1.0),
    Charge("2902", "DAMAGE PROP - PRIVATE", Degree.MISDEMEANOR, 6, 3.0),
    Charge("3510", "HEROIN - SELL", Degree.FELONY, 240, 2.5),
    Charge("3532", "COCAINE - POSSESS", Degree.FELONY, 36, 2.0),
    Charge("3562", "MARIJUANA - POSSESS", Degree.MISDEMEANOR, 6, 6.0),
    Charge("4801", "RESISTING OFFICER", Degree.MISDEMEANOR, 12, 2.5),
    Charge("5015", "FAILURE TO APPEAR", Degree.MISDEMEANOR, 6, 4.0),
    Charge("5202", "CARRYING CONCEALED WEAPON", Degree.FELONY, 60, 1.2),
    Charge("5311", "DISORD CONDUCT", Degree.MISDEMEANOR, 3, 4.0),
    Charge("5404", "DRIVING UNDER INFLUENCE ALCOHOL", Degree.MISDEMEANOR, 12, 6.0),
    Charge("5499", "TRAFFIC OFFENSE", Degree.INFRACTION, 0, 9.0),
    Charge("5707", "TRESPASSING", Degree.MISDEMEANOR, 3, 3.0),
    # A charge without a code, as they come: someone has to read it.
    Charge("", "LOCAL ORDINANCE 14-2", Degree.UNKNOWN, 0, 1.0),
)
# About two arrests in three have a final disposition in state repositories; the rest say nothing.
DISPOSITIONS = (
    ("convicted", 38.0),
    ("guilty plea", 10.0),
    ("", 22.0),
    ("pending", 9.0),
    ("dismissed", 10.0),
    ("nolle prosequi", 4.0),
    ("acquitted", 3.0),
    ("deferred adjudication", 2.0),
    ("expunged", 2.0),
)


def draw_records(
    person: str, rng: np.random.Generator, settings: RecordSettings
) -> list[OffenseRecord]:
    """The invented records of one person, oldest first; often none at all."""
    if rng.random() < settings.without:
        return []
    count = min(1 + rng.poisson(settings.further), settings.most)
    charge_share = np.array([charge.share for charge in CHARGES])
    outcome_share = np.array([share for _, share in DISPOSITIONS])
    charges = rng.choice(len(CHARGES), count, p=charge_share / charge_share.sum())
    outcomes = rng.choice(len(DISPOSITIONS), count, p=outcome_share / outcome_share.sum())
    span = (settings.last - settings.first).days
    days = np.sort(rng.integers(0, span, count, endpoint=True))
    places = rng.integers(1, settings.jurisdictions, count, endpoint=True)
    return [
        _record(f"{person}-{i + 1}", *row, settings.first)
        for i, row in enumerate(
            zip(charges.tolist(), outcomes.tolist(), days.tolist(), places.tolist(), strict=True)
        )
    ]


def _record(
    record_id: str, charge: int, outcome: int, day: int, place: int, first: date
) -> OffenseRecord:
    facts = CHARGES[charge]
    return OffenseRecord(
        record_id=record_id,
        ncic=facts.ncic,
        charge=facts.text,
        degree=facts.degree,
        disposition=DISPOSITIONS[outcome][0],
        offense_date=first + timedelta(days=day),
        jurisdiction=f"County {place:02d}",
        max_sentence_months=facts.max_sentence_months or None,
    )
