"""Deformation: how one print lies on another, and which of their minutiae then meet.

The pairs that relaxation kept say roughly how to lay the probe on a candidate; all minutiae that
come to lie on each other say it better, and so on for a few rounds with less and less tolerance.
Skin stretches, so the map is affine, held near a rotation, plus a smooth rest that takes every
point along with the minutiae around it (Nadaraya-Watson). What counts as met is decided in
integers: eighths of a pixel and 1/256 turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels import backend
from kernels.packed import STEPS, Packed, slots
from kernels.relaxation import COS, SIN

NONE = 255  # in place of a partner's index: the minutia has met nobody
FINE = 8  # steps of a pixel that places are compared in
FAR = 2**30  # cost of what cannot meet
EDGE = 2047 * FINE  # places are cut off there, so that squares of distances fit 32 bits
AFFINE = 6  # numbers of an affine map: xx, xy, yx, yy, x, y


@dataclass(frozen=True, slots=True)
class Fitting:
    """How a deformation is found.

    outlier: px, from the rotation at which a pair's weight is a quarter. rounds_rigid: of that
    reweighting. tolerance: px, within which minutiae meet, one for each round. turn: 1/256 turn, the
    same for directions. stiffness: px², holds the affine map to a rotation as so much spread of
    minutiae would; `softening` of it is left after each round. reach: px, standard deviation of
    the neighbourhood whose minutiae carry a point along. held: weight that holds a point back.
    """

    outlier: float
    rounds_rigid: int
    tolerance: tuple[float, ...]
    turn: int
    stiffness: float
    softening: float
    reach: float
    held: float


@dataclass(frozen=True, slots=True)
class Deformation:
    """How one probe lies on each of B candidates.

    x, y: float32 (p,) px, the probe's minutiae. affine: float32 (6, B), from the probe to the
    candidate: x' = xx·x + xy·y + x0, y' = yx·x + yy·y + y0, in the order xx, xy, yx, yy, x0, y0.
    partner: uint8 (p, B), the candidate's minutia that each of the probe's has met, or NONE.
    weight: float32 (p, B), how closely, 2/3..1 (to 1/3 where the direction is off too), 0 without
    a partner. rest: float32 (2, p, B) px, from where the affine map takes a minutia to its
    partner. reach, held: as in Fitting.
    """

    x: Any
    y: Any
    affine: Any
    partner: Any
    weight: Any
    rest: Any
    reach: float
    held: float


def fit(
    probe: Packed,
    gallery: Packed,
    candidates: Any,
    paired: tuple[Any, Any, Any],
    kept: Any,
    how: Fitting,
) -> Deformation:
    """Lays one probe on each candidate.

    probe: one print. candidates: int64 (B,). paired: three uint8 (K, B) from `pairing.pairs`.
    kept: float32 (K, B) from `relaxation.relax`. Where there is no pair nothing is met.
    Raises ValueError for arrays that do not fit.
    """
    for name, array in zip(("probe index", "candidate index", "similarity"), paired, strict=True):
        backend.require(name, array, np.uint8, 2)
    backend.require("kept", kept, np.float32, 2)
    backend.require("candidates", candidates, np.int64, 1)
    xp = backend.where(probe.codes, gallery.codes, candidates, kept, *paired)
    if kept.shape != paired[0].shape or kept.shape[1] != len(candidates):
        raise ValueError(f"{kept.shape} pairs kept, {paired[0].shape} pairs found, do not fit")
    if xp is np:
        return reference(probe, gallery, candidates, paired, kept, how)
    raise NotImplementedError


def reference(
    probe: Packed,
    gallery: Packed,
    candidates: np.ndarray,
    paired: tuple[np.ndarray, np.ndarray, np.ndarray],
    kept: np.ndarray,
    how: Fitting,
) -> Deformation:
    """`fit` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    p, batch = probe.codes.shape[1], len(candidates)
    index, real = slots(gallery, candidates)
    own_x, own_y = probe.x.astype(np.float32), probe.y.astype(np.float32)
    if not p or not len(index) or not batch:
        return _nothing(own_x, own_y, batch, how)
    near = nearness(own_x, own_y, own_x, own_y, how.reach)
    x, y = own_x[:, None], own_y[:, None]
    there_x, there_y = gallery.x[index], gallery.y[index]
    mine, theirs, likeness = (each.astype(np.intp) for each in paired)
    pair_x, pair_y = probe.x[mine].astype(np.float32), probe.y[mine].astype(np.float32)
    theirs = np.minimum(theirs, len(index) - 1)
    to_x, to_y = (
        np.take_along_axis(each, theirs, 0).astype(np.float32) for each in (there_x, there_y)
    )
    turned = np.take_along_axis(gallery.angle[index], theirs, 0) - probe.angle[mine]
    start = np.where(likeness > 0, kept * kept, 0) + np.float32(1e-12)
    cos, sin, weight = _rotation(pair_x, pair_y, to_x, to_y, turned, start, how)
    affine = _affine(pair_x, pair_y, to_x, to_y, weight, cos, sin, how.stiffness)
    rest = None
    stiffness = how.stiffness
    places = (there_x * np.int32(FINE), there_y * np.int32(FINE), gallery.angle[index], real)
    for tolerance in how.tolerance:
        at_x, at_y = place(affine, x, y)
        if rest is not None:
            carry_x, carry_y = carry(near, weight, rest, how.held)
            at_x, at_y = at_x + carry_x, at_y + carry_y
        cos, sin = _turn(affine)
        partner, cost = _meet(at_x, at_y, probe.angle, cos, sin, places, tolerance, how.turn)
        met = partner != NONE
        weight = np.where(met, 1 - cost * np.float32(1 / (3 * (FINE * tolerance) ** 2)), 0)
        weight = weight.astype(np.float32)
        which = np.where(met, partner, 0).astype(np.intp)
        to_x, to_y = (
            np.take_along_axis(each, which, 0).astype(np.float32) for each in (there_x, there_y)
        )
        affine = _affine(x, y, to_x, to_y, weight, cos, sin, stiffness)
        stiffness *= how.softening
        at_x, at_y = place(affine, x, y)
        rest = np.where(met, np.stack([to_x - at_x, to_y - at_y]), np.float32(0))
    none = ~(likeness > 0).any(axis=0)
    partner[:, none], weight[:, none] = NONE, 0
    return Deformation(own_x, own_y, affine, partner, weight, rest, how.reach, how.held)


