"""A made print and image files of it, for the tests of the readers."""

from __future__ import annotations

import io
from typing import Any

import _wsq  # type: ignore[import-not-found]
import numpy as np
from PIL import Image

from engine.types import U8

HEIGHT, WIDTH = 300, 240


def ridges(height: int = HEIGHT, width: int = WIDTH) -> U8:
    """Sinusoidal ridges, 9 px apart, in an ellipse on white; no two corners look alike."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    waves = 128 - 100 * np.cos(2 * np.pi * (x + 0.002 * y**2) / 9)
    inside = ((x / width - 0.5) / 0.4) ** 2 + ((y / height - 0.45) / 0.4) ** 2 < 1
    return np.where(inside, waves, 250).astype(np.uint8)


def picture() -> Image.Image:
    return Image.fromarray(ridges())


def file(image: Image.Image, format: str, **options: Any) -> bytes:
    """The bytes of `image` (mode L for WSQ) in a format that Pillow writes, or in WSQ."""
    if format == "WSQ":
        return bytes(_wsq.compress(image.tobytes(), image.height, image.width, 0))
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
