"""Orientation fields: which way the ridges of a finger run, at any point of it.

Finger frame, here and in all of synthesis: px at 500 ppi, origin in the middle of the finger,
x to the right, y down; angles in radians, counter-clockwise as seen (y up), from +x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.types import F32, U8

C64 = npt.NDArray[np.complex64]


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


def _bent_angle(z: C64, field: Fields, used: npt.NDArray[np.intp]) -> F32:
    """The angle of z measured from straight up, with its two harmonics of correction (rad)."""
    angle = np.angle(-1j * z)
    first, second = field.bend1[used, None], field.bend2[used, None]
    bent: F32 = angle + np.abs(first) * np.sin(angle + np.angle(first))
    bent += np.abs(second) * np.sin(2 * angle + np.angle(second))
    return bent
