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
from typing import Any, NamedTuple

import numpy as np

from kernels import backend
from kernels.deformation import Deformation, carry, nearness, place, spread
from kernels.packed import require_within, runs

CELL = 10  # px
# A cell, from the lowest bit: seen 1 | phase 5 | period 4 | orientation 6; 0 where nothing is seen.
ORIENTATIONS = 64  # steps of half a turn
PERIODS = 16  # from the shortest to the longest, in equal ratios
PHASES = 32  # steps of a turn
SHORTEST, LONGEST = 5.0, 15.0  # px from ridge to ridge
_PHASE, _PERIOD, _ORIENTATION = 1, 6, 10  # lowest bit of each

_ratio = LONGEST / SHORTEST
_period = SHORTEST * _ratio ** (np.arange(PERIODS) / (PERIODS - 1))
_turn = (np.arange(ORIENTATIONS) + 0.5) * (np.pi / ORIENTATIONS)
# Radians of phase from a cell to the next right and down, float32 (1024,), by a cell's bits from
# the period on. Phase grows across the ridges, a quarter turn counter-clockwise of them (y down).
RIGHT, DOWN = (
    np.outer(across, 2 * np.pi * CELL / _period).astype(np.float32).ravel()
    for across in (-np.sin(_turn), -np.cos(_turn))
)
WIDEST = np.float32(0.5)  # logarithm: periods that differ more count as this
MAX_CELLS = 1600  # of the probe
CHUNK = 64  # candidates at a time: numbers for each of a probe's cells fit a second-level cache
_SIGN = np.uint32(2**31)  # of a float32

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


def take(cells: Cells, which: np.ndarray) -> Cells:
    """The cells of the prints `which`, int64 indices, as arrays of their own."""
    index, start = runs(cells.start, which)
    placed = (column[which] for column in (cells.width, cells.left, cells.top))
    return Cells(cells.values[index], start, *placed)


