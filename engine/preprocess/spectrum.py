"""Looks at the print through overlapping windows and takes the power spectrum of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from engine.settings import PreprocessSettings
from engine.types import F32, Bool


@dataclass(frozen=True, slots=True)
class Waves:
    """The k plane waves of a window's spectrum that lie in the ridge band.

    band: bool, which bins of the window's half spectrum they are. frequency: float32 k, ridges
    per px at 500 ppi. doubled: float32 2×k, cosine and sine of twice the orientation of their
    ridges. taper: float32, the window.
    """

    band: Bool
    frequency: F32
    doubled: F32
    taper: F32


@dataclass(frozen=True, slots=True)
class Spectra:
    """Of h×w windows: power, float32 h×w×k, of the waves; energy, float32 h×w, the mean squared
    contrast under the taper. A wave's share of the energy is power / energy."""

    power: F32
    energy: F32
    waves: Waves


@lru_cache(maxsize=4)
def waves(settings: PreprocessSettings) -> Waves:
    """The waves of the settings' window and band."""
    side = settings.window // settings.scale
    down = scipy.fft.fftfreq(side)[:, None]
    right = scipy.fft.rfftfreq(side)[None, :]
    frequency = np.hypot(down, right) / settings.scale
    lowest, highest = settings.band
    band = (frequency > lowest) & (frequency < highest)
    # Ridges run across the wave; y up, so "down" counts negative.
    along = np.arctan2(-down, right)[band] + np.pi / 2
    slope = np.sin(np.pi * np.arange(side) / side) ** 2
    return Waves(
        band,
        frequency[band].astype(np.float32),
        np.stack([np.cos(2 * along), np.sin(2 * along)]).astype(np.float32),
        np.outer(slope, slope).astype(np.float32),
    )


def measure(contrast: F32, settings: PreprocessSettings) -> Spectra:
    """The spectra of Hann windows every `hop` px, centred on the hops' own centres.

    contrast: float32, from `contrast.equalise`. Short-time Fourier analysis as in Chikkerur,
    Cartwright & Govindaraju, Pattern Recognition 40 (2007), without its inverse.
    """
    wave = waves(settings)
    side, hop = len(wave.taper), settings.hop // settings.scale
    height, width = contrast.shape
    rows, columns = -(-height // hop), -(-width // hop)
    padded = np.zeros(((rows - 1) * hop + side, (columns - 1) * hop + side), np.float32)
    start = (side - hop) // 2
    inner = padded[start : start + height, start : start + width]
    inner[:] = contrast[: inner.shape[0], : inner.shape[1]]
    windows = sliding_window_view(padded, (side, side))[::hop, ::hop] * wave.taper
    spectrum = scipy.fft.rfft2(windows, axes=(2, 3))[:, :, wave.band]
    power = spectrum.real**2 + spectrum.imag**2
    # Parseval: all bins of a half spectrum together make the energy.
    scale = np.float32(2 / (side * side * float((wave.taper**2).sum())))
    energy = np.einsum("hwij,hwij->hw", windows, windows) / np.float32((wave.taper**2).sum())
    return Spectra(power * scale, energy, wave)
