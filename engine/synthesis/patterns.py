"""Draws the orientation fields of random fingers, in every pattern class."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from engine.settings import FieldSettings
from engine.synthesis.field import Fields, orientation
from engine.types import F32, U8

_FAR_BELOW = 400.0  # px under the middle of the finger, where every finger's ridges run level
_TIP = -210.0  # px, where they do so again


class Pattern(IntEnum):
    """The classes of Henry as NIST groups them; the loops open to the side they are named after."""

    ARCH = 0
    TENTED_ARCH = 1
    LEFT_LOOP = 2
    RIGHT_LOOP = 3
    WHORL = 4


def draw_fields(count: int, rng: np.random.Generator, settings: FieldSettings) -> Fields:
    """`count` random fields, classes in the proportions of `settings.proportions`.

    Zero-pole model (Sherlock & Monro 1993) with a smooth angular correction in the spirit of
    Vizcaya & Gerhardt (1996), a dome of arcs, which is all that plain arches have (after SFinGe,
    Handbook of Fingerprint Recognition, chapter on synthetic fingerprints), and a slow
    perturbation over all.
    """
    share = np.asarray(settings.proportions)
    pattern = rng.choice(len(Pattern), count, p=share / share.sum()).astype(np.uint8)
    core, delta = _singularities(pattern, rng, settings)
    pairs = np.select([pattern == Pattern.ARCH, pattern == Pattern.WHORL], [0, 2], 1)
    bend = rng.normal(0.0, settings.bend_sd, (count, 2)) * np.exp(
        1j * rng.uniform(-np.pi, np.pi, (count, 2))
    )
    rise = np.select(
        [pattern == Pattern.ARCH, pattern == Pattern.WHORL],
        [rng.uniform(*settings.arch_rise, count), rng.uniform(*settings.whorl_rise, count)],
        rng.uniform(*settings.dome_rise, count),
    )
    width = rng.uniform(*settings.dome_width, count)
    foot = rng.normal(settings.dome_foot, settings.dome_foot_sd, count)
    fade = rng.uniform(*settings.dome_fade, count)
    dome = np.stack([rise, width, foot, fade], axis=1)
    shape = (count, settings.waves)
    wave = (2 * np.pi / rng.uniform(*settings.wave_length, shape)) * np.exp(
        1j * rng.uniform(-np.pi, np.pi, shape)
    )
    sway = np.stack(
        [rng.normal(0.0, settings.wave_sd, shape), rng.uniform(-np.pi, np.pi, shape)], axis=2
    )
    still = Fields(
        pattern,
        core.astype(np.complex64),
        delta.astype(np.complex64),
        pairs.astype(np.uint8),
        bend[:, 0].astype(np.complex64),
        bend[:, 1].astype(np.complex64),
        rng.uniform(*settings.hook, count).astype(np.float32),
        dome.astype(np.float32),
        np.zeros((count, 2), np.float32),
        wave.astype(np.complex64),
        np.zeros((*shape, 2), np.float32),
    )
    return replace(still, level=_level(still), sway=sway.astype(np.float32))


def _level(still: Fields) -> F32:
    """The turn (n, 2) in rad that makes ridges level far below the deltas, and at the tip."""
    middle = np.zeros((len(still), 2), np.float32)
    ends = np.tile(np.array([_FAR_BELOW, _TIP], np.float32), (len(still), 1))
    turn: F32 = -orientation(still, middle, ends)
    # Of the ways to turn modulo π, the two ends take those that are next to each other.
    turn[:, 1] = turn[:, 0] + np.mod(turn[:, 1] - turn[:, 0] + np.pi / 2, np.pi) - np.pi / 2
    return turn


def _singularities(
    pattern: U8, rng: np.random.Generator, settings: FieldSettings
) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.complex128]]:
    """Cores and deltas (n, 2), px, y up, where anatomy puts them: in loops one pair, in whorls two,
    the upper core first, in tented arches a delta right below the core."""
    n = len(pattern)

    def around(middle: complex, sd: complex) -> npt.NDArray[np.complex128]:
        return middle + rng.normal(0.0, sd.real, n) + 1j * rng.normal(0.0, sd.imag, n)

    core = np.zeros((n, 2), np.complex128)
    delta = np.zeros((n, 2), np.complex128)

    core[:, 0] = around(settings.core, settings.core_sd)
    # A left loop opens to the left, so its delta lies on the right.
    beside = around(settings.loop_delta, settings.delta_sd)
    beside = np.where(pattern == Pattern.LEFT_LOOP, beside, -beside.conj())
    below = core[:, 0].real + around(settings.tented_delta, settings.tented_sd)
    delta[:, 0] = np.where(pattern == Pattern.TENTED_ARCH, below, beside)

    double = rng.random(n) < settings.double_share
    gap = np.where(double, settings.double_gap, settings.whorl_gap)
    gap = gap * (1 + np.abs(rng.normal(0.0, settings.gap_sd, n)))
    half = gap * np.exp(1j * (np.pi / 2 + rng.normal(0.0, settings.whorl_tilt_sd, n)))
    whorl = pattern == Pattern.WHORL
    middle = core[whorl, 0]
    core[whorl, 0], core[whorl, 1] = middle + half[whorl], middle - half[whorl]
    right = around(settings.whorl_delta, settings.delta_sd)
    left = -around(settings.whorl_delta, settings.delta_sd).conj()
    delta[whorl, 0], delta[whorl, 1] = left[whorl], right[whorl]
    return core, delta
