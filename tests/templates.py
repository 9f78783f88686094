"""Templates without pictures, for tests: drawn fingers, described as the pipeline does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine import pipeline
from engine.index.gallery import Entry, Gallery
from engine.settings import SynthesisSettings
from engine.synthesis.draw import draw_impressions, minutiae_of
from engine.synthesis.fingers import draw_masters
from engine.types import Template

USUAL = SynthesisSettings()
# large contact and few errors: what is tested with these is logic, not error rates
CLEAR = replace(
    USUAL,
    draw=replace(
        USUAL.draw,
        contact_width=(120.0, 140.0),
        contact_height=(190.0, 235.0),
        contact_sd=(10.0, 10.0),
        missing=(0.05, 0.12),
        spurious=(0.05, 0.12),
    ),
)


def draw_templates(fingers: int, impressions: int, seed: int) -> list[list[Template]]:
    """For each of `fingers` drawn fingers, the templates of clear impressions."""
    rng = np.random.default_rng(seed)
    masters = draw_masters(fingers, rng, CLEAR)
    which = np.repeat(np.arange(fingers), impressions)
    drawn = draw_impressions(masters, which, rng, CLEAR)
    made = [pipeline.describe(minutiae_of(drawn, i), quality=80) for i in range(len(drawn))]
    return [made[i : i + impressions] for i in range(0, len(made), impressions)]


def enrol_first(made: Sequence[Sequence[Template]], fingers: int = 1) -> Gallery:
    """A gallery of the first impression of each finger; so many fingers belong to a person."""
    gallery = Gallery("test")
    gallery.add([Entry(i, str(i // fingers), finger[0]) for i, finger in enumerate(made)])
    return gallery
