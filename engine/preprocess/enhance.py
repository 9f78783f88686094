"""Redraws the ridges along their own direction and frequency, so that noise and gaps vanish."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.preprocess import filters, grid, orientation
from engine.preprocess.contrast import equalise
from engine.settings import PreprocessSettings
from engine.trace import SILENT, Trace
from engine.types import ENHANCED_MIDDLE, ENHANCED_SWING, F32, U8, FingerImage, RidgeMap


def enhance(
    image: FingerImage, ridges: RidgeMap, settings: PreprocessSettings, trace: Trace = SILENT
) -> RidgeMap:
    """`ridges` with an enhanced image, and with the orientation measured again on it.

    enhanced: uint8 H×W, ridges dark, ENHANCED_MIDDLE ± ENHANCED_SWING gray levels for contrast ±1,
    so that faint ridges stay faint; the middle outside the mask. Contextual filtering (Hong, Wan &
    Jain, IEEE PAMI 20, 1998), between two banks on either side of the print's mean frequency.
    """
    contrast = equalise(image.pixels, settings)
    side = settings.block // settings.scale
    closeness = _logarithm(ridges, settings)
    known = closeness[ridges.mask]
    usual = known.mean() if known.size else closeness.mean()
    half = np.log(settings.filter_ratio) / 2
    wide, narrow = (
        filters.respond(contrast, float(np.exp(usual + step)), settings) for step in (-half, half)
    )
    share = np.clip((closeness - usual + half) / (2 * half), 0, 1).astype(np.float32)
    share = grid.spread(share, side, contrast.shape)

    field = orientation.spread(ridges.orientation, side, contrast.shape)
    drawn = filters.choose(wide, narrow, share, field)
    for _ in range(settings.refinements):
        field = orientation.refine(drawn, settings.refine_sd / settings.scale)
        drawn = filters.choose(wide, narrow, share, field)
    enhanced = _develop(drawn, ridges, image.pixels.shape, settings)
    trace.show("preprocess.enhanced", enhanced)
    again = orientation.gather(field, side, ridges.mask.shape)
    return replace(ridges, orientation=again, enhanced=enhanced)


def _logarithm(ridges: RidgeMap, settings: PreprocessSettings) -> F32:
    """Logarithm of the frequency of every block, smoothed; going on outside the mask."""
    known = ridges.quality + np.float32(1e-6)
    frequency = np.log(np.where(ridges.mask, ridges.frequency, 0.1)).astype(np.float32)
    weight = grid.smooth(known, settings.frequency_blur)
    return grid.smooth(known * frequency, settings.frequency_blur) / weight


def _develop(
    drawn: F32, ridges: RidgeMap, shape: tuple[int, ...], settings: PreprocessSettings
) -> U8:
    full = grid.spread(drawn, settings.scale, shape)
    gray = np.clip(ENHANCED_MIDDLE + ENHANCED_SWING * full, 0, 255).round().astype(np.uint8)
    mask = ridges.mask.repeat(ridges.block, axis=0).repeat(ridges.block, axis=1)
    return np.where(mask[: shape[0], : shape[1]], gray, np.uint8(ENHANCED_MIDDLE))
