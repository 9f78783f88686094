"""Ridges: one print's wave agrees with itself however it was laid, and with no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kernels import ridges
from kernels.ridges import CELL, LONGEST, SHORTEST, Comparing
from tests.kernels.prints import IDENTITY, affine_of, cells, laid, lie, sampled

HOW = Comparing(5, 4)
SHAPE = 30, 24
ONE = np.arange(1)


def finger(x, y):
    """Phase, rad: ridges of some 9 px that bend."""
    return 2 * np.pi * (0.3 * x + y) / 9.4 + 14 * np.sin(x / 70) + 9 * np.cos((x + y) / 60)


def stranger(x, y):
    return 2 * np.pi * (x - 0.4 * y) / 8.6 + 12 * np.cos(x / 50) + 11 * np.sin(y / 65)


def parts(probe, candidate, found, how=HOW):
    """How many cells are shared, then the mean of each measure."""
    shared, *sums = ridges.compare(probe, candidate, ONE, found, how)[:, 0]
    return shared, *(each / max(shared, 1) for each in sums)


def copy_of(phase, affine, shape=SHAPE, left=0, top=0):
    """The print after an affine map, as cells."""
    xx, xy, yx, yy, x0, y0 = affine
    scale = xx * yy - xy * yx
    back = yy / scale, -xy / scale, -yx / scale, xx / scale, 0, 0

    def there(x, y):
        return phase(*laid(back, x - x0, y - y0))

    return cells(sampled(there, shape, left, top), left=left, top=top)


def test_a_print_agrees_with_itself_in_every_cell():
    print_ = cells(sampled(finger, SHAPE))
    shared, orientation, period, coherence = parts(print_, print_, lie(IDENTITY))
    assert shared == SHAPE[0] * SHAPE[1]
    assert orientation == pytest.approx(1, abs=1e-5)
    assert period == pytest.approx(0, abs=1e-5)
    assert coherence == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("turn", [0.0, 0.6, np.pi / 2, np.pi, -2.3])
@pytest.mark.parametrize(("along", "across"), [(1.0, 1.0), (1.07, 0.95)])
def test_a_moved_copy_agrees_where_it_is_laid(turn, along, across):
    affine = affine_of(turn, along, across, dx=13, dy=-8)
    copy = copy_of(finger, affine, (80, 80), left=-40, top=-40)
    shared, orientation, period, coherence = parts(cells(sampled(finger, SHAPE)), copy, lie(affine))
    assert shared == SHAPE[0] * SHAPE[1]
    assert orientation > 0.99
    assert period < 0.05
    assert coherence > 0.93


def test_a_shift_of_a_few_pixels_costs_little_and_a_wrong_place_a_lot():
    probe, copy = cells(sampled(finger, SHAPE)), copy_of(finger, IDENTITY)
    *_, near = parts(probe, copy, lie((*IDENTITY[:4], 3, 2)))
    *_, far = parts(probe, copy, lie((*IDENTITY[:4], 60, 90)))
    assert near > 0.85
    assert far < 0.5


def test_strangers_do_not_agree():
    probe, other = cells(sampled(finger, SHAPE)), cells(sampled(stranger, SHAPE))
    shared, orientation, _, coherence = parts(probe, other, lie(IDENTITY))
    assert shared == SHAPE[0] * SHAPE[1]
    assert orientation < 0.5
    assert coherence < 0.25


def test_periods_are_told_apart():
    one = cells(sampled(lambda x, y: 2 * np.pi * y / 8, SHAPE))
    other = cells(sampled(lambda x, y: 2 * np.pi * y / 12 + 0 * x, SHAPE))
    _, orientation, period, coherence = parts(one, other, lie(IDENTITY))
    assert orientation == pytest.approx(1, abs=1e-5)
    assert period == pytest.approx(np.log(12 / 8), abs=0.05)
    assert coherence < 0.4


def test_only_cells_that_both_show_are_shared():
    whole, half = sampled(finger, SHAPE), sampled(finger, SHAPE)
    half[:, 12:] = 0
    for probe, candidate in ((whole, half), (half, whole)):
        shared, *_, coherence = parts(cells(probe), cells(candidate), lie(IDENTITY))
        assert shared == SHAPE[0] * 12
        assert coherence == pytest.approx(1, abs=1e-5)
    shared, *_ = parts(cells(whole), cells(whole), lie((*IDENTITY[:4], 100, 0)))
    assert shared == SHAPE[0] * (SHAPE[1] - 10)


def test_cells_lie_where_their_print_does():
    here = cells(sampled(finger, SHAPE, 3, 5), left=3, top=5)
    there = cells(sampled(finger, SHAPE, -2, 1), left=-2, top=1)
    shared, *_, coherence = parts(here, there, lie(IDENTITY))
    assert shared == (SHAPE[0] - 4) * (SHAPE[1] - 5)
    assert coherence == pytest.approx(1, abs=1e-5)


def plain(probe, candidate, found, how):
    """The sums for one candidate, written as the definition reads."""
    rows, columns = len(probe.values) // int(probe.width[0]), int(probe.width[0])
    width = int(candidate.width[0])
    height = len(candidate.values) // width

    def nodes(length):
        return np.arange(-(-(length - 1) // how.nodes) + 1) * how.nodes

    def middle(at, edge):
        return (at + edge + 0.5) * CELL - 0.5

    def where(row, column):
        x, y = middle(column, probe.left[0]), middle(row, probe.top[0])
        near = np.exp(-((x - found.x) ** 2 + (y - found.y) ** 2) / (2 * found.reach**2))
        near = near * found.weight[:, 0]
        carried = (near * found.rest[:, :, 0]).sum(1) / (near.sum() + found.held)
        return np.array(laid(found.affine[:, 0], x, y)) + carried

    lattice = np.array([[where(r, c) for c in nodes(columns)] for r in nodes(rows)])
    phasor, seen = np.zeros((rows, columns), complex), np.zeros((rows, columns), bool)
    sums = np.zeros(4)
    affine = found.affine[:4, 0].reshape(2, 2)
    for row in range(rows):
        for column in range(columns):
            down = [np.interp(row, nodes(rows), lattice[:, k, 0]) for k in range(lattice.shape[1])]
            side = [np.interp(row, nodes(rows), lattice[:, k, 1]) for k in range(lattice.shape[1])]
            x, y = (np.interp(column, nodes(columns), each) for each in (down, side))
            c = int(np.floor((x + 0.5) / CELL)) - int(candidate.left[0])
            r = int(np.floor((y + 0.5) / CELL)) - int(candidate.top[0])
            mine = int(probe.values[row * columns + column])
            if not (0 <= r < height and 0 <= c < width and mine & 1):
                continue
            theirs = int(candidate.values[r * width + c])
            if not theirs & 1:
                continue
            (own, own_phase), (other, phase) = wave(mine), wave(theirs)
            off = np.array([x - middle(c, candidate.left[0]), y - middle(r, candidate.top[0])])
            phase += other @ off
            other = affine.T @ other
            along = own @ other / np.linalg.norm(own) / np.linalg.norm(other)
            shift = (phase if along >= 0 else -phase) - own_phase
            ratio = np.log(np.linalg.norm(other) / np.linalg.norm(own))
            sums[:3] += 1, 2 * along**2 - 1, min(abs(ratio), 0.5)
            seen[row, column] = True
            phasor[row, column] = max(2 * along**2 - 1, 0) * np.exp(1j * shift)
    half = how.window // 2
    for row, column in np.argwhere(seen):
        window = np.s_[
            max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1
        ]
        sums[3] += abs(phasor[window].sum()) / seen[window].sum()
    return sums


def wave(value):
    """Radians for each px right and down, and the phase, of a cell's bits."""
    turn = (value // 1024 + 0.5) * np.pi / 64
    period = SHORTEST * (LONGEST / SHORTEST) ** (value // 64 % 16 / 15)
    across = np.array([-np.sin(turn), -np.cos(turn)])
    return across * 2 * np.pi / period, (value // 2 % 32 + 0.5) * np.pi / 16


@pytest.mark.parametrize(
    ("shape", "how"),
    [
        ((9, 11), HOW),
        ((1, 14), HOW),
        ((13, 1), Comparing(3, 5)),
        ((6, 5), Comparing(1, 1)),
        ((10, 9), Comparing(7, 3)),
    ],
)
def test_agrees_with_the_definition(shape, how):
    rng = np.random.default_rng(8)
    n, shared = 6, 0
    for _ in range(4):
        probe, candidate = (
            cells(rng.integers(0, 2**16, grid).astype(np.uint16), left=left, top=top)
            for grid, left, top in ((shape, 2, 0), ((12, 10), -1, 1))
        )
        found = lie(
            affine_of(rng.uniform(-0.4, 0.4), 1.05, 0.97, *rng.uniform(-20, 20, 2)),
            x=rng.integers(0, 100, n),
            y=rng.integers(0, 100, n),
            weight=rng.uniform(0, 1, (n, 1)),
            rest=rng.uniform(-8, 8, (2, n, 1)),
        )
        expected = plain(probe, candidate, found, how)
        shared += expected[0]
        got = ridges.compare(probe, candidate, ONE, found, how)[:, 0]
        np.testing.assert_allclose(got, expected, atol=1e-3)
    assert shared > 0


@pytest.mark.parametrize("batch", [0, 1, 7])
@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_chunks_change_nothing(monkeypatch, batch, chunk):
    probe, others = cells(sampled(finger, SHAPE)), [sampled(stranger, (20, 21))] * 3
    gallery = cells(sampled(finger, (25, 30)), *others)
    which = np.arange(batch) % len(gallery)
    found = lie(*[affine_of(0.1 * b, dx=3 * b) for b in range(batch)])
    whole = ridges.compare(probe, gallery, which, found, HOW)
    monkeypatch.setattr(ridges, "CHUNK", chunk)
    np.testing.assert_allclose(ridges.compare(probe, gallery, which, found, HOW), whole, rtol=1e-5)
    assert whole.shape == (4, batch)


def test_prints_without_cells_share_none():
    some, none = cells(sampled(finger, SHAPE)), cells(np.zeros((0, 0), np.uint16))
    blank = cells(np.zeros(SHAPE, np.uint16))
    for probe, candidate in ((some, none), (none, some), (blank, some), (some, blank)):
        assert not ridges.compare(probe, candidate, ONE, lie(IDENTITY), HOW).any()


def test_bits_hold_what_was_seen():
    values = ridges.encode(
        np.array([0.0, np.pi - 1e-6, 1.0]),
        np.array([1 / SHORTEST, 1 / 40, 0.1]),
        np.array([0.0, 2 * np.pi - 1e-6, 3.0]),
        np.array([True, True, False]),
    )
    assert values.tolist() == [1, 0xFFFF, 0]
    assert values.dtype == np.uint16


@pytest.mark.parametrize("change", [{"window": 4}, {"window": 0}, {"window": -1}, {"nodes": 0}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match="odd"):
        replace(HOW, **change)


def test_arrays_that_do_not_fit_are_refused():
    one = cells(sampled(finger, SHAPE))
    two = cells(sampled(finger, SHAPE), sampled(finger, SHAPE))
    with pytest.raises(ValueError, match="one probe"):
        ridges.compare(two, one, ONE, lie(IDENTITY), HOW)
    with pytest.raises(ValueError, match="deformation for each"):
        ridges.compare(one, two, np.arange(2), lie(IDENTITY), HOW)
    with pytest.raises(ValueError, match="candidates"):
        ridges.compare(one, one, ONE.astype(np.int32), lie(IDENTITY), HOW)
    with pytest.raises(ValueError, match="at most 1600"):
        ridges.compare(cells(np.ones((41, 40), np.uint16)), one, ONE, lie(IDENTITY), HOW)
    with pytest.raises(ValueError, match="width"):
        replace(one, width=one.width[:0])
    with pytest.raises(ValueError, match="values"):
        replace(one, values=one.values.astype(np.int32))
