"""Cylinders and codes: the same wherever the print lies, different for another neighbourhood."""

from __future__ import annotations

import numpy as np
import pytest

from engine.embedding import descriptors
from engine.settings import DescriptorSettings
from engine.types import Minutiae

SETTINGS = DescriptorSettings()


def scatter(n, seed=0, size=300):
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, size, (2, n)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi, n).astype(np.float32)
    ones = np.ones(n, np.uint8)
    return Minutiae(place[0], place[1], angle, ones, ones)


def moved(m, turn, dx, dy):
    """Turned counter-clockwise as seen, then shifted; y points down."""
    cos, sin = np.cos(turn), np.sin(turn)
    x = (cos * m.x + sin * m.y + dx).astype(np.float32)
    y = (-sin * m.x + cos * m.y + dy).astype(np.float32)
    angle = np.mod(m.angle + turn, 2 * np.pi).astype(np.float32)
    return Minutiae(x, y, angle, m.kind, m.quality)


def test_one_neighbour_fills_the_cells_where_it_lies():
    lone = Minutiae(
        np.array([100, 135], np.float32),
        np.array([100, 100], np.float32),
        np.array([0, np.pi / 2], np.float32),
        np.ones(2, np.uint8),
        np.ones(2, np.uint8),
    )
    first, second = descriptors.cylinders(lone, SETTINGS)
    grid = (np.arange(SETTINGS.cells) + 0.5) / SETTINGS.cells * 140 - 70
    inside = np.add.outer(grid**2, grid**2) <= 70**2
    ahead = np.broadcast_to(grid[:, None], inside.shape)[inside]
    aside = np.broadcast_to(grid[None, :], inside.shape)[inside]
    fullest = first.reshape(-1, SETTINGS.sectors).sum(axis=1).argmax()
    assert abs(ahead[fullest] - 35) <= 7  # straight ahead of the first
    assert abs(aside[fullest]) <= 7
    fullest = second.reshape(-1, SETTINGS.sectors).sum(axis=1).argmax()
    assert abs(aside[fullest] - 35) <= 7  # to the left of the second, which looks up
    assert 0 <= first.min() <= first.max() <= 1


@pytest.mark.parametrize("turn", [0.5, np.pi, 4.0])
def test_codes_do_not_change_with_the_pose(turn):
    print_ = scatter(40)
    one = descriptors.project(print_, SETTINGS)
    other = descriptors.project(moved(print_, turn, 37, -12), SETTINGS)
    np.testing.assert_allclose(one, other, atol=2e-2)
    same = np.bitwise_count(descriptors.code(one) ^ descriptors.code(other)).sum(axis=1)
    assert same.max() <= 3  # of 256: those on the edge of their sign


def test_other_neighbourhoods_have_other_codes():
    one = descriptors.code(descriptors.project(scatter(40, 1), SETTINGS))
    other = descriptors.code(descriptors.project(scatter(40, 2), SETTINGS))
    distance = np.bitwise_count(one[:, None] ^ other[None]).sum(axis=2)
    assert distance.mean() == pytest.approx(128, abs=12)


@pytest.mark.parametrize("n", [0, 1])
def test_few_minutiae_still_have_codes(n):
    projected = descriptors.project(scatter(n), SETTINGS)
    assert projected.shape == (n, 256)
    assert np.isfinite(projected).all()
    assert descriptors.code(projected).shape == (n, 4)
