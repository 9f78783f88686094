"""Searches galleries for probes with the engine itself: what came of every search."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from metrics import Index
from rich.progress import track

from engine import pipeline, search
from engine.index.gallery import Gallery
from engine.settings import Settings
from engine.types import I64, Candidate
from evaluation.galleries import Probe, Roster
from evaluation.prints import console, number

LISTED = 20  # candidates of a search, as the command line has it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one search: mated, and with the mate taken off the list, non-mated.

    mate: the mate's score, -inf where it is not listed. rank: its rank, 0 where it is not. other:
    score of the best candidate that is not the mate, -inf where there is none. other_enrolled:
    whether that is one of the roster, not a distractor. extracted: whether probe and mate gave
    templates. compared: whether the mate was compared at all. ms: wall time.
    """

    mate: float
    rank: int
    other: float
    other_enrolled: bool
    extracted: bool
    compared: bool
    ms: float


@dataclass(frozen=True, slots=True)
class Searches:
    """One outcome for each probe, among so many persons with so many prints; enrolled: persons of
    the roster among them."""

    persons: int
    enrolled: int
    prints: int
    probes: Sequence[Probe]
    outcomes: Sequence[Outcome]

    def column(self, name: str) -> np.ndarray:
        """One field of all outcomes: (n,)."""
        return np.array([getattr(outcome, name) for outcome in self.outcomes])

    @property
    def unit(self) -> Index:
        """(n,), the number of what resampling draws."""
        return number([probe.unit for probe in self.probes])


def search_all(roster: Roster, galleries: Sequence[Gallery], settings: Settings) -> Searches:
    """One search for every probe of the roster, who is enrolled in the first gallery."""
    persons = sum(gallery.person_count for gallery in galleries)
    names = {person for person, _ in roster.enrolled}
    enrolled = {name: i for i, name in enumerate(galleries[0].persons) if name in names}
    for probe in roster.probes[:1]:  # what is loaded once belongs to no search
        search_one(probe, enrolled, galleries, settings)
    outcomes = [
        search_one(probe, enrolled, galleries, settings)
        for probe in track(roster.probes, f"among {persons:,}", console=console)
    ]
    return Searches(persons, len(enrolled), sum(map(len, galleries)), roster.probes, outcomes)


def search_one(
    probe: Probe, enrolled: Mapping[str, int], galleries: Sequence[Gallery], settings: Settings
) -> Outcome:
    """Searches for one probe. enrolled: the roster's persons, as numbered in the first gallery.

    What else is on the list does not depend on the mate being there, but for its one place among
    those compared: so the best of the others is the best of a search without it.
    """
    if not probe.templates:
        return Outcome(-np.inf, 0, -np.inf, False, False, False, 0.0)
    begin = time.perf_counter()
    found = pipeline.identify(probe.templates, galleries, settings, max_candidates=LISTED)
    took = 1e3 * (time.perf_counter() - begin)
    own = next((each for each in found.candidates if each.person == probe.person), None)
    others = [each for each in found.candidates if each.person != probe.person]
    best = max(others, key=_order, default=None)
    extracted = probe.person in enrolled
    return Outcome(
        own.score if own else -np.inf,
        1 + sum(_order(each) >= _order(own) for each in others) if own else 0,
        best.score if best else -np.inf,
        bool(best) and best.person in enrolled,
        extracted,
        bool(own)
        or (extracted and enrolled[probe.person] in _compared(probe, galleries[0], settings)),
        took,
    )


def _order(candidate: Candidate) -> tuple[float, float]:
    """What candidates are ranked by; here, unlike on a list, equals stay equal."""
    return candidate.score, candidate.llr


def _compared(probe: Probe, gallery: Gallery, settings: Settings) -> I64:
    """The numbers of all persons whose minutiae a search compares."""
    sure = pipeline.margins(probe.templates, [gallery], settings)
    return search.find(probe.templates, gallery, settings, gallery.person_count, sure)[0]
