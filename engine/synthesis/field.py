"""Draws orientation fields: which way the ridges of a finger run, in every pattern class.

Finger frame, here and in all of synthesis: px at 500 ppi, origin in the middle of the finger,
x to the right, y down; angles in radians, counter-clockwise as seen (y up), from +x.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from engine.settings import FieldSettings
from engine.types import F32, U8

C64 = npt.NDArray[np.complex64]

_FAR_BELOW = 400.0  # px under the middle of the finger, where every finger's ridges run level


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
    weight: float32 (n, 2), 0 where there is no such pair. bend1, bend2: complex64 (n,), first and
    second harmonic of the angular correction. arch: float32 (n, 4): amplitude (rad), width, middle
    and height (px); amplitude 0 but for plain arches. offset: float32 (n,) rad.
    wave: complex64 (n, k) rad/px, wave vectors of the perturbation; sway: float32 (n, k, 2),
    its amplitude and phase (rad).
    """

    pattern: U8
    core: C64
    delta: C64
    weight: F32
    bend1: C64
    bend2: C64
    arch: F32
    offset: F32
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
    Vizcaya & Gerhardt (1996), an arc model for plain arches as in SFinGe (Handbook of Fingerprint
    Recognition, chapter on synthetic fingerprints), and a slow perturbation over all.
    """
    share = np.asarray(settings.proportions)
    pattern = rng.choice(len(Pattern), count, p=share / share.sum()).astype(np.uint8)
    core, delta, weight = _singularities(pattern, rng, settings)
    bend = rng.normal(0.0, settings.bend_sd, (count, 2)) * np.exp(
        1j * rng.uniform(-np.pi, np.pi, (count, 2))
    )
    arch = np.stack(
        [
            rng.uniform(*settings.arch_rise, count) * (pattern == Pattern.ARCH),
            rng.uniform(*settings.arch_width, count),
            rng.normal(0.0, settings.arch_middle_sd, count),
            rng.uniform(*settings.arch_height, count),
        ],
        axis=1,
    )
    shape = (count, settings.waves)
    wave = (2 * np.pi / rng.uniform(*settings.wave_length, shape)) * np.exp(
        1j * rng.uniform(-np.pi, np.pi, shape)
    )
    sway = np.stack(
        [rng.normal(0.0, settings.wave_sd, shape), rng.uniform(-np.pi, np.pi, shape)], axis=2
    )
    level = Fields(
        pattern,
        core.astype(np.complex64),
        delta.astype(np.complex64),
        weight.astype(np.float32),
        bend[:, 0].astype(np.complex64),
        bend[:, 1].astype(np.complex64),
        arch.astype(np.float32),
        np.zeros(count, np.float32),
        wave.astype(np.complex64),
        np.zeros((*shape, 2), np.float32),
    )
    below = np.full((count, 1), _FAR_BELOW, np.float32)
    offset = -orientation(level, np.zeros_like(below), below)[:, 0]
    return Fields(
        level.pattern,
        level.core,
        level.delta,
        level.weight,
        level.bend1,
        level.bend2,
        level.arch,
        np.where(pattern == Pattern.ARCH, 0, offset).astype(np.float32),
        level.wave,
        sway.astype(np.float32),
    )


def orientation(field: Fields, x: F32, y: F32) -> F32:
    """Ridge orientation in radians, modulo π, at the points x, y (n, m) of each of the n fields."""
    z = x - 1j * y
    theta = np.repeat(field.offset[:, None], x.shape[1], axis=1)
    for pair in range(2):
        for point, sign in ((field.core, 0.5), (field.delta, -0.5)):
            weight = field.weight[:, pair]
            used = np.nonzero(weight)[0]
            if len(used):
                turn = _bent_angle(z[used] - point[used, pair, None], field, used)
                theta[used] += sign * weight[used, None] * turn
    arched = np.nonzero(field.arch[:, 0])[0]
    if len(arched):
        rise, width, middle, height = field.arch[arched].T[:, :, None]
        across = np.sin(np.clip(-x[arched] / width, -np.pi / 2, np.pi / 2))
        theta[arched] += rise * across * np.exp(-np.square((-y[arched] - middle) / height))
    for k in range(field.wave.shape[1]):
        amplitude, phase = field.sway[:, k, 0, None], field.sway[:, k, 1, None]
        wave = field.wave[:, k, None]
        theta += amplitude * np.sin(x * wave.real - y * wave.imag + phase)
    return theta


def turning(field: Fields, x: F32, y: F32, theta: F32, step: float) -> F32:
    """How fast the orientation turns across the ridges, rad/px, from `theta` at x, y (n, m)
    to `step` px on its left: positive where ridges spread in the direction `theta`."""
    across: F32 = step * np.sin(theta)
    up: F32 = step * np.cos(theta)
    beside = orientation(field, x - across, y - up)
    turn: F32 = (np.mod(beside - theta + np.pi / 2, np.pi) - np.pi / 2) / step
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
) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.complex128], npt.NDArray[np.float64]]:
    """Cores and deltas (n, 2), px, y up, and the weight of each pair, where anatomy puts them:
    loops one pair, whorls two, tented arches a delta right below the core, plain arches none."""
    n = len(pattern)

    def around(middle: complex, sd: complex) -> npt.NDArray[np.complex128]:
        return middle + rng.normal(0.0, sd.real, n) + 1j * rng.normal(0.0, sd.imag, n)

    core = np.zeros((n, 2), np.complex128)
    delta = np.zeros((n, 2), np.complex128)
    weight = np.zeros((n, 2))
    weight[:, 0] = pattern != Pattern.ARCH
    weight[:, 1] = pattern == Pattern.WHORL

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
    return core, delta, weight
