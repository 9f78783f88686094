"""Random prints, made for measuring: probes, a gallery with noisy parts of them, ridge cells."""

from __future__ import annotations

import math

import numpy as np

from devices import roofline
from engine.settings import MasterSettings
from kernels.packed import MAX_MINUTIAE, Packed
from kernels.ridges import Cells

PROBES, MINUTIAE = max(roofline.PROBES), 40  # of each probe
MATED = 4
FLIPPED, LOST, SHIFT = 0.125, 0.25, 3.0  # of a mate: bits, minutiae, px of a minutia (sd)
CELLS = 28  # on each side of a print

_master = MasterSettings()


def draw_prints(rng: np.random.Generator, count: np.ndarray) -> Packed:
    """Random prints of these numbers of minutiae."""
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(count, dtype=np.int64)])
    total = int(start[-1])
    return Packed(
        rng.integers(0, 2**64, (4, total), dtype=np.uint64),
        *(rng.integers(0, size, total, dtype=np.int16) for size in (_master.width, _master.height)),
        rng.integers(0, 256, total, dtype=np.uint8),
        start,
    )


def draw(rng: np.random.Generator, prints: int) -> tuple[Packed, Packed]:
    """Probes and a gallery in which some prints are parts of probes, turned, moved, with noise."""
    probes = draw_prints(rng, np.full(PROBES, MINUTIAE))
    count = np.clip(np.rint(rng.normal(MINUTIAE, 9, prints)), 8, MAX_MINUTIAE)
    gallery = draw_prints(rng, count.astype(np.int64))
    mates = np.arange(0, prints, MATED)
    turn, move_x, move_y = rng.uniform(-0.3, 0.3, len(mates)), *rng.normal(0, 15, (2, len(mates)))
    for slot in range(MINUTIAE):
        here = (slot < count[mates]) & (rng.random(len(mates)) >= LOST)
        mine = mates[here] // MATED % PROBES * MINUTIAE + slot
        there = gallery.start[mates[here]] + slot
        noise = np.full((4, len(there)), 2**64 - 1, np.uint64)
        for _ in range(round(-math.log2(FLIPPED))):
            noise &= rng.integers(0, 2**64, noise.shape, dtype=np.uint64)
        gallery.codes[:, there] = probes.codes[:, mine] ^ noise
        cos, sin = np.cos(turn[here]), np.sin(turn[here])
        x, y = probes.x[mine] - _master.width / 2, probes.y[mine] - _master.height / 2
        off = rng.normal(0, SHIFT, (2, len(there)))
        gallery.x[there] = cos * x + sin * y + off[0] + move_x[here] + _master.width / 2
        gallery.y[there] = cos * y - sin * x + off[1] + move_y[here] + _master.height / 2
        steps = np.rint(256 / (2 * np.pi) * (turn[here] + rng.normal(0, 0.1, len(there))))
        gallery.angle[there] = probes.angle[mine] + steps.astype(np.int64).astype(np.uint8)
    return probes, gallery


def draw_cells(rng: np.random.Generator, prints: int) -> Cells:
    """Random cells, seen in an ellipse."""
    y, x = (np.mgrid[:CELLS, :CELLS] + 0.5) * (2 / CELLS) - 1
    values = rng.integers(0, 2**15, (prints, CELLS * CELLS), dtype=np.uint16) << np.uint16(1)
    values |= (x**2 + y**2 <= 1).astype(np.uint16).ravel()
    start = np.arange(prints + 1, dtype=np.int64) * CELLS**2
    width, left, top = (np.full(prints, each, np.int16) for each in (CELLS, 6, 14))
    return Cells(values.ravel(), start, width, left, top)
