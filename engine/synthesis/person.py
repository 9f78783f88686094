"""Makes one invented person: fingers, their impressions, and records."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.settings import FieldSettings, SynthesisSettings
from engine.synthesis.impression import Impression, make_impression
from engine.synthesis.master import Master, make_master
from engine.synthesis.offenses import draw_records
from engine.synthesis.patterns import Pattern
from engine.types import FingerPosition, OffenseRecord

ORDER = tuple(FingerPosition(i) for i in (2, 7, 3, 8, 1, 6, 4, 9, 5, 10))  # as fingers are added


@dataclass(frozen=True, slots=True)
class Finger:
    """One finger with its impressions, in the order they were made."""

    position: FingerPosition
    master: Master
    impressions: tuple[Impression, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person: a label, fingers and records; nothing else about them exists."""

    name: str
    fingers: tuple[Finger, ...]
    records: tuple[OffenseRecord, ...]


def make_person(
    seed: int,
    number: int,
    *,
    fingers: int,
    impressions: int,
    settings: SynthesisSettings | None = None,
) -> Person:
    """Person `number` of the set `seed`, always the same, whatever else is in the set."""
    settings = settings or SynthesisSettings()
    name = f"P{number:04d}"
    made = []
    for position in ORDER[:fingers]:
        master_seed, *touch_seeds = np.random.SeedSequence([seed, number, position]).spawn(
            1 + impressions
        )
        hand = replace(settings, flow=_of_hand(position, settings.flow))
        master = make_master(np.random.default_rng(master_seed), hand)
        prints = tuple(
            make_impression(master, np.random.default_rng(each), settings) for each in touch_seeds
        )
        made.append(Finger(position, master, prints))
    rng = np.random.default_rng([seed, number])
    return Person(name, tuple(made), tuple(draw_records(name, rng, settings.records)))


def _of_hand(position: FingerPosition, flow: FieldSettings) -> FieldSettings:
    """Loops mostly open towards the little finger: to the right on prints of the right hand."""
    share = list(flow.proportions)
    loops = share[Pattern.LEFT_LOOP] + share[Pattern.RIGHT_LOOP]
    right_hand = position <= FingerPosition.RIGHT_LITTLE
    ulnar, radial = Pattern.RIGHT_LOOP, Pattern.LEFT_LOOP
    if not right_hand:
        ulnar, radial = radial, ulnar
    share[ulnar], share[radial] = loops * (1 - flow.radial_share), loops * flow.radial_share
    return replace(flow, proportions=tuple(share))
