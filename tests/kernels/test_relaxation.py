"""Relaxation: a moved print keeps its score, a scrambled one loses it; pairs by the definition."""

from __future__ import annotations

import numpy as np
import pytest

from kernels import relaxation
from kernels.packed import Packed

HOW = relaxation.Relaxation(0.5, 5, 8.0, 0.06, 16.0, np.full(65, 6, np.int32))
N = 12


def packed(x, y, angle):
    codes = np.zeros((4, len(x)), np.uint64)
    return Packed(
        codes,
        np.round(x).astype(np.int16),
        np.round(y).astype(np.int16),
        np.round(np.asarray(angle) * 256 / (2 * np.pi)).astype(np.int64).astype(np.uint8),
        np.array([0, len(x)], np.int64),
    )


@pytest.fixture
def finger():
    rng = np.random.default_rng(2)
    return rng.uniform(0, 300, N), rng.uniform(0, 300, N), rng.uniform(0, 2 * np.pi, N)


def moved(finger, turn, dx=0.0, dy=0.0):
    """The finger turned counter-clockwise as seen (y points down) and shifted."""
    x, y, angle = finger
    cos, sin = np.cos(turn), np.sin(turn)
    return cos * x + sin * y + dx, -sin * x + cos * y + dy, angle + turn


def score(one, other, likeness=100):
    index = np.arange(N, dtype=np.uint8)[:, None]
    found = (index, index, np.full((N, 1), likeness, np.uint8))
    return relaxation.relax(packed(*one), packed(*other), np.array([0]), found, HOW)


def plain(one, other, likeness=100):
    """What each pair keeps, written as the definition reads, in float64."""
    mine, theirs = packed(*one), packed(*other)
    mixing = np.empty((N, N))
    for i, k in np.ndindex(N, N):
        turned = [int(theirs.angle[each]) - int(mine.angle[each]) for each in (i, k)]
        cos, sin = np.cos(2 * np.pi * turned[0] / 256), np.sin(2 * np.pi * turned[0] / 256)
        right, down = float(mine.x[k]) - mine.x[i], float(mine.y[k]) - mine.y[i]
        off_x = float(theirs.x[k]) - theirs.x[i] - (cos * right + sin * down)
        off_y = float(theirs.y[k]) - theirs.y[i] - (cos * down - sin * right)
        allowed = HOW.reach + HOW.stretch * np.hypot(right, down)
        near = np.clip(1.5 - np.hypot(off_x, off_y) / allowed, 0, 1)
        apart = (turned[1] - turned[0]) % 256
        same = np.clip(1.5 - min(apart, 256 - apart) / HOW.turn, 0, 1)
        mixing[i, k] = HOW.keep if i == k else (1 - HOW.keep) / (N - 1) * near * same
    return np.linalg.matrix_power(mixing, HOW.rounds) @ np.full(N, likeness / 128)


@pytest.mark.parametrize("steps", [0, 12, 20, 127, 128, 129, 244])
def test_pairs_keep_what_the_definition_has_for_every_turn_between_them(steps):
    # so close together that where they lie tells no turn: only the directions do
    x, y = np.random.default_rng(3).uniform(0, 4, (2, N))
    angle = np.linspace(0, 6, N)
    turned = angle + np.where(np.arange(N) % 2, steps * 2 * np.pi / 256, 0)
    _, kept = score((x, y, angle), (x, y, turned))
    np.testing.assert_allclose(kept[:, 0], plain((x, y, angle), (x, y, turned)), atol=1e-5)


@pytest.mark.parametrize("turn", [0.0, 0.7, np.pi, -2.0])
def test_rigid_motion_keeps_every_pair(finger, turn):
    (value,), kept = score(finger, moved(finger, turn, 30, -20))
    assert value == pytest.approx(100 / 128, abs=0.02)
    assert kept.min() > 0.7


def test_turning_the_wrong_way_is_no_rigid_motion(finger):
    x, y, _ = moved(finger, 0.9)
    (value,), _ = score(finger, (x, y, finger[2] - 0.9))
    assert value < 0.2


def test_one_stray_pair_loses_and_the_others_do_not_suffer(finger):
    x, y, angle = moved(finger, 0.3, 10, 10)
    x[4] += 90
    (value,), kept = score(finger, (x, y, angle))
    assert kept[4] == kept.min() < 0.15
    assert value == pytest.approx(100 / 128, rel=0.35)


def test_half_a_turn_between_pairs_is_no_agreement(finger):
    x, y, angle = finger
    angle = angle.copy()
    angle[::2] += np.pi
    (value,), _ = score(finger, (x, y, angle))
    assert value < 0.5 * score(finger, finger)[0][0]


def test_no_pairs_no_score(finger):
    (value,), kept = score(finger, finger, likeness=0)
    assert value == 0
    assert not kept.any()


def test_missing_pairs_add_nothing(finger):
    index = np.zeros((N, 1), np.uint8)
    like = np.zeros((N, 1), np.uint8)
    index[:2, 0], like[:2, 0] = [0, 1], 127
    (value,), kept = relaxation.relax(
        packed(*finger), packed(*finger), np.array([0]), (index, index, like), HOW
    )
    assert not kept[2:].any()
    assert value < 2 / 6
