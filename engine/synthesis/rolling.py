"""Rolled impressions: the fingers they need, and what differs from a plain touch."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

import numpy as np

from engine.errors import SettingsError
from engine.settings import SynthesisSettings
from engine.synthesis.distortion import Press, draw_presses, draw_rolls

TOUCH = (  # settings of a touch that prints with pictures and without have alike
    "contact_width",
    "contact_height",
    "contact_power",
    "contact_sd",
    "max_rotation",
    "shift_sd",
)


class ImpressionType(IntEnum):
    """How a finger met the sensor: codes of a live scan in ANSI/NIST-ITL (IMP) and ISO/IEC
    19794-2."""

    PLAIN = 0
    ROLLED = 1


def nail_to_nail(settings: SynthesisSettings) -> SynthesisSettings:
    """The same settings for fingers that are known from nail to nail, with minutiae as dense as
    before: their impressions may be rolled, and plain as well."""
    roll, draw = settings.roll, settings.draw
    area = roll.finger_width * roll.finger_height / (draw.finger_width * draw.finger_height)
    wide = replace(
        draw,
        finger_width=roll.finger_width,
        finger_height=roll.finger_height,
        darts=round(draw.darts * area),
        minutiae=round(draw.minutiae * area),
        ghosts=round(draw.ghosts * area),
    )
    return replace(settings, master=replace(settings.master, width=roll.master_width), draw=wide)


def settings_of(impression_type: ImpressionType, settings: SynthesisSettings) -> SynthesisSettings:
    """The settings of impressions of this type: those of plain ones are as they are.

    SettingsError where the fingers of these settings are too narrow to roll.
    """
    if impression_type == ImpressionType.PLAIN:
        return settings
    roll, touch, draw = settings.roll, settings.impression, settings.draw
    if draw.finger_width < roll.finger_width or settings.master.width < roll.master_width:
        raise SettingsError("a rolled impression needs fingers made with nail_to_nail(settings)")
    shared = {name: getattr(roll, name) for name in TOUCH}
    pictured = replace(
        touch,
        optical=replace(touch.optical, width=roll.sensor_width, height=roll.sensor_height),
        optical_share=1.0,
        careless_width=roll.careless_width,
        careless_height=roll.careless_height,
        contact_rough=roll.contact_rough,
        **shared,
    )
    drawn = replace(draw, width=roll.sensor_width, height=roll.sensor_height, **shared)
    return replace(settings, impression=pictured, draw=drawn, press=roll.press)


def draw_touches(
    count: int,
    rng: np.random.Generator,
    settings: SynthesisSettings,
    impression_type: ImpressionType,
) -> Press:
    """`count` random ways for the skin to give way; settings: those of `settings_of`."""
    press = draw_presses(count, rng, settings.press)
    if impression_type == ImpressionType.PLAIN:
        return press
    return replace(press, roll=draw_rolls(count, rng, settings.roll))
