"""Describes the neighbourhood of each minutia: a cylinder, projected, and the signs kept.

The cylinder is that of Minutia Cylinder-Code (Cappelli, Ferrara and Maltoni, TPAMI 2010, section
3): cells around the minutia, turned into its direction, filled by its neighbours. Keeping the
signs of a learned projection follows P-MCC (Ferrara, Maltoni and Cappelli, TIFS 2012). Here the
projection is the discriminant one (largest variance between minutiae in units of the variance
within impressions of one minutia), learned on drawn fingers: scripts/train/codes.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from engine.settings import DescriptorSettings
from engine.types import CODE_WORDS, F32, U64, Minutiae

VERSION = 1  # of the codes: raise it when codes.npz or what is below changes the bits
BITS = 64 * CODE_WORDS
_STEPS = 256  # of a turn


class Projection(NamedTuple):
    """Learned on made prints. mean: float32 (cells,). matrix: float32 (cells, 256)."""

    mean: F32
    matrix: F32


@functools.cache
def learned() -> Projection:
    """The projection that ships with this version."""
    with resources.files("engine.embedding").joinpath("codes.npz").open("rb") as file:
        stored = np.load(file)
        return Projection(stored["mean"].astype(np.float32), stored["matrix"].astype(np.float32))


def project(minutiae: Minutiae, settings: DescriptorSettings) -> F32:
    """The projected neighbourhood of each of n minutiae: float32 (n, 256), most telling first."""
    projection = learned()
    around = cylinders(minutiae, settings) - projection.mean
    return np.asarray(around @ projection.matrix, np.float32)


def code(projected: F32) -> U64:
    """The signs of n projected neighbourhoods as sign codes: uint64 (n, 4)."""
    if not len(projected):
        return np.zeros((0, CODE_WORDS), np.uint64)
    bits = np.packbits(projected > 0, axis=1, bitorder="little")
    return np.ascontiguousarray(bits).view("<u8").astype(np.uint64)


def cylinders(minutiae: Minutiae, settings: DescriptorSettings) -> F32:
    """Cell values 0..1 of n minutiae: float32 (n, C * sectors), C cells inside the radius.

    A cell holds the sum over the neighbours of a Gaussian of their distance from the cell times
    the share of a Gaussian of their relative direction that falls into the sector, saturated.
    """
    s, n = settings, len(minutiae)
    grid = ((np.arange(s.cells) + 0.5) / s.cells * 2 - 1).astype(np.float32) * np.float32(s.radius)
    inside = np.add.outer(grid**2, grid**2) <= s.radius**2
    if n == 0:
        return np.zeros((0, int(inside.sum()) * s.sectors), np.float32)
    x, up, angle = minutiae.x, -minutiae.y, minutiae.angle
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    dx, dy = x[None] - x[:, None], up[None] - up[:, None]
    ahead, aside = cos * dx + sin * dy, cos * dy - sin * dx
    # the Gaussian of the distance is a product of one along and one across: n·n·cells each
    scale = np.float32(-0.5 / s.spread**2)
    near_ahead = np.exp(scale * (ahead[:, :, None] - grid) ** 2)
    near_aside = np.exp(scale * (aside[:, :, None] - grid) ** 2)
    near_ahead[np.arange(n), np.arange(n)] = 0  # a minutia is not its own neighbour
    step = np.rint((angle[None] - angle[:, None]) * np.float32(_STEPS / (2 * np.pi)))
    alike = _sector_shares(s)[step.astype(np.int64) % _STEPS]
    beside = (near_aside[:, :, :, None] * alike[:, :, None, :]).reshape(n, n, -1)
    value = np.matmul(near_ahead.transpose(0, 2, 1), beside)
    value = value.reshape(n, s.cells * s.cells, s.sectors)[:, inside.ravel()].reshape(n, -1)
    unit = s.saturation * s.spread * np.sqrt(2 * np.pi)
    return np.asarray(1 - np.exp(value * np.float32(-1 / unit)), np.float32)


@functools.cache
def _sector_shares(s: DescriptorSettings) -> F32:
    """How much of a Gaussian around a difference of direction falls into each sector: float32
    (256, sectors), a row for each 1/256 turn, the resolution of a stored template."""
    half = np.pi / s.sectors
    centre = -np.pi + half * (2 * np.arange(s.sectors) + 1)
    difference = np.arange(_STEPS)[:, None] * (2 * np.pi / _STEPS)
    away = (centre - difference + np.pi) % (2 * np.pi) - np.pi
    share = ndtr((away + half) / s.turn) - ndtr((away - half) / s.turn)
    return share.astype(np.float32)
