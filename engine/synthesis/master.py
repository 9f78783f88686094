"""Grows the ridges of one finger out of noise; its minutiae emerge and are read off the phase."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from engine.errors import SettingsError
from engine.settings import MasterSettings, SynthesisSettings
from engine.synthesis.field import Fields, orientation
from engine.synthesis.noise import blur, clouds, draw_lines
from engine.synthesis.patterns import Pattern, draw_fields
from engine.synthesis.truth import read_minutiae
from engine.types import F32, U8, Minutiae
from kernels import backend, oriented

_PORE = 0.9  # px, sigma of a pore


@dataclass(frozen=True, slots=True)
class Master:
    """One finger. pixels: uint8 H×W at 500 ppi, ridges dark, a smooth relief and not yet a print.

    minutiae: the truth, px from the top left; the middle of the picture is the origin of the finger
    frame (see `field`). theta: float32 H×W rad in [0, π), along the ridges. period: float32 H×W px.
    field: the one orientation field, from which theta comes.
    """

    pixels: U8
    minutiae: Minutiae
    theta: F32
    period: F32
    field: Fields

    @property
    def pattern(self) -> Pattern:
        """The class of the finger."""
        return Pattern(int(self.field.pattern[0]))


def make_master(seed: int | np.random.Generator, settings: SynthesisSettings) -> Master:
    """One random finger; the same seed gives the same finger.

    SFinGe's method (Cappelli, Maio & Maltoni, ICPR 2002): every pixel has its own Gabor filter,
    along the orientation field and at the local ridge frequency, and noise is filtered until it
    saturates. Where waves of different phase meet, minutiae remain. SettingsError where
    `MasterSettings.device` is "gpu" without a GPU.
    """
    rng = np.random.default_rng(seed)
    master = settings.master
    shape = (master.height, master.width)
    field = draw_fields(1, rng, settings.flow)
    x, y = finger_frame(shape)
    theta = orientation(field, x.reshape(1, -1), y.reshape(1, -1)).reshape(shape)
    period = _periods(y, rng, master)
    ridges = _grow(theta, period, rng, master)
    minutiae = read_minutiae(ridges, theta, period, field, master)
    pixels = np.rint(127.5 - 127.5 * np.clip(_skin(ridges, rng, master), -1, 1)).astype(np.uint8)
    return Master(pixels, minutiae, np.mod(theta, np.float32(np.pi)), period, field)


def finger_frame(shape: tuple[int, int]) -> tuple[F32, F32]:
    """x and y of every pixel (H×W) in the finger frame, whose origin is mid-picture."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return x - (width - 1) / 2, y - (height - 1) / 2


def _periods(y: F32, rng: np.random.Generator, settings: MasterSettings) -> F32:
    """Ridge period in px: wider towards the crease of the joint, with slow random changes."""
    slow = clouds(y.shape, settings.period_patch, rng)
    own = rng.normal(settings.period, settings.period_sd)
    down = 2 * y / y.shape[0]
    period = own * (1 + settings.period_slow * slow + settings.period_down * down)
    return np.clip(period, *settings.period_limits).astype(np.float32)


def _grow(theta: F32, period: F32, rng: np.random.Generator, settings: MasterSettings) -> F32:
    """The relief, H×W: about 1 on the crests of ridges, -1 in the valleys."""
    noise = rng.standard_normal(theta.shape, np.float32)
    how = oriented.Growing(settings.reach, settings.bandwidth, settings.gain, settings.rounds)
    xp = _resolve(settings.device)
    noise, theta, period = (backend.move(each[None], xp) for each in (noise, theta, period))
    response = backend.move(oriented.grow(noise, theta, period, how), np)[0]
    # The last response is smooth where tanh is square; its height is made even over the finger.
    strength = blur(np.abs(response), settings.period)
    relief: F32 = np.divide(response, np.maximum(strength, 1e-6), dtype=np.float32)
    return relief * np.float32(2 / np.pi)


def _resolve(device: str) -> ModuleType:
    try:
        return backend.resolve(device)
    except RuntimeError as error:
        raise SettingsError(str(error)) from error


def _skin(ridges: F32, rng: np.random.Generator, settings: MasterSettings) -> F32:
    """The relief with what the skin has for life: pores along the crests, and creases."""
    crest = np.flatnonzero(ridges.reshape(-1) > 0.9)
    pores = np.zeros_like(ridges)
    at = rng.choice(crest, min(len(crest), int(settings.pores * ridges.size)), replace=False)
    pores.reshape(-1)[at] = rng.uniform(*settings.pore_depth, len(at))
    pores = blur(pores, _PORE) * (2 * np.pi * _PORE**2)
    lines = draw_lines(
        ridges.shape, rng, settings.creases, settings.crease_length, settings.crease_width
    )
    return ridges - pores - 2 * lines
