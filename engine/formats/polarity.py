"""Tells light ridges on dark (an inverted print) from dark ridges on light.

Where the finger does not touch, between the ridges as around the print, a sensor or a card shows
the same: nothing. So the empty border is about as light as the valleys in a print as it should be,
and about as dark as the ridges seem to be in an inverted one.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from engine.settings import PolaritySettings
from engine.types import F32, U8, Bool

AnyScalar = TypeVar("AnyScalar", bound=np.generic)


def is_inverted(gray: U8, settings: PolaritySettings) -> bool:
    """Whether ridges are light on dark in `gray` (uint8 H×W). In doubt: no.

    A dark frame is left out. Square blocks of little contrast that hang together with the border
    are background, blocks of much contrast are print. The background's level is the mean of its
    blocks, weighted by the inverse of their variance. Inverted is what has its background darker
    than the middle of the print's range (10th to 90th percentile) by more than `settings.margin`
    of that range, most of its border background, and next to no light blocks without contrast.
    """
    picture = _without_frame(gray, settings.frame)
    if min(picture.shape) < settings.block:
        return False
    blocks = _blocks(picture.astype(np.float32), settings.block)
    contrast = blocks.std(axis=2)
    contrast /= max(float(np.percentile(contrast, 95)), 1.0)
    even = contrast < settings.even
    background = _touching_border(even)
    textured = contrast > settings.textured
    if not textured.any() or _border(background).mean() < settings.min_border:
        return False
    levels = blocks.mean(axis=2)
    dark, light = np.percentile(blocks[textured], (10, 90))
    middle = (dark + light) / 2
    if np.mean(levels[even] > middle) > settings.max_light:
        return False
    weights = (contrast[background] + settings.noise) ** -2
    level = np.average(levels[background], weights=weights)
    return bool(level < middle - settings.margin * (light - dark))


def _without_frame(gray: U8, darkest: int) -> U8:
    """The picture without the rows and columns at its sides that are dark all over: the edge of a
    scanner or a copier, not background of the print."""
    for _ in range(2):
        inside = np.flatnonzero(gray.max(axis=1) > darkest)
        if inside.size:
            gray = gray[inside[0] : inside[-1] + 1]
        gray = gray.T
    return gray


def _blocks(gray: F32, side: int) -> F32:
    """h×w×side² values of the whole blocks."""
    h, w = gray.shape[0] // side, gray.shape[1] // side
    cut = gray[: h * side, : w * side].reshape(h, side, w, side)
    return cut.transpose(0, 2, 1, 3).reshape(h, w, side * side)


def _touching_border(even: Bool) -> Bool:
    """The even blocks that hang together with the border of the picture."""
    _, labels = cv2.connectedComponents(even.astype(np.uint8), connectivity=4)
    return even & np.isin(labels, _border(labels))


def _border(blocks: npt.NDArray[AnyScalar]) -> npt.NDArray[AnyScalar]:
    """The outermost blocks, the corners twice."""
    return np.concatenate((blocks[0], blocks[-1], blocks[:, 0], blocks[:, -1]))
