"""Templates without pictures, for tests: drawn fingers, described as the pipeline does it."""

from __future__ import annotations

import numpy as np

from engine import pipeline
from engine.embedding import descriptors, vector
from engine.settings import Settings, SynthesisSettings
from engine.synthesis.draw import draw_impressions, minutiae_of
from engine.synthesis.fingers import draw_masters
from engine.types import FingerPosition, Template

SETTINGS = Settings()


def draw_templates(fingers: int, impressions: int, seed: int) -> list[list[Template]]:
    """For each of `fingers` drawn fingers, the templates of its impressions."""
    rng = np.random.default_rng(seed)
    masters = draw_masters(fingers, rng, SynthesisSettings())
    which = np.repeat(np.arange(fingers), impressions)
    drawn = draw_impressions(masters, which, rng, SynthesisSettings())
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
