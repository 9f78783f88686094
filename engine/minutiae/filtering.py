"""Keeps the dislocations that are minutiae, and says how sure each one is."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial.distance import cdist

from engine.minutiae.dislocations import Dislocations
from engine.settings import GaborSettings
from engine.types import F32, I32, Bool, RidgeMap


def judge(
    found: Dislocations, x: F32, y: F32, ridges: RidgeMap, settings: GaborSettings
) -> tuple[Bool, F32]:
    """Which dislocations stay, bool n, and their quality, float32 n in 0..1.

    A disturbed ridge makes two dislocations of opposite sign side by side (a gap, a bridge, a
    spur), and where the print ends every ridge does: both kinds fall.
    """
    inside = _inside(ridges, settings)[
        (y / settings.scale).astype(int), (x / settings.scale).astype(int)
    ]
    apart = _opposite(x, y, found.sign)
    sure = (
        np.minimum(found.amplitude, 1)
        * (1 - np.exp(-apart / settings.near))
        * (1 - np.exp(-inside / settings.inner))
    )
    return (inside > settings.edge) & (apart > settings.dipole), sure.astype(np.float32)


def _inside(ridges: RidgeMap, settings: GaborSettings) -> F32:
    """Distance from the mask's edge (the picture's edge is one too): float32 px, at the scale."""
    side = ridges.block // settings.scale
    mask = np.repeat(np.repeat(ridges.mask.astype(np.uint8), side, axis=0), side, axis=1)
    distance = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, cv2.DIST_MASK_3)
    return np.asarray(distance[1:-1, 1:-1], np.float32) * np.float32(settings.scale)


def _opposite(x: F32, y: F32, sign: I32) -> F32:
    """Distance of the nearest dislocation of opposite sign, px (far away where there is none)."""
    points = np.stack([x, y], axis=1)
    distance = cdist(points, points)
    distance[sign[:, None] == sign[None, :]] = np.inf
    return distance.min(axis=1, initial=1e6).astype(np.float32)
