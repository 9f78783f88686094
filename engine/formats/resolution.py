"""Decides at how many pixels an inch a picture was taken, and brings it to 500."""

from __future__ import annotations

import math

import cv2

from engine.errors import ImageError
from engine.settings import ImageLimits
from engine.types import PPI, U8

MM_PER_INCH = 25.4

_ADVICE = "give the resolution of the scanner as ppi"


def settle(
    stated: tuple[float, float] | None, given: float | None, limits: ImageLimits, source: str
) -> tuple[float, float]:
    """The resolution to work with, ppi along width and height.

    What the caller gives goes first, then what the file states, then `limits.default_ppi`: also
    where the file states one of `limits.placeholder_ppi`, the resolution of a screen or of nothing.
    Raises ImageError when it is no number or outside the limits.
    """
    if given is not None:
        stated = (given, given)
    elif stated is None or _is_placeholder(stated, limits):
        stated = (limits.default_ppi, limits.default_ppi)
    for ppi in stated:
        if not (math.isfinite(ppi) and limits.min_ppi <= ppi <= limits.max_ppi):
            raise ImageError(
                source,
                f"{ppi:g} ppi is outside {limits.min_ppi:g}..{limits.max_ppi:g}: {_ADVICE}",
            )
    return stated


def _is_placeholder(stated: tuple[float, float], limits: ImageLimits) -> bool:
    return any(
        all(abs(ppi - placeholder) < limits.placeholder_tolerance for ppi in stated)
        for placeholder in limits.placeholder_ppi
    )


def size_at_500(
    width: int, height: int, ppi: tuple[float, float], limits: ImageLimits, source: str
) -> tuple[int, int]:
    """Width and height (px) at 500 ppi, checked against the limits before anything is decoded.

    A picture within `limits.same_ppi` of 500 keeps its size. Raises ImageError when a side is too
    small or too large for a finger.
    """
    sides = []
    for side, resolution in zip((width, height), ppi, strict=True):
        scale = PPI / resolution
        sides.append(side if abs(scale - 1) <= limits.same_ppi else round(side * scale))
    if min(sides) < limits.min_side or max(sides) > limits.max_side:
        across, down, least, most = (
            f"{side * MM_PER_INCH / PPI:.1f}" for side in (*sides, limits.min_side, limits.max_side)
        )
        raise ImageError(
            source,
            f"{width}×{height} px at {ppi[0]:.0f} ppi are {across}×{down} mm, where a print has "
            f"{least} to {most} mm a side: crop it, or {_ADVICE} if that is wrong",
        )
    return sides[0], sides[1]


def resample(gray: U8, size: tuple[int, int]) -> U8:
    """The picture (uint8 H×W) at `size`, width and height: areas averaged when it shrinks, cubic
    interpolation when it grows."""
    height, width = gray.shape
    if (width, height) == size:
        return gray
    shrinks = size[0] * size[1] < width * height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(gray, size, interpolation=method).astype("uint8", copy=False)
