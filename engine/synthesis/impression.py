"""Presses a finger on a sensor: one impression as a picture, with the truth about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from engine.settings import ImpressionSettings, PressSettings, SensorSettings, SynthesisSettings
from engine.synthesis.distortion import Press, carry, displace, draw_presses
from engine.synthesis.master import Master
from engine.synthesis.noise import blur, clouds, draw_lines
from engine.synthesis.pose import Pose, full_turn, lift, place
from engine.types import F32, I32, U8, Bool, Minutiae

_BLOCK = 8  # px between the points where the distortion is computed
_ROUNDS = 6  # of the fixed point that inverts it; each leaves less than a third of the error


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


def make_impression(
    master: Master, seed: int | np.random.Generator, settings: SynthesisSettings
) -> Impression:
    """One random impression of a finger; the same seed gives the same print.

    The steps of SFinGe: pose, plastic distortion, contact region, moisture and pressure, noise of
    the skin, scratches, then the ground and the noise of the sensor.
    """
    rng = np.random.default_rng(seed)
    touch = _care(settings.impression, rng)
    optical = rng.random() < touch.optical_share
    sensor = touch.optical if optical else touch.capacitive
    press, pose = _touch(rng, sensor, touch, settings.press)

    here_x, here_y, skin_x, skin_y = _maps(press, pose, sensor)
    contact = _contact(here_x, here_y, rng, touch)
    left, top = (master.pixels.shape[1] - 1) / 2, (master.pixels.shape[0] - 1) / 2
    relief = 1 - cv2.remap(
        master.pixels, skin_x + left, skin_y + top, cv2.INTER_LINEAR, borderValue=255
    ).astype(np.float32) * (2 / 255)
    ink, wet = _ink(relief, contact, rng, touch)
    pixels = _show(ink, wet, contact, rng, sensor, touch)

    minutiae, identity = _truth(master, press, pose, contact)
    return Impression(
        pixels=pixels,
        mask=contact > 0.5,
        minutiae=minutiae,
        identity=identity,
        orientation=_orientation(master, press, pose, skin_x, skin_y),
        sensor="optical" if optical else "capacitive",
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


def _touch(
    rng: np.random.Generator,
    sensor: SensorSettings,
    touch: ImpressionSettings,
    press: PressSettings,
) -> tuple[Press, Pose]:
    """How the finger is pressed and where it lies, one of each."""
    turn = rng.uniform(-touch.max_rotation, touch.max_rotation)
    x = rng.normal(sensor.width / 2, touch.shift_sd)
    y = rng.normal(sensor.height / 2, touch.shift_sd)
    pose = Pose(*(np.full((1, 1), value, np.float32) for value in (turn, x, y)))
    return draw_presses(1, rng, press), pose


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


def _contact(x: F32, y: F32, rng: np.random.Generator, touch: ImpressionSettings) -> F32:
    """How firmly each point touches, 0..1: a ragged rounded region of the pressed finger."""
    across = np.abs(x - rng.normal(0, touch.contact_sd[0])) / rng.uniform(*touch.contact_width)
    along = np.abs(y - rng.normal(0, touch.contact_sd[1])) / rng.uniform(*touch.contact_height)
    power = rng.uniform(*touch.contact_power)
    radius = np.power(across**power + along**power, 1 / power)
    ragged = clouds(x.shape, 12, rng) + clouds(x.shape, 40, rng)
    radius += touch.contact_rough * ragged
    return np.clip((1 - radius) / touch.contact_edge, 0, 1).astype(np.float32)


def _ink(
    relief: F32, contact: F32, rng: np.random.Generator, touch: ImpressionSettings
) -> tuple[F32, F32]:
    """How much of the skin the sensor sees, 0..1, and how wet the finger is (share of the relief):
    wet ridges are thick and run together, dry and lightly pressed ones thin and broken."""
    wet = touch.moisture_patch * clouds(relief.shape, 60, rng)
    wet = np.clip(wet + rng.normal(touch.moisture, touch.moisture_sd), *touch.moisture_limits)
    grain = blur(rng.standard_normal(relief.shape, np.float32), rng.uniform(*touch.rough_grain))
    rough = rng.uniform(*touch.rough) / np.float32(grain.std())
    rough = rough * np.exp(touch.rough_patch * clouds(relief.shape, 50, rng))
    height = relief + wet + rough * (1 - wet) * grain - touch.edge_dryness * (1 - contact)
    height -= 2 * draw_lines(
        relief.shape, rng, touch.scratches, touch.scratch_length, touch.scratch_width
    )
    ink = 0.5 + 0.5 * np.tanh(rng.uniform(*touch.sharpness) * height)
    return ink * np.minimum(2 * contact, 1), wet


def _show(
    ink: F32,
    wet: F32,
    contact: F32,
    rng: np.random.Generator,
    sensor: SensorSettings,
    touch: ImpressionSettings,
) -> U8:
    """The picture, uint8: ground, valleys and ridges in the grays of the sensor, blurred, noisy."""
    ground = rng.uniform(*sensor.ground) + sensor.glow * clouds(ink.shape, 120, rng)
    ridge, dry = rng.uniform(*sensor.ridge), rng.uniform(*sensor.valley)
    valley = dry - (dry - ridge) * touch.smear * np.clip(wet, 0, 1)
    gray = ground + contact * (valley - ground)
    gray += ink * (ridge - gray)
    gray = blur(gray, rng.uniform(*touch.blur))
    gray += sensor.lines * rng.standard_normal((1, ink.shape[1]), np.float32)
    gray += rng.uniform(*sensor.grain) * rng.standard_normal(ink.shape, np.float32)
    return np.clip(np.rint(gray), 0, 255).astype(np.uint8)


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
