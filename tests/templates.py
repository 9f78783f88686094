"""Templates without pictures, for tests: drawn fingers, described as the pipeline does it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine import pipeline
from engine.embedding import descriptors, vector
from engine.settings import Settings, SynthesisSettings
from engine.synthesis.draw import draw_impressions, minutiae_of
from engine.synthesis.fingers import draw_masters
from engine.types import FingerPosition, Template

SETTINGS = Settings()
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
    made = []
    for i in range(len(drawn)):
        minutiae = minutiae_of(drawn, i)
        projected = descriptors.project(minutiae, SETTINGS.descriptor)
        made.append(
            Template(
                minutiae,
                descriptors.code(projected),
                vector.embed(projected),
                80,
                500,
                560,
                FingerPosition.UNKNOWN,
                pipeline.maker(SETTINGS),
            )
        )
    return [made[i : i + impressions] for i in range(0, len(made), impressions)]
