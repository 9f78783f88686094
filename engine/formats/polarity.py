"""Tells light ridges on dark (an inverted print) from dark ridges on light.

Where the finger does not touch, between the ridges as around the print, a sensor or a card shows
the same: nothing. So the empty border is about as light as the valleys in a print as it should be,
and about as dark as the ridges seem to be in an inverted one.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.settings import PolaritySettings
from engine.types import F32, U8, Bool


def is_inverted(gray: U8, settings: PolaritySettings) -> bool:
    """Whether ridges are light on dark in `gray` (uint8 H×W). In doubt: no.

    Square blocks of little contrast that hang together with the border are background, blocks of
    much contrast are print. The background's level is the mean of its blocks, weighted by the
    inverse of their variance. Inverted is what has its background darker than the middle of the
    print's range (10th to 90th percentile) by more than `settings.margin` of that range.
    """
    blocks = _blocks(gray.astype(np.float32), settings.block)
    contrast = blocks.std(axis=2)
    contrast /= max(float(np.percentile(contrast, 95)), 1.0)
    background = _touching_border(contrast < settings.flat)
    if np.count_nonzero(background) < settings.min_blocks:
        return False
    weights = (contrast[background] + settings.noise) ** -2
    level = np.average(blocks.mean(axis=2)[background], weights=weights)
    dark, light = np.percentile(blocks[contrast > settings.textured], (10, 90))
    return bool(level < (dark + light) / 2 - settings.margin * (light - dark))


def _blocks(gray: F32, side: int) -> F32:
    """h×w×side² values of the whole blocks."""
    h, w = gray.shape[0] // side, gray.shape[1] // side
    cut = gray[: h * side, : w * side].reshape(h, side, w, side)
    return cut.transpose(0, 2, 1, 3).reshape(h, w, side * side)


def _touching_border(flat: Bool) -> Bool:
    """The flat blocks that hang together with the border of the picture."""
    _, labels = cv2.connectedComponents(flat.astype(np.uint8), connectivity=4)
    border = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    return flat & np.isin(labels, border[border > 0])
