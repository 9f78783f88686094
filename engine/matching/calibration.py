"""Says what a comparison means: how strong for mates, how rare among non-mates.

Both are fitted by scripts/fit_matching.py and stand in calibration.json with the data they come
from.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from engine.errors import SettingsError
from engine.matching import weighing
from engine.matching.comparison import Comparison
from engine.matching.weighing import Weights
from engine.types import F64

STEP = 0.02  # log10, of the table of sums over fingers
LEAST, MOST = -2.0, 12.0  # log10, what one finger may say for or against a person


@dataclass(frozen=True, slots=True, eq=False)  # compared as an object: `_sums` keeps it
class Nulls:
    """How non-mated comparisons score: the false match rate at each log10 likelihood ratio.

    llr, log10_fmr: ascending likelihood ratios and the log10 of the false match rate there,
    straight lines between them. tail_scale, tail_shape: beyond the last of them, a generalised
    Pareto distribution of what lies over it (peaks over threshold: Coles, "An Introduction to
    Statistical Modeling of Extreme Values", 2001, section 4.2).
    """

    llr: F64
    log10_fmr: F64
    tail_scale: float
    tail_shape: float

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Nulls:
        """From the form that is written in calibration.json."""
        return cls(
            np.array(table["llr"], np.float64),
            np.array(table["log10_fmr"], np.float64),
            table["tail_scale"],
            table["tail_shape"],
        )

    def significance(self, llr: Any) -> F64:
        """-log10 of the false match rate at each likelihood ratio: 0 for any, 6 for one in a
        million. Past the data (about 5) it is the tail's extrapolation."""
        ratio = np.asarray(llr, np.float64)
        inside = np.interp(ratio, self.llr, self.log10_fmr)
        over = np.maximum(ratio - self.llr[-1], 0) / self.tail_scale
        shape = self.tail_shape  # at 0 the exponential distribution is the limit
        beyond = np.log1p(shape * over) / shape if shape > 0 else over
        return np.asarray(beyond / np.log(10) - inside, np.float64)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted for one extractor. with_ridges, without: the weights of the evidence where ridges
    could be compared, and where not. nulls: of the likelihood ratios. fitted_on: the data.
    digest: 8 hex digits over all of it, "" where it is not shipped.
    """

    with_ridges: Weights
    without: Weights
    nulls: Nulls
    fitted_on: str
    digest: str = ""

    def __str__(self) -> str:
        return f"shipped, fitted on {self.fitted_on}"

    def llr(self, found: Comparison) -> F64:
        """log10 likelihood ratio, mated over non-mated, of each comparison: float64 (B,)."""
        return weighing.weigh(found, self.with_ridges, self.without)

    def significance(self, llr: Any, fingers: int = 1) -> F64:
        """-log10 of the share of non-mated persons for whom the sum of the clipped likelihood
        ratios of so many fingers is as high as `llr`; one finger's is not clipped."""
        if fingers == 1:
            return self.nulls.significance(llr)
        grid, level = _sums(self.nulls, fingers)
        return np.asarray(np.interp(llr, grid, level), np.float64)


@functools.lru_cache(maxsize=64)
def _sums(nulls: Nulls, fingers: int) -> tuple[F64, F64]:
    """Sums of so many clipped likelihood ratios of non-mates, and -log10 of the share that is as
    high: the distribution of one finger, convolved with itself (non-mated fingers are independent).
    """
    one = np.arange(LEAST, MOST + STEP / 2, STEP)
    reached = 10 ** -nulls.significance(one)
    reached[0] = 1  # what is lower is clipped
    share = -np.diff(np.append(reached, 0))
    total = share
    for _ in range(fingers - 1):
        total = np.convolve(total, share)
    grid: F64 = fingers * LEAST + STEP * np.arange(len(total), dtype=np.float64)
    return grid, np.asarray(-np.log10(np.cumsum(total[::-1])[::-1]), np.float64)


@functools.cache
def load(extractor: str) -> Calibration:
    """The calibration that ships for an extractor; SettingsError where there is none."""
    text = resources.files("engine.matching").joinpath("calibration.json").read_text("utf-8")
    fitted = json.loads(text).get(extractor)
    if fitted is None:
        raise SettingsError(f"there is no calibration for the extractor {extractor!r}")
    with_ridges, without = (Weights(**fitted[name]) for name in ("with_ridges", "without"))
    nulls, digest = Nulls.from_table(fitted["nulls"]), hashlib.sha256(json.dumps(fitted).encode())
    return Calibration(with_ridges, without, nulls, fitted["fitted_on"], digest.hexdigest()[:8])
