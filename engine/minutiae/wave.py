"""Reads the enhanced print as a wave: at every pixel an amplitude and a phase across the ridges."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.types import ENHANCED_MIDDLE, ENHANCED_SWING, F32, U8, RidgeMap


@dataclass(frozen=True, slots=True)
class Wave:
    """amplitude·cos(phase) is the print, below 0 on ridges: all float32 H×W.

    real, imaginary: the wave. orientation: rad in [0, π), along the ridges, y up; the phase grows
    a quarter turn counter-clockwise from it. step: px at 500 ppi from pixel to pixel.
    """

    real: F32
    imaginary: F32
    amplitude: F32
    orientation: F32
    step: int


def read(ridges: RidgeMap, enhanced: U8, step: int) -> Wave:
    """The wave of an enhanced image, at every `step`-th pixel.

    Its band is narrow, so its quadrature is the slope across the ridges over -2πf (the Riesz
    transform of Felsberg & Sommer, IEEE Trans. Signal Processing 49, 2001, along one direction).
    """
    real = _shrink(enhanced, step)
    orientation, frequency = _pixels(ridges, real.shape, step)
    right = np.asarray(cv2.Sobel(real, cv2.CV_32F, 1, 0, scale=1 / 8), np.float32)
    down = np.asarray(cv2.Sobel(real, cv2.CV_32F, 0, 1, scale=1 / 8), np.float32)
    # Across the ridges, a quarter turn on: (cos, sin) becomes (-sin, cos), with y up.
    slope = -right * np.sin(orientation) - down * np.cos(orientation)
    imaginary = -slope / (np.float32(2 * np.pi) * frequency)
    return Wave(real, imaginary, np.hypot(real, imaginary), orientation, step)


def _shrink(enhanced: U8, step: int) -> F32:
    height, width = enhanced.shape
    whole = cv2.copyMakeBorder(enhanced, 0, -height % step, 0, -width % step, cv2.BORDER_REPLICATE)
    small = cv2.resize(
        whole.astype(np.float32), None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA
    )
    return (np.asarray(small, np.float32) - ENHANCED_MIDDLE) / np.float32(ENHANCED_SWING)


def _pixels(ridges: RidgeMap, shape: tuple[int, ...], step: int) -> tuple[F32, F32]:
    """Orientation, and frequency in ridges per step, of every pixel."""
    known = ridges.frequency[ridges.mask]
    usual = known.mean() if known.size else np.float32(0.1)
    factor = ridges.block // step
    cosine, sine, frequency = (
        np.asarray(cv2.resize(part, None, fx=factor, fy=factor), np.float32)[: shape[0], : shape[1]]
        for part in (
            np.cos(2 * ridges.orientation),
            np.sin(2 * ridges.orientation),
            np.where(ridges.mask, ridges.frequency, usual),
        )
    )
    return np.mod(np.arctan2(sine, cosine) / 2, np.float32(np.pi)), frequency * np.float32(step)
