"""The classical extractor: minutiae from the phase of the enhanced ridges."""

from __future__ import annotations

import numpy as np

from engine.minutiae import dislocations, filtering
from engine.settings import GaborSettings
from engine.trace import SILENT, Trace
from engine.types import F32, FingerImage, Minutiae, MinutiaKind, RidgeMap, Wave

VERSION = 1  # of the minutiae it finds; engine.pipeline writes it into every template


def detect(
    image: FingerImage,
    ridges: RidgeMap,
    wave: Wave,
    settings: GaborSettings,
    trace: Trace = SILENT,
) -> Minutiae:
    """The minutiae of `image`, best quality first; quality is the probability in per cent.

    ridges, wave: from `preprocess.enhance` and `preprocess.wave`.
    """
    step = wave.step
    every = dislocations.find(wave)
    trace.show("minutiae.dislocations", every)
    found, probability = filtering.keep(every, wave, ridges, settings)
    # The line that begins here is dark ahead and light behind: a ridge ends; else a valley does.
    line, gap = (found.ahead(wave.real, way * settings.kind / step) for way in (1, -1))
    kind = np.where(line < gap, MinutiaKind.ENDING, MinutiaKind.BIFURCATION)
    row, column = found.move(-settings.setback / step)
    minutiae = Minutiae(
        _place(column, step, image.pixels.shape[1]),
        _place(row, step, image.pixels.shape[0]),
        found.angle,
        kind.astype(np.uint8),
        np.rint(100 * probability).astype(np.uint8),
    )
    best = np.argsort(-probability, kind="stable")
    best = best[probability[best] >= settings.min_probability]
    trace.show("minutiae.gabor", lambda: minutiae.take(best))
    return minutiae.take(best)


def _place(pixel: F32, step: int, length: int) -> F32:
    """A place of the wave, in px at 500 ppi, inside the image."""
    half = np.float32(0.5)
    return np.clip((pixel + half) * np.float32(step) - half, 0, np.float32(length - 1))
