"""Evens out brightness and contrast, so that dry, wet and faint ridges all swing between ±1."""

from __future__ import annotations

import numpy as np

from engine.preprocess import grid
from engine.settings import PreprocessSettings
from engine.types import F32, U8


def equalise(pixels: U8, settings: PreprocessSettings) -> F32:
    """Local mean 0 and standard deviation 1 of `pixels`, uint8 H×W, at the working scale.

    Returns float32 ⌈H/scale⌉×⌈W/scale⌉, clipped to ±`contrast_limit`; ridges stay below 0. Where
    contrast is lower than `contrast_floor` gray levels there is nothing but noise: it stays small.
    """
    shape = tuple(grid.blocks(length, settings.scale) for length in pixels.shape)
    small = grid.gather(pixels.astype(np.float32), settings.scale, shape)
    sigma = settings.contrast_sd / settings.scale
    swing = small - grid.smooth(small, sigma)
    spread = np.sqrt(grid.smooth(swing * swing, sigma))
    strongest = float(np.percentile(spread, 90))
    noise = max(settings.contrast_floor, settings.contrast_share * strongest)
    limit = np.float32(settings.contrast_limit)
    return np.clip(swing / (spread + np.float32(noise)), -limit, limit)
