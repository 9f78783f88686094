"""The classical extractor: minutiae from the phase of the enhanced ridges."""

from __future__ import annotations

import cv2
import numpy as np

from engine.minutiae import dislocations, filtering
from engine.settings import GaborSettings
from engine.trace import SILENT, Trace
from engine.types import F32, U8, FingerImage, Minutiae, MinutiaKind, RidgeMap

VERSION = 1  # of the minutiae it finds


def detect(
    image: FingerImage, ridges: RidgeMap, settings: GaborSettings, trace: Trace = SILENT
) -> Minutiae:
    """The minutiae of `image`, best quality first.

    ridges: from `preprocess.enhance`. Raises ValueError when it holds no enhanced image.
    """
    if ridges.enhanced is None:
        raise ValueError("minutiae are sought in the enhanced image: call preprocess.enhance first")
    step = settings.scale
    swing = _swing(ridges.enhanced, step)
    orientation, frequency = _pixels(ridges, swing.shape, step)
    found = dislocations.find(
        swing,
        orientation,
        frequency,
        lookahead=settings.lookahead / step,
        neighbourhood=settings.amplitude_sd / step,
    )
    trace.show("minutiae.dislocations", found)
    # The point lies amid four pixels of the working scale.
    x = ((found.column + 1) * step - 0.5).astype(np.float32)
    y = ((found.row + 1) * step - 0.5).astype(np.float32)
    keep, sure = filtering.judge(found, x, y, ridges, settings)
    kind = np.where(found.line < 0, MinutiaKind.ENDING, MinutiaKind.BIFURCATION).astype(np.uint8)
    every = Minutiae(x, y, found.angle, kind, np.rint(100 * sure).astype(np.uint8))
    best = np.argsort(-sure, kind="stable")
    minutiae = every.take(best[keep[best]])
    trace.show("minutiae.gabor", minutiae)
    return minutiae


def _swing(enhanced: U8, step: int) -> F32:
    """The enhanced image at the working scale, around 0."""
    height, width = enhanced.shape
    whole = cv2.copyMakeBorder(enhanced, 0, -height % step, 0, -width % step, cv2.BORDER_REPLICATE)
    small = cv2.resize(
        whole.astype(np.float32), None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA
    )
    return (np.asarray(small, np.float32) - np.float32(128)) / np.float32(64)


def _pixels(ridges: RidgeMap, shape: tuple[int, ...], step: int) -> tuple[F32, F32]:
    """Orientation and frequency of every pixel at the working scale."""
    known = ridges.frequency[ridges.mask]
    usual = known.mean() if known.size else np.float32(0.1)
    cosine, sine, frequency = (
        np.asarray(
            cv2.resize(part, None, fx=ridges.block // step, fy=ridges.block // step), np.float32
        )[: shape[0], : shape[1]]
        for part in (
            np.cos(2 * ridges.orientation),
            np.sin(2 * ridges.orientation),
            np.where(ridges.mask, ridges.frequency, usual),
        )
    )
    return np.mod(np.arctan2(sine, cosine) / 2, np.float32(np.pi)), frequency * np.float32(step)
