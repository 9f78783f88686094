"""Drawn templates: shapes, ranges, truth, and the figures the settings promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.settings import SynthesisSettings
from engine.synthesis.draw import (
    Impressions,
    Masters,
    draw_impressions,
    draw_masters,
    minutiae_of,
)
from engine.types import MAX_MINUTIAE, MinutiaKind

SETTINGS = SynthesisSettings()
FINGERS = 400


@pytest.fixture(scope="module")
def masters() -> Masters:
    return draw_masters(FINGERS, np.random.default_rng(1), SETTINGS)


@pytest.fixture(scope="module")
def impressions(masters: Masters) -> Impressions:
    return draw_impressions(masters, np.arange(FINGERS), np.random.default_rng(2), SETTINGS)


def test_shapes_types_and_ranges(impressions: Impressions) -> None:
    shape = (FINGERS, MAX_MINUTIAE)
    expected = {
        "x": np.float32,
        "y": np.float32,
        "angle": np.float32,
        "kind": np.uint8,
        "quality": np.uint8,
        "valid": np.bool_,
        "identity": np.int16,
    }
    for name, dtype in expected.items():
        array = getattr(impressions, name)
        assert array.shape == shape and array.dtype == dtype, name
    used = impressions.valid
    assert impressions.x[used].min() >= 0 and impressions.x.max() < SETTINGS.draw.width
    assert impressions.y[used].min() >= 0 and impressions.y.max() < SETTINGS.draw.height
    assert impressions.angle.min() >= 0 and impressions.angle.max() < 2 * np.pi
    assert set(np.unique(impressions.kind[used])) == {MinutiaKind.ENDING, MinutiaKind.BIFURCATION}
    assert impressions.quality.max() <= 100
    assert np.all(impressions.identity[~used] == -1)


def test_same_seed_same_minutiae(masters: Masters) -> None:
    again = draw_masters(FINGERS, np.random.default_rng(1), SETTINGS)
    assert np.array_equal(masters.x, again.x) and np.array_equal(masters.valid, again.valid)
    other = draw_masters(FINGERS, np.random.default_rng(9), SETTINGS)
    assert not np.array_equal(masters.x, other.x)
    small = replace(SETTINGS, draw=replace(SETTINGS.draw, chunk=64))
    assert len(draw_masters(FINGERS, np.random.default_rng(1), small)) == FINGERS
    drawn = draw_impressions(masters, np.arange(FINGERS), np.random.default_rng(1), small)
    assert len(drawn) == FINGERS


def test_genuine_minutiae_keep_their_distance(masters: Masters) -> None:
    for i in range(0, FINGERS, 20):
        real = masters.valid[i] & ~masters.ghost[i]
        x, y = masters.x[i, real], masters.y[i, real]
        gap = np.hypot(x[:, None] - x, y[:, None] - y) + 1e6 * np.eye(len(x))
        assert gap.min() > SETTINGS.draw.distance[0] * 0.69


def test_counts_come_near_those_of_real_prints(impressions: Impressions) -> None:
    """39.1 ± 13.0 a print, docs/synthesis.md."""
    count = impressions.valid.sum(axis=1)
    assert count.mean() == pytest.approx(39, abs=3)
    assert count.std() == pytest.approx(13, abs=3)


def test_false_and_missing_shares_are_as_set(masters: Masters, impressions: Impressions) -> None:
    roomy = replace(
        SETTINGS,
        draw=replace(
            SETTINGS.draw,
            contact_width=(900.0, 901.0),
            contact_height=(900.0, 901.0),
            width=2000,
            height=2000,
            darts=200,
        ),
    )
    few = draw_masters(FINGERS, np.random.default_rng(4), roomy)
    drawn = draw_impressions(few, np.arange(FINGERS), np.random.default_rng(5), roomy)
    found = (drawn.identity >= 0).sum(axis=1)
    false = drawn.valid.sum(axis=1) - found
    real = np.sum(few.valid & ~few.ghost, axis=1)
    fits = drawn.valid.sum(axis=1) < MAX_MINUTIAE
    assert np.mean(1 - found[fits] / real[fits]) == pytest.approx(0.20, abs=0.03)
    assert np.mean(false[fits] / real[fits]) == pytest.approx(0.15, abs=0.03)


def test_identity_is_the_truth(masters: Masters, impressions: Impressions) -> None:
    """A rigid motion fitted through the named slots must explain positions and directions."""
    for i in range(0, FINGERS, 25):
        known = impressions.identity[i] >= 0
        slot = impressions.identity[i, known].astype(int)
        there = masters.x[i, slot] - 1j * masters.y[i, slot]
        here = impressions.x[i, known] - 1j * impressions.y[i, known]
        there, here = there - there.mean(), here - here.mean()
        turn = np.angle(np.vdot(there, here))
        assert np.median(np.abs(here - there * np.exp(1j * turn))) < 12
        off = impressions.angle[i, known] - masters.angle[i, slot] - turn
        assert np.median(np.abs(np.angle(np.exp(1j * off)))) < 0.3


def test_two_impressions_of_a_finger_share_most_minutiae(masters: Masters) -> None:
    twice = draw_impressions(
        masters, np.repeat(np.arange(FINGERS), 2), np.random.default_rng(3), SETTINGS
    )
    shared = [
        len(np.intersect1d(a[a >= 0], b[b >= 0]))
        for a, b in zip(twice.identity[::2], twice.identity[1::2], strict=True)
    ]
    assert 14 < np.mean(shared) < 30


def test_minutiae_of_gives_the_used_slots_best_first(impressions: Impressions) -> None:
    minutiae = minutiae_of(impressions, 7)
    assert len(minutiae) == impressions.valid[7].sum()
    assert np.all(np.diff(minutiae.quality.astype(int)) <= 0)
    assert np.array_equal(minutiae.x, impressions.x[7, : len(minutiae)])
