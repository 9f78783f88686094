"""Draws templates without pictures: the minutiae of fingers, and of impressions of them.

Made for load tests and for training by the million: positions and directions follow the same
orientation fields as the prints that `master` paints.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from engine.settings import DrawSettings, SynthesisSettings
from engine.synthesis.distortion import carry
from engine.synthesis.fingers import Masters, draw_masters
from engine.synthesis.noise import between
from engine.synthesis.pose import Pose, full_turn, place
from engine.synthesis.rolling import ImpressionType, draw_touches, settings_of
from engine.types import F32, I16, MAX_MINUTIAE, U8, Bool, Minutiae, MinutiaKind

__all__ = ["Impressions", "Masters", "draw_impressions", "draw_masters", "minutiae_of"]


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


def draw_impressions(
    masters: Masters,
    which: npt.NDArray[np.intp],
    rng: np.random.Generator,
    settings: SynthesisSettings,
    impression_type: ImpressionType = ImpressionType.PLAIN,
) -> Impressions:
    """One random impression of each finger masters[which], as its minutiae would be detected.

    Partial contact, minutiae missed and false, plastic distortion, noise, rotation and shift; of
    more than MAX_MINUTIAE the best. settings: those the masters were drawn with; for rolled
    impressions they are of `rolling.nail_to_nail`, else SettingsError.
    """
    settings = settings_of(impression_type, settings)
    chunk = settings.draw.chunk
    parts = [
        _impressions(masters, which[at : at + chunk], rng, settings, impression_type)
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


def _impressions(
    masters: Masters,
    which: npt.NDArray[np.intp],
    rng: np.random.Generator,
    settings: SynthesisSettings,
    impression_type: ImpressionType,
) -> Impressions:
    draw, count = settings.draw, len(which)
    slot, seen, quality = _detect(masters, which, rng, draw)
    rows = which[:, None]
    x, y, angle = masters.x[rows, slot], masters.y[rows, slot], masters.angle[rows, slot]

    press = draw_touches(count, rng, settings, impression_type)
    moved_x, moved_y, angle = carry(press, x, y, angle)

    def noise(sd: float) -> F32:
        return sd * rng.standard_normal(x.shape, np.float32)

    moved_x += noise(draw.position_sd)
    moved_y += noise(draw.position_sd)
    flipped = rng.random(x.shape, np.float32) < draw.flipped
    angle += noise(draw.angle_sd) + np.float32(np.pi) * flipped

    turn = draw.max_rotation * (2 * rng.random((count, 1), np.float32) - 1)
    shift = draw.shift_sd * rng.standard_normal((2, count, 1), np.float32)
    pose = Pose(turn, shift[0] + draw.width / 2, shift[1] + draw.height / 2)
    x, y = place(pose, moved_x, moved_y)
    seen &= (x >= 0) & (x <= draw.width - 1) & (y >= 0) & (y <= draw.height - 1)

    kind = masters.kind[rows, slot]
    mistaken = rng.random(x.shape, np.float32) < draw.other_kind
    kind = np.where(mistaken, MinutiaKind.ENDING + MinutiaKind.BIFURCATION - kind, kind)
    angle = full_turn(angle + turn)
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
    side /= between(draw.contact_width, (count, 1), rng)
    rise /= between(draw.contact_height, (count, 1), rng)
    power = between(draw.contact_power, (count, 1), rng)
    valid &= side**power + rise**power < 1

    missing = between(draw.missing, (count, 1), rng)
    spurious = between(draw.spurious, (count, 1), rng)
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
