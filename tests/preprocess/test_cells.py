"""Cells say how the ridges run where they are seen, and keep the fullest part of a large print."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.preprocess import wave
from engine.preprocess.analysis import analyse
from engine.preprocess.cells import sample
from engine.preprocess.enhance import enhance
from engine.settings import PreprocessSettings, RidgeCellSettings
from engine.types import F64, MAX_CELLS, NO_CELLS, Bool, RidgeCells, RidgeMap
from kernels.ridges import CELL
from tests.preprocess.waves import Arcs, Plane, turn

SETTINGS, CELLS = PreprocessSettings(), RidgeCellSettings()


def cells_of(ridges: RidgeMap) -> RidgeCells:
    return sample(ridges, wave.read(ridges, SETTINGS), CELLS)


def middles(cells: RidgeCells) -> tuple[F64, F64]:
    """x and y of each cell's middle, px."""
    row, column = np.mgrid[: cells.values.shape[0], : cells.values.shape[1]]
    return (column + cells.left + 0.5) * CELL - 0.5, (row + cells.top + 0.5) * CELL - 0.5


def shown(cells: RidgeCells) -> tuple[F64, F64, F64]:
    """Orientation in rad, period in px, phase in rad of each cell, as docs/formats.md has them."""
    orientation = ((cells.values >> 10) + 0.5) * (np.pi / 64)
    period = 5 * 3 ** ((cells.values >> 6 & 15) / 15)
    return orientation, period, ((cells.values >> 1 & 31) + 0.5) * (np.pi / 16)


@pytest.mark.parametrize("along", [0.02, 0.6, np.pi / 2, 2.0, 3.1])
@pytest.mark.parametrize("period", [6.0, 9.0, 12.0])
def test_a_plane_wave_gives_its_cells(along: float, period: float) -> None:
    plane = Plane(along, period)
    cells = cells_of(plane.ridges())
    assert cells.values.dtype == np.uint16
    assert cells.values.flags.c_contiguous
    assert cells.values.shape == (24, 20)
    assert (cells.values & 1).all()
    orientation, length, phase = shown(cells)
    assert np.abs(turn(2 * (orientation - along))).max() < np.pi / 32
    assert np.abs(np.log(length / period)).max() < np.log(3) / 15 * 0.51
    assert np.abs(turn(phase - plane.phase(*middles(cells)))).max() < 0.6


def test_a_print_of_arcs_has_the_phase_that_was_drawn() -> None:
    arcs = Arcs(minutiae=())
    image = arcs.image(noise=40)
    cells = cells_of(enhance(image, analyse(image, SETTINGS), SETTINGS))
    x, y = middles(cells)
    orientation, _, phase = shown(cells)
    # Arcs count their phase away from the centre, cells to one side of an orientation in [0, π).
    opposed = np.cos(arcs.across(x, y) - orientation - np.pi / 2) < 0
    expected = np.where(opposed, -1, 1) * arcs.phase(x, y)
    seen, drawn = cells.values > 0, arcs.inside[y.astype(int), x.astype(int)]
    assert seen[drawn].mean() > 0.95
    assert np.cos(phase - expected)[seen & drawn].mean() > 0.95


def test_a_print_that_is_moved_has_its_cells_moved() -> None:
    ridges = Plane(0.6, 9.0, 400, 360).ridges()
    ridges.mask[:] = False
    ridges.mask[5:25, 10:30] = True
    moved = replace(  # by the least that is whole in blocks and in cells
        ridges,
        mask=np.roll(ridges.mask, (10, 5), (0, 1)),
        enhanced=np.roll(ridges.enhanced, (80, 40), (0, 1)),
    )
    here, there = cells_of(ridges), cells_of(moved)
    assert (there.left - here.left, there.top - here.top) == (4, 8)
    np.testing.assert_array_equal(there.values, here.values)


def large(mask: Bool) -> RidgeCells:
    """The cells of a print of 56×56 blocks under a mask."""
    return cells_of(replace(Plane(0.6, 9.0, 448, 448).ridges(), mask=mask))


def test_empty_borders_are_taken_away() -> None:
    mask = np.zeros((56, 56), np.bool_)
    mask[20:30, 15:20] = True  # y from 160 to 239, x from 120 to 159
    cells = large(mask)
    assert (cells.left, cells.top, cells.values.shape) == (12, 16, (8, 4))
    assert (cells.values > 0).all()
    assert large(np.zeros((56, 56), np.bool_)) is NO_CELLS


def test_of_a_large_print_the_fullest_part_is_kept() -> None:
    mask = np.zeros((56, 56), np.bool_)
    mask[6:56, 6:56] = True
    mask[::7, ::7] = True  # a few spots all around
    assert ((large(mask).left, large(mask).top), large(mask).values.shape) == ((5, 5), (40, 40))
    whole = large(np.ones((56, 56), np.bool_))
    assert MAX_CELLS - 45 < whole.values.size <= MAX_CELLS


def test_faint_ridges_have_no_cells() -> None:
    assert (cells_of(Plane(0.6, 9.0).ridges(contrast=0.1)).values > 0).all()
    assert cells_of(Plane(0.6, 9.0).ridges(contrast=0.02)) is NO_CELLS


def test_a_wave_that_has_no_pixels_in_the_middles_is_refused() -> None:
    ridges = Plane(0.6, 9.0).ridges()
    coarse = wave.read(ridges, replace(SETTINGS, scale=4))
    with pytest.raises(ValueError, match="odd multiple"):
        sample(ridges, coarse, CELLS)
