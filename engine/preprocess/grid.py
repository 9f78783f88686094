"""Carries values between the grids of a print: windows, blocks and pixels of the working scale."""

from __future__ import annotations

import cv2
import numpy as np

from engine.types import F32


def spread(values: F32, factor: int, shape: tuple[int, ...]) -> F32:
    """`values` on a grid `factor` times as fine, cut to `shape`: float32, linear in between."""
    fine = cv2.resize(values, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[: shape[0], : shape[1]], np.float32)


def gather(values: F32, side: int, shape: tuple[int, ...]) -> F32:
    """Means over squares of `side`, `shape` of them; the picture's last values go on outside it."""
    whole = cv2.copyMakeBorder(
        values,
        0,
        shape[0] * side - values.shape[0],
        0,
        shape[1] * side - values.shape[1],
        cv2.BORDER_REPLICATE,
    )
    coarse = cv2.resize(whole, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(coarse, np.float32)


def smooth(values: F32, sigma: float) -> F32:
    """A Gaussian mean of the neighbourhood."""
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def blocks(length: int, side: int) -> int:
    """How many blocks of `side` cover `length`."""
    return -(-length // side)