def place(affine: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the affine maps (6, B) take the points x, y (…, B)."""
    return affine[0] * x + affine[1] * y + affine[4], affine[2] * x + affine[3] * y + affine[5]


def nearness(
    x: np.ndarray, y: np.ndarray, from_x: np.ndarray, from_y: np.ndarray, reach: float
) -> np.ndarray:
    """How much each of p points counts at each of n: float32 (n, p), 1 at the point itself."""
    off_x, off_y = x[:, None] - from_x[None], y[:, None] - from_y[None]
    return np.exp((off_x * off_x + off_y * off_y) * np.float32(-0.5 / reach**2))


def carry(
    near: np.ndarray, weight: np.ndarray, rest: np.ndarray, held: float
) -> tuple[np.ndarray, np.ndarray]:
    """How far points are carried along by minutiae: px right and down, float32 (n, B) each.

    near: (n, p) from `nearness`. weight: (p, B). rest: (2, p, B) px. The probe's own places are
    the same for every candidate, so all of it is three matrix products.
    """
    total = near @ weight + np.float32(held)
    return near @ (weight * rest[0]) / total, near @ (weight * rest[1]) / total


def _nothing(x: np.ndarray, y: np.ndarray, batch: int, how: Fitting) -> Deformation:
    """Where there are no minutiae nothing meets."""
    p = len(x)
    affine = np.zeros((AFFINE, batch), np.float32)
    affine[[0, 3]] = 1
    none = np.full((p, batch), NONE, np.uint8)
    weight, rest = np.zeros((p, batch), np.float32), np.zeros((2, p, batch), np.float32)
    return Deformation(x, y, affine, none, weight, rest, how.reach, how.held)


def _rotation(
    x: np.ndarray,
    y: np.ndarray,
    to_x: np.ndarray,
    to_y: np.ndarray,
    turned: np.ndarray,
    start: np.ndarray,
    how: Fitting,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cosine and sine (B,) of the turn that most pairs agree on, y down, and their weights (K, B).

    Orthogonal Procrustes, with the minutiae's directions as evidence too, reweighted after
    Geman and McClure: pairs that lie `outlier` px off lose three quarters of their weight."""
    weight = start
    for _ in range(how.rounds_rigid):
        total = weight.sum(axis=0)
        x0, y0, u0, v0 = ((weight * each).sum(axis=0) / total for each in (x, y, to_x, to_y))
        a, b, u, v = x - x0, y - y0, to_x - u0, to_y - v0
        along = (weight * (a * u + b * v)).sum(axis=0)
        across = (weight * (a * v - b * u)).sum(axis=0)
        # a direction counts as much as a pair this far from the middle; y is down, angles are up
        arm = np.float32(400)
        along += arm * (weight * COS[turned]).sum(axis=0)
        across -= arm * (weight * SIN[turned]).sum(axis=0)
        length = np.sqrt(along * along + across * across) + np.float32(1e-20)
        cos, sin = along / length, across / length
        off_x, off_y = u - (cos * a - sin * b), v - (sin * a + cos * b)
        error = (off_x * off_x + off_y * off_y) * np.float32(1 / how.outlier**2)
        weight = start / (1 + error) ** 2
    return cos, sin, (weight / weight.max(axis=0)).astype(np.float32)


def _turn(affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine (B,) of the rotation nearest to each affine map."""
    along, across = affine[0] + affine[3], affine[2] - affine[1]
    length = np.sqrt(along * along + across * across) + np.float32(1e-20)
    return along / length, across / length


def _affine(
    x: np.ndarray,
    y: np.ndarray,
    to_x: np.ndarray,
    to_y: np.ndarray,
    weight: np.ndarray,
    cos: np.ndarray,
    sin: np.ndarray,
    stiffness: float,
) -> np.ndarray:
    """Affine maps (6, B) by weighted least squares, held to the rotation by `stiffness`."""
    total = weight.sum(axis=0) + np.float32(1e-9)
    x0, y0, u0, v0 = ((weight * each).sum(axis=0) / total for each in (x, y, to_x, to_y))
    a, b, u, v = x - x0, y - y0, to_x - u0, to_y - v0
    hold = np.float32(stiffness)
    wa, wb = weight * a, weight * b
    aa, bb, ab = (wa * a).sum(axis=0) + hold, (wb * b).sum(axis=0) + hold, (wa * b).sum(axis=0)
    ua, ub = (wa * u).sum(axis=0) + hold * cos, (wb * u).sum(axis=0) - hold * sin
    va, vb = (wa * v).sum(axis=0) + hold * sin, (wb * v).sum(axis=0) + hold * cos
    scale = 1 / (aa * bb - ab * ab)
    xx, xy = (ua * bb - ub * ab) * scale, (ub * aa - ua * ab) * scale
    yx, yy = (va * bb - vb * ab) * scale, (vb * aa - va * ab) * scale
    return np.stack([xx, xy, yx, yy, u0 - xx * x0 - xy * y0, v0 - yx * x0 - yy * y0])


def _meet(
    at_x: np.ndarray,
    at_y: np.ndarray,
    angle: np.ndarray,
    cos: np.ndarray,
    sin: np.ndarray,
    places: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    tolerance: float,
    turn: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Partners uint8 (p, B) and cost int32 (p, B) of the minutiae that are each other's nearest."""
    there_x, there_y, there_angle, real = places
    p, batch = at_x.shape
    fine_x, fine_y = (
        np.clip(np.rint(each * FINE), -EDGE, EDGE).astype(np.int32) for each in (at_x, at_y)
    )
    steps = np.rint(np.arctan2(-sin, cos) * np.float32(STEPS / (2 * np.pi))).astype(np.int64)
    seen = angle[:, None] + (steps % STEPS).astype(np.uint8)
    limit = np.int32((FINE * tolerance) ** 2)
    price = np.int32(round((FINE * tolerance) ** 2 / turn**2))
    best_row = np.full((p, batch), FAR, np.int32)
    best_col = np.full((len(there_x), batch), FAR, np.int32)
    own = np.arange(p, dtype=np.int32)[:, None]
    for g in range(len(there_x)):
        off_x, off_y = fine_x - there_x[g], fine_y - there_y[g]
        off_x *= off_x
        off_y *= off_y
        off_x += off_y
        apart = np.abs((seen - there_angle[g]).view(np.int8)).view(np.uint8)
        far = (off_x >= limit) | (apart >= turn) | ~real[g]
        wide = apart.astype(np.int32)
        wide *= wide
        wide *= price
        off_x += wide
        off_x <<= 6
        off_x[far] = FAR
        np.minimum(best_row, off_x + np.int32(g), out=best_row)
        np.min(off_x + own, axis=0, out=best_col[g])
    partner = best_row & 63
    back = np.take_along_axis(best_col, np.minimum(partner, len(best_col) - 1), 0) & 63
    met = (best_row < FAR) & (back == own)
    return np.where(met, partner, NONE).astype(np.uint8), np.where(met, best_row >> 6, 0)
