"""Reads the enhanced print as a wave: at every pixel an amplitude and a phase across the ridges."""

from __future__ import annotations

import cv2
import numpy as np

from engine.preprocess import grid, orientation
from engine.settings import PreprocessSettings
from engine.types import ENHANCED_MIDDLE, ENHANCED_SWING, F32, RidgeMap, Wave


def read(ridges: RidgeMap, settings: PreprocessSettings) -> Wave:
    """The wave of an enhanced image, at the working scale.

    Its band is narrow, so its quadrature is the slope across the ridges over -2πf (the Riesz
    transform of Felsberg & Sommer, IEEE Trans. Signal Processing 49, 2001, along one direction).
    Raises ValueError when `ridges` hold no enhanced image.
    """
    if ridges.enhanced is None:
        raise ValueError("a wave is read from the enhanced image: enhance the ridges first")
    step = settings.scale
    shape = tuple(grid.blocks(length, step) for length in ridges.enhanced.shape)
    small = grid.gather(ridges.enhanced.astype(np.float32), step, shape)
    real = (small - ENHANCED_MIDDLE) / np.float32(ENHANCED_SWING)
    along = orientation.spread(ridges.orientation, ridges.block // step, shape)
    frequency = grid.spread(_known(ridges), ridges.block // step, shape)
    right = np.asarray(cv2.Sobel(real, cv2.CV_32F, 1, 0, scale=1 / 8), np.float32)
    down = np.asarray(cv2.Sobel(real, cv2.CV_32F, 0, 1, scale=1 / 8), np.float32)
    # Across the ridges, a quarter turn on: (cos, sin) becomes (-sin, cos), with y up.
    slope = -right * np.sin(along) - down * np.cos(along)
    imaginary = -slope / (np.float32(2 * np.pi * step) * frequency)
    return Wave(real, imaginary, np.hypot(real, imaginary), along, frequency, step)


def _known(ridges: RidgeMap) -> F32:
    """The frequency of every block; outside the mask the mean within it."""
    known = ridges.frequency[ridges.mask]
    usual = known.mean() if known.size else np.float32(0.1)
    return np.where(ridges.mask, ridges.frequency, usual)
