"""Ridges: how well the ridges themselves agree where one print lies on another.

A print's ridges are kept as cells of CELL px: in each the orientation, the distance and the phase
of the ridges, one plane wave. Where two prints of one finger lie on each other, the phases of
their waves differ by an amount that changes slowly from place to place, however the skin was
stretched; those of different fingers by one that runs. So the measure is the coherence of that
difference: the length of its mean phasor within a window, 0..1. Phase is what minutiae are the
singular points of (Larkin and Fletcher, "A coherent framework for fingerprint analysis", Optics
Express 15, 2007); compared locally, it needs no exact alignment.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from kernels import backend
from kernels.deformation import Deformation, carry, nearness, place

CELL = 10  # px
# A cell, from the lowest bit: seen 1 | phase 5 | period 4 | orientation 6; 0 where nothing is seen.
ORIENTATIONS = 64  # steps of half a turn
PERIODS = 16  # from the shortest to the longest, in equal ratios
PHASES = 32  # steps of a turn
SHORTEST, LONGEST = 5.0, 15.0  # px from ridge to ridge
_PHASE, _PERIOD, _ORIENTATION = 1, 6, 10  # lowest bit of each

_turn = (np.arange(ORIENTATIONS) + 0.5) * (np.pi / ORIENTATIONS)
# Across the ridges, a quarter turn counter-clockwise of them, in pixels (y down).
ACROSS_X, ACROSS_Y = (-np.sin(_turn)).astype(np.float32), (-np.cos(_turn)).astype(np.float32)
_ratio = LONGEST / SHORTEST
_period = SHORTEST * _ratio ** (np.arange(PERIODS) / (PERIODS - 1))
WAVE = (2 * np.pi / _period).astype(np.float32)  # radians of phase for each px across
PHASE = ((np.arange(PHASES) + 0.5) * (2 * np.pi / PHASES)).astype(np.float32)
WIDEST = np.float32(0.5)  # logarithm: periods that differ more count as this

SUMS = ("cells", "orientation", "period", "coherence")  # the rows of what `compare` returns


@dataclass(frozen=True, slots=True)
class Cells:
    """The ridge cells of N prints, on one device (all NumPy or all CuPy).

    values: uint16 (C,), row by row: see `encode`. start: int64 (N + 1,): print i has the cells
    start[i] to start[i + 1], width[i] of them in a row. width, left, top: int16 (N,): the middle
    of cell (r, c) is (left + c + 1/2)·CELL - 1/2 px from the left, (top + r + 1/2)·CELL - 1/2 from
    the top. Raises ValueError for a wrong dtype, shape or device.
    """

    values: Any
    start: Any
    width: Any
    left: Any
    top: Any

    def __post_init__(self) -> None:
        backend.require("values", self.values, np.uint16, 1)
        backend.require("start", self.start, np.int64, 1)
        for name in ("width", "left", "top"):
            backend.require(name, getattr(self, name), np.int16, 1)
            if len(getattr(self, name)) != len(self):
                raise ValueError(f"{name} has not one number for each print")
        backend.where(self.values, self.start, self.width, self.left, self.top)

    def __len__(self) -> int:
        return len(self.start) - 1


def move(cells: Cells, xp: ModuleType) -> Cells:
    """The same cells as arrays of `xp`, numpy or cupy: copied where they are not there yet."""
    if backend.array_module(cells.values) is xp:
        return cells
    arrays = (cells.values, cells.start, cells.width, cells.left, cells.top)
    return Cells(*(backend.move(array, xp) for array in arrays))


@dataclass(frozen=True, slots=True)
class Comparing:
    """How ridges are compared. window: cells on a side of the square within which phases should
    differ alike, odd. nodes: cells from place to place at which the deformation is worked out."""

    window: int
    nodes: int


def encode(
    orientation: np.ndarray, frequency: np.ndarray, phase: np.ndarray, seen: np.ndarray
) -> np.ndarray:
    """Cells, uint16, from orientation (rad in [0, π), y up), frequency (ridges per px), phase (rad,
    growing across the ridges, a quarter turn counter-clockwise of them) and seen (bool)."""
    direction = np.floor(orientation * (ORIENTATIONS / np.pi)).astype(np.int64) % ORIENTATIONS
    period = -np.log(SHORTEST * np.maximum(frequency, 1e-6)) / np.log(_ratio) * (PERIODS - 1)
    length = np.clip(np.rint(period), 0, PERIODS - 1).astype(np.int64)
    step = np.floor(phase * (PHASES / (2 * np.pi))).astype(np.int64) % PHASES
    value = direction << _ORIENTATION | length << _PERIOD | step << _PHASE | 1
    return np.where(seen, value, 0).astype(np.uint16)


def compare(probe: Cells, gallery: Cells, candidates: Any, lie: Deformation, how: Comparing) -> Any:
    """float32 (4, B), sums over the cells that one probe shares with each of B candidates: of 1;
    of the cosine of twice the angle between the ridges; of the difference of the logarithms of
    their periods, at most 1/2; and of the coherence of their phases, 0..1.

    probe: cells of one print. candidates: int64 (B,) prints of `gallery`. lie: from
    `deformation.fit`. A print without cells shares none.
    NumPy and CUDA agree within 1e-3 of the number of cells. Raises ValueError for arrays that do
    not fit.
    """
    backend.require("candidates", candidates, np.int64, 1)
    xp = backend.where(probe.values, gallery.values, candidates, lie.affine)
    if len(probe) != 1 or lie.affine.shape[1] != len(candidates):
        raise ValueError("one probe and a deformation for each candidate are needed")
    if xp is np:
        return reference(probe, gallery, candidates, lie, how)
    raise NotImplementedError


def reference(
    probe: Cells, gallery: Cells, candidates: np.ndarray, lie: Deformation, how: Comparing
) -> np.ndarray:
    """`compare` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    columns = int(probe.width[0])
    if not columns or not len(gallery.values):
        return np.zeros((len(SUMS), len(candidates)), np.float32)
    own = probe.values.reshape(-1, columns)
    x, y = _places(probe, own.shape, lie, how.nodes)
    other, shared = _look_up(gallery, candidates, x, y)
    shared &= (own & 1).astype(np.bool_)[:, :, None]
    cosine, ratio, opposed = _compare_waves(own, other, lie.affine)
    shift = _shift(own, other, x, y, opposed)
    seen = shared.astype(np.float32)
    weight = np.maximum(cosine, 0)
    weight *= seen
    real, imaginary = np.cos(shift), np.sin(shift)
    real *= weight
    imaginary *= weight
    real, imaginary = _boxes(real, how.window), _boxes(imaginary, how.window)
    real *= real
    imaginary *= imaginary
    real += imaginary
    coherence = np.sqrt(real, out=real)
    coherence /= np.maximum(_boxes(seen, how.window), 1)
    parts = (seen, cosine * seen, ratio * seen, coherence * seen)
    return np.stack([part.sum(axis=(0, 1)) for part in parts])


