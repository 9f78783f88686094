"""Distorts a finger as a sensor does: skin that grips in the middle and gives way around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.settings import PressSettings
from engine.types import F32

_LEVER = 3.0  # px from a point to the one that shows how its direction turns


@dataclass(frozen=True, slots=True)
class Press:
    """n presses as a struct of arrays in the finger frame (see `field`), each float32 (n, 1).

    x, y: px, middle of the part that grips. width, height: px, its half axes. pull_x, pull_y: px,
    traction. twist: rad, torsion, counter-clockwise. elasticity: grip radii over which the skin
    gives way. wide, tall, lean: the linear part that pressure adds, shares of the size.
    """

    x: F32
    y: F32
    width: F32
    height: F32
    pull_x: F32
    pull_y: F32
    twist: F32
    elasticity: F32
    wide: F32
    tall: F32
    lean: F32


def draw_presses(count: int, rng: np.random.Generator, settings: PressSettings) -> Press:
    """`count` random presses."""

    def normal(sd: float) -> F32:
        return sd * rng.standard_normal((count, 1), np.float32)

    def between(limits: tuple[float, float]) -> F32:
        low, high = limits
        return low + (high - low) * rng.random((count, 1), np.float32)

    return Press(
        x=normal(settings.grip_sd[0]),
        y=normal(settings.grip_sd[1]),
        width=between(settings.grip_width),
        height=between(settings.grip_height),
        pull_x=normal(settings.traction_sd),
        pull_y=normal(settings.traction_sd),
        twist=normal(settings.torsion_sd),
        elasticity=between(settings.elasticity),
        wide=normal(settings.stretch_sd),
        tall=normal(settings.stretch_sd),
        lean=normal(settings.stretch_sd),
    )


def displace(press: Press, x: F32, y: F32) -> tuple[F32, F32]:
    """Where the points x, y (n, m) px of the finger come to lie under each of the n presses.

    Cappelli, Maio & Maltoni, "Modelling plastic distortion in fingerprint images" (ICAPR 2001):
    nothing moves inside an ellipse, everything by traction and torsion far outside, and a raised
    cosine brakes in between. A linear stretch is added for the pressure.
    """
    dx, dy = x - press.x, y - press.y
    outside = np.hypot(dx / press.width, dy / press.height) - 1
    loose = 0.5 - 0.5 * np.cos(np.pi * np.clip(outside / press.elasticity, 0, 1))
    cos, sin = np.cos(press.twist), np.sin(press.twist)
    away_x = press.pull_x + (cos - 1) * dx + sin * dy
    away_y = press.pull_y - sin * dx + (cos - 1) * dy
    moved_x = x + loose * away_x + press.wide * x + press.lean * y
    moved_y = y + loose * away_y + press.tall * y
    return moved_x, moved_y


def carry(press: Press, x: F32, y: F32, angle: F32) -> tuple[F32, F32, F32]:
    """Points x, y (n, m) px with a direction (rad) under each of the n presses: where they come to
    lie, and which way they point there."""
    cos: F32 = np.cos(angle)
    sin: F32 = np.sin(angle)
    moved_x, moved_y = displace(press, x, y)
    tip_x, tip_y = displace(press, x + _LEVER * cos, y - _LEVER * sin)
    return moved_x, moved_y, np.arctan2(moved_y - tip_y, tip_x - moved_x)
