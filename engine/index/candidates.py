"""Chooses the prints of a gallery that a search looks at: by embedding, and by lists of minutiae.

Neither way looks at what the other does, so what both lose is less than what either loses. Lists
know what they find by all bits of its minutiae; an embedding does not look at these one by one, so
votes do before its prints are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import numpy as np

from engine.index.gallery import Gallery
from engine.settings import PointSettings, Settings
from engine.types import F32, I64
from kernels.packed import Packed

Thin = Callable[[I64, int], I64]  # of some prints so many, with the most votes


def choose(
    probe: Packed,
    embedding: F32,
    margins: F32 | None,
    gallery: Gallery,
    settings: Settings,
    thin: Thin,
) -> I64:
    """The prints that a search at `settings.point` compares on the CPU: int64 (K,), ascending.

    probe: one print. embedding: float32 (EMBEDDING_SIZE,) of it. margins: as for `Lists.find`,
    where `uses_lists`. All of a small gallery; else, of those with the nearest embeddings, what
    `thin` leaves, and those that share most minutiae with the probe.
    """
    point, prints = settings.point, len(gallery)
    if prints <= point.everyone:
        return np.arange(prints, dtype=np.int64)
    ways: list[Callable[[], I64]] = []
    if point.nearest:
        near, most = (size(usual, prints, point) for usual in (point.nearest, point.voted))
        ways.append(lambda: thin(gallery.nearest(embedding, near), most))
    if point.shared:
        shared = size(point.shared, prints, point)
        ways.append(partial(gallery.sharing, probe, shared, margins, settings.lists))
    return np.unique(np.concatenate([np.zeros(0, np.int64), *_side_by_side(ways)]))


def _side_by_side(ways: Sequence[Callable[[], I64]]) -> list[I64]:
    """What each way finds: FAISS and long NumPy calls leave the interpreter to each other."""
    others = [_pool().submit(way) for way in ways[:-1]]
    last = [way() for way in ways[-1:]]
    return [*(other.result() for other in others), *last]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8, thread_name_prefix="choose")


def size(usual: int, prints: int, point: PointSettings) -> int:
    """How many of `prints` a stage keeps that keeps `usual` of `point.large`."""
    return min(prints, round(usual * max(1.0, prints / point.large) ** point.growth))


def uses_lists(gallery: Gallery, settings: Settings) -> bool:
    """Whether a search of the gallery goes through lists of minutiae."""
    point = settings.point
    return point.shared > 0 and len(gallery) > point.everyone and gallery.on_cpu(settings.device)


def prepare(gallery: Gallery, settings: Settings) -> None:
    """Makes now what the first search would make: lists of minutiae, where they are used."""
    if uses_lists(gallery, settings):
        gallery.file(settings.lists)


def is_prepared(gallery: Gallery, settings: Settings) -> bool:
    """Whether there is nothing to `prepare`."""
    return not uses_lists(gallery, settings) or gallery.is_filed(settings.lists)
