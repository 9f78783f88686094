"""Finds how close the ridges lie, and how much of what is seen they explain."""

from __future__ import annotations

import numpy as np

from engine.preprocess.spectrum import Spectra
from engine.settings import PreprocessSettings
from engine.types import F32


def estimate(spectra: Spectra, orientation: F32, settings: PreprocessSettings) -> tuple[F32, F32]:
    """Ridge frequency and strength of every window.

    orientation: float32 h×w, from `orientation.estimate`. Returns float32 h×w ridges per px, and
    float32 h×w in 0..1: the share of the window's energy that lies with the ridges, in one
    direction at one frequency (1 for a pure wave, about 0.1 for noise, 0 for a blank).
    """
    waves = spectra.waves
    likeness = np.stack([np.cos(2 * orientation), np.sin(2 * orientation)], axis=-1) @ waves.doubled
    # A von Mises weight, in doubled angles: near a Gaussian of angle_width.
    concentration = np.float32(1 / (2 * settings.angle_width) ** 2)
    along = spectra.power * np.exp(concentration * (likeness - 1))
    centres = -np.log(np.geomspace(*settings.periods, settings.period_bins))
    distance = (np.log(waves.frequency)[:, None] - centres) / settings.period_width
    bins = along @ np.exp(-0.5 * distance**2).astype(np.float32)
    weight = bins**2
    middle = (weight @ centres) / np.maximum(weight.sum(axis=-1), np.finfo(np.float32).tiny)
    share = bins.max(axis=-1) / (spectra.energy + settings.energy_floor)
    strength = np.clip(share / settings.pure_peak, 0, 1)
    return np.exp(middle).astype(np.float32), strength.astype(np.float32)
