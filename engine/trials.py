"""Tries a gallery with its own persons: what searches without a mate score in it.

Each person drawn is searched for with prints that are enrolled and then taken off the list: what
is left is a non-mated search. Their best scores make a Site (matching.thresholds), and show
whether the rates that it states come true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import betaincinv

from engine import pipeline
from engine.errors import GalleryError
from engine.index.gallery import Gallery
from engine.matching import thresholds
from engine.settings import Settings, TrialSettings
from engine.types import F64, I64, Bool, Curve, Site, Template

CURVE = 100  # points


@dataclass(frozen=True, slots=True)
class Trial:
    """A search for an enrolled person, who does not count. best: the best other person; score,
    llr: theirs, by the shipped calibration. score_fewer: the best of a random part of the gallery.
    """

    person: str
    best: str
    score: float
    llr: float
    score_fewer: float


@dataclass(frozen=True, slots=True)
class Suspects:
    """Two persons whose prints are too alike for different persons: one enrolled under two names,
    perhaps. An examiner should compare them. score: by the shipped calibration."""

    person: str
    other: str
    score: float


@dataclass(frozen=True, slots=True)
class Check:
    """A stated rate beside what held-out searches measured: the persons of each half with the
    site of the other.

    stated: FPIR. persons: searched among. shipped, here: the share of searches over the threshold,
    by the shipped calibration and by the site. low, high: 95 % interval of `here`.
    """

    stated: float
    persons: int
    shipped: float
    here: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What the trials with one number of fingers say. suspects: left out of all else."""

    site: Site
    checks: tuple[Check, ...]
    curve: Curve
    suspects: tuple[Suspects, ...]


def draw_fewer(gallery: Gallery, settings: TrialSettings) -> frozenset[str]:
    """A random part of the gallery's persons, to see what a smaller gallery would answer."""
    rng = np.random.default_rng(settings.seed)
    count = gallery.person_count // settings.fewer
    return frozenset(rng.choice(np.array(gallery.persons), count, replace=False).tolist())


def run(
    person: str,
    probes: Sequence[Template],
    gallery: Gallery,
    fewer: frozenset[str],
    settings: Settings,
) -> Trial:
    """Searches for an enrolled person, without them.

    What else is on the list does not depend on the person being there, but for one place among
    those compared. Scores are the shipped calibration's.
    """
    listed = settings.trials.listed
    found = pipeline.identify(probes, [gallery], settings, max_candidates=listed).candidates
    others = [candidate for candidate in found if candidate.person != person]
    few = [candidate.score for candidate in others if candidate.person in fewer]
    if not others:
        raise GalleryError(f"gallery {gallery.name!r} has nobody but {person!r}")
    first = others[0]
    return Trial(person, first.person, first.score, first.llr, max(few, default=0.0))


def measure(
    trials: Sequence[Trial], fingers: int, gallery: Gallery, made: date, settings: Settings
) -> Measured:
    """What the trials, with so many fingers each, say of scores in the gallery.

    Left out is who scores too high for a non-mate and is likelier a mate: one person, perhaps, who
    is enrolled under two names.
    """
    odd = thresholds.outliers(_column(trials, "score"), settings.thresholds)
    odd &= _column(trials, "llr") > 0
    kept = [trial for trial, out in zip(trials, odd, strict=True) if not out]
    left = [trial for trial, out in zip(trials, odd, strict=True) if out]
    others = gallery.person_count - 1  # the person searched for does not count
    site = _fit(kept, others, fingers, made, settings)
    return Measured(site, _check(kept, site, settings), _curve(kept, site), _suspects(left))


def _fit(
    trials: Sequence[Trial], persons: int, fingers: int, made: date, settings: Settings
) -> Site:
    return thresholds.fit(
        _column(trials, "score"),
        _pairs(trials),
        persons=persons,
        fingers=fingers,
        made=made,
        settings=settings.thresholds,
    )


