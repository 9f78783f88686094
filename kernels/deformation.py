"""Deformation: how one print lies on another, and which of their minutiae then meet.

The pairs that relaxation kept say roughly how to lay the probe on a candidate; all minutiae that
come to lie on each other say it better, and so on for a few rounds with less and less tolerance.
Skin stretches, so the map is affine, held near a rotation, plus a smooth rest that takes every
point along with the minutiae around it (Nadaraya-Watson). What counts as met is decided in
integers: eighths of a pixel and 1/256 turn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from kernels import backend
from kernels.packed import MAX_MINUTIAE, STEPS, Packed, require_within, slots
from kernels.relaxation import COS, MAX_PAIRS, SIN

NONE = 255  # in place of a partner's index: the minutia has met nobody
FINE = 8  # steps of a pixel that places are compared in
EDGE = 2047  # px: places are cut off there, so that differences of them fit 16 bits
WIDEST = 256  # px, of a tolerance: a cost and an index fit 32 bits
ARM = np.float32(400)  # px: a direction turns a print as a pair this far from the middle does
AFFINE = 6  # numbers of an affine map: xx, xy, yx, yy, x, y
_COARSE = 5  # bits of a place dropped to compare it in bytes: steps of 4 px, which wrap at 1,024
_BLOCK = 2**16  # pairs of minutiae at a time: bytes that fit a second-level cache


@dataclass(frozen=True, slots=True)
class Fitting:
    """How a deformation is found.

    outlier: px, from the rotation at which a pair's weight is a quarter. rounds_rigid: of that
    reweighting. tolerance: px, within which minutiae meet, one for each round. turn: 1/256 turn,
    the same for directions. stiffness: px², holds the affine map to a rotation as so much spread
    of minutiae would; `softening` of it is left after each round. reach: px, standard deviation of
    the neighbourhood whose minutiae carry a point along. held: weight that holds a point back.

    Raises ValueError for tolerances outside 1..256 px, turns outside 1..128, no round of either
    kind, and where nothing holds a point back.
    """

    outlier: float
    rounds_rigid: int
    tolerance: tuple[float, ...]
    turn: int
    stiffness: float
    softening: float
    reach: float
    held: float

    def __post_init__(self) -> None:
        if not self.tolerance or not all(1 <= each <= WIDEST for each in self.tolerance):
            raise ValueError(f"tolerance is {self.tolerance}, must be 1..{WIDEST} in each round")
        if not 1 <= self.turn <= STEPS // 2:
            raise ValueError(f"turn is {self.turn}, must be 1..{STEPS // 2}")
        if self.held <= 0 or self.rounds_rigid < 1:
            raise ValueError(f"held, {self.held}, and rounds, {self.rounds_rigid}, must be above 0")


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

    def __post_init__(self) -> None:
        backend.require("partner", self.partner, np.uint8, 2)
        p, batch = shape = self.partner.shape
        arrays = {
            "x": (p,),
            "y": (p,),
            "affine": (AFFINE, batch),
            "weight": shape,
            "rest": (2, *shape),
        }
        for name, expected in arrays.items():
            array = getattr(self, name)
            backend.require(name, array, np.float32, len(expected))
            if array.shape != expected:
                raise ValueError(
                    f"{name} is {array.shape}, must be {expected} as partner is {shape}"
                )
        backend.where(self.partner, *(getattr(self, name) for name in arrays))

    def __len__(self) -> int:
        return self.affine.shape[1]


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
    kept: float32 (K, B) from `relaxation.relax`, K ≤ 32. Where there is no pair nothing is met, and
    the probe lies as it is.
    NumPy and CUDA round the last bit of a place differently, so in a few of 10,000 places another
    eighth of a pixel is compared. Where no partner changes with it, places agree within 0.05 px
    and weights within 0.02, but for one comparison in some thousands, which is within a pixel: a
    device adds a product in one rounding. Raises ValueError for arrays that do not fit.
    """
    for name, array in zip(("probe index", "candidate index", "similarity"), paired, strict=True):
        backend.require(name, array, np.uint8, 2)
    backend.require("kept", kept, np.float32, 2)
    backend.require("candidates", candidates, np.int64, 1)
    xp = backend.where(probe.codes, gallery.codes, candidates, kept, *paired)
    p, batch = probe.codes.shape[1], len(candidates)
    if len(probe) != 1 or p > MAX_MINUTIAE:
        raise ValueError(f"the probe must be one print of at most {MAX_MINUTIAE} minutiae")
    if any(part.shape != kept.shape for part in paired) or kept.shape[1] != batch:
        raise ValueError(f"{kept.shape} pairs kept, {paired[0].shape} pairs found, do not fit")
    if len(kept) > MAX_PAIRS:
        raise ValueError(f"{len(kept)} pairs, must be at most {MAX_PAIRS}")
    require_within(gallery, candidates)
    if xp is np:
        return reference(probe, gallery, candidates, paired, kept, how)
    lie = _nothing(probe, batch, how, xp)
    backend.launch(
        "deformation",
        batch,
        *(probe.x, probe.y, probe.angle, np.int32(p)),
        *(gallery.x, gallery.y, gallery.angle, gallery.start, candidates, np.int32(batch)),
        *(*paired, kept, np.int32(len(kept))),
        *(backend.constant(table, xp) for table in (COS, SIN)),
        ARM,
        *(np.float32(1 / how.outlier**2), np.int32(how.rounds_rigid)),
        np.int32(len(how.tolerance)),
        *(backend.constant(table, xp) for table in _of_rounds(how)),
        *(np.int32(how.turn), spread(lie), np.float32(how.held)),
        *(lie.affine, lie.partner, lie.weight, lie.rest),
    )
    return lie


