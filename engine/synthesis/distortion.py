"""Distorts a finger as a sensor does: skin that grips in the middle and gives way around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.settings import PressSettings, RollSettings
from engine.synthesis.noise import between
from engine.types import F32

_LEVER = 3.0  # px from a point to the one that shows how its direction turns


@dataclass(frozen=True, slots=True)
class Roll:
    """n rolls as a struct of arrays in the finger frame, each float32 (n, 1).

    stretch: share of the width. wave: px, amplitude of the slip from column to column. pace:
    rad/px, its wave number. phase: rad. slant: px down for each px to the right. arc: 1/px,
    curvature of the path. shear: px to the right for each px down. taper: 1/px, growth of the
    stretch on the way down.
    """

    stretch: F32
    wave: F32
    pace: F32
    phase: F32
    slant: F32
    arc: F32
    shear: F32
    taper: F32


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
    roll: Roll | None = None


def draw_presses(count: int, rng: np.random.Generator, settings: PressSettings) -> Press:
    """`count` random presses."""

    def normal(sd: float) -> F32:
        return sd * rng.standard_normal((count, 1), np.float32)

    one = (count, 1)
    return Press(
        x=normal(settings.grip_sd[0]),
        y=normal(settings.grip_sd[1]),
        width=between(settings.grip_width, one, rng),
        height=between(settings.grip_height, one, rng),
        pull_x=normal(settings.traction_sd),
        pull_y=normal(settings.traction_sd),
        twist=normal(settings.torsion_sd),
        elasticity=between(settings.elasticity, one, rng),
        wide=normal(settings.stretch_sd),
        tall=normal(settings.stretch_sd),
        lean=normal(settings.stretch_sd),
    )


def draw_rolls(count: int, rng: np.random.Generator, settings: RollSettings) -> Roll:
    """`count` random rolls."""

    def normal(sd: float, mean: float = 0.0) -> F32:
        return mean + sd * rng.standard_normal((count, 1), np.float32)

    return Roll(
        stretch=normal(settings.stretch_sd, settings.stretch),
        wave=normal(settings.wave_sd),
        pace=np.float32(2 * np.pi) / between(settings.wave_length, (count, 1), rng),
        phase=between((-np.pi, np.pi), (count, 1), rng),
        slant=normal(settings.slant_sd),
        arc=normal(settings.arc_sd),
        shear=normal(settings.shear_sd),
        taper=normal(settings.taper_sd),
    )


def displace(press: Press, x: F32, y: F32) -> tuple[F32, F32]:
    """Where the points x, y (n, m) px of the finger come to lie under each of the n presses.

    Cappelli, Maio & Maltoni, "Modelling plastic distortion in fingerprint images" (ICAPR 2001):
    nothing moves inside an ellipse, everything by traction and torsion far outside, and a raised
    cosine brakes in between. A linear stretch is added for the pressure, and `_slip` for a roll.
    """
    dx, dy = x - press.x, y - press.y
    outside = np.hypot(dx / press.width, dy / press.height) - 1
    loose = 0.5 - 0.5 * np.cos(np.pi * np.clip(outside / press.elasticity, 0, 1))
    cos, sin = np.cos(press.twist), np.sin(press.twist)
    away_x = press.pull_x + (cos - 1) * dx + sin * dy
    away_y = press.pull_y - sin * dx + (cos - 1) * dy
    moved_x = x + loose * away_x + press.wide * x + press.lean * y
    moved_y = y + loose * away_y + press.tall * y
    if press.roll is None:
        return moved_x, moved_y
    slip_x, slip_y = _slip(press.roll, x, y)
    return moved_x + slip_x, moved_y + slip_y


def carry(press: Press, x: F32, y: F32, angle: F32) -> tuple[F32, F32, F32]:
    """Points x, y (n, m) px with a direction (rad) under each of the n presses: where they come to
    lie, and which way they point there."""
    cos: F32 = np.cos(angle)
    sin: F32 = np.sin(angle)
    moved_x, moved_y = displace(press, x, y)
    tip_x, tip_y = displace(press, x + _LEVER * cos, y - _LEVER * sin)
    return moved_x, moved_y, np.arctan2(moved_y - tip_y, tip_x - moved_x)


def _slip(roll: Roll, x: F32, y: F32) -> tuple[F32, F32]:
    """How far a roll carries the points x, y (n, m) px besides the press.

    The project's own model, of the first order: columns come down one after another, so they are
    stretched across, unevenly where the pace changes; the line of contact runs off at an angle and,
    on a cone, along an arc; rows are sheared, and rolled further towards the thick end.
    """
    across = roll.stretch + roll.taper * y
    uneven = roll.wave * np.sin(roll.pace * x + roll.phase)
    return across * x + uneven + roll.shear * y, roll.slant * x + roll.arc * x * x
