"""Votes: how many of a probe's minutiae have a likeness in a print, and how much of one.

Each of the probe's minutiae looks for the likest in a candidate, as `similarity` has it, and gives
a weight that grows with the likeness; the sum are the candidate's votes. Nothing is paired and
nothing sorted, so that whole galleries can be gone through: Cappelli, Ferrara and Maltoni,
"Large-scale fingerprint identification on GPU" (2015), section 4, count similarities in buckets to
the same end. Any number of a code's words may be used: the first tell most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels import backend
from kernels.packed import MAX_MINUTIAE, Packed, alone, require_probes, slots
from kernels.similarity import Agreeing, Slots

FORMS = ("popcount", "tensor")
LEVELS = 2**12  # votes of a print are fewer
MOST_WEIGHT = LEVELS // MAX_MINUTIAE - 1
_PROBES = 64  # of one launch, at most
_BLOCKS = 2**15  # the same: some for each place that a device has, and each takes many prints


@dataclass(frozen=True, slots=True)
class Voting:
    """How minutiae vote. words: of 64 bits, the first of each code, 1..4. gate: largest difference
    of direction, 1/256 turn, 0..127. weight: uint16 (32 * words,), a NumPy array on any device,
    what a partner of likeness 0..32 * words - 1 is worth, 0 to MOST_WEIGHT, nothing for 0. form:
    one of FORMS, how a GPU compares codes; both give the same integers, and the CPU has but one.

    Raises ValueError for numbers out of range, another table and an unknown form."""

    words: int
    gate: int
    weight: np.ndarray
    form: str = "popcount"

    def __post_init__(self) -> None:
        if not 1 <= self.words <= 4 or not 0 <= self.gate < 128:
            raise ValueError(f"{self.words} words, gate {self.gate}: must be 1..4 and 0..127")
        backend.require("weight", self.weight, np.uint16, 1)
        if len(self.weight) != 32 * self.words:
            raise ValueError(f"{len(self.weight)} weights, must be {32 * self.words}")
        if self.weight[0] or self.weight.max() > MOST_WEIGHT:
            raise ValueError(f"weights must go from 0 to {MOST_WEIGHT}")
        if self.form not in FORMS:
            raise ValueError(f"form is {self.form!r}; it must be one of {FORMS}")


def vote(probes: Packed, gallery: Packed, candidates: Any, how: Voting) -> Any:
    """The votes of each of P probes for each of B prints of a gallery: uint16 (P, B), below LEVELS.

    candidates: int64 (B,) prints of `gallery`, or a range of step 1: then the gallery is read as it
    lies. Both devices give the same integers. Raises ValueError for arrays that do not fit.
    """
    if isinstance(candidates, range):
        last = candidates.stop if len(candidates) else 0
        if candidates.step != 1 or candidates.start < 0 or last > len(gallery):
            raise ValueError(f"{candidates} are no neighbours among {len(gallery)} prints")
        xp = backend.where(probes.codes, gallery.codes)
    else:
        backend.require("candidates", candidates, np.int64, 1)
        xp = backend.where(probes.codes, gallery.codes, candidates)
    require_probes(probes)
    if min(len(probes.codes), len(gallery.codes)) < how.words:
        raise ValueError(f"there are no {how.words} words in the codes of probes and gallery")
    if xp is np:
        return reference(probes, gallery, candidates, how)
    batch, listed = len(candidates), not isinstance(candidates, range)
    votes = xp.zeros((len(probes), batch), np.uint16)
    for first in range(0, len(probes), _PROBES):
        some = votes[first : first + _PROBES]
        backend.launch(
            "voting_tensor" if how.form == "tensor" else "voting",
            min(batch, _BLOCKS),
            *(probes.codes, np.int64(probes.row), probes.angle, probes.start[first:]),
            np.int32(len(some)),
            *(gallery.codes, np.int64(gallery.row), gallery.angle, gallery.start),
            *(np.int32(how.words), candidates if listed else gallery.start),
            np.int64(-1 if listed else candidates.start),
            *(np.int32(batch), np.int32(how.gate), backend.constant(how.weight, xp), some),
        )
    return votes


def reference(
    probes: Packed, gallery: Packed, candidates: np.ndarray | range, how: Voting
) -> np.ndarray:
    """`vote` in NumPy: the CPU's path and the oracle of the CUDA kernel.

    A few candidate slots at a time, as in `similarity`; what is read of the gallery is read once
    for all probes."""
    batch, words = len(candidates), how.words
    votes = np.zeros((len(probes), batch), np.uint16)
    index, real = slots(gallery, np.asarray(candidates, np.int64))
    if not index.size:
        return votes
    held = Slots(gallery, index, real, words)
    for i in range(len(probes)):
        probe = alone(probes, i)
        agreeing = Agreeing(probe, words, how.gate, batch)
        best, likest = np.zeros((2, probe.codes.shape[1], batch), np.uint8)
        with backend.unbuffered():
            for some in held.groups():
                np.maximum.reduce(agreeing.count(held, some), axis=0, out=likest)
                np.maximum(best, likest, out=best)
        likeness = np.maximum(best, np.full_like(best, agreeing.none)) - agreeing.none
        how.weight.take(likeness).sum(axis=0, dtype=np.uint16, out=votes[i])
    return votes