@lru_cache(maxsize=8)
def _of_rounds(how: Fitting) -> tuple[np.ndarray, ...]:
    """Of each round, for the CUDA kernel: the tolerance squared and the price of a turn (int32),
    what of a cost a weight loses and the stiffness (float32)."""
    limit = np.square(FINE * np.array(how.tolerance))
    stiffness = how.stiffness * how.softening ** np.arange(len(limit))
    price = np.rint(limit / how.turn**2)
    tables = ((limit, np.int32), (price, np.int32), (1 / (3 * limit), np.float32))
    return *(table.astype(dtype) for table, dtype in tables), stiffness.astype(np.float32)


def reference(
    probe: Packed,
    gallery: Packed,
    candidates: np.ndarray,
    paired: tuple[np.ndarray, np.ndarray, np.ndarray],
    kept: np.ndarray,
    how: Fitting,
) -> Deformation:
    """`fit` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    nothing = _nothing(probe, len(candidates), how, np)
    some = (paired[2] > 0).any(axis=0)
    if not some.any():
        return nothing
    own_x, own_y = nothing.x, nothing.y
    x, y = own_x[:, None], own_y[:, None]
    index, real = slots(gallery, candidates)
    there = _places(gallery.x[index], gallery.y[index], gallery.angle[index])
    near = nearness(own_x, own_y, own_x, own_y, how.reach)
    affine = _start(probe, gallery, candidates, paired, kept, how)
    at_x, at_y = place(affine, x, y)
    stiffness = how.stiffness
    for tolerance in how.tolerance:
        cos, sin = _turn(affine)
        here = _places(at_x, at_y, probe.angle[:, None] + _steps(cos, sin))
        mine, theirs, cost = _meet(here, there, real & some, tolerance, how.turn)
        to = index.take(theirs)
        found = np.zeros((3, at_x.size), np.float32)
        found[0, mine] = 1 - cost * np.float32(1 / (3 * (FINE * tolerance) ** 2))
        found[1, mine], found[2, mine] = gallery.x[to], gallery.y[to]
        weight, to_x, to_y = found.reshape(3, *at_x.shape)
        affine = _affine(x, y, to_x, to_y, weight, cos, sin, stiffness)
        stiffness *= how.softening
        at_x, at_y = place(affine, x, y)
        rest = np.where(weight > 0, np.stack([to_x - at_x, to_y - at_y]), np.float32(0))
        carry_x, carry_y = carry(near, weight, rest, how.held)
        at_x, at_y = at_x + carry_x, at_y + carry_y
    partner = nothing.partner
    partner.reshape(-1)[mine] = theirs // len(candidates)
    affine[:, ~some] = nothing.affine[:, ~some]
    return replace(nothing, affine=affine, partner=partner, weight=weight, rest=rest)


def place(affine: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the affine maps (6, B) take the points x, y (…, B)."""
    return affine[0] * x + affine[1] * y + affine[4], affine[2] * x + affine[3] * y + affine[5]


def spread(lie: Deformation) -> np.float32:
    """What a squared distance times gives the logarithm of a nearness, for the CUDA kernels."""
    return np.float32(-0.5 / lie.reach**2)


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


def _nothing(probe: Packed, batch: int, how: Fitting, xp: Any) -> Deformation:
    """Where nothing meets the probe lies as it is."""
    p = probe.codes.shape[1]
    affine = xp.zeros((AFFINE, batch), np.float32)
    affine[[0, 3]] = 1
    none = xp.full((p, batch), NONE, np.uint8)
    weight, rest = xp.zeros((p, batch), np.float32), xp.zeros((2, p, batch), np.float32)
    x, y = probe.x.astype(np.float32), probe.y.astype(np.float32)
    return Deformation(x, y, affine, none, weight, rest, how.reach, how.held)


