"""Lets skin meet a sensor: where it touches, how much ink that gives, and in which grays."""

from __future__ import annotations

import numpy as np

from engine.settings import ImpressionSettings, SensorSettings
from engine.synthesis.noise import blur, clouds, draw_lines
from engine.types import F32, U8


def touch_down(x: F32, y: F32, rng: np.random.Generator, touch: ImpressionSettings) -> F32:
    """How firmly each point touches, 0..1: a ragged rounded region of the pressed finger."""
    across = np.abs(x - rng.normal(0, touch.contact_sd[0])) / rng.uniform(*touch.contact_width)
    along = np.abs(y - rng.normal(0, touch.contact_sd[1])) / rng.uniform(*touch.contact_height)
    power = rng.uniform(*touch.contact_power)
    radius = np.power(across**power + along**power, 1 / power)
    ragged = clouds(x.shape, 12, rng) + clouds(x.shape, 40, rng)
    radius += touch.contact_rough * ragged
    return np.clip((1 - radius) / touch.contact_edge, 0, 1).astype(np.float32)


def take_ink(
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


def show(
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
