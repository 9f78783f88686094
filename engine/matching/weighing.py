"""Weighs all the evidence of a comparison: the log10 likelihood ratio, mated over non-mated.

Logistic regression over few sub-scores, each of which moves one way only (Pigeon, Druyts and
Verlinde, "Applying logistic regression to the fusion of the NIST'99 1-speaker submissions",
Digital Signal Processing 10, 2000, for the method). The numbers come from scripts/fit_matching.py
and stand in calibration.json with their data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.matching.comparison import Comparison
from engine.types import F64

# Below these a sub-score says no more: the logarithms stay finite, and chance agreement of the
# ridges (0.18 on average, 0.3 at most in one of ten) counts neither way.
PAIRING_FLOOR = 0.01
LIKENESS_FLOOR = 0.3
CHANCE = 0.18  # coherence of ridges that have nothing to do with each other
CHANCE_CELLS = 30  # as many cells of chance are mixed in: a small overlap proves little
CLEAR, SOFTNESS = 0.3, 0.04  # coherence counts from here on, and how gradually it begins to

FEATURES = ("pairing", "agreement", "likeness", "minutiae", "coherence")


@dataclass(frozen=True, slots=True)
class Weights:
    """log10 likelihood ratio = bias + the sum of each weight times its feature. coherence is 0 in
    the weights for prints that have no ridges to compare."""

    bias: float
    pairing: float = 0.0
    agreement: float = 0.0
    likeness: float = 0.0
    minutiae: float = 0.0
    coherence: float = 0.0


def features(found: Comparison) -> F64:
    """The sub-scores as the model adds them up: float64 (5, B), rows as in FEATURES.

    Logarithms of the pairing score and of the likeness met; the share of the expected minutiae that
    met, of both prints (geometric mean); the logarithm of the number of minutiae, against which
    chance has to be judged; and the ridges' coherence over chance.
    """
    expected = (found.expected_probe + 1.0) * (found.expected_candidate + 1.0)
    cells = found.cells.astype(np.float64)
    coherence = (found.coherence * cells + CHANCE * CHANCE_CELLS) / (cells + CHANCE_CELLS)
    return np.stack(
        [
            np.log(found.pairing + PAIRING_FLOOR, dtype=np.float64),
            found.met / np.sqrt(expected),
            np.log(found.likeness + LIKENESS_FLOOR, dtype=np.float64),
            np.log(np.maximum(found.minutiae, 1), dtype=np.float64),
            SOFTNESS * np.logaddexp(0, (coherence - CLEAR) / SOFTNESS),
        ]
    )


def weigh(found: Comparison, with_ridges: Weights, without: Weights) -> F64:
    """log10 likelihood ratio of each comparison, float64 (B,), by one or the other model."""
    values = features(found)
    ratio = [
        model.bias + np.array([getattr(model, name) for name in FEATURES]) @ values
        for model in (with_ridges, without)
    ]
    return np.where(found.with_ridges, *ratio)
