"""Keeps of a print's ridges what a comparison needs: one plane wave for every cell of a grid."""

from __future__ import annotations

import numpy as np

from engine.settings import RidgeCellSettings
from engine.types import MAX_CELLS, NO_CELLS, U16, RidgeCells, RidgeMap, Wave
from kernels.ridges import CELL, encode

VERSION = 1  # of the cells: raise it when what is below, or `encode`, changes their values


def sample(ridges: RidgeMap, wave: Wave, settings: RidgeCellSettings) -> RidgeCells:
    """The cells with their middles in the image, where ridges are seen; at most MAX_CELLS.

    ridges, wave: of one print, from `preprocess.enhance` and `preprocess.wave`. Raises ValueError
    where the middles of cells are no pixels of the wave.
    """
    if CELL % (2 * wave.step) != wave.step:
        raise ValueError(f"{CELL} px, a cell, must be an odd multiple of the wave's {wave.step} px")
    pitch = CELL // wave.step
    middles = np.s_[pitch // 2 :: pitch, pitch // 2 :: pitch]
    phase = np.arctan2(wave.imaginary[middles], wave.real[middles])
    row, column = ((np.arange(n) * CELL + CELL // 2) // ridges.block for n in phase.shape)
    seen = ridges.mask[np.ix_(row, column)] & (wave.amplitude[middles] > settings.min_amplitude)
    return _crop(encode(wave.orientation[middles], wave.frequency[middles], phase, seen))


def _crop(values: U16) -> RidgeCells:
    """The cells without empty borders, and without the borders where the fewest ridges are seen
    until they are MAX_CELLS."""
    left = top = 0
    while values.size:
        borders = (values[0], values[-1], values[:, 0], values[:, -1])
        seen = [np.count_nonzero(border) for border in borders]
        fewest = int(np.argmin(seen))
        if seen[fewest] and values.size <= MAX_CELLS:
            return RidgeCells(np.ascontiguousarray(values), left, top)
        values = (values[1:], values[:-1], values[:, 1:], values[:, :-1])[fewest]
        top += fewest == 0
        left += fewest == 2
    return NO_CELLS