def _check(trials: Sequence[Trial], site: Site, settings: Settings) -> tuple[Check, ...]:
    """Stated rates against measured ones, in the whole gallery and among fewer persons."""
    first, sites = _halves(trials, site, settings)
    every = len(trials)
    stated = [rate for rate in settings.trials.stated if _is_checked(rate, every, settings.trials)]
    checks = []
    for name, persons in (
        ("score", site.persons),
        ("score_fewer", site.persons // settings.trials.fewer),
    ):
        shipped = _column(trials, name)
        here = np.where(first, *(thresholds.adjust(shipped, other) for other in sites))
        # a comparison of two persons who are both searched for is counted from both ends
        witnesses = every / (1 + every * persons / site.persons**2)
        checks += [_compare(rate, persons, shipped, here, witnesses) for rate in stated]
    return tuple(checks)


def _halves(
    trials: Sequence[Trial], site: Site, settings: Settings
) -> tuple[Bool, tuple[Site, Site]]:
    """Which trials are in the first half, bool (n,), and for each half the site of the other. The
    two searches of a pair stay together."""
    pairs = _pairs(trials)
    number = int(pairs.max()) + 1
    order = np.random.default_rng(settings.trials.seed).permutation(number)
    first = (order < number // 2)[pairs]
    of_second, of_first = (
        _fit(
            [trial for trial, inside in zip(trials, half, strict=True) if inside],
            site.persons,
            site.fingers,
            site.made,
            settings,
        )
        for half in (~first, first)
    )
    return first, (of_second, of_first)


def _compare(stated: float, persons: int, shipped: F64, here: F64, witnesses: float) -> Check:
    """A stated rate against the scores of searches, by either calibration."""
    level = thresholds.threshold(stated, persons)
    measured = float(np.mean(here >= level))
    low, high = _exact(measured, witnesses)
    return Check(stated, persons, float(np.mean(shipped >= level)), measured, low, high)


def _is_checked(rate: float, searches: int, settings: TrialSettings) -> bool:
    """Whether so many searches can check a stated rate."""
    return rate >= settings.rare or rate * searches >= settings.errors


def _exact(rate: float, trials: float) -> tuple[float, float]:
    """95 % interval of a rate measured in independent trials (Clopper and Pearson, 1934)."""
    errors = rate * trials
    low = betaincinv(errors, trials - errors + 1, 0.025) if errors > 0 else 0.0
    high = betaincinv(errors + 1, trials - errors, 0.975) if errors < trials else 1.0
    return float(low), float(high)


def _curve(trials: Sequence[Trial], site: Site) -> Curve:
    scores = np.sort(_column(trials, "score"))[::-1]
    grid = np.linspace(scores[-1], scores[0] + 0.2 * np.ptp(scores), CURVE)
    here = thresholds.adjust(grid, site)
    ends = np.array([thresholds.interval(score, site.persons, site) for score in here])
    return Curve(
        scores,
        grid,
        thresholds.rate(here, site.persons),
        ends[:, 0],
        ends[:, 1],
        thresholds.rate(grid, site.persons),
    )


def _suspects(trials: Sequence[Trial]) -> tuple[Suspects, ...]:
    """Each two persons once, the most alike first."""
    found: dict[frozenset[str], Suspects] = {}
    for trial in sorted(trials, key=lambda trial: -trial.score):
        both = frozenset((trial.person, trial.best))
        found.setdefault(both, Suspects(trial.person, trial.best, trial.score))
    return tuple(found.values())


def _pairs(trials: Sequence[Trial]) -> I64:
    """Numbers (n,), the same where a search for A found B best and one for B found A: what makes
    both is one comparison."""
    number: dict[frozenset[str], int] = {}
    both = [frozenset((trial.person, trial.best)) for trial in trials]
    return np.array([number.setdefault(pair, len(number)) for pair in both], np.int64)


def _column(trials: Sequence[Trial], name: str) -> F64:
    return np.array([getattr(trial, name) for trial in trials], np.float64)
