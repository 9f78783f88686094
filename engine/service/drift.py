"""Drift: whether searches keep the FPIR that they were to keep, by what examiners decided since.

FPIR is the share of non-mated searches that give a candidate over the threshold (ISO/IEC 19795-1).
Which searches are non-mated nobody knows in operation; those without an identification are taken
for them. A missed mate among them makes the observed rate smaller than the true one, never larger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from scipy.stats import beta

from engine.store import false_positives
from engine.store.database import Database
from engine.store.schema import now


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """window: how far back searches count. confidence: that the true rate lies between the two
    bounds; it lies under the lower one with (1 - confidence) / 2 at most."""

    window: timedelta = timedelta(days=90)
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Drift:
    """What became of a gallery's searches. promised: the FPIR that they were to keep (their mean).
    observed: share with a candidate that was excluded. lower: bound of the rate if every case that
    is open turns out an identification or nothing, upper: if every one turns out an exclusion."""

    gallery: str
    searches: int
    excluded: int
    open: int
    promised: float
    observed: float
    lower: float
    upper: float

    @property
    def drifted(self) -> bool:
        """Whether the rate is over the promised one beyond chance."""
        return self.lower > self.promised


def bounds(events: int, trials: int, confidence: float) -> tuple[float, float]:
    """The Clopper-Pearson bounds of a rate of which `events` were seen in `trials`; (0, 1) where
    there was no trial. ValueError where there are more events than trials."""
    if not 0 <= events <= trials:
        raise ValueError(f"{events} events in {trials} trials")
    tail = (1 - confidence) / 2
    lower = float(beta.ppf(tail, events, trials - events + 1)) if events else 0.0
    upper = float(beta.ppf(1 - tail, events + 1, trials - events)) if events < trials else 1.0
    return lower, upper


def measure(database: Database, settings: DriftSettings = DriftSettings()) -> list[Drift]:
    """The drift of every gallery that was searched within the window."""
    with database.read() as connection:
        counts = false_positives.count(connection, now() - settings.window)
    return [_drift(each, settings.confidence) for each in counts]


def _drift(counted: false_positives.FalsePositives, confidence: float) -> Drift:
    number = counted.searches
    return Drift(
        counted.gallery,
        number,
        counted.excluded,
        counted.open,
        counted.promised,
        counted.excluded / number,
        bounds(counted.excluded, number, confidence)[0],
        bounds(counted.excluded + counted.open, number, confidence)[1],
    )
