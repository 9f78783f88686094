"""The classical extractor: minutiae from the phase of the enhanced ridges."""

from __future__ import annotations

import numpy as np

from engine.minutiae import dislocations, filtering, wave
from engine.settings import GaborSettings
from engine.trace import SILENT, Trace
from engine.types import FingerImage, Minutiae, MinutiaKind, RidgeMap

VERSION = 1  # of the minutiae it finds; engine.pipeline writes it into every template


def detect(
    image: FingerImage, ridges: RidgeMap, settings: GaborSettings, trace: Trace = SILENT
) -> Minutiae:
    """The minutiae of `image`, best quality first; quality is the probability in per cent.

    ridges: from `preprocess.enhance`. Raises ValueError when it holds no enhanced image.
    """
    if ridges.enhanced is None:
        raise ValueError(
            f"{image.source}: minutiae are sought in the enhanced image: enhance the ridges first"
        )
    ridge_wave = wave.read(ridges, ridges.enhanced, settings.scale)
    every = dislocations.find(ridge_wave)
    trace.show("minutiae.dislocations", every)
    found, probability = filtering.keep(every, ridge_wave, ridges, settings)
    # The line more, a little ahead, is a ridge that ends or the valley of a fork.
    line = found.ahead(ridge_wave.real, settings.ahead / settings.scale)
    kind = np.where(line < 0, MinutiaKind.ENDING, MinutiaKind.BIFURCATION)
    minutiae = Minutiae(
        _place(found.column, settings.scale),
        _place(found.row, settings.scale),
        found.angle,
        kind.astype(np.uint8),
        np.rint(100 * probability).astype(np.uint8),
    )
    best = np.argsort(-probability, kind="stable")
    best = best[probability[best] >= settings.min_probability]
    trace.show("minutiae.gabor", lambda: minutiae.take(best))
    return minutiae.take(best)


def _place(pixel: np.ndarray, step: int) -> np.ndarray:
    """Centre of a pixel of the wave, in px at 500 ppi."""
    return ((pixel + 0.5) * step - 0.5).astype(np.float32)
