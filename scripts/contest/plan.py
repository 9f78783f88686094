"""Which prints of a set are compared, the same for every matcher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.intp]

SEED = 1  # of what is drawn by chance


@dataclass(frozen=True, slots=True)
class Plan:
    """Comparisons of print first[i] with second[i], then of each probe with the gallery.

    mated: bool, of the former. mate: each probe's column in the gallery.
    """

    first: Index
    second: Index
    mated: npt.NDArray[np.bool_]
    probes: Index
    gallery: Index
    mate: Index

    @property
    def pairs(self) -> Index:
        """All comparisons in their order: (n, 2)."""
        searches = np.stack(np.meshgrid(self.probes, self.gallery, indexing="ij"), axis=-1)
        return np.concatenate([np.stack([self.first, self.second], 1), searches.reshape(-1, 2)])


def draw_plan(fingers: Sequence[str], nonmated: int, probes: int) -> Plan:
    """All mated and at most `nonmated` other pairs of the prints, whose fingers these are; at most
    `probes` searches among the first prints of all fingers.

    Raises ValueError where there is no mated pair, or no other."""
    names = np.array(fingers)
    first, second = np.triu_indices(len(names), 1)
    mated = names[first] == names[second]
    if not mated.any() or mated.all():
        raise ValueError("needs two prints of one finger, and one of another")
    kept = np.concatenate([np.flatnonzero(mated), sample(np.flatnonzero(~mated), nonmated)])
    _, gallery, column = np.unique(names, return_index=True, return_inverse=True)
    searched = sample(np.setdiff1d(np.arange(len(names)), gallery), probes)
    return Plan(first[kept], second[kept], mated[kept], searched, gallery, column[searched])


def sample(items: Index, size: int) -> Index:
    """At most `size` of the items, by chance but always the same, in their order."""
    if len(items) <= size:
        return items
    return np.sort(np.random.default_rng(SEED).choice(items, size, replace=False))
