"""Says which score a search must reach: thresholds for a stated rate of false positives."""

from __future__ import annotations

import numpy as np

from engine.errors import SettingsError


def threshold(fpir: float, persons: int) -> float:
    """The score that a non-mated search of `persons` passes with probability `fpir`.

    FPIR(N) = 1 - (1 - FMR)^N (ISO/IEC 19795-1): independent comparisons, and N the gallery's
    size, not the shortlist's, because the shortlist keeps the hardest non-mates.
    Raises SettingsError for a rate outside 0..1.
    """
    if not 0 < fpir < 1:
        raise SettingsError(f"a false positive rate must be between 0 and 1, not {fpir}")
    return float(-np.log10(-np.expm1(np.log1p(-fpir) / max(persons, 1))))
