"""The randomness of skin and sensors: smooth noise, and strokes."""

from __future__ import annotations

import cv2
import numpy as np

from engine.types import F32

_SUBPIXEL_BITS = 4  # of line ends, as OpenCV counts them
_SUBPIXEL = 2**_SUBPIXEL_BITS


def blur(picture: F32, sigma: float) -> F32:
    """The picture, H×W, under a Gaussian of `sigma` px."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def clouds(shape: tuple[int, ...], size: int, rng: np.random.Generator) -> F32:
    """Smooth noise of mean 0 and deviation about 1, whose patches are some `size` px wide."""
    few = rng.standard_normal((shape[0] // size + 3, shape[1] // size + 3), np.float32)
    return np.asarray(cv2.resize(few, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def draw_lines(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    count: tuple[int, int],
    length: tuple[float, float],
    width: tuple[float, float],
) -> F32:
    """Random straight strokes on a picture of `shape`, float32 0..1. count: at least, fewer than;
    length, width: px."""
    picture = np.zeros(shape, np.float32)
    for _ in range(rng.integers(*count)):
        middle = rng.uniform(0, 1, 2) * shape[::-1]
        way = rng.uniform(0, np.pi)
        half = rng.uniform(*length) / 2 * np.array([np.cos(way), np.sin(way)])
        ends = np.rint((middle + np.outer([-1, 1], half)) * _SUBPIXEL).astype(int)
        stroke = np.zeros(shape, np.float32)
        cv2.line(stroke, ends[0].tolist(), ends[1].tolist(), 1.0, 1, cv2.LINE_8, _SUBPIXEL_BITS)
        sigma = rng.uniform(*width) / 2
        wide = blur(stroke, sigma) * np.float32(np.sqrt(2 * np.pi) * sigma)
        picture = np.maximum(picture, np.minimum(wide, 1))
    return picture


def between(limits: tuple[float, float], shape: tuple[int, ...], rng: np.random.Generator) -> F32:
    """Uniform float32 numbers between the limits."""
    low, high = limits
    return low + (high - low) * rng.random(shape, np.float32)
