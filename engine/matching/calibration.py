"""Says what a comparison score means: how rare among non-mated comparisons, how strong for mates.

Both are fitted on prints that the project makes itself (scripts/fit_calibration.py) and stand in
calibration.json with the data they come from.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from engine.errors import SettingsError
from engine.types import F64


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted for one extractor.

    scores, log10_fmr: ascending comparison scores and the log10 of the false match rate at each,
    straight lines between them. tail_scale, tail_shape: beyond the last of them, a generalised
    Pareto distribution of what lies over it (peaks over threshold: Coles, "An Introduction to
    Statistical Modeling of Extreme Values", 2001, section 4.2). llr_offset, llr_slope: log10
    likelihood ratio over the significance, by logistic regression; clipped to ± llr_limit.
    fitted_on: the data, in words.
    """

    scores: F64
    log10_fmr: F64
    tail_scale: float
    tail_shape: float
    llr_offset: float
    llr_slope: float
    llr_limit: float
    fitted_on: str

    def significance(self, scores: Any) -> F64:
        """-log10 of the false match rate at each comparison score: 0 for any, 6 for one in a
        million. Past the data (about 5) it is the tail's extrapolation."""
        score = np.asarray(scores, np.float64)
        inside = np.interp(score, self.scores, self.log10_fmr)
        over = np.maximum(score - self.scores[-1], 0) / self.tail_scale
        shape = self.tail_shape  # at 0 the exponential distribution is the limit
        beyond = np.log1p(shape * over) / shape if shape > 0 else over
        return np.asarray(beyond / np.log(10) - inside, np.float64)

    def llr(self, scores: Any) -> F64:
        """log10 likelihood ratio, mated over non-mated, of each comparison score."""
        ratio = self.llr_offset + self.llr_slope * self.significance(scores)
        return np.asarray(np.clip(ratio, -self.llr_limit, self.llr_limit), np.float64)


def threshold(fpir: float, persons: int) -> float:
    """The significance that a non-mated search of `persons` passes with probability `fpir`.

    FPIR(N) = 1 - (1 - FMR)^N (ISO/IEC 19795-1): independent comparisons, and N the gallery's
    size, not the shortlist's, because the shortlist keeps the hardest non-mates.
    Raises SettingsError for a rate outside 0..1.
    """
    if not 0 < fpir < 1:
        raise SettingsError(f"a false positive rate must be between 0 and 1, not {fpir}")
    return float(-np.log10(-np.expm1(np.log1p(-fpir) / max(persons, 1))))


@functools.cache
def load(extractor: str) -> Calibration:
    """The calibration that ships for an extractor; SettingsError where there is none."""
    text = resources.files("engine.matching").joinpath("calibration.json").read_text("utf-8")
    fitted = json.loads(text).get(extractor)
    if fitted is None:
        raise SettingsError(f"there is no calibration for the extractor {extractor!r}")
    return Calibration(
        scores=np.array(fitted["scores"], np.float64),
        log10_fmr=np.array(fitted["log10_fmr"], np.float64),
        tail_scale=fitted["tail_scale"],
        tail_shape=fitted["tail_shape"],
        llr_offset=fitted["llr_offset"],
        llr_slope=fitted["llr_slope"],
        llr_limit=fitted["llr_limit"],
        fitted_on=fitted["fitted_on"],
    )
