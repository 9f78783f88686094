"""Lets a probe's minutiae vote for prints, and keeps the prints with the most votes.

A cheap look at many before `rescoring` pairs minutiae with few: at a shortlist, or on a GPU at a
whole gallery, and then without any shortlist.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from engine.matching.rescoring import pair, require_one, spread
from engine.settings import RescoringSettings, VotingSettings
from engine.types import F32, I64, U16
from kernels import selection, voting
from kernels.blocks import Blocks
from kernels.packed import Packed


def vote(
    probe: Packed, gallery: Packed, candidates: I64, settings: VotingSettings, threads: int = 0
) -> U16:
    """The votes of one probe's minutiae for each of the prints `candidates`, int64 (B,): uint16
    (B,). On the CPU, over chunks of like minutiae counts, on several threads (0: one for each
    processor), as in `rescoring.rescore`. Raises ValueError as that does."""
    require_one(probe)
    how = rule(settings.words, settings)
    work = partial(_vote, probe, gallery, how)
    parts, back = spread(work, gallery, candidates, settings.chunk, threads)
    return np.asarray(np.concatenate(parts)[back], np.uint16)


def _vote(probe: Packed, gallery: Packed, how: voting.Voting, chunk: I64) -> U16:
    return np.asarray(voting.vote(probe, gallery, chunk, how)[0], np.uint16)


def thin(
    probe: Packed,
    gallery: Packed,
    candidates: I64,
    most: int,
    settings: VotingSettings,
    threads: int = 0,
) -> I64:
    """The `most` of the candidates, int64 (B,), with the most votes; all where there are no more
    than that. In their order; of as many votes the first."""
    if len(candidates) <= most:
        return candidates
    votes = vote(probe, gallery, candidates, settings, threads)
    return candidates[selection.select(votes[None], most)[0]]


def search(
    probes: Packed, blocks: Blocks, settings: VotingSettings, pairing: RescoringSettings
) -> tuple[I64, F32]:
    """Every print on the GPUs votes for each of P probes. The `settings.kept_whole` with the most
    votes, and those of each block, are compared: the former's numbers, int64 (P, K), and comparison
    scores, float32 (P, K)."""

    def compare(mine: Packed, prints: Packed, chosen: Any) -> Any:
        return pair(mine, prints, chosen, pairing).score

    how = rule(settings.words_whole, settings)
    found = blocks.search(probes, how, settings.kept_whole, compare)
    return found.prints, found.scores


@lru_cache(maxsize=8)
def rule(words: int, settings: VotingSettings) -> voting.Voting:
    """How minutiae vote by so many words of their codes.

    The weight grows linearly from the likeness that strangers reach by chance: the bits of their
    codes agree like tossed coins."""
    bits = 64 * words
    chance = settings.chance * np.sqrt(bits) / 2
    share = (np.arange(bits // 2) - chance) / (bits // 2 - 1 - chance)
    weight = np.rint(voting.MOST_WEIGHT * np.clip(share, 0, 1)).astype(np.uint16)
    return voting.Voting(words, settings.gate, weight, settings.form)