def _start(
    probe: Packed,
    gallery: Packed,
    candidates: np.ndarray,
    paired: tuple[np.ndarray, np.ndarray, np.ndarray],
    kept: np.ndarray,
    how: Fitting,
) -> np.ndarray:
    """Affine maps (6, B) from the pairs that relaxation kept."""
    mine, theirs, likeness = paired
    there = np.minimum(gallery.start[candidates] + theirs, gallery.codes.shape[1] - 1)
    x, y = probe.x[mine].astype(np.float32), probe.y[mine].astype(np.float32)
    to_x, to_y = gallery.x[there].astype(np.float32), gallery.y[there].astype(np.float32)
    turned = gallery.angle[there] - probe.angle[mine]
    start = np.where(likeness > 0, kept * kept, 0) + np.float32(1e-12)
    cos, sin, weight = _rotation(x, y, to_x, to_y, turned, start, how)
    return _affine(x, y, to_x, to_y, weight, cos, sin, how.stiffness)


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
        along += ARM * (weight * COS[turned]).sum(axis=0)
        across -= ARM * (weight * SIN[turned]).sum(axis=0)  # y is down, angles are up
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


def _steps(cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """The turns of these cosines and sines, y down, uint8, 1/256 turn counter-clockwise as seen."""
    steps = np.rint(np.arctan2(-sin, cos) * np.float32(STEPS / (2 * np.pi)))
    return (steps.astype(np.int64) % STEPS).astype(np.uint8)


class _Places(NamedTuple):
    """n minutiae on each of B prints. x, y: int16 (n, B), 1/8 px. angle: uint8 (n, B)."""

    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray


def _places(x: np.ndarray, y: np.ndarray, angle: np.ndarray) -> _Places:
    """Places as they are compared, from x, y in px and angles."""
    fine_x, fine_y = (
        np.rint(np.clip(each, -EDGE, EDGE) * FINE).astype(np.int16) for each in (x, y)
    )
    return _Places(fine_x, fine_y, angle)


def _meet(
    here: _Places, there: _Places, real: np.ndarray, tolerance: float, turn: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minutiae that are each other's nearest: flat indices into `here` and `there`, and the costs,
    int32, squared distances in 1/8 px with those of direction.

    real: bool, of `there`, which slots hold a minutia.
    """
    batch = real.shape[1]
    limit = np.int32((FINE * tolerance) ** 2)
    price = np.int32(round((FINE * tolerance) ** 2 / turn**2))
    mine, theirs = _near(here, there, tolerance, turn)
    off_x, off_y = (
        (one.take(mine) - other.take(theirs)).astype(np.int32)
        for one, other in ((here.x, there.x), (here.y, there.y))
    )
    apart = np.abs((here.angle.take(mine) - there.angle.take(theirs)).view(np.int8)).view(np.uint8)
    cost = off_x * off_x + off_y * off_y
    near = np.flatnonzero((cost < limit) & real.take(theirs))
    mine, theirs, apart = mine[near], theirs[near], apart[near].astype(np.int32)
    cost = cost[near] + apart * apart * price
    met = np.flatnonzero(
        _least(cost, theirs // batch, mine, here.x.size)
        & _least(cost, mine // batch, theirs, there.x.size)
    )
    return mine[met], theirs[met], cost[met]


def _least(cost: np.ndarray, index: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Which costs are the least of their group, bool; ties go to the lower index."""
    key = cost.astype(np.int64) * MAX_MINUTIAE + index
    least = np.full(groups, np.iinfo(np.int64).max)
    np.minimum.at(least, group, key)
    return np.asarray(least[group] == key)


def _near(
    here: _Places, there: _Places, tolerance: float, turn: int
) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices into `here` and `there` of all pairs turned alike that may meet, and of a few
    that lie too far from each other.

    All pairs of all candidates are gone through in bytes: differences that wrap, as angles do,
    shifted so that one comparison bounds them on both sides.
    """
    steps = math.ceil(FINE * tolerance / 2**_COARSE)
    bounds = (
        (_coarse(here.x), _coarse(there.x), np.uint8(steps)),
        (_coarse(here.y), _coarse(there.y), np.uint8(steps)),
        (here.angle, there.angle, np.uint8(turn - 1)),
    )
    size, batch = there.x.size, there.x.shape[1]
    rows = max(1, _BLOCK // size)
    off = np.empty((rows, *there.x.shape), np.uint8)
    near, close = np.empty(off.shape, np.bool_), np.empty(off.shape, np.bool_)
    found = []
    for first in range(0, len(here.x), rows):
        near[:] = True
        for one, other, most in bounds:
            own = one[first : first + rows, None] + most
            np.subtract(own, other, out=off[: len(own)])
            near &= np.less_equal(off, 2 * most, out=close)
        found.append(np.flatnonzero(near[: len(own)]) + first * size)
    pair = np.concatenate(found)
    mine = pair // size
    theirs = pair - mine * size
    return mine * batch + theirs % batch, theirs


def _coarse(fine: np.ndarray) -> np.ndarray:
    return (fine >> _COARSE).astype(np.uint8)
