"""Oriented filtering: noise under each pixel's own Gabor filter until it is ridges.

Every pixel has a filter along its own orientation and at its own period; noise is filtered some
rounds, and saturates in between. Where waves of different phase meet, minutiae emerge (SFinGe:
Cappelli, Maio & Maltoni, "Synthetic fingerprint-database generation", ICPR 2002). A Gabor filter is
two products of a function of the row and one of the column, and so is a sum over it: only these
functions are kept for each pixel, not the filter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kernels import backend

MAX_REACH = 16  # px
TILE = 32  # px, side of the square of pixels that a block of the CUDA kernel takes
BLOCK = 2**14  # pixels at a time: sums over them stay in a second-level cache


@dataclass(frozen=True, slots=True)
class Growing:
    """How ridges are grown. reach: px, half size of the filters, which are discs, 1..16. bandwidth:
    sigma of their envelope, in periods. gain: of the response before it saturates. rounds: how
    often it is filtered. Raises ValueError for a reach out of range, and for no round or width."""

    reach: int
    bandwidth: float
    gain: float
    rounds: int

    def __post_init__(self) -> None:
        if not 1 <= self.reach <= MAX_REACH:
            raise ValueError(f"reach is {self.reach} px, must be 1..{MAX_REACH}")
        if self.rounds < 1 or not self.bandwidth > 0:  # nor NaN
            raise ValueError(
                f"rounds, {self.rounds}, and bandwidth, {self.bandwidth}, must be above 0"
            )


def grow(noise: Any, theta: Any, period: Any, how: Growing) -> Any:
    """What the filters answer in the last round, float32 (N, H, W): waves of height about 1.

    noise: float32 (N, H, W), N pictures; beside them is 0. theta: float32 (N, H, W) rad, along the
    ridges, y up. period: float32 (N, H, W) px from ridge to ridge, above 0. A wave of height 1 at a
    pixel's own orientation and period passes at height 1. From round to round tanh(gain · response)
    takes the place of the noise.
    NumPy and CUDA agree within 1e-6 of the highest noise after one round; what they differ by grows
    with the ridges, to some 1e-4 of their height where they have settled, and at single pixels to
    more where they have not. Raises ValueError for arrays that do not fit.
    """
    for name, array in (("noise", noise), ("theta", theta), ("period", period)):
        backend.require(name, array, np.float32, 3)
        if array.shape != noise.shape:
            raise ValueError(f"{name} is {array.shape}, must be {noise.shape} as noise is")
    xp = backend.where(noise, theta, period)
    if xp is np:
        return reference(noise, theta, period, how)
    count, height, width = noise.shape
    source, buffers = noise, [xp.zeros(noise.shape, np.float32) for _ in range(2)]
    for left in range(how.rounds - 1, -1, -1):
        response = buffers[left % 2]
        backend.launch(
            "oriented",
            count * -(-height // TILE) * -(-width // TILE),
            *(source, theta, period, np.int32(count), np.int32(height), np.int32(width)),
            *(np.int32(how.reach), np.float32(how.bandwidth), np.float32(how.gain)),
            *(np.int32(left == 0), response),
        )
        source = response
    return source


def reference(noise: np.ndarray, theta: np.ndarray, period: np.ndarray, how: Growing) -> np.ndarray:
    """`grow` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    response = np.zeros_like(noise)
    if noise.size:
        for picture in zip(noise, theta, period, response, strict=True):
            _grow(*picture, how)
    return response


class _Filters(NamedTuple):
    """The filters of n pixels, float32 (reach + 1, n) each: `dx` px to the right and `dy` down of
    its middle a filter is even_x[dx]·even_y[dy] - odd_x[dx]·odd_y[dy], and the same mirrored. At 0
    both even ones are halved, since what lies there is its own mirror image and counts twice."""

    even_x: np.ndarray
    odd_x: np.ndarray
    even_y: np.ndarray
    odd_y: np.ndarray


def _grow(
    noise: np.ndarray, theta: np.ndarray, period: np.ndarray, response: np.ndarray, how: Growing
) -> None:
    """`grow` for one picture, H×W each, into `response`.

    Its rows lie in one line with zeros in between, so that what is some px away from a piece of the
    line is another piece of it: all operands are contiguous.
    """
    (height, width), reach = noise.shape, how.reach
    row = width + reach
    length, margin = height * row, reach * (row + 1)
    line = np.zeros(length + 2 * margin, np.float32)
    inner = line[margin : margin + length]
    inner.reshape(height, row)[:, :width] = noise
    wave = np.float32(2 * np.pi) / period
    mass = np.float32(1 / np.pi) / np.square(np.float32(how.bandwidth) * period)
    # filters of mass 0 keep the zeros between the rows
    maps = [
        np.pad(each, ((0, 0), (0, reach))).reshape(-1)
        for each in (wave * np.sin(theta), wave * np.cos(theta), mass)
    ]
    pieces = [slice(first, min(first + BLOCK, length)) for first in range(0, length, BLOCK)]
    filters = [_filters(reach, *(each[piece] for each in maps)) for piece in pieces]
    answer = np.empty(length, np.float32)
    work = np.empty((3, min(BLOCK, length) + 2 * reach), np.float32)
    for left in range(how.rounds - 1, -1, -1):
        for piece, own in zip(pieces, filters, strict=True):
            _filter(line[piece.start : piece.stop + 2 * margin], row, own, answer[piece], work)
        if left:
            np.tanh(np.multiply(answer, np.float32(how.gain), out=answer), out=inner)
    response[:] = answer.reshape(height, row)[:, :width]


def _filters(reach: int, wave_x: np.ndarray, wave_y: np.ndarray, mass: np.ndarray) -> _Filters:
    """From the waves, rad per px right and down, and the inverse of the envelopes' masses, px⁻²."""
    filters = _Filters(*np.empty((4, reach + 1, len(mass)), np.float32))
    for away in range(reach + 1):
        envelope = np.exp(np.float32(-np.pi / 2 * away**2) * mass)
        if not away:
            envelope *= np.float32(0.5)
        for even, odd, wave, weight in (
            (filters.even_x, filters.odd_x, wave_x, envelope),
            (filters.even_y, filters.odd_y, wave_y, envelope * mass),
        ):
            phase = np.float32(away) * wave
            np.multiply(np.cos(phase), weight, out=even[away])
            np.multiply(np.sin(phase), weight, out=odd[away])
    return filters


def _filter(
    around: np.ndarray, row: int, filters: _Filters, out: np.ndarray, work: np.ndarray
) -> None:
    """What the filters of n pixels answer, float32 (n,), in `out`.

    around: the piece of the line with these pixels, and before and after them `reach` rows of `row`
    px and `reach` px. work: float32 (3, at least n + 2·reach).
    """
    n, reach = len(out), len(filters.even_x) - 1
    rows, product, part = work[0, : n + 2 * reach], work[1, :n], work[2, :n]
    out.fill(0)
    for combine, of_x, of_y, first in (
        (np.add, filters.even_x, filters.even_y, 0),
        (np.subtract, filters.odd_x, filters.odd_y, 1),
    ):
        for dy in range(first, reach + 1):
            below, above = (reach + dy) * row, (reach - dy) * row
            combine(around[below:][: len(rows)], around[above:][: len(rows)], out=rows)
            part.fill(0)
            for dx in range(first, math.isqrt(reach**2 - dy**2) + 1):
                right, left = reach + dx, reach - dx
                combine(rows[right : right + n], rows[left : left + n], out=product)
                product *= of_x[dx]
                part += product
            part *= of_y[dy]
            combine(out, part, out=out)
