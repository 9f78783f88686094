"""Agreement: of the minutiae that should meet, how many do, and how alike these are.

Once a probe lies on a candidate, a minutia of either should have a partner if it lies where the
other print has minutiae at all: within the box around them. Non-mated prints that share a flow
of ridges bring a dozen minutiae together by chance, but leave as many without a partner.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels import backend
from kernels.deformation import NONE, Deformation, carry, nearness, place, spread
from kernels.packed import Packed, slots

COUNTS = ("met", "probe", "candidate", "likeness")  # the rows of what `count` returns


def count(probe: Packed, gallery: Packed, candidates: Any, lie: Deformation, margin: int) -> Any:
    """int32 (4, B) for each of B candidates: minutiae that met; of the probe's and of the
    candidate's, those that lie on the other print, the met ones among them; and the sum over
    the met of how alike their codes are, each 0..128 (128 minus the Hamming distance of 256 bits).

    probe: one print. candidates: int64 (B,). lie: from `deformation.fit`. margin: px around the
    box of a print's minutiae within which it counts as seen.
    NumPy and CUDA agree but where a minutia lies on the edge of a box within the rounding of a
    float. Raises ValueError for arrays that do not fit.
    """
    backend.require("candidates", candidates, np.int64, 1)
    xp = backend.where(probe.codes, gallery.codes, candidates, lie.partner)
    if lie.partner.shape != (probe.codes.shape[1], len(candidates)):
        raise ValueError(f"a deformation of {lie.partner.shape} does not fit these prints")
    if xp is np:
        return reference(probe, gallery, candidates, lie, margin)
    total = xp.zeros((len(COUNTS), len(candidates)), np.int32)
    backend.launch(
        "agreement",
        len(candidates),
        *(probe.codes, np.int64(probe.row), lie.x, lie.y, np.int32(len(lie.x))),
        *(gallery.codes, np.int64(gallery.row), gallery.x, gallery.y, gallery.start),
        *(np.int32(len(probe.codes)), candidates, np.int32(len(candidates))),
        *(lie.affine, lie.partner, lie.weight, lie.rest, spread(lie), np.float32(lie.held)),
        *(np.int32(margin), total),
    )
    return total


def reference(
    probe: Packed, gallery: Packed, candidates: np.ndarray, lie: Deformation, margin: int
) -> np.ndarray:
    """`count` in NumPy: the CPU's path and the oracle of the CUDA kernel."""
    index, real = slots(gallery, candidates)
    batch = len(candidates)
    total = np.zeros((len(COUNTS), batch), np.int32)
    if not len(lie.x) or not len(index):
        return total
    met = lie.partner != NONE
    there_x, there_y = gallery.x[index], gallery.y[index]
    at_x, at_y = place(lie.affine, lie.x[:, None], lie.y[:, None])
    near = nearness(lie.x, lie.y, lie.x, lie.y, lie.reach)
    carry_x, carry_y = carry(near, lie.weight, lie.rest, lie.held)
    # a slot that is not real repeats a real minutia: the box stays the same
    box = there_x.min(0) - margin, there_x.max(0) + margin, there_y.min(0) - margin
    seen = _inside(at_x + carry_x, at_y + carry_y, *box, there_y.max(0) + margin) & real[0]
    xx, xy, yx, yy, x0, y0 = lie.affine
    scale = 1 / (xx * yy - xy * yx)
    off_x, off_y = there_x - x0, there_y - y0
    back_x, back_y = (yy * off_x - xy * off_y) * scale, (xx * off_y - yx * off_x) * scale
    own = (lie.x.min() - margin, lie.x.max() + margin, lie.y.min() - margin, lie.y.max() + margin)
    total[0] = met.sum(axis=0)
    total[1] = (seen | met).sum(axis=0)
    total[2] = np.maximum((_inside(back_x, back_y, *own) & real).sum(axis=0), total[0])
    mine, which = np.divmod(np.flatnonzero(met), batch)
    theirs = gallery.start[candidates][which] + lie.partner[mine, which]
    apart = np.bitwise_count(probe.codes[:, mine] ^ gallery.codes[:, theirs]).sum(axis=0)
    alike = np.maximum(32 * len(probe.codes) - apart.astype(np.int32), 0)
    total[3] = np.bincount(which, alike, batch)
    return total


def _inside(x: Any, y: Any, left: Any, right: Any, top: Any, bottom: Any) -> np.ndarray:
    return np.asarray((x >= left) & (x <= right) & (y >= top) & (y <= bottom))
