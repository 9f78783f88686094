"""Keeps the dislocations that are minutiae, and says how sure each one is."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial.distance import cdist

from engine.minutiae.dislocations import Dislocations
from engine.settings import GaborSettings
from engine.types import F32, Bool, RidgeMap, Wave


def keep(
    found: Dislocations, wave: Wave, ridges: RidgeMap, settings: GaborSettings
) -> tuple[Dislocations, F32]:
    """The dislocations that may be minutiae, and their probability: float32 n in 0..1.

    Where the print ends every ridge does, and a disturbed ridge makes two dislocations of opposite
    sign side by side (a gap, a bridge, a spur): both kinds fall. Of the others a logistic model
    says how many like them an examiner-like network finds too.
    """
    inside = found.ahead(_inside(ridges, wave.step), 0)
    opposite = _nearest(found, found.sign[:, None] != found.sign, wave.step)
    stay = (inside > settings.edge) & (opposite > settings.dipole)
    left = found.take(stay)
    return left, _probability(left, wave, settings)


def _probability(found: Dislocations, wave: Wave, settings: GaborSettings) -> F32:
    """The logistic model of `settings.weights`, over what surrounds each dislocation."""
    alike = found.sign[:, None] == found.sign
    evidence = (
        found.ahead(_smooth(wave.amplitude, settings.around / wave.step), 0),
        found.ahead(wave.amplitude, settings.ahead / wave.step),
        found.ahead(wave.amplitude, -settings.behind / wave.step),
        found.ahead(_constancy(wave, settings), 0),
        np.log(_nearest(found, alike, wave.step, settings.far)),
        np.log(_nearest(found, ~alike, wave.step, settings.far)),
    )
    logit = settings.bias + np.array(settings.weights) @ np.stack(evidence)
    return (1 / (1 + np.exp(-logit))).astype(np.float32)


def _inside(ridges: RidgeMap, step: int) -> F32:
    """Distance from the mask's edge (the picture's edge is one too): float32 px at 500 ppi."""
    side = ridges.block // step
    mask = ridges.mask.astype(np.uint8).repeat(side, axis=0).repeat(side, axis=1)
    distance = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, cv2.DIST_MASK_3)
    return np.asarray(distance[1:-1, 1:-1], np.float32) * np.float32(step)


def _constancy(wave: Wave, settings: GaborSettings) -> F32:
    """How straight the ridges run around each pixel: 1 for parallel lines, 0 at a core or delta."""
    sigma = settings.flow / wave.step
    doubled = 2 * wave.orientation
    return np.hypot(_smooth(np.cos(doubled), sigma), _smooth(np.sin(doubled), sigma))


def _smooth(values: F32, sigma: float) -> F32:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def _nearest(found: Dislocations, among: Bool, step: int, far: float = np.inf) -> F32:
    """Distance to the nearest other in `among`, bool n×n: float32 px, 1 to `far`."""
    points = np.stack([found.column, found.row], axis=1) * step
    distance = np.where(among, cdist(points, points), np.inf)
    np.fill_diagonal(distance, np.inf)
    return np.maximum(distance.min(axis=1, initial=far), 1).astype(np.float32)
