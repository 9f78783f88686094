"""Finds the part of a picture that is worth showing: the finger, without the empty glass."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.settings import PictureSettings
from engine.types import U8, Minutiae


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of whole px of a print; right and bottom are the first px outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def cut(self, pixels: U8) -> U8:
        return pixels[self.top : self.bottom, self.left : self.right]


def frame_print(pixels: U8 | None, minutiae: Minutiae, settings: PictureSettings) -> Frame:
    """The smallest frame around all ridges and minutiae, with `settings.margin` px around them.

    pixels: uint8 H×W or None. The frame never leaves the picture, where there is one.
    """
    across, down = [minutiae.x.astype(np.float64)], [minutiae.y.astype(np.float64)]
    if pixels is not None:
        ridges = _textured(pixels, settings)
        least = 2 * settings.texture  # px of ridges in a column or row: more than a speck makes
        across.append(np.flatnonzero(ridges.sum(axis=0) >= least).astype(np.float64))
        down.append(np.flatnonzero(ridges.sum(axis=1) >= least).astype(np.float64))
    x, y = np.concatenate(across), np.concatenate(down)
    if not x.size or not y.size:
        height, width = pixels.shape if pixels is not None else (1, 1)
        return Frame(0, 0, width, height)
    left, top = (int(np.floor(values.min() - settings.margin)) for values in (x, y))
    right, bottom = (int(np.ceil(values.max() + settings.margin)) + 1 for values in (x, y))
    if pixels is None:
        return Frame(left, top, right, bottom)
    height, width = pixels.shape
    return Frame(max(left, 0), max(top, 0), min(right, width), min(bottom, height))


def _textured(pixels: U8, settings: PictureSettings) -> U8:
    """Where the gray levels of the neighbourhood differ as those of ridges do: 0 or 1."""
    gray, size = pixels.astype(np.float32), (settings.texture, settings.texture)
    mean, square = cv2.blur(gray, size), cv2.blur(gray * gray, size)
    return (square - mean * mean > settings.texture_contrast**2).astype(np.uint8)
