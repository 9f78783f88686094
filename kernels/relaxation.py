"""Relaxation: pairs that agree with each other keep their similarity, the others lose it.

Each pair's similarity is mixed, some rounds, with that of the pairs it is geometrically
consistent with; the score is the mean over the pairs that kept most. After "Local Greedy
Similarity with Relaxation" of Minutia Cylinder-Code (TPAMI 2010, section 4.3), with the
consistency of two pairs measured by the displacement in the minutia's own frame, piecewise
linear: no arc tangent, no exponential.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels import backend
from kernels.packed import MAX_MINUTIAE, STEPS, Packed, counts, one_each, require_within, share

MAX_PAIRS = 32
FULL = np.float32(128)  # similarity 128 would be 1.0

_turn = np.arange(STEPS) * (2 * np.pi / STEPS)
COS = np.cos(_turn).astype(np.float32)
SIN = np.sin(_turn).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Relaxation:
    """How pairs are held against each other.

    keep: share of its own value that a pair keeps in a round, 0..1. rounds: how many.
    reach: px of displacement error at which half the consistency is lost, plus `stretch` of the
    distance between the two minutiae. turn: the same for direction, 1/256 turn.
    pairs_scored: int32 (65,), a NumPy array on any device: how many pairs the score is the mean of,
    by the smaller of the two minutiae counts.
    """

    keep: float
    rounds: int
    reach: float
    stretch: float
    turn: float
    pairs_scored: np.ndarray

    def __post_init__(self) -> None:
        backend.require("pairs_scored", self.pairs_scored, np.int32, 1)
        if len(self.pairs_scored) != MAX_MINUTIAE + 1 or self.pairs_scored.min() < 1:
            raise ValueError(f"pairs_scored must be {MAX_MINUTIAE + 1} numbers of 1 or more")
        if not (0 <= self.keep <= 1 and self.rounds >= 0):
            raise ValueError(f"keep is {self.keep}, rounds {self.rounds}: must be 0..1, 0 or more")
        if not (self.reach > 0 and self.stretch >= 0 and self.turn > 0):  # nor NaN
            raise ValueError(
                f"reach, {self.reach}, and turn, {self.turn}, must be above 0, stretch, "
                f"{self.stretch}, not below"
            )


def relax(
    probes: Packed,
    gallery: Packed,
    candidates: Any,
    paired: tuple[Any, Any, Any],
    how: Relaxation,
) -> tuple[Any, Any]:
    """The score of each candidate and what each pair kept.

    probes: one print, or P with B/P candidates each, as in `similarity.best`. candidates: int64
    (B,). paired: three uint8 (K, B) from `pairing.pairs`, K in 2..32. Returns scores float32 (B,)
    in 0..1 and kept similarities float32 (K, B) in 0..1.
    NumPy and CUDA agree within 1e-5. Raises ValueError for arrays that do not fit.
    """
    for name, array in zip(("probe index", "candidate index", "similarity"), paired, strict=True):
        backend.require(name, array, np.uint8, 2)
    backend.require("candidates", candidates, np.int64, 1)
    xp = backend.where(probes.codes, gallery.codes, candidates, *paired)
    most, batch = paired[0].shape
    per = share(probes, candidates)
    require_within(gallery, candidates)
    if not 2 <= most <= MAX_PAIRS or batch != len(candidates):
        raise ValueError(f"{most} pairs for {batch} of {len(candidates)} candidates do not fit")
    if xp is np:
        return reference(probes, gallery, candidates, paired, how)
    score = xp.zeros(batch, np.float32)
    kept = xp.zeros((most, batch), np.float32)
    backend.launch(
        "relaxation",
        batch,
        *(probes.x, probes.y, probes.angle, probes.start, np.int32(per)),
        *(gallery.x, gallery.y, gallery.angle, gallery.start, candidates, np.int32(batch)),
        *(*paired, np.int32(most)),
        *(backend.constant(table, xp) for table in (COS, SIN)),
        *(np.float32(how.keep), _others(how, most), np.int32(how.rounds)),
        *(np.float32(how.reach), np.float32(how.stretch), np.float32(how.turn)),
        *(backend.constant(how.pairs_scored, xp), score, kept),
    )
    return score, kept


def _others(how: Relaxation, most: int) -> np.float32:
    """What each of the other pairs gives to one, where it is consistent with it."""
    return np.float32((1 - how.keep) / (most - 1))


def reference(
    probes: Packed,
    gallery: Packed,
    candidates: np.ndarray,
    paired: tuple[np.ndarray, np.ndarray, np.ndarray],
    how: Relaxation,
) -> tuple[np.ndarray, np.ndarray]:
    """`relax` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    if len(probes) == 1:
        return _reference(probes, gallery, candidates, paired, how)
    found, at = [], 0
    for probe, some in one_each(probes, candidates):
        own = tuple(part[:, at : at + len(some)] for part in paired)
        found.append(_reference(probe, gallery, some, own, how))
        at += len(some)
    scores, kept = zip(*found, strict=True)
    return np.concatenate(scores), np.concatenate(kept, axis=1)


