"""Deformation: a print laid on a copy of itself finds how the copy was made, and every partner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kernels import deformation
from kernels.deformation import NONE, Fitting
from tests.kernels import test_parity
from tests.kernels.prints import (
    IDENTITY,
    NOTHING,
    affine_of,
    laid,
    lie,
    minutiae,
    moved,
    scatter,
)

cuda = test_parity.cuda
HOW = Fitting(14.0, 3, (18.0, 14.0, 12.0), 24, 1e4, 0.7, 50.0, 0.05)
N = 40
PAIRS = 12


@pytest.fixture
def finger():
    return scatter(np.random.default_rng(4), N, apart=25)


def call(function, *args):
    return function(*args)


def fit(probe, *candidates, pairs=PAIRS, wrong=0, how=HOW, run=call):
    """Lays a probe on candidates whose minutia i is the probe's own: so say the first `pairs`.
    run: `cuda`, or else the reference is asked."""
    index = np.arange(pairs, dtype=np.uint8)[:, None].repeat(len(candidates), axis=1)
    theirs = index.copy()
    theirs[:wrong] = theirs[:wrong][::-1]
    paired = (index, theirs, np.full(index.shape, 100, np.uint8))
    kept = np.full(index.shape, 0.7, np.float32)
    which = np.arange(len(candidates))
    return run(deformation.fit, minutiae(probe), minutiae(*candidates), which, paired, kept, how)


def where(found, x, y):
    """Where points of the probe come to lie on the candidates, (n, B) each."""
    near = deformation.nearness(
        np.float32(x), np.float32(y), found.x, found.y, np.float32(found.reach)
    )
    placed = deformation.place(found.affine, x[:, None], y[:, None])
    carried = deformation.carry(near, found.weight, found.rest, found.held)
    return placed[0] + carried[0], placed[1] + carried[1]


@pytest.mark.parametrize("turn", [0.0, 0.5, np.pi, -2.2])
@pytest.mark.parametrize(("along", "across"), [(1.0, 1.0), (1.06, 0.96)])
def test_a_moved_copy_is_found_as_it_was_moved(finger, turn, along, across):
    how = {"turn": turn, "along": along, "across": across, "dx": 60, "dy": -35}
    found = fit(finger, moved(finger, **how))
    assert found.partner[:, 0].tolist() == list(range(N))
    # the stiffness holds the map nearer to a rotation than the copy is
    np.testing.assert_allclose(found.affine[:4, 0], affine_of(**how)[:4], atol=0.005)
    x, y, _ = finger
    to_x, to_y = laid(affine_of(**how), x, y)
    at_x, at_y = where(found, x, y)
    assert np.hypot(at_x[:, 0] - to_x, at_y[:, 0] - to_y).max() < 1
    assert found.weight.min() > 0.98


def test_a_print_on_itself_stays_where_it_is(finger):
    found = fit(finger, finger)
    np.testing.assert_allclose(found.affine[:, 0], IDENTITY, atol=1e-4)
    assert found.partner[:, 0].tolist() == list(range(N))
    assert (found.weight == 1).all()
    assert np.abs(found.rest).max() < 1e-2


def test_what_bends_is_carried_along(finger):
    x, y, angle = finger
    bent_x, bent_y = x + 16 * np.sin(y / 50), y + 14 * np.sin(x / 60)
    found = fit(finger, (bent_x, bent_y, angle))
    assert found.partner[:, 0].tolist() == list(range(N))
    at_x, at_y = deformation.place(found.affine[:, 0], x, y)
    stiff = np.hypot(at_x - bent_x, at_y - bent_y).mean()
    at_x, at_y = where(found, x, y)
    assert np.hypot(at_x[:, 0] - bent_x, at_y[:, 0] - bent_y).mean() < 0.7 * stiff


def test_wrong_pairs_do_not_lead_astray(finger):
    found = fit(finger, moved(finger, 0.4, dx=20), wrong=6)
    assert found.partner[:, 0].tolist() == list(range(N))


@pytest.mark.parametrize("turn", [1.0, -1.0])
def test_one_pair_says_by_its_directions_how_a_print_is_turned(finger, turn):
    found = fit(finger, moved(finger, turn, dx=200), pairs=1)
    assert found.partner[:, 0].tolist() == list(range(N))


@pytest.mark.parametrize(("off", "meet"), [(11, True), (12, False)])
def test_places_lie_nearer_than_the_tolerance(finger, off, meet):
    x, y, angle = np.rint(finger[0]), np.rint(finger[1]), finger[2]
    other = x.copy()
    other[-1] += off
    found = fit((x, y, angle), (other, y, angle), how=replace(HOW, tolerance=(12.0,)))
    assert bool(found.partner[-1, 0] != NONE) is meet


@pytest.mark.parametrize(("off", "meet"), [(11, True), (12, False), (-11, True), (-12, False)])
def test_cuda_text_has_the_edge_of_the_tolerance_where_the_reference_has_it(
    finger, cuda, off, meet
):
    x, y, angle = np.rint(finger[0]), np.rint(finger[1]), finger[2]
    other = x.copy()
    other[-1] += off
    how = replace(HOW, tolerance=(12.0,))
    found = fit((x, y, angle), (other, y, angle), how=how, run=cuda)
    assert bool(found.partner[-1, 0] != NONE) is meet


def test_places_beyond_the_edge_are_compared_as_if_they_lay_on_it(finger, cuda):
    x, y, angle = (part.copy() for part in finger)
    there_x, there_y = x.copy(), y.copy()
    x[-4:-2], there_x[-4:-2] = [2100, -2100], [3000, -3000]
    y[-2:], there_y[-2:] = [2100, -2100], [3000, -3000]
    for run in (call, cuda):  # one round: then the map goes where the far ones are
        found = fit(
            (x, y, angle), (there_x, there_y, angle), how=replace(HOW, tolerance=(12.0,)), run=run
        )
        assert found.partner[:, 0].tolist() == list(range(N))


def test_the_other_direction_is_another_minutia(finger):
    x, y, angle = moved(finger, 0.3)
    turned = angle.copy()
    turned[PAIRS:] += np.pi
    found = fit(finger, (x, y, turned))
    assert found.partner[:PAIRS, 0].tolist() == list(range(PAIRS))
    assert (found.partner[PAIRS:] == NONE).all()
    assert not found.weight[PAIRS:].any()
    assert not found.rest[:, PAIRS:].any()


@pytest.mark.parametrize(("steps", "meet"), [(23, True), (24, False), (-23, True), (-24, False)])
def test_directions_differ_by_less_than_the_turn(finger, steps, meet):
    x, y, angle = (part.copy() for part in finger)
    angle = np.rint(angle * 256 / (2 * np.pi)) * (2 * np.pi / 256)
    other = angle.copy()
    other[-1] += steps * 2 * np.pi / 256
    found = fit((x, y, angle), (x, y, other))
    assert bool(found.partner[-1, 0] != NONE) is meet


def test_partners_are_each_others_nearest_and_ties_go_to_the_lower_index(finger):
    x, y, angle = (np.rint(part) for part in finger)
    angle[:] = 0
    extra = [x[5] - 4, x[5] + 4, x[6] + 3], [y[5], y[5], y[6]], [0, 0, 0]
    without = np.arange(N) != 5
    other = tuple(
        np.concatenate([part[without], more])
        for part, more in zip((x, y, angle), extra, strict=True)
    )
    found = fit((x, y, angle), other, pairs=5)
    assert found.partner[5, 0] == N - 1  # of the two as far as each other, the first
    assert found.partner[6, 0] == 5  # itself, not the one beside it
    met = found.partner[found.partner != NONE]
    assert len(met) == len(set(met.tolist())) == N


def test_without_pairs_nothing_meets_whoever_is_compared_beside(finger):
    copy = moved(finger, 1.0, dx=30)
    index = np.zeros((4, 3), np.uint8)
    index[:, 1] = np.arange(4)
    likeness = np.zeros((4, 3), np.uint8)
    likeness[:, 1] = 90
    found = deformation.fit(
        minutiae(finger),
        minutiae(copy, copy, NOTHING),
        np.arange(3),
        (index, index, likeness),
        likeness / np.float32(128),
        HOW,
    )
    assert (found.partner[:, 1] != NONE).all()
    for none in (0, 2):
        assert found.affine[:, none].tolist() == list(IDENTITY)
        assert (found.partner[:, none] == NONE).all()
        assert not found.weight[:, none].any()
        assert not found.rest[:, :, none].any()


@pytest.mark.parametrize("n", [0, 1, 64])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_every_size_comes_back_in_its_shape(n, batch):
    probe = scatter(np.random.default_rng(1), n)
    found = fit(probe, *[probe] * batch, pairs=min(n, 32)) if batch else nobody(probe)
    assert found.partner.shape == found.weight.shape == (n, batch)
    assert found.rest.shape == (2, n, batch)
    assert len(found) == batch
    np.testing.assert_allclose(
        found.affine, np.array(IDENTITY)[:, None].repeat(batch, 1), atol=0.02
    )
    assert (found.partner == np.arange(n)[:, None]).all()


def nobody(probe):
    none = np.zeros((2, 0), np.uint8)
    kept = none.astype(np.float32)
    gallery, which = minutiae(probe), np.zeros(0, np.int64)
    return deformation.fit(gallery, gallery, which, (none, none, none), kept, HOW)


def test_blocks_of_any_size_find_the_same_pairs(finger, monkeypatch):
    copies = [moved(finger, turn) for turn in (0.1, 1.0, 2.0)]
    whole = fit(finger, *copies)
    for block in (1, 5 * N * 3):
        monkeypatch.setattr(deformation, "_BLOCK", block)
        np.testing.assert_array_equal(fit(finger, *copies).partner, whole.partner)


@pytest.mark.parametrize(
    "change",
    [
        {"tolerance": ()},
        {"tolerance": (12.0, 300.0)},
        {"turn": 0},
        {"turn": 129},
        {"held": 0.0},
        {"rounds_rigid": 0},
    ],
)
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match="must be"):
        replace(HOW, **change)


def test_arrays_that_do_not_fit_are_refused(finger):
    probe, one = minutiae(finger), np.arange(1)
    index, kept = np.zeros((4, 1), np.uint8), np.zeros((4, 1), np.float32)
    with pytest.raises(ValueError, match="do not fit"):
        deformation.fit(probe, probe, one, (index,) * 3, kept[:3].copy(), HOW)
    with pytest.raises(ValueError, match="do not fit"):
        deformation.fit(probe, probe, np.arange(2), (index,) * 3, kept, HOW)
    with pytest.raises(ValueError, match="kept"):
        deformation.fit(probe, probe, one, (index,) * 3, kept.astype(np.float64), HOW)
    with pytest.raises(ValueError, match="one print"):
        deformation.fit(minutiae(finger, finger), probe, one, (index,) * 3, kept, HOW)
    many = np.zeros((33, 1), np.uint8)
    with pytest.raises(ValueError, match="at most 32"):
        deformation.fit(probe, probe, one, (many,) * 3, many.astype(np.float32), HOW)


def test_a_deformation_holds_arrays_that_fit():
    right = lie(IDENTITY, x=[1, 2], y=[3, 4])
    with pytest.raises(ValueError, match="weight"):
        replace(right, weight=right.weight[:1])
    with pytest.raises(ValueError, match="affine"):
        replace(right, affine=right.affine.astype(np.float64))
