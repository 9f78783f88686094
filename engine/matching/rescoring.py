"""Compares one probe with many prints of a gallery by their minutiae, over cache-sized chunks.

Local similarity, mutual pairs, relaxation: the kernels in their order. The comparison score is
the mean similarity that the best pairs keep when they are held against each other, 0..1.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from engine.settings import RescoringSettings
from engine.types import F32, I32, I64, MAX_MINUTIAE
from kernels import backend, pairing, relaxation, similarity
from kernels.packed import Packed, counts, move
from kernels.sharing import owner_of
from kernels.team import Team

CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")  # of the second-level cache

FIXED = 10  # minutiae that take as long as what is the same for every candidate (16 with pairs)

T = TypeVar("T")


def rescore(probe: Packed, gallery: Packed, candidates: I64, settings: RescoringSettings) -> F32:
    """Comparison scores of `probe` with each of the prints `candidates` (int64 (B,)).

    Returns float32 (B,) in 0..1. Raises ValueError for more than one probe, and candidates that are
    not in the gallery. The gallery's arrays decide where the work runs. On the CPU
    chunks hold prints of like minutiae counts, so that little is padded, and run side by side.
    """
    require_one(probe)
    if backend.array_module(gallery.start) is not np:
        return backend.move(pair(probe, gallery, candidates, settings).score, np)

    work = partial(_score, probe, gallery, settings)
    parts, back = spread(work, gallery, candidates, settings.chunk, settings.threads)
    return np.asarray(np.concatenate(parts)[back], np.float32)


def require_one(probe: Packed) -> None:
    """Raises ValueError for more than one print: chunks of candidates belong to all of them."""
    if len(probe) != 1:
        raise ValueError(f"{len(probe)} probes are given where one is compared")


def _score(probe: Packed, gallery: Packed, settings: RescoringSettings, chunk: I64) -> F32:
    return np.asarray(pair(probe, gallery, chunk, settings).score, np.float32)


class Paired(NamedTuple):
    """Probes paired with B candidates, on one device: what the later kernels go on from.

    probes, candidates: as given, moved there. score: float32 (B,). kept: float32 (K, B).
    paired: three uint8 (K, B), from `kernels.pairing`.
    """

    probes: Packed
    candidates: Any
    score: Any
    kept: Any
    paired: tuple[Any, Any, Any]


def pair(probes: Packed, gallery: Packed, candidates: Any, settings: RescoringSettings) -> Paired:
    """One probe against these prints, int64 (B,), or P probes against B/P of them each, in their
    order. It runs where the gallery is; the result stays there, and nobody waits for it."""
    xp = backend.array_module(gallery.start)
    probes, chosen = move(probes, xp), backend.move(candidates, xp)
    row, col = similarity.best(probes, gallery, chosen, settings.gate)
    paired = pairing.pairs(row, col, settings.pairs)
    score, kept = relaxation.relax(probes, gallery, chosen, paired, _relaxation(settings))
    return Paired(probes, chosen, score, kept, paired)


def spread(
    work: Callable[[I64], T], gallery: Packed, candidates: I64, chunk: int, threads: int
) -> tuple[list[T], I64]:
    """`work` of every chunk of about `chunk` candidates (0: as many as suit the cache) with like
    minutiae counts; and where each candidate is in the chunks, one after the other: int64 (B,).

    It runs on `threads` threads (0: one for each processor). Unless one is asked for, the processes
    of a team do it where the gallery lies in memory that they share. Raises ValueError for sizes
    that make no sense."""
    backend.require("candidates", candidates, np.int64, 1)
    if chunk < 0 or threads < 0:
        raise ValueError(f"chunk is {chunk}, threads {threads}: must be 0 or more")
    minutiae = counts(gallery, candidates)
    owner = owner_of(gallery.start) if threads != 1 else None
    team = owner if isinstance(owner, Team) else None
    threads = 1 if team is not None else threads or os.cpu_count() or 1
    number = -(-len(candidates) // (chunk or fitting()))
    if threads > 1 and not chunk:
        number = min(number, threads * -(-len(candidates) // (threads * fitting(threads))))
    order = np.argsort(minutiae.astype(np.uint8), kind="stable")
    chunks = _cut(candidates[order], minutiae[order], max(number, 1))
    threads = min(threads, len(chunks))
    if team is not None:
        parts = team.map(work, chunks)
    elif threads == 1:
        parts = [work(some) for some in chunks]
    else:
        parts = list(_pool(threads).map(work, chunks))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return parts, back


def _cut(candidates: I64, minutiae: I64, number: int) -> list[I64]:
    """Candidates cut into chunks of about as much work each, so that threads end together."""
    work = np.cumsum(minutiae + FIXED)
    ends = work[-1:] * np.arange(1, number) // number
    return np.split(candidates, np.searchsorted(work, ends))


@cache
def fitting(threads: int = 1) -> int:
    """Candidates at a time for which local similarity is quickest: one for each KiB of the
    second-level cache, 1024 where its size is not known. A probe's minutia has a word and some
    bytes for each of them, half of the cache for 40 minutiae (docs/performance.md). Four times as
    many where threads work side by side: each needs the interpreter's lock between NumPy's calls,
    and one that has to wait for it loses more than the cache gives."""
    try:
        size = int(CACHE.read_text().removesuffix("K\n"))  # KiB, as Linux writes it
    except (OSError, ValueError):
        size = 1024
    return min(max(size, 256) * (1 if threads == 1 else 4), 4096)


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


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="rescore")
