"""Compares one probe with some prints of a gallery by all the evidence there is.

Pairs by local similarity, relaxation, the deformation that lays one print on the other, the
minutiae that then meet, the ridges' phase: the kernels in their order. `rescoring` does the first
half for many candidates; this does all of it for the few best.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from engine.matching import rescoring
from engine.settings import ComparisonSettings, RescoringSettings
from engine.types import F32, I32, I64, U8, Bool
from kernels import agreement, backend, deformation, relaxation, ridges
from kernels.packed import Packed, counts
from kernels.ridges import Cells


class Prints(NamedTuple):
    """Prints as the kernels read them, on one device: their minutiae and their ridge cells."""

    minutiae: Packed
    cells: Cells


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one probe has in common with each of B candidates: arrays (B,) on the CPU.

    minutiae: float32, geometric mean of their numbers of minutiae. pairing: float32 0..1, the
    likeness that the best pairs keep (`rescoring.rescore`). met: int32, minutiae that lie on each
    other; expected_probe, expected_candidate: int32, those of either print that lie where the
    other has minutiae, met or not. likeness: float32, the sum over the met minutiae of how alike
    their neighbourhoods are, 0..1 each. cells: int32, ridge cells that both prints show;
    orientation: float32, mean cosine of twice the angle between their ridges; period: float32, mean
    difference of the logarithms of their periods; coherence: float32 0..1, of their phases (these
    three 0 without shared cells).
    partner: uint8 (p, B), the candidate's minutia that each of the probe's met, or
    deformation.NONE. closeness: float32 (p, B), how closely, 0..1.
    """

    minutiae: F32
    pairing: F32
    met: I32
    expected_probe: I32
    expected_candidate: I32
    likeness: F32
    cells: I32
    orientation: F32
    period: F32
    coherence: F32
    partner: U8
    closeness: F32

    def __len__(self) -> int:
        return len(self.pairing)

    @property
    def with_ridges(self) -> Bool:
        """Where ridges could be compared: bool (B,)."""
        return self.cells > 0

    def pairs(self, b: int) -> I32:
        """int32 k×2, minutiae of the probe and of candidate b that met, the closest first."""
        met = np.flatnonzero(self.partner[:, b] != deformation.NONE)
        met = met[np.argsort(-self.closeness[met, b], kind="stable")]
        return np.stack([met, self.partner[met, b]], axis=1).astype(np.int32)


def compare(
    probe: Prints,
    gallery: Prints,
    candidates: I64,
    pairing: RescoringSettings,
    settings: ComparisonSettings,
) -> Comparison:
    """All that the comparisons of `probe` with the prints `candidates`, int64 (B,), say.

    The gallery's arrays decide where the work runs; on the CPU chunks hold prints of like
    minutiae counts and run side by side, as in `rescoring.rescore`.
    """
    work = partial(_compare, probe, gallery, pairing, settings)
    if backend.array_module(gallery.minutiae.start) is not np:
        return Comparison(*work(candidates))
    parts, back = rescoring.spread(
        work, gallery.minutiae, candidates, settings.chunk, pairing.threads
    )
    return Comparison(
        *(np.concatenate(part, axis=-1)[..., back] for part in zip(*parts, strict=True))
    )


def _compare(
    probe: Prints,
    gallery: Prints,
    pairing: RescoringSettings,
    settings: ComparisonSettings,
    candidates: I64,
) -> tuple[np.ndarray, ...]:
    """The arrays of a Comparison, for one chunk of candidates."""
    found = rescoring.pair(probe.minutiae, gallery.minutiae, candidates, pairing)
    chosen = found.candidates
    minutiae, cells = found.probes, ridges.move(probe.cells, backend.array_module(chosen))
    lie = deformation.fit(
        minutiae, gallery.minutiae, chosen, found.paired, found.kept, _fitting(settings)
    )
    agreed = agreement.count(minutiae, gallery.minutiae, chosen, lie, settings.margin)
    alike = ridges.compare(cells, gallery.cells, chosen, lie, _comparing(settings))
    sizes = counts(gallery.minutiae, chosen)
    parts = (sizes, found.score, agreed, alike, lie.partner, lie.weight)
    sizes, score, agreed, alike, partner, weight = (backend.move(part, np) for part in parts)
    met, mine, theirs, likeness = agreed
    count = np.sqrt(len(partner) * sizes, dtype=np.float32)
    mean = alike[1:] / np.maximum(alike[0], 1)
    shared = alike[0].astype(np.int32)
    return (
        count,
        score,
        met,
        mine,
        theirs,
        likeness / relaxation.FULL,
        shared,
        *mean,
        partner,
        weight,
    )


@lru_cache(maxsize=8)
def _fitting(s: ComparisonSettings) -> deformation.Fitting:
    return deformation.Fitting(
        s.outlier,
        s.rounds_rigid,
        s.tolerance,
        s.turn,
        s.stiffness,
        s.softening,
        s.reach,
        s.held,
    )


@lru_cache(maxsize=8)
def _comparing(s: ComparisonSettings) -> ridges.Comparing:
    return ridges.Comparing(s.window, s.nodes)
