"""Draws orientation fields: which way the ridges of a finger run, in every pattern class.

Finger frame, here and in all of synthesis: px at 500 ppi, origin in the middle of the finger,
x to the right, y down; angles in radians, counter-clockwise as seen (y up), from +x.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from engine.settings import FieldSettings
from engine.types import F32, U8

C64 = npt.NDArray[np.complex64]

_FAR_BELOW = 400.0  # px under the middle of the finger, where every finger's ridges run level
_TIP = -210.0  # px, where they do so again


class Pattern(IntEnum):
    """The classes of Henry as NIST groups them; the loops open to the side they are named after."""

    ARCH = 0
    TENTED_ARCH = 1
    LEFT_LOOP = 2
    RIGHT_LOOP = 3
    WHORL = 4


@dataclass(frozen=True, slots=True)
class Fields:
    """n orientation fields as a struct of arrays, y up inside (complex numbers).

    pattern: uint8 (n,). core, delta: complex64 (n, 2) px, the zeros and the poles.
    pairs: uint8 (n,), how many of them are used. bend1, bend2: complex64 (n,), first and
    second harmonic of the angular correction. hook: float32 (n,) rad, how much more than a parabola
    ridges turn over an upper core and under a lower one. dome: float32 (n, 4): how ridges
    rise to the middle and fall again above the deltas: the steepest (rad), and px: width, height of
    its foot, and the stretch over which it fades there. level: float32 (n, 2) rad, the turn that
    makes ridges level below the deltas and at the tip.
    wave: complex64 (n, k) rad/px, wave vectors of the perturbation; sway: float32 (n, k, 2),
    its amplitude and phase (rad).
    """

    pattern: U8
    core: C64
    delta: C64
    pairs: U8
    bend1: C64
    bend2: C64
    hook: F32
    dome: F32
    level: F32
    wave: C64
    sway: F32

    def __len__(self) -> int:
        return len(self.pattern)

    def take(self, which: npt.NDArray[np.intp]) -> Fields:
        """The fields at the indices `which`, in that order."""
        return Fields(*(getattr(self, each.name)[which] for each in fields(self)))


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


def orientation(field: Fields, x: F32, y: F32) -> F32:
    """Ridge orientation in radians, modulo π, at the points x, y (n, m) of each of the n fields."""
    z = x - 1j * y
    rise, width, foot, fade = field.dome.T[:, :, None]
    below, above = field.level.T[:, :, None]
    dome = 0.5 - 0.5 * np.tanh((foot + y) / (2 * fade))
    flank = np.sin(np.clip(-x / width, -np.pi / 2, np.pi / 2))
    theta: F32 = below + dome * (above - below + rise * flank)
    for pair, opening in enumerate((field.hook, -field.hook)):
        used = np.flatnonzero(field.pairs > pair)
        if len(used):
            hook = opening[used, None]
            core = _bent_angle(z[used] - field.core[used, pair, None], field, used)
            delta = _bent_angle(z[used] - field.delta[used, pair, None], field, used)
            theta[used] += 0.5 * (core + hook * np.sin(core) - delta)
    for k in range(field.wave.shape[1]):
        amplitude, phase = field.sway[:, k, 0, None], field.sway[:, k, 1, None]
        wave = field.wave[:, k, None]
        theta += amplitude * np.sin(x * wave.real - y * wave.imag + phase)
    return theta


def turning(field: Fields, x: F32, y: F32, theta: F32, step: float) -> F32:
    """How fast the orientation turns across the ridges, rad/px, from `theta` at x, y (n, m)
    to `step` px on its left: positive where ridges spread in the direction `theta`."""
    cos: F32 = np.cos(theta)
    sin: F32 = np.sin(theta)
    beside = orientation(field, x - step * sin, y - step * cos)
    turn: F32 = (np.mod(beside - theta + np.pi / 2, np.pi) - np.pi / 2) / step
    return turn


def _level(still: Fields) -> F32:
    """The turn (n, 2) in rad that makes ridges level far below the deltas, and at the tip."""
    middle = np.zeros((len(still), 2), np.float32)
    ends = np.tile(np.array([_FAR_BELOW, _TIP], np.float32), (len(still), 1))
    turn: F32 = -orientation(still, middle, ends)
    # Of the ways to turn modulo π, the two ends take those that are next to each other.
    turn[:, 1] = turn[:, 0] + np.mod(turn[:, 1] - turn[:, 0] + np.pi / 2, np.pi) - np.pi / 2
    return turn


def _bent_angle(z: C64, field: Fields, used: npt.NDArray[np.intp]) -> F32:
    """The angle of z measured from straight up, with its two harmonics of correction (rad)."""
    angle = np.angle(-1j * z)
    first, second = field.bend1[used, None], field.bend2[used, None]
    bent: F32 = angle + np.abs(first) * np.sin(angle + np.angle(first))
    bent += np.abs(second) * np.sin(2 * angle + np.angle(second))
    return bent


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
