"""Draws templates without pictures: the minutiae of fingers, and of impressions of them.

Made for load tests and for training by the million: positions and directions follow the same
orientation fields as the prints that `master` paints.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from engine.settings import DrawSettings, SynthesisSettings
from engine.synthesis.distortion import displace, draw_presses
from engine.synthesis.field import draw_fields, orientation, turning
from engine.types import F32, I16, MAX_MINUTIAE, U8, Bool, Minutiae, MinutiaKind

_TIGHTER = (0.7, 1.4)  # how far distances shrink where minutiae are dense, and grow elsewhere
_LEVER = 3.0  # px from a minutia to the point that shows how distortion turns it


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


@dataclass(frozen=True, slots=True)
class Impressions:
    """The minutiae of n impressions, padded to MAX_MINUTIAE slots, best quality first.

    x, y: float32 px, origin at the top left of the sensor, y down. angle: float32 rad in [0, 2π).
    kind, quality: uint8 as in `engine.types.Minutiae`. valid: a slot that is in use; the others
    are 0. identity: int16, the master's slot, -1 where the minutia is false or there is none.
    """

    x: F32
    y: F32
    angle: F32
    kind: U8
    quality: U8
    valid: Bool
    identity: I16

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


def draw_impressions(
    masters: Masters,
    which: npt.NDArray[np.intp],
    rng: np.random.Generator,
    settings: SynthesisSettings,
) -> Impressions:
    """One random impression of each finger masters[which], as its minutiae would be detected.

    Partial contact, minutiae missed and false, plastic distortion, noise, rotation and shift.
    """
    chunk = settings.draw.chunk
    parts = [
        _impressions(masters, which[at : at + chunk], rng, settings)
        for at in range(0, len(which), chunk)
    ]
    return Impressions(
        *(
            np.concatenate([getattr(part, each.name) for part in parts])
            for each in fields(Impressions)
        )
    )


def minutiae_of(impressions: Impressions, i: int) -> Minutiae:
    """The minutiae of impression i, best quality first."""
    used = impressions.valid[i]
    return Minutiae(
        impressions.x[i, used],
        impressions.y[i, used],
        impressions.angle[i, used],
        impressions.kind[i, used],
        impressions.quality[i, used],
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
        angle=np.mod(np.take_along_axis(angle, slot, axis=1), np.float32(2 * np.pi)),
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


def _impressions(
    masters: Masters,
    which: npt.NDArray[np.intp],
    rng: np.random.Generator,
    settings: SynthesisSettings,
) -> Impressions:
    draw, count = settings.draw, len(which)
    slot, seen, quality = _detect(masters, which, rng, draw)
    rows = which[:, None]
    x, y, angle = masters.x[rows, slot], masters.y[rows, slot], masters.angle[rows, slot]

    press = draw_presses(count, rng, settings.press)
    moved_x, moved_y = displace(press, x, y)
    along: F32 = _LEVER * np.cos(angle)
    up: F32 = _LEVER * np.sin(angle)
    tip_x, tip_y = displace(press, x + along, y - up)
    angle = np.arctan2(moved_y - tip_y, tip_x - moved_x)

    def noise(sd: float) -> F32:
        return sd * rng.standard_normal(x.shape, np.float32)

    moved_x += noise(draw.position_sd)
    moved_y += noise(draw.position_sd)
    flipped = rng.random(x.shape, np.float32) < draw.flipped
    angle += noise(draw.angle_sd) + np.float32(np.pi) * flipped

    turn = draw.max_rotation * (2 * rng.random((count, 1), np.float32) - 1)
    cos, sin = np.cos(turn), np.sin(turn)
    shift = draw.shift_sd * rng.standard_normal((2, count, 1), np.float32)
    x = cos * moved_x + sin * moved_y + shift[0] + draw.width / 2
    y = cos * moved_y - sin * moved_x + shift[1] + draw.height / 2
    seen &= (x >= 0) & (x <= draw.width - 1) & (y >= 0) & (y <= draw.height - 1)

    kind = masters.kind[rows, slot]
    mistaken = rng.random(x.shape, np.float32) < draw.other_kind
    kind = np.where(mistaken, MinutiaKind.ENDING + MinutiaKind.BIFURCATION - kind, kind)
    full_turn = np.float32(2 * np.pi)
    angle = np.mod(angle + turn, full_turn)
    angle[angle >= full_turn] = 0  # mod of a tiny negative number rounds up to a full turn
    genuine = seen & ~masters.ghost[rows, slot]
    return Impressions(
        x=np.where(seen, x, 0),
        y=np.where(seen, y, 0),
        angle=np.where(seen, angle, 0),
        kind=np.where(seen, kind, 0).astype(np.uint8),
        quality=np.where(seen, quality, 0).astype(np.uint8),
        valid=seen,
        identity=np.where(genuine, slot, -1).astype(np.int16),
    )


def _detect(
    masters: Masters, which: npt.NDArray[np.intp], rng: np.random.Generator, draw: DrawSettings
) -> tuple[npt.NDArray[np.intp], Bool, F32]:
    """Which minutiae are detected: master slots (n, MAX_MINUTIAE), the slots in use, and quality
    0..100 in falling order. Clear minutiae are missed less often and are of better quality."""
    count = len(which)
    x, y, clarity = masters.x[which], masters.y[which], masters.clarity[which]
    ghost, valid = masters.ghost[which], masters.valid[which]

    side = np.abs(x - draw.contact_sd[0] * rng.standard_normal((count, 1), np.float32))
    rise = np.abs(y - draw.contact_sd[1] * rng.standard_normal((count, 1), np.float32))
    side /= _between(draw.contact_width, (count, 1), rng)
    rise /= _between(draw.contact_height, (count, 1), rng)
    power = _between(draw.contact_power, (count, 1), rng)
    valid &= side**power + rise**power < 1

    missing = _between(draw.missing, (count, 1), rng)
    spurious = _between(draw.spurious, (count, 1), rng)
    genuine = np.sum(masters.valid[which] & ~ghost, axis=1, keepdims=True)
    chance = np.where(ghost, spurious * genuine / draw.ghosts, 1 - 2 * missing * (1 - clarity))
    valid &= rng.random(x.shape, np.float32) < chance

    # LEADER's own confidence on real prints: 5 % under 0.60, a quarter under 0.85, half over 0.93.
    luck = np.where(ghost, 0.3 * clarity, clarity) + 0.3 * rng.random(x.shape, np.float32)
    quality = 50 + 47 * (1 - np.clip(1 - luck, 0, 1) ** 3)
    rank = np.where(valid, quality, -1)
    slot = np.argsort(-rank, axis=1)[:, :MAX_MINUTIAE]
    return (
        slot,
        np.take_along_axis(valid, slot, axis=1),
        np.take_along_axis(quality, slot, axis=1),
    )


def _between(limits: tuple[float, float], shape: tuple[int, ...], rng: np.random.Generator) -> F32:
    """Uniform float32 numbers between the limits."""
    low, high = limits
    return low + (high - low) * rng.random(shape, np.float32)