def _places(
    probe: Cells, shape: tuple[int, ...], lie: Deformation, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where the middles of the probe's cells lie on each candidate: float32 px (h, w, B) each.

    The deformation is smooth: it is worked out at every `step`-th cell, linear in between.
    """
    rows, columns = (-(-(length - 1) // step) + 1 for length in shape)
    y = ((np.arange(rows) * step + probe.top[0] + 0.5) * CELL - 0.5).astype(np.float32)
    x = ((np.arange(columns) * step + probe.left[0] + 0.5) * CELL - 0.5).astype(np.float32)
    x, y = np.tile(x, rows), np.repeat(y, columns)
    near = nearness(x, y, lie.x, lie.y, lie.reach)
    carried = carry(near, lie.weight, lie.rest, lie.held)
    placed = place(lie.affine, x[:, None], y[:, None])
    return tuple(
        _between((at + off).reshape(rows, columns, -1), shape, step)
        for at, off in zip(placed, carried, strict=True)
    )


def _between(values: np.ndarray, shape: tuple[int, ...], step: int) -> np.ndarray:
    """Values at every cell from those at every `step`-th."""
    for axis, length in enumerate(shape):
        values = np.moveaxis(values, axis, 0)
        at = np.arange(length)
        before = np.minimum(at // step, max(len(values) - 2, 0))
        share = ((at - before * step) / step).astype(np.float32)[:, None, None]
        low, high = values[before], values[np.minimum(before + 1, len(values) - 1)]
        values = np.moveaxis(low + (high - low) * share, 0, axis)
    return np.ascontiguousarray(values)


def _look_up(
    gallery: Cells, candidates: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The candidates' cells at these places, and which of them show ridges: (h, w, B) each.

    x and y become px from the middle of the cell.
    """
    first, width = gallery.start[candidates], gallery.width[candidates].astype(np.int32)
    count = (gallery.start[candidates + 1] - first).astype(np.int32)
    height = count // np.maximum(width, 1)
    for at, edge in ((x, gallery.left), (y, gallery.top)):
        at += np.float32(0.5)
        at *= np.float32(1 / CELL)
        at -= edge[candidates].astype(np.float32)
    column, row = np.floor(x), np.floor(y)
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    for at, cell in ((x, column), (y, row)):
        at -= cell
        at -= np.float32(0.5)
        at *= np.float32(CELL)
    row *= width.astype(np.float32)
    row += column
    place_of = np.where(inside, row, 0).astype(np.int64)
    place_of += first
    other = gallery.values.take(place_of, mode="clip")
    inside &= (other & 1).astype(np.bool_)
    return other, inside


def _compare_waves(
    own: np.ndarray, other: np.ndarray, affine: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cosine of twice the angle between the waves, |logarithm of the ratio of their periods|, at
    most WIDEST, and where they count their phase in opposite directions: (h, w, B) each.

    Seen from the probe a candidate's wave is the transposed affine map of it.
    """
    direction = other >> _ORIENTATION
    right, down = ACROSS_X.take(direction), ACROSS_Y.take(direction)
    wave = WAVE.take(other >> _PERIOD & (PERIODS - 1))
    right *= wave
    down *= wave
    xx, xy, yx, yy = affine[:4]
    seen_x, seen_y = xx * right + yx * down, xy * right + yy * down
    direction = own >> _ORIENTATION
    along = seen_x * ACROSS_X[direction][:, :, None]
    along += seen_y * ACROSS_Y[direction][:, :, None]
    seen_x *= seen_x
    seen_y *= seen_y
    seen_x += seen_y
    square = np.maximum(seen_x, np.float32(1e-12), out=seen_x)
    cosine = along * along
    cosine *= 2
    cosine /= square
    cosine -= 1
    mine = np.log(WAVE)[own >> _PERIOD & (PERIODS - 1)]
    ratio = np.log(square)
    ratio *= np.float32(0.5)
    ratio -= mine[:, :, None]
    np.abs(ratio, out=ratio)
    np.minimum(ratio, WIDEST, out=ratio)
    return cosine, ratio, along < 0


def _shift(
    own: np.ndarray, other: np.ndarray, x: np.ndarray, y: np.ndarray, opposed: np.ndarray
) -> np.ndarray:
    """Difference of phase, rad (h, w, B), the candidate's at x, y px from the middle of its cell."""
    direction = other >> _ORIENTATION
    across = ACROSS_X.take(direction)
    across *= x
    down = ACROSS_Y.take(direction)
    down *= y
    across += down
    across *= WAVE.take(other >> _PERIOD & (PERIODS - 1))
    across += PHASE.take(other >> _PHASE & (PHASES - 1))
    np.negative(across, out=across, where=opposed)
    across -= PHASE[own >> _PHASE & (PHASES - 1)][:, :, None]
    return across


def _boxes(values: np.ndarray, window: int) -> np.ndarray:
    """Sums over squares of `window` cells around each, along the first two axes."""
    for axis in (0, 1):
        values = np.moveaxis(values, axis, 0)
        total = values.copy()
        for step in range(1, min(window // 2 + 1, len(values))):
            total[step:] += values[:-step]
            total[:-step] += values[step:]
        values = np.moveaxis(total, 0, axis)
    return values
