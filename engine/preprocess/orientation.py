"""Finds the direction of the ridges, first in windows, then again in the enhanced print."""

from __future__ import annotations

import cv2
import numpy as np

from engine.preprocess import grid
from engine.preprocess.spectrum import Spectra
from engine.types import F32


def estimate(spectra: Spectra) -> F32:
    """Orientation of the ridges of every window: float32 h×w rad in [0, π), y up.

    The mean of the waves' doubled angles, weighted with power × frequency². By Parseval's theorem
    that is the averaged squared gradient field (Kass & Witkin 1987; Bazen & Gerez, IEEE PAMI 24,
    2002) of the band-limited window.
    """
    waves = spectra.waves
    doubled = spectra.power @ (waves.doubled * waves.frequency**2).T
    return halve(doubled[..., 0], doubled[..., 1])


def refine(ridges: F32, sigma: float) -> F32:
    """Orientation at every pixel of an enhanced print: float32 H×W rad in [0, π), y up.

    The averaged squared gradients within `sigma` px (Bazen & Gerez 2002, section 3).
    """
    right = np.asarray(cv2.Scharr(ridges, cv2.CV_32F, 1, 0), np.float32)
    down = np.asarray(cv2.Scharr(ridges, cv2.CV_32F, 0, 1), np.float32)
    # Ridges run across the gradient: half a turn further when doubled, hence the signs.
    cosine = grid.smooth(down * down - right * right, sigma)
    sine = grid.smooth(2 * right * down, sigma)
    return halve(cosine, sine)


def spread(orientation: F32, factor: int, shape: tuple[int, ...]) -> F32:
    """The field on a grid `factor` times as fine (see `grid.spread`)."""
    return halve(*(grid.spread(part, factor, shape) for part in _double(orientation)))


def gather(orientation: F32, side: int, shape: tuple[int, ...]) -> F32:
    """The mean field over squares of `side` (see `grid.gather`)."""
    return halve(*(grid.gather(part, side, shape) for part in _double(orientation)))


def halve(cosine: F32, sine: F32) -> F32:
    """The orientation, rad in [0, π), whose doubled angle has this cosine and sine."""
    angle = np.mod(np.arctan2(sine, cosine) / 2, np.float32(np.pi))
    # A tiny negative angle rounds up to π itself.
    return np.where(angle < np.float32(np.pi), angle, np.float32(0))


def _double(orientation: F32) -> tuple[F32, F32]:
    return np.cos(2 * orientation), np.sin(2 * orientation)
