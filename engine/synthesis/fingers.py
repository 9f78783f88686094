"""Draws the minutiae of fingers, without any picture: where they are and which way they point."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from engine.settings import SynthesisSettings
from engine.synthesis.field import orientation, turning
from engine.synthesis.patterns import draw_fields
from engine.synthesis.pose import full_turn
from engine.types import F32, U8, Bool, MinutiaKind

_TIGHTER = (0.7, 1.4)  # how far distances shrink where minutiae are dense, and grow elsewhere


@dataclass(frozen=True, slots=True)
class Masters:
    """The minutiae of n fingers, padded to M slots, in the finger frame (see `field`).

    x, y: float32 px. angle: float32 rad. kind: uint8 MinutiaKind. valid: a slot that is in use.
    clarity: float32 0..1, how surely a detector finds it. ghost: a place where there is no minutia,
    but where a detector may see one. pattern: uint8 (n,), the class of the finger.
    """

    x: F32
    y: F32
    angle: F32
    kind: U8
    clarity: F32
    ghost: Bool
    valid: Bool
    pattern: U8

    def __len__(self) -> int:
        return len(self.x)


def draw_masters(count: int, rng: np.random.Generator, settings: SynthesisSettings) -> Masters:
    """The minutiae of `count` random fingers.

    New ridges begin where ridges spread: along the normal n of the orientation θ, minutiae must
    make up for (dθ/dn)/λ per px², λ the ridge period. That sets how dense they lie and which of
    the two ways along the ridge they point; places are thinned darts that keep their distance.
    """
    chunk = settings.draw.chunk
    parts = [_masters(min(chunk, count - at), rng, settings) for at in range(0, count, chunk)]
    return Masters(
        *(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Masters))
    )


def _masters(count: int, rng: np.random.Generator, settings: SynthesisSettings) -> Masters:
    draw = settings.draw
    field = draw_fields(count, rng, settings.flow)
    places = draw.darts + draw.ghosts
    radius = np.sqrt(rng.random((count, places), np.float32))
    around = 2 * np.pi * rng.random((count, places), np.float32)
    x = draw.finger_width * radius * np.cos(around)
    y = draw.finger_height * radius * np.sin(around)
    theta = orientation(field, x, y)

    period = rng.uniform(*draw.period, (count, 1)).astype(np.float32)
    spreading = turning(field, x, y, theta, draw.turn_step) * (draw.spreading / period)
    calm = rng.uniform(*draw.density, (count, 1)).astype(np.float32)
    density = np.minimum(np.hypot(calm, spreading), draw.max_density)
    forward = 0.5 + 0.5 * np.clip(spreading / density, -1, 1)
    backward = rng.random(x.shape, np.float32) >= forward
    angle = theta + np.float32(np.pi) * backward

    dart = slice(0, draw.darts)
    chance = density[:, dart] * (draw.dart_gain / draw.max_density)
    thrown = rng.random(chance.shape, np.float32) < chance
    low, high = draw.distance
    free = low + (high - low) * np.square(rng.random(chance.shape, np.float32))
    free = free * np.clip(np.sqrt(draw.density[1] / density[:, dart]), *_TIGHTER)
    slot, valid = _apart(x[:, dart], y[:, dart], free, thrown, draw.minutiae)

    ghosts = np.broadcast_to(np.arange(draw.darts, places), (count, draw.ghosts))
    slot = np.concatenate([slot, ghosts], axis=1)
    kind = np.where(
        rng.random(slot.shape, np.float32) < draw.endings,
        np.uint8(MinutiaKind.ENDING),
        np.uint8(MinutiaKind.BIFURCATION),
    )
    return Masters(
        x=np.take_along_axis(x, slot, axis=1),
        y=np.take_along_axis(y, slot, axis=1),
        angle=full_turn(np.take_along_axis(angle, slot, axis=1)),
        kind=kind,
        clarity=rng.random(slot.shape, np.float32),
        ghost=slot >= draw.darts,
        valid=np.concatenate([valid, np.ones((count, draw.ghosts), np.bool_)], axis=1),
        pattern=field.pattern,
    )


def _apart(x: F32, y: F32, free: F32, thrown: Bool, keep: int) -> tuple[npt.NDArray[np.intp], Bool]:
    """Of the darts `thrown` (n, d), in order, those that no kept one has within its `free` px:
    their columns (n, keep), and which of these are in use."""
    crowd = int(thrown.sum(axis=1).max(initial=0))
    order = np.argsort(~thrown, axis=1, kind="stable")[:, :crowd]
    # Darts along the first axis: each step of the loop reads whole rows.
    x, y, reach = (np.take_along_axis(a, order, axis=1).T.copy() for a in (x, y, free**2))
    alive = np.take_along_axis(thrown, order, axis=1).T.copy()
    for i in range(crowd):
        near = np.square(x[i + 1 :] - x[i]) + np.square(y[i + 1 :] - y[i]) < reach[i]
        near &= alive[i]
        alive[i + 1 :] &= ~near
    first = np.argsort(~alive.T, axis=1, kind="stable")[:, :keep]
    if first.shape[1] < keep:
        first = np.pad(first, ((0, 0), (0, keep - first.shape[1])))
    used = np.arange(keep) < alive.sum(axis=0)[:, None]
    return np.where(used, np.take_along_axis(order, first, axis=1), 0), used
