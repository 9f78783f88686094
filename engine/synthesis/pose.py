"""Lays a finger on a sensor: turns it, shifts it, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.types import F32

_FULL_TURN = np.float32(2 * np.pi)


@dataclass(frozen=True, slots=True)
class Pose:
    """n poses, each float32 (n, 1). turn: rad, counter-clockwise. x, y: px, where on the sensor
    (origin at the top left, y down) the middle of the finger comes to lie."""

    turn: F32
    x: F32
    y: F32


def place(pose: Pose, x: F32, y: F32) -> tuple[F32, F32]:
    """From the finger frame (see `field`) to the sensor, px (n, m)."""
    cos: F32 = np.cos(pose.turn)
    sin: F32 = np.sin(pose.turn)
    return cos * x + sin * y + pose.x, cos * y - sin * x + pose.y


def lift(pose: Pose, x: F32, y: F32) -> tuple[F32, F32]:
    """From the sensor to the finger frame: the inverse of `place`."""
    cos: F32 = np.cos(pose.turn)
    sin: F32 = np.sin(pose.turn)
    x, y = x - pose.x, y - pose.y
    return cos * x - sin * y, cos * y + sin * x


def full_turn(angle: F32) -> F32:
    """The same angles in [0, 2π)."""
    turned = np.mod(angle, _FULL_TURN)
    # The remainder of a tiny negative angle rounds up to a full turn.
    return np.where(turned < _FULL_TURN, turned, np.float32(0))