def _reference(
    probe: Packed,
    gallery: Packed,
    candidates: np.ndarray,
    paired: tuple[np.ndarray, ...],
    how: Relaxation,
) -> tuple[np.ndarray, np.ndarray]:
    """`reference` for one probe."""
    mine, theirs, likeness = paired
    most, batch = mine.shape
    if not likeness.any():
        return np.zeros(batch, np.float32), np.zeros((most, batch), np.float32)
    real = likeness > 0
    begin = likeness / FULL
    with backend.unbuffered():
        mixing = _mixing(probe, gallery, candidates, mine, theirs, how) * real[:, None]
        kept, product = begin, np.empty_like(mixing)
        for _ in range(how.rounds):
            np.multiply(mixing, kept[None], out=product)
            kept = product.sum(axis=1)
    efficiency = np.divide(kept, begin, out=np.zeros_like(kept), where=real)
    order = np.argsort(-efficiency, axis=0, kind="stable")
    total = np.cumsum(np.take_along_axis(kept, order, axis=0), axis=0)
    smaller = np.minimum(counts(gallery, candidates), probe.codes.shape[1])
    scored = how.pairs_scored[smaller]
    score = total[np.minimum(scored, most) - 1, np.arange(batch)] / scored.astype(np.float32)
    return score, kept


def _mixing(
    probe: Packed,
    gallery: Packed,
    candidates: np.ndarray,
    mine: np.ndarray,
    theirs: np.ndarray,
    how: Relaxation,
) -> np.ndarray:
    """What of each pair's similarity goes into each pair's next one: float32 (K, K, B)."""
    most, batch = mine.shape
    there = np.minimum(gallery.start[candidates] + theirs, gallery.codes.shape[1] - 1)
    x, y = (column.astype(np.float32).take(mine) for column in (probe.x, probe.y))
    to_x, to_y = (column.take(there).astype(np.float32) for column in (gallery.x, gallery.y))
    turned = gallery.angle.take(there) - probe.angle.take(mine)  # uint8: wraps as angles do
    cos, sin = COS.take(turned)[:, None], SIN.take(turned)[:, None]
    right, down, off_x, off_y, spare = np.empty((5, most, most, batch), np.float32)
    for values, apart in ((x, right), (y, down), (to_x, off_x), (to_y, off_y)):
        np.subtract(values[None], values[:, None], out=apart)
    # how far each pair's candidate minutia lies from where the other pair, turned, wants it
    off_x -= np.multiply(right, cos, out=spare)
    off_x -= np.multiply(down, sin, out=spare)
    off_y -= np.multiply(down, cos, out=spare)
    off_y += np.multiply(right, sin, out=spare)
    error, allowed = _length(off_x, off_y), _length(right, down)
    allowed *= np.float32(how.stretch)
    allowed += np.float32(how.reach)
    error /= allowed
    near = np.subtract(np.float32(1.5), error, out=error)
    np.clip(near, 0, 1, out=near)
    rotation = np.subtract(turned[:, None], turned[None]).view(np.int8)
    # the absolute value of -128 does not fit int8, but read as uint8 it is the 128 it should be
    same = spare
    same[:] = np.abs(rotation, out=rotation).view(np.uint8)
    same /= np.float32(-how.turn)
    same += np.float32(1.5)
    np.clip(same, 0, 1, out=same)
    mixing = near
    mixing *= same
    mixing *= _others(how, most)
    mixing[np.arange(most), np.arange(most)] = how.keep
    return mixing


def _length(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Lengths of vectors, in place of their x."""
    x *= x
    y *= y
    x += y
    return np.sqrt(x, out=x)