@dataclass(frozen=True, slots=True)
class Comparing:
    """How ridges are compared. window: cells on a side of the square within which phases should
    differ alike, odd. nodes: cells from place to place at which the deformation is worked out.
    Raises ValueError for an even window or none, and for no nodes."""

    window: int
    nodes: int

    def __post_init__(self) -> None:
        if self.window < 1 or self.window % 2 == 0 or self.nodes < 1:
            raise ValueError(f"a window of {self.window} is not odd, or no node in {self.nodes}")


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
    NumPy and CUDA agree within 1e-3 of the number of cells, but where a cell lies on the border of
    two within the rounding of a float. Raises ValueError for arrays that do not fit.
    """
    backend.require("candidates", candidates, np.int64, 1)
    xp = backend.where(probe.values, gallery.values, candidates, lie.affine)
    if len(probe) != 1 or len(lie) != len(candidates):
        raise ValueError("one probe and a deformation for each candidate are needed")
    require_within(gallery, candidates)
    if len(probe.values) > MAX_CELLS:
        raise ValueError(f"the probe has {len(probe.values)} cells, must be at most {MAX_CELLS}")
    if xp is np:
        return reference(probe, gallery, candidates, lie, how)
    sums = xp.zeros((len(SUMS), len(candidates)), np.float32)
    if not len(probe.values):
        return sums
    backend.launch(
        "ridges",
        len(candidates),
        *(probe.values, np.int32(len(probe.values)), probe.width, probe.left, probe.top),
        *(gallery.values, gallery.start, gallery.width, gallery.left, gallery.top),
        *(candidates, np.int32(len(candidates)), lie.x, lie.y, np.int32(len(lie.x))),
        *(lie.affine, lie.weight, lie.rest, spread(lie), np.float32(lie.held)),
        *(backend.constant(table, xp) for table in (RIGHT, DOWN)),
        *(np.int32(how.window), np.int32(how.nodes), WIDEST, sums),
    )
    return sums


def reference(
    probe: Cells, gallery: Cells, candidates: np.ndarray, lie: Deformation, how: Comparing
) -> np.ndarray:
    """`compare` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    batch = len(candidates)
    sums = np.zeros((len(SUMS), batch), np.float32)
    if not batch or not (probe.values & 1).any() or not len(gallery.values):
        return sums
    own = _decode(probe, how)
    nodes_x, nodes_y = _nodes(probe, own, lie, how.nodes)
    chunk = -(-batch // -(-batch // CHUNK))  # equal parts, so that all fit the same arrays
    work = _work(own, chunk, how.window)
    x, y, spare = work.floats[:3]
    ones = np.ones(len(own.place), np.float32)
    for start in range(0, batch, chunk):
        first = min(start, batch - chunk)
        some = slice(first, first + chunk)
        _interpolate(own, nodes_x[..., some], x, spare)
        _interpolate(own, nodes_y[..., some], y, spare)
        _look_up(gallery, candidates[some], work)
        seen, cosine, ratio, shift = _compare_waves(own, lie.affine[:4, some], work)
        coherence = _coherence(own, seen, cosine, shift, how.window, work)
        for row, part in enumerate((seen, cosine, ratio, coherence)):
            sums[row, some] = ones @ part
    return sums


class _Between(NamedTuple):
    """Places in a row, and the nodes before and after each: int (n,), with the share of the way
    between them, float32 (n,). nodes: how many there are."""

    before: np.ndarray
    after: np.ndarray
    share: np.ndarray
    nodes: int


class _Own(NamedTuple):
    """The n cells in which the probe shows ridges: what is the same for all candidates.

    rows, columns: of the grid of cells. before, after: int (n,), the nodes left and right of a
    cell in its row of the grid. share: float32 (n, 1), as in _Between. across_x, across_y:
    float32 (n, 1), unit vectors across the ridges. wave: float32 (n, 1), logarithm of rad per cell.
    phase: float32 (n, 1) rad. place: int (n,), of a cell in a grid with rows `stride` apart.
    """

    rows: _Between
    columns: _Between
    before: np.ndarray
    after: np.ndarray
    share: np.ndarray
    across_x: np.ndarray
    across_y: np.ndarray
    wave: np.ndarray
    phase: np.ndarray
    place: np.ndarray
    stride: int


class _Work(NamedTuple):
    """Memory for n cells of the probe on b candidates, used by one chunk after the other: to get
    it anew for each step would cost more than the arithmetic.

    floats: float32 (7, n, b); the first two are the places x and y. other: uint16 (n, b), the
    candidates' cells, and at: int64 (n, b), where to find them. grid: float32 (…, b), with a margin
    around the cells that stays 0. line, box: float32 (…, b), its sums.
    """

    floats: np.ndarray
    other: np.ndarray
    at: np.ndarray
    grid: np.ndarray
    line: np.ndarray
    box: np.ndarray


def _decode(probe: Cells, how: Comparing) -> _Own:
    cells = probe.values.reshape(-1, int(probe.width[0]))
    rows, columns = (_between(length, how.nodes) for length in cells.shape)
    row, column = np.nonzero(cells & 1)
    value = cells[row, column][:, None]
    right, down = RIGHT[value >> _PERIOD], DOWN[value >> _PERIOD]
    wave = np.sqrt(right * right + down * down)
    # the margin at the end of a row is also that at the start of the next
    stride = len(columns.share) + how.window // 2
    return _Own(
        rows,
        columns,
        row * columns.nodes + columns.before[column],
        row * columns.nodes + columns.after[column],
        columns.share[column, None],
        right / wave,
        down / wave,
        np.log(wave),
        _phase(value, np.empty(value.shape, np.float32)),
        row * stride + column,
        stride,
    )


def _between(length: int, step: int) -> _Between:
    """`length` places in a row, and a node at every `step`-th from the first to past the last."""
    nodes = -(-(length - 1) // step) + 1
    at = np.arange(length)
    before = np.minimum(at // step, max(nodes - 2, 0))
    share = ((at - before * step) / step).astype(np.float32)
    return _Between(before, np.minimum(before + 1, nodes - 1), share, nodes)


def _work(own: _Own, batch: int, window: int) -> _Work:
    n, margin = len(own.place), window - 1
    size = (len(own.rows.share) + margin) * own.stride + margin // 2
    return _Work(
        np.empty((7, n, batch), np.float32),
        np.empty((n, batch), np.uint16),
        np.empty((n, batch), np.int64),
        np.zeros((size, batch), np.float32),
        np.empty((size - margin, batch), np.float32),
        np.empty((size - margin - margin * own.stride, batch), np.float32),
    )


def _nodes(probe: Cells, own: _Own, lie: Deformation, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Where every `step`-th cell of the probe lies on each candidate: float32 px (h', w', B) each.

    The deformation is smooth: it is worked out there, linear in between.
    """
    rows, columns = own.rows.nodes, own.columns.nodes
    y = ((np.arange(rows) * step + probe.top[0] + 0.5) * CELL - 0.5).astype(np.float32)
    x = ((np.arange(columns) * step + probe.left[0] + 0.5) * CELL - 0.5).astype(np.float32)
    x, y = np.tile(x, rows), np.repeat(y, columns)
    near = nearness(x, y, lie.x, lie.y, lie.reach)
    carry_x, carry_y = carry(near, lie.weight, lie.rest, lie.held)
    at_x, at_y = place(lie.affine, x[:, None], y[:, None])
    shape = rows, columns, -1
    return (at_x + carry_x).reshape(shape), (at_y + carry_y).reshape(shape)


def _interpolate(own: _Own, nodes: np.ndarray, out: np.ndarray, spare: np.ndarray) -> None:
    """Values at the probe's cells (n, b) from those at the nodes (h', w', b)."""
    above, below = nodes[own.rows.before], nodes[own.rows.after]
    below -= above
    below *= own.rows.share[:, None, None]
    above += below
    rows = above.reshape(-1, nodes.shape[-1])
    rows.take(own.before, axis=0, out=out, mode="clip")
    rows.take(own.after, axis=0, out=spare, mode="clip")
    spare -= out
    spare *= own.share
    out += spare


def _look_up(gallery: Cells, candidates: np.ndarray, work: _Work) -> None:
    """The candidates' cells at these places, 0 where no ridges are seen.

    x and y, px, become parts of a cell from the middle of the candidate's, -1/2..1/2.
    """
    start, width = gallery.start[candidates], gallery.width[candidates].astype(np.int32)
    count = (gallery.start[candidates + 1] - start).astype(np.int32)
    height = count // np.maximum(width, 1)
    x, y, middle, column, row = work.floats[:5]
    column, row = column.view(np.int32), row.view(np.int32)
    for at, edge, cell in ((x, gallery.left, column), (y, gallery.top, row)):
        at -= edge[candidates].astype(np.float32) * CELL + np.float32((CELL - 1) / 2)
        at *= np.float32(1 / CELL)
        np.rint(at, out=middle)
        at -= middle
        cell[:] = middle
    # without its sign a number below 0 is large
    inside = column.view(np.uint32) < width.view(np.uint32)
    inside &= row.view(np.uint32) < height.view(np.uint32)
    row *= width
    row += column
    np.add(row, start, out=work.at)
    gallery.values.take(work.at, out=work.other, mode="clip")
    np.multiply(work.other, inside, out=work.other)


def _compare_waves(own: _Own, affine: np.ndarray, work: _Work) -> tuple[np.ndarray, ...]:
    """Where both prints show ridges, 1 or 0; the cosine of twice the angle between their waves and
    |the logarithm of the ratio of their periods|, at most WIDEST, both 0 elsewhere; and by how much
    their phases differ, rad: float32 (n, b) each.

    Seen from the probe a candidate's wave is the transposed affine map of it.
    """
    x, y, right, down, seen_x, seen_y, spare = work.floats
    work.at[:] = work.other >> _PERIOD
    RIGHT.take(work.at, out=right, mode="wrap")
    DOWN.take(work.at, out=down, mode="wrap")
    xx, xy, yx, yy = affine
    np.multiply(right, xx, out=seen_x)
    seen_x += np.multiply(down, yx, out=spare)
    np.multiply(right, xy, out=seen_y)
    seen_y += np.multiply(down, yy, out=spare)
    right *= x
    down *= y
    shift = np.add(right, down, out=right)
    shift += _phase(work.other, out=spare)
    along = np.multiply(seen_x, own.across_x, out=down)
    along += np.multiply(seen_y, own.across_y, out=spare)
    # where the waves run against each other, so do their phases: along's sign turns shift's
    sign = np.bitwise_and(along.view(np.uint32), _SIGN, out=spare.view(np.uint32))
    np.bitwise_xor(shift.view(np.uint32), sign, out=shift.view(np.uint32))
    shift -= own.phase
    seen_x *= seen_x
    seen_y *= seen_y
    square = np.add(seen_x, seen_y, out=seen_x)
    along *= along
    along /= square
    along *= 2
    along -= 1
    ratio = np.log(square, out=square)
    ratio *= np.float32(0.5)
    ratio -= own.wave
    np.abs(ratio, out=ratio)
    np.clip(ratio, 0, WIDEST, out=ratio)
    seen = seen_y
    seen[:] = work.other & 1
    ratio *= seen
    along *= seen
    return seen, along, ratio, shift


def _coherence(
    own: _Own,
    seen: np.ndarray,
    cosine: np.ndarray,
    shift: np.ndarray,
    window: int,
    work: _Work,
) -> np.ndarray:
    """Length of the mean phasor in the window around each cell: float32 (n, b) in 0..1."""
    real, imaginary, *_, weight = work.floats
    np.clip(cosine, 0, 1, out=weight)
    np.cos(shift, out=real)
    np.sin(shift, out=imaginary)
    for part in (real, imaginary):
        part *= weight
        _sum_windows(own, part, window, work)
        part *= part
    real += imaginary
    coherence = np.sqrt(real, out=real)
    count = weight
    count[:] = seen
    _sum_windows(own, count, window, work)
    coherence /= np.clip(count, 1, window * window, out=count)
    coherence *= seen
    return coherence


def _sum_windows(own: _Own, values: np.ndarray, window: int, work: _Work) -> None:
    """Puts in place of the cells' values (n, b) their sums over the window around each."""
    work.grid[own.place + window // 2 * (own.stride + 1)] = values
    _sum_runs(work.grid, window, 1, work.line)
    _sum_runs(work.line, window, own.stride, work.box)
    work.box.take(own.place, axis=0, out=values, mode="clip")


def _sum_runs(values: np.ndarray, count: int, step: int, out: np.ndarray) -> None:
    """Sums of `count` values, `step` apart along the first axis, from each on."""
    out[:] = values[: len(out)]
    for first in range(step, count * step, step):
        out += values[first : first + len(out)]


def _phase(cells: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Phase in the middle of cells, float32 rad, in `out`."""
    out[:] = cells & ((PHASES - 1) << _PHASE)
    out *= np.float32(2 * np.pi / (PHASES << _PHASE))
    out += np.float32(np.pi / PHASES)
    return out
