"""Says how far a measured rate may be off: 95 % intervals by bootstrap over fingers.

Comparisons of one finger are no independent witnesses, so whole fingers are drawn, with
replacement, and every figure is measured again (Bolle, Ratha and Pankanti, "Error analysis of
pattern recognition systems - the subsets bootstrap", Computer Vision and Image Understanding 93,
2004). A non-mated pair counts as often as its two fingers were drawn, multiplied (Owen, "The
pigeonhole bootstrap", Annals of Applied Statistics 1, 2007). Fingers drawn are weights; no score
is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import metrics
import numpy as np
import numpy.typing as npt
from metrics import F64, Index

RULE_OF_THREE = 3.0  # ISO/IEC 19795-1, annex B


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are made. The seed makes them the same each time."""

    resamples: int = 1000
    share: float = 0.95  # of the resamples, inside the interval
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Interval:
    """Lower and upper end: float64, of the shape of the figure."""

    low: F64
    high: F64


def draw(fingers: int, settings: Bootstrap) -> F64:
    """How often each finger was drawn in each resample: float64 (resamples, fingers)."""
    rng = np.random.default_rng(settings.seed)
    drawn = rng.multinomial(fingers, np.full(fingers, 1 / fingers), size=settings.resamples)
    return drawn.astype(np.float64)


def resample_pairs(
    steps: metrics.Steps, mated: Index, nonmated: tuple[Index, Index], settings: Bootstrap
) -> Iterator[metrics.Rates]:
    """The rates of each resample of comparisons.

    mated: the number of each mated pair's finger; nonmated: those of both fingers of each other.
    """
    one, other = nonmated
    for weight in draw(1 + max(int(part.max()) for part in (mated, one, other)), settings):
        yield from _weigh(steps, weight.take(mated), weight.take(one) * weight.take(other))


def resample_searches(
    steps: metrics.Steps, finger: Index, settings: Bootstrap
) -> Iterator[metrics.Rates]:
    """The rates of each resample of searches, mated and non-mated ones of the same probes.

    finger: the number of each probe's. The gallery stays as it is.
    """
    for weight in draw(1 + int(finger.max()), settings):
        yield from _weigh(steps, weight.take(finger), weight.take(finger))


def _weigh(steps: metrics.Steps, mated: F64, nonmated: F64) -> Iterator[metrics.Rates]:
    """The rates, but for a draw of few fingers that left no mated or no non-mated comparison."""
    if mated.any() and nonmated.any():
        yield metrics.weigh(steps, mated, nonmated)


def resample_shares(finger: Index, happened: npt.NDArray, settings: Bootstrap) -> F64:
    """The share of searches in which something happened, in each resample.

    finger: (searches,), the number of each probe's. happened: bool (searches, k). Returns float64
    (resamples, k).
    """
    count = np.bincount(finger)
    each = np.stack([np.bincount(finger, one, len(count)) for one in happened.T], axis=1)
    weight = draw(len(count), settings)
    return (weight @ each) / (weight @ count)[:, None]


def measure(
    resamples: Iterator[metrics.Rates], figures: Callable[[metrics.Rates], npt.ArrayLike]
) -> F64:
    """These figures of each resample: float64 (resamples, k)."""
    return np.array([figures(found) for found in resamples], np.float64)


def interval(values: F64, trials: int, settings: Bootstrap) -> Interval:
    """The middle `share` of the resampled values (resamples, k), for each of k error rates.

    The upper end is at least the rule of three, 3/trials: what no error at all in independent
    trials would leave possible. A bootstrap of no errors says 0.
    """
    outside = (1 - settings.share) / 2
    low, high = np.quantile(values, [outside, 1 - outside], axis=0)
    return Interval(low, np.maximum(high, min(1.0, RULE_OF_THREE / trials)))
