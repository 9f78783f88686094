"""Says which score a search must reach, and what scores mean in one gallery.

The best score of a non-mated search is a maximum over many persons, so it follows a Gumbel
distribution (Coles, "An Introduction to Statistical Modeling of Extreme Values", 2001, chapter 3).
Where the shipped calibration is exact, ln(10)·score - ln(persons) has location 0 and scale 1: its
*excess*. A Site holds what was measured instead, and turns scores into what they mean there, so
that one rule gives the threshold for every gallery, of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from engine.errors import GalleryError, SettingsError
from engine.settings import ThresholdSettings
from engine.types import F64, Bool, Site

DEFAULT = ThresholdSettings()
TWO_SIDED = float(ndtri(0.975))  # standard errors, 95 %
ALMOST = 1 - 1e-12  # a share that still has a logarithm


def threshold(fpir: float, persons: int) -> float:
    """The score that a non-mated search of `persons` passes with probability `fpir`.

    FPIR(N) = 1 - (1 - FMR)^N (ISO/IEC 19795-1): independent comparisons, and N the gallery's
    size, not the shortlist's, because the shortlist keeps the hardest non-mates.
    Raises SettingsError for a rate outside 0..1.
    """
    if not 0 < fpir < 1:
        raise SettingsError(f"a false positive rate must be between 0 and 1, not {fpir}")
    return float(-np.log10(-np.expm1(np.log1p(-fpir) / max(persons, 1))))


def rate(scores: npt.ArrayLike, persons: int) -> F64:
    """The share of non-mated searches of `persons` that reach each score: `threshold`'s inverse."""
    fmr = np.minimum(10 ** -np.asarray(scores, np.float64), ALMOST)
    return -np.expm1(persons * np.log1p(-fmr))


def adjust(scores: npt.ArrayLike, site: Site) -> F64:
    """What scores mean at a site: -log10 of the share of non-mated persons who score as high.

    It grows with the score, and is the score itself for location 0 and scale 1.
    """
    standard = (excess(scores, site.persons) - site.location) / site.scale
    return np.maximum((standard + np.log(site.persons)) / np.log(10), 0)


def excess(scores: npt.ArrayLike, persons: int) -> F64:
    """ln(10)·score - ln(persons), natural-log units: float64."""
    return np.asarray(scores, np.float64) * np.log(10) - np.log(persons)


def choose(sites: Sequence[Site], fingers: int) -> Site | None:
    """The site measured with the number of fingers nearest to `fingers`, by ratio. One finger says
    nothing of several together, nor they of it: then None, as without any site."""
    alike = [site for site in sites if (site.fingers > 1) == (fingers > 1)]
    return min(alike, key=lambda site: abs(np.log(site.fingers / fingers)), default=None)


def interval(score: float, persons: int, site: Site) -> tuple[float, float]:
    """The 95 % interval of the share of non-mated searches of `persons` that reach `score`, which
    is adjusted to the site: as far as the fit may be off, for probes like those it was made with.
    """
    standard = excess(score, site.persons)
    mixed = site.correlation * site.location_sd * site.scale_sd
    variance = site.location_sd**2 + 2 * standard * mixed + (standard * site.scale_sd) ** 2
    reach = TWO_SIDED * np.sqrt(variance) / site.scale / np.log(10)
    low, high = rate(score + np.array([reach, -reach]), persons)
    return float(low), float(high)


def joint(intervals: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The interval of the rate at which any of several galleries answers falsely, where each does
    so within its own; as wide as if all were off to the same side."""
    low, high = 1 - np.prod(1 - np.array(intervals), axis=0)
    return float(low), float(high)


def outliers(scores: npt.ArrayLike, settings: ThresholdSettings = DEFAULT) -> Bool:
    """Which best scores of n searches are too high for non-mates: bool (n,).

    Those that a Gumbel distribution through two quantiles of all of them passes less often than
    `settings.improbable` times in n searches: persons enrolled under two names, most likely.
    """
    from scipy import stats  # a second or two: not before it is needed

    found = np.asarray(scores, np.float64)
    location, scale = _through(found, settings.quantiles)
    odds = stats.gumbel_r.sf(found, location, scale)
    return np.asarray(odds < settings.improbable / len(found))


def fit(
    scores: npt.ArrayLike,
    pairs: npt.ArrayLike,
    *,
    persons: int,
    fingers: int,
    made: date,
    settings: ThresholdSettings = DEFAULT,
) -> Site:
    """The site where n non-mated searches of `persons` had these best scores, outliers left out.

    pairs: int (n,), equal where a search for A found B and one for B found A: one witness. Maximum
    likelihood; scores up to the lower of `settings.quantiles` count as no more than that, for the
    threshold lies in the tail. Errors by the sandwich estimator over pairs (White, "Maximum
    likelihood estimation of misspecified models", Econometrica 50, 1982).
    Raises GalleryError where the scores hardly differ.
    """
    from scipy import stats

    x = excess(scores, persons)
    low = float(np.quantile(x, settings.quantiles[0]))
    seen = stats.CensoredData(uncensored=x[x > low], left=np.full(int((x <= low).sum()), low))
    begin, spread = _through(x, settings.quantiles)
    location, scale = stats.gumbel_r.fit(seen, loc=begin, scale=spread)
    bread = np.linalg.inv(_curvature(x, low, location, scale))
    slopes = _slopes(x, low, location, scale)
    which = np.unique(np.asarray(pairs), return_inverse=True)[1]
    clustered = np.stack([np.bincount(which, column) for column in slopes.T])
    covariance = bread @ (clustered @ clustered.T) @ bread
    sd = np.sqrt(np.diag(covariance))
    return Site(
        location=float(location),
        scale=float(scale),
        location_sd=float(sd[0]),
        scale_sd=float(sd[1]),
        correlation=float(covariance[0, 1] / sd.prod()),
        fingers=fingers,
        searches=len(x),
        persons=persons,
        made=made,
    )


def _through(x: F64, quantiles: tuple[float, float]) -> tuple[float, float]:
    """Location and scale of the Gumbel distribution with these two quantiles of x."""
    low, high = np.quantile(x, quantiles)
    if not low < high:
        raise GalleryError(
            "the best scores of non-mated searches hardly differ, so that nothing can be told "
            "from them: the shipped calibration stays in use"
        )
    below, above = -np.log(-np.log(quantiles))
    scale = (high - low) / (above - below)
    return float(low - scale * below), float(scale)


def _slopes(x: F64, low: float, location: float, scale: float) -> F64:
    """Gradient of each log likelihood in location and scale: float64 (n, 2)."""
    z = (np.maximum(x, low) - location) / scale
    tail = np.exp(-z)
    inside = np.stack([1 - tail, z - 1 - z * tail], axis=1)
    below = np.stack([-tail, -z * tail], axis=1)
    return np.where((x > low)[:, None], inside, below) / scale


def _curvature(x: F64, low: float, location: float, scale: float) -> F64:
    """Minus the second derivatives of the whole log likelihood: float64 (2, 2)."""
    z = (np.maximum(x, low) - location) / scale
    tail, inside = np.exp(-z), x > low
    cross = inside + tail * (z - 1)
    twice = tail * z * (z - 2) + inside * (2 * z - 1)
    return np.array([[tail.sum(), cross.sum()], [cross.sum(), twice.sum()]]) / scale**2
