"""Local similarity: for each minutia, which minutia of the other print is most like it.

Similarity of two minutiae is 127 minus the Hamming distance of their 256-bit codes (63 minus it
for 128 bits), not below 0, and 0 where their directions differ by more than the gate. Only each
minutia's best partner is kept, as one 13-bit key: similarity above, and below it 63 minus the
partner's index, so that a plain maximum finds the best partner and ties go to the lower index.

Codes compared by Hamming distance: Cappelli, Ferrara and Maltoni, "Minutia Cylinder-Code", TPAMI
2010, section 3.2 (bit-based); the sign codes here replace their cells.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels import backend
from kernels.packed import Packed, counts, slots

INDEX_BITS = 6
LAST = (1 << INDEX_BITS) - 1


def best(probe: Packed, gallery: Packed, candidates: Any, gate: int) -> tuple[Any, Any]:
    """Best partners between one probe and B prints of a gallery.

    probe: Packed of one print with p minutiae. candidates: int64 (B,) prints of `gallery`.
    gate: largest difference of direction, 1/256 turn, 0..127.
    Returns keys uint16 (p, B) of the probe's minutiae and (G, B) of the candidates', G being the
    largest count among them; 0 means no partner at all.
    Raises ValueError for arrays that do not fit or a gate out of range.
    """
    backend.require("candidates", candidates, np.int64, 1)
    xp = backend.where(probe.codes, gallery.codes, candidates)
    if len(probe) != 1 or probe.codes.shape[1] > LAST + 1:
        raise ValueError(f"the probe must be one print of at most {LAST + 1} minutiae")
    if not 0 <= gate < 128:
        raise ValueError(f"gate is {gate}, must be 0..127")
    if probe.codes.shape[0] != gallery.codes.shape[0]:
        raise ValueError("codes of probe and gallery differ in length")
    if xp is np:
        return reference(probe, gallery, candidates, gate)
    width = int(counts(gallery, candidates).max()) if len(candidates) else 0
    row = xp.zeros((probe.codes.shape[1], len(candidates)), np.uint16)
    col = xp.zeros((width, len(candidates)), np.uint16)
    backend.launch(
        "similarity",
        len(candidates),
        *(probe.codes, np.int64(probe.row), probe.angle, np.int32(probe.codes.shape[1])),
        *(gallery.codes, np.int64(gallery.row), gallery.angle, gallery.start),
        np.int32(len(probe.codes)),
        *(candidates, np.int32(len(candidates)), np.int32(width), np.int32(gate), row, col),
    )
    return row, col


def reference(
    probe: Packed, gallery: Packed, candidates: Any, gate: int
) -> tuple[np.ndarray, np.ndarray]:
    """`best` in NumPy: the CPU's path and the oracle of the CUDA kernel.

    One candidate slot at a time for all candidates: the working set is a few p×B arrays, small
    enough for the second-level cache at B = 1024, and the full p×G×B×W block never exists.
    """
    words, p = probe.codes.shape
    index, real = slots(gallery, candidates)
    width, batch = index.shape
    row = np.zeros((p, batch), np.uint16)
    col = np.zeros((width, batch), np.uint16)
    if p == 0 or width == 0:
        return row, col
    codes, angle = gallery.codes[:, index], gallery.angle[index]
    # a full array: with a scalar, NumPy's minimum of bytes takes ten times as long
    top = np.full((p, batch), 32 * words - 1, np.uint8)
    shifted, full = (probe.angle - np.uint8(gate))[:, None], real.all(axis=1)
    own = (LAST - np.arange(p)).astype(np.uint16)[:, None]
    mixed = np.empty((p, batch), np.uint64)
    bits, likeness, turn = (np.empty((p, batch), np.uint8) for _ in range(3))
    key = np.empty((p, batch), np.uint16)
    for g in range(width):
        np.bitwise_xor(probe.codes[0][:, None], codes[0, g], out=mixed)
        np.bitwise_count(mixed, out=likeness)
        for w in range(1, words):
            np.bitwise_xor(probe.codes[w][:, None], codes[w, g], out=mixed)
            np.bitwise_count(mixed, out=bits)
            if 64 * (w + 1) > 255:  # or 256 would wrap to 0
                np.minimum(likeness, top, out=likeness)
            np.add(likeness, bits, out=likeness)
        np.minimum(likeness, top, out=likeness)
        np.subtract(top, likeness, out=likeness)
        # |difference| <= gate in wrapping bytes: shifted by the gate, it is one comparison
        np.subtract(angle[g], shifted, out=turn)
        np.less_equal(turn, np.uint8(2 * gate), out=turn.view(bool))
        np.multiply(likeness, turn, out=likeness)
        if not full[g]:
            np.multiply(likeness, real[g].view(np.uint8), out=likeness)
        np.left_shift(likeness, INDEX_BITS, out=key, dtype=np.uint16, casting="unsafe")
        np.maximum(row, key + np.uint16(LAST - g), out=row)
        np.add(key, own, out=key)
        np.maximum.reduce(key, axis=0, out=col[g])
    for keys in (row, col):  # an index without likeness is no partner
        keys[keys <= LAST] = 0
    return row, col
