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
from kernels.packed import STEPS, Packed, counts

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


def relax(
    probe: Packed,
    gallery: Packed,
    candidates: Any,
    paired: tuple[Any, Any, Any],
    how: Relaxation,
) -> tuple[Any, Any]:
    """The score of each candidate and what each pair kept.

    probe: one print. candidates: int64 (B,). paired: three uint8 (K, B) from `pairing.pairs`,
    K ≤ 32. Returns scores float32 (B,) in 0..1 and kept similarities float32 (K, B) in 0..1.
    NumPy and CUDA agree within 1e-5. Raises ValueError for arrays that do not fit.
    """
    for name, array in zip(("probe index", "candidate index", "similarity"), paired, strict=True):
        backend.require(name, array, np.uint8, 2)
    backend.require("candidates", candidates, np.int64, 1)
    backend.require("pairs_scored", how.pairs_scored, np.int32, 1)  # a table: on the CPU always
    xp = backend.where(probe.codes, gallery.codes, candidates, *paired)
    most, batch = paired[0].shape
    if most > MAX_PAIRS or batch != len(candidates) or len(how.pairs_scored) != 65:
        raise ValueError(f"{most} pairs for {batch} of {len(candidates)} candidates do not fit")
    if xp is np:
        return reference(probe, gallery, candidates, paired, how)
    score = xp.zeros(batch, np.float32)
    kept = xp.zeros((most, batch), np.float32)
    backend.launch(
        "relaxation",
        -(-batch // backend.THREADS),
        *(probe.x, probe.y, probe.angle, np.int32(probe.codes.shape[1])),
        *(gallery.x, gallery.y, gallery.angle, gallery.start, candidates, np.int32(batch)),
        *(*paired, np.int32(most), xp.asarray(COS), xp.asarray(SIN)),
        *(np.float32(how.keep), np.int32(how.rounds), np.float32(how.reach)),
        *(np.float32(how.stretch), np.float32(how.turn), xp.asarray(how.pairs_scored)),
        *(score, kept),
    )
    return score, kept


def _displacements(x: np.ndarray, y: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, ...]:
    """From each of K minutiae to each, in the frame of the first: two float32 (K, K, B)."""
    cos, sin = COS[angle][:, None], SIN[angle][:, None]
    right, up = x[None] - x[:, None], y[:, None] - y[None]
    return cos * right + sin * up, cos * up - sin * right


def reference(
    probe: Packed,
    gallery: Packed,
    candidates: np.ndarray,
    paired: tuple[np.ndarray, np.ndarray, np.ndarray],
    how: Relaxation,
) -> tuple[np.ndarray, np.ndarray]:
    """`relax` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    mine, theirs, likeness = paired
    most, batch = mine.shape
    if not likeness.any():
        return np.zeros(batch, np.float32), np.zeros((most, batch), np.float32)
    i = mine.astype(np.intp)
    j = np.minimum(gallery.start[candidates] + theirs, gallery.codes.shape[1] - 1)
    a, b = _displacements(
        probe.x[i].astype(np.float32), probe.y[i].astype(np.float32), probe.angle[i]
    )
    u, v = _displacements(
        gallery.x[j].astype(np.float32), gallery.y[j].astype(np.float32), gallery.angle[j]
    )
    error = np.sqrt((u - a) ** 2 + (v - b) ** 2)
    a *= a
    b *= b
    allowed = np.sqrt(a + b) * np.float32(how.stretch) + np.float32(how.reach)
    half = np.float32(1.5)
    consistency = np.clip(half - error / allowed, 0, 1)
    rotation = gallery.angle[j] - probe.angle[i]  # uint8: wraps as angles do
    # the absolute value of -128 does not fit int8, but read as uint8 it is the 128 it should be
    turned = np.abs((rotation[:, None] - rotation[None]).view(np.int8)).view(np.uint8)
    consistency *= np.clip(half - turned.astype(np.float32) / np.float32(how.turn), 0, 1)
    consistency[np.arange(most), np.arange(most)] = 0
    start = likeness.astype(np.float32) / FULL
    kept = start.copy()
    real = likeness > 0
    keep, others = np.float32(how.keep), np.float32((1 - how.keep) / (most - 1))
    for _ in range(how.rounds):
        kept = keep * kept + others * np.einsum("tkb,kb->tb", consistency, kept)
        kept *= real
    efficiency = np.divide(kept, start, out=np.zeros_like(kept), where=real)
    order = np.argsort(-efficiency, axis=0, kind="stable")
    total = np.cumsum(np.take_along_axis(kept, order, axis=0), axis=0)
    smaller = np.minimum(counts(gallery, candidates), probe.codes.shape[1])
    scored = how.pairs_scored[smaller]
    score = total[np.minimum(scored, most) - 1, np.arange(batch)] / scored.astype(np.float32)
    return score, kept
