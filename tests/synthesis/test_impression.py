"""Impressions: deterministic, with a truth that fits the picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.settings import SynthesisSettings
from engine.synthesis.impression import Impression, make_impression
from engine.synthesis.master import Master, make_master
from tests.synthesis.ridges import orientation_errors

SETTINGS = SynthesisSettings()
CALM = replace(
    SETTINGS,
    impression=replace(
        SETTINGS.impression,
        rough=(0.0, 0.01),
        careless=0.0,
        moisture_sd=0.0,
        optical_share=1.0,
        scratches=(0, 1),
    ),
    master=replace(SETTINGS.master, pores=0.0, creases=(0, 1)),
)


@pytest.fixture(scope="module")
def master() -> Master:
    return make_master(2, CALM)


@pytest.fixture(scope="module")
def impressions(master: Master) -> list[Impression]:
    return [make_impression(master, seed, CALM) for seed in range(6)]


def test_same_seed_same_print(master: Master) -> None:
    one, two = make_impression(master, 7, SETTINGS), make_impression(master, 7, SETTINGS)
    other = make_impression(master, 8, SETTINGS)
    assert np.array_equal(one.pixels, two.pixels)
    assert np.array_equal(one.minutiae.angle, two.minutiae.angle)
    assert one.pixels.shape != other.pixels.shape or not np.array_equal(one.pixels, other.pixels)


def test_shapes_types_and_ranges(master: Master, impressions: list[Impression]) -> None:
    for each in impressions:
        height, width = each.pixels.shape
        assert each.pixels.dtype == np.uint8 and each.mask.shape == (height, width)
        assert each.orientation.shape == (height // 8, width // 8)
        assert each.orientation.min() >= 0 and each.orientation.max() < np.pi
        assert each.minutiae.angle.min() >= 0 and each.minutiae.angle.max() < 2 * np.pi
        assert each.identity.min() >= 0 and each.identity.max() < len(master.minutiae)
        assert len(np.unique(each.identity)) == len(each.minutiae)
        rows, columns = np.rint(each.minutiae.y).astype(int), np.rint(each.minutiae.x).astype(int)
        assert np.all(each.mask[rows, columns])


def test_both_sensors_come(master: Master) -> None:
    seen = {make_impression(master, seed, SETTINGS).sensor for seed in range(12)}
    assert seen == {"optical", "capacitive"}


def test_the_mask_is_where_the_ridges_are(impressions: list[Impression]) -> None:
    for each in impressions:
        inside, outside = each.pixels[each.mask], each.pixels[~each.mask]
        assert inside.std() > 40
        assert np.median(outside) > 200
        assert 0.1 < each.mask.mean() < 0.75


def test_orientation_is_that_of_the_picture(impressions: list[Impression]) -> None:
    for each in impressions:
        assert np.median(orientation_errors(each)) < np.deg2rad(5)


def test_minutiae_lie_where_the_ridge_pattern_went(
    master: Master, impressions: list[Impression]
) -> None:
    """A patch of the master around each minutia, turned as the truth says, must be seen there."""
    for each in impressions[:3]:
        likeness = []
        smooth = cv2.GaussianBlur(each.pixels, (0, 0), 1.0)
        for i, k in enumerate(each.identity):
            turn = np.rad2deg(each.minutiae.angle[i] - master.minutiae.angle[k])
            here = cv2.getRotationMatrix2D(
                (float(each.minutiae.x[i]), float(each.minutiae.y[i])), -turn, 1.0
            )
            here[:, 2] += 12 - np.array([each.minutiae.x[i], each.minutiae.y[i]])
            there = np.float64(
                [[1, 0, 12 - master.minutiae.x[k]], [0, 1, 12 - master.minutiae.y[k]]]
            )
            now = cv2.warpAffine(smooth, here, (25, 25))
            was = cv2.warpAffine(master.pixels, there, (25, 25))
            likeness.append(np.corrcoef(now.ravel(), was.ravel())[0, 1])
        assert np.median(likeness) > 0.75


def test_two_impressions_share_minutiae(impressions: list[Impression]) -> None:
    for one, two in zip(impressions[::2], impressions[1::2], strict=True):
        assert len(np.intersect1d(one.identity, two.identity)) >= 8
        assert not np.array_equal(one.identity, two.identity)
