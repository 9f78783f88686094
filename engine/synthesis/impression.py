"""Presses a finger on a sensor: one impression as a picture, with the truth about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from engine.errors import SettingsError
from engine.settings import ImpressionSettings, SensorSettings, SynthesisSettings
from engine.synthesis.distortion import Press, carry, displace
from engine.synthesis.master import Master
from engine.synthesis.pose import Pose, full_turn, lift, place
from engine.synthesis.rolling import ImpressionType, draw_touches, settings_of
from engine.synthesis.sensing import show, take_ink, touch_down
from engine.types import F32, I32, U8, Bool, Minutiae

_BLOCK = 8  # px between the points where the distortion is computed
_ROUNDS = 10  # of the fixed point that inverts it: of 3,000 presses the worst is 0.4 px off


@dataclass(frozen=True, slots=True)
class Impression:
    """One print. pixels: uint8 H×W at 500 ppi, ridges dark.

    mask: bool H×W, where the finger touches. minutiae: the master's that lie in the mask, as they
    come to lie; identity: int32, which of the master's each is. orientation: float32 H/8×W/8 rad in
    [0, π), in blocks of 8 px. sensor: "optical" or "capacitive".
    """

    pixels: U8
    mask: Bool
    minutiae: Minutiae
    identity: I32
    orientation: F32
    sensor: str
    impression_type: ImpressionType = ImpressionType.PLAIN


def make_impression(
    master: Master,
    seed: int | np.random.Generator,
    settings: SynthesisSettings,
    impression_type: ImpressionType = ImpressionType.PLAIN,
) -> Impression:
    """One random impression of a finger; the same seed gives the same print.

    The steps of SFinGe: pose, plastic distortion, contact region, moisture and pressure, noise of
    the skin, scratches, then the ground and the noise of the sensor. settings: those the finger was
    made with; for a rolled impression they are of `rolling.nail_to_nail`, else SettingsError.
    """
    if (
        impression_type == ImpressionType.ROLLED
        and master.pixels.shape[1] < settings.roll.master_width
    ):
        raise SettingsError("too narrow to roll: make the finger with nail_to_nail(settings)")
    settings = settings_of(impression_type, settings)
    rng = np.random.default_rng(seed)
    touch = _care(settings.impression, rng)
    optical = rng.random() < touch.optical_share
    sensor = touch.optical if optical else touch.capacitive
    pose = _lay(rng, sensor, touch)
    press = draw_touches(1, rng, settings, impression_type)

    here_x, here_y, skin_x, skin_y = _maps(press, pose, sensor)
    contact = touch_down(here_x, here_y, rng, touch)
    left, top = (master.pixels.shape[1] - 1) / 2, (master.pixels.shape[0] - 1) / 2
    relief = 1 - cv2.remap(
        master.pixels, skin_x + left, skin_y + top, cv2.INTER_LINEAR, borderValue=255
    ).astype(np.float32) * (2 / 255)
    ink, wet = take_ink(relief, contact, rng, touch)
    pixels = show(ink, wet, contact, rng, sensor, touch)

    minutiae, identity = _truth(master, press, pose, contact)
    return Impression(
        pixels=pixels,
        mask=contact > 0.5,
        minutiae=minutiae,
        identity=identity,
        orientation=_orientation(master, press, pose, skin_x, skin_y),
        sensor="optical" if optical else "capacitive",
        impression_type=impression_type,
    )


def _care(touch: ImpressionSettings, rng: np.random.Generator) -> ImpressionSettings:
    """Some touches are careless: less of the finger, and rougher."""
    if rng.random() >= touch.careless:
        return touch
    return replace(
        touch,
        contact_width=touch.careless_width,
        contact_height=touch.careless_height,
        rough=touch.careless_rough,
    )


def _lay(rng: np.random.Generator, sensor: SensorSettings, touch: ImpressionSettings) -> Pose:
    """How the finger lies on the sensor."""
    turn = rng.uniform(-touch.max_rotation, touch.max_rotation)
    x = rng.normal(sensor.width / 2, touch.shift_sd)
    y = rng.normal(sensor.height / 2, touch.shift_sd)
    return Pose(*(np.full((1, 1), value, np.float32) for value in (turn, x, y)))


def _maps(press: Press, pose: Pose, sensor: SensorSettings) -> tuple[F32, F32, F32, F32]:
    """For every pixel of the sensor (H×W) its place in the finger frame, pressed and at rest."""
    # One block more on every side: the outermost pixels, too, lie between two blocks.
    row, column = np.mgrid[
        -1 : sensor.height // _BLOCK + 1, -1 : sensor.width // _BLOCK + 1
    ].astype(np.float32)
    x, y = (((each + 0.5) * _BLOCK - 0.5).reshape(1, -1) for each in (column, row))
    here_x, here_y = lift(pose, x, y)
    rest_x, rest_y = here_x, here_y
    for _ in range(_ROUNDS):
        moved_x, moved_y = displace(press, rest_x, rest_y)
        rest_x, rest_y = rest_x + here_x - moved_x, rest_y + here_y - moved_y

    def fine(coarse: F32) -> F32:
        size = (sensor.width + 2 * _BLOCK, sensor.height + 2 * _BLOCK)
        picture = cv2.resize(coarse.reshape(row.shape), size)
        return np.ascontiguousarray(picture[_BLOCK:-_BLOCK, _BLOCK:-_BLOCK], np.float32)

    return fine(here_x), fine(here_y), fine(rest_x), fine(rest_y)


def _truth(master: Master, press: Press, pose: Pose, contact: F32) -> tuple[Minutiae, I32]:
    """The master's minutiae that touch, as they lie on the sensor, and which they are."""
    own = master.minutiae
    left, top = (master.pixels.shape[1] - 1) / 2, (master.pixels.shape[0] - 1) / 2
    x, y, angle = _moved(press, pose, own.x - left, own.y - top, own.angle)
    height, width = contact.shape
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    inside[inside] = contact[row[inside], column[inside]] > 0.5
    which = np.flatnonzero(inside)
    moved = Minutiae(x, y, angle, own.kind, own.quality)
    return moved.take(which), which.astype(np.int32)


def _orientation(master: Master, press: Press, pose: Pose, skin_x: F32, skin_y: F32) -> F32:
    """Ridge orientation of every block of the sensor, from that of the master."""
    middle = (slice(_BLOCK // 2, None, _BLOCK), slice(_BLOCK // 2, None, _BLOCK))
    x, y = skin_x[middle], skin_y[middle]
    left, top = (master.pixels.shape[1] - 1) / 2, (master.pixels.shape[0] - 1) / 2
    # Nearest, since orientations may not be averaged.
    theta = np.asarray(
        cv2.remap(
            master.theta, x + left, y + top, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        ),
        np.float32,
    )
    angle = _moved(press, pose, x.reshape(-1), y.reshape(-1), theta.reshape(-1))[2]
    return np.mod(angle, np.float32(np.pi)).reshape(theta.shape)


def _moved(press: Press, pose: Pose, x: F32, y: F32, angle: F32) -> tuple[F32, F32, F32]:
    """Points (n,) of the finger frame with a direction (rad), pressed and laid on the sensor."""
    x, y, angle = (each[0] for each in carry(press, x[None], y[None], angle[None]))
    on_x, on_y = place(pose, x, y)
    return on_x[0], on_y[0], full_turn(angle + pose.turn[0])
