"""Compares one probe with many prints of a gallery by their minutiae, over cache-sized chunks.

Local similarity, mutual pairs, relaxation: the kernels in their order. The comparison score is
the mean similarity that the best pairs keep when they are held against each other, 0..1.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from engine.settings import RescoringSettings
from engine.types import F32, I32, I64, MAX_MINUTIAE
from kernels import backend, pairing, relaxation, similarity
from kernels.packed import Packed, counts, move

FULL = float(relaxation.FULL)


def rescore(probe: Packed, gallery: Packed, candidates: I64, settings: RescoringSettings) -> F32:
    """Comparison scores of `probe` with each of the prints `candidates` (int64 (B,)).

    Returns float32 (B,) in 0..1. The gallery's arrays decide where the work runs. On the CPU
    chunks hold prints of like minutiae counts, so that little is padded, and run on several
    threads: NumPy lets the others work while it computes.
    """
    if backend.array_module(gallery.start) is not np:
        return backend.move(_compare(probe, gallery, candidates, settings).score, np)
    order = np.argsort(counts(gallery, candidates), kind="stable")
    chunks = np.array_split(order, max(1, -(-len(order) // settings.chunk)))

    def score(chunk: I64) -> F32:
        return _compare(probe, gallery, candidates[chunk], settings).score

    scores = np.zeros(len(candidates), np.float32)
    for chunk, part in zip(chunks, _map(score, chunks, settings.threads), strict=True):
        scores[chunk] = part
    return scores


class FingerEvidence(NamedTuple):
    """What one comparison says, before anyone knows whose prints they are: see types.Evidence."""

    score: float
    similarity: float
    support: float
    pairs: I32


class Comparison(NamedTuple):
    """score: float32 (B,). kept: float32 (K, B). paired: three uint8 (K, B). On one device."""

    score: Any
    kept: Any
    paired: tuple[Any, Any, Any]


def evidence(
    probe: Packed, gallery: Packed, candidates: I64, settings: RescoringSettings
) -> list[FingerEvidence]:
    """Everything that the comparisons with the few prints `candidates` say, one each."""
    found = _compare(probe, gallery, candidates, settings)
    score, kept, *paired = (backend.move(part, np) for part in (*found[:2], *found.paired))
    scored = _pairs_scored(settings)
    count = counts(gallery, backend.move(candidates, backend.array_module(gallery.start)))
    smaller = np.minimum(backend.move(count, np), probe.codes.shape[1])
    told = []
    for b in range(len(candidates)):
        mine, theirs, likeness = (part[:, b] for part in paired)
        real = likeness > 0
        started = likeness[real] / FULL
        efficiency = kept[:, b][real] / started
        order = np.argsort(-efficiency, kind="stable")
        best = order[: int(scored[smaller[b]])]
        pairs: I32 = np.stack([mine[real], theirs[real]], axis=1)[order].astype(np.int32)
        told.append(
            FingerEvidence(
                score=float(score[b]),
                similarity=float(started[best].mean()) if len(best) else 0.0,
                support=float(np.minimum(efficiency[best], 1).mean()) if len(best) else 0.0,
                pairs=pairs,
            )
        )
    return told


def _compare(
    probe: Packed, gallery: Packed, candidates: I64, settings: RescoringSettings
) -> Comparison:
    """One probe against these prints, where the gallery is; the result stays there."""
    xp = backend.array_module(gallery.start)
    probe, chosen = move(probe, xp), backend.move(candidates, xp)
    row, col = similarity.best(probe, gallery, chosen, settings.gate)
    paired = pairing.pairs(row, col, settings.pairs)
    score, kept = relaxation.relax(probe, gallery, chosen, paired, _relaxation(settings))
    return Comparison(score, kept, paired)


@lru_cache(maxsize=8)
def _relaxation(s: RescoringSettings) -> relaxation.Relaxation:
    return relaxation.Relaxation(s.keep, s.rounds, s.reach, s.stretch, s.turn, _pairs_scored(s))


@lru_cache(maxsize=8)
def _pairs_scored(s: RescoringSettings) -> I32:
    """Pairs that the score is the mean of, by the smaller minutiae count, 0..64 (MCC, eq. 20)."""
    count = np.arange(MAX_MINUTIAE + 1)
    share = 1 / (1 + np.exp(-s.scored_slope * (count - s.scored_middle)))
    pairs = s.scored_least + np.floor((s.scored_most - s.scored_least) * share + 0.5)
    return pairs.astype(np.int32)


def _map(work: Callable[[I64], F32], chunks: list[I64], threads: int) -> list[F32]:
    threads = min(threads or os.cpu_count() or 1, len(chunks))
    if threads == 1:
        return [work(chunk) for chunk in chunks]
    return list(_pool(threads).map(work, chunks))


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="rescore")
