"""Measures what the stages of a search lose, and how long it takes, at many sizes of each stage."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.progress import track

from engine import pipeline
from engine.embedding import descriptors
from engine.index import candidates
from engine.index.gallery import Gallery
from engine.index.packing import pack_templates
from engine.matching.voting import vote
from engine.settings import POINTS, PointSettings, PointsSettings, Settings
from engine.types import F64, I64, U16, Template
from evaluation.galleries import Probe, Roster
from evaluation.prints import console
from kernels import selection
from kernels.packed import Packed

NEAREST = (500, 1000, 2000, 4000, 8000, 16_000)
VOTED = [(k, kept) for k in NEAREST[2:] for kept in (250, 500, 1000, 2000) if kept < k]
SHARED = (500, 1000, 2000, 4000, 8000)
BOTH = [
    (nearest, voted, shared)
    for nearest in (2000, 4000, 10_000)
    for voted in (500, 1000, 2000, 4000)
    for shared in (500, 1000, 2000, 4000)
    if voted < nearest and shared <= 2 * voted <= 4 * shared
]
NOBODY = np.zeros(0, np.int64)
KINDS = ("embedding", "embedding, votes", "lists", "lists, embedding, votes")


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one point. kind: of KINDS, or the name of a point that ships. nearest, voted,
    shared: sizes in this gallery. missed: share of the probes whose mate's print is not compared;
    missed_pairs: likewise of two fingers together, None where there are none. prints: compared,
    mean. ms, p95_ms: wall time of a search with one finger, median and 95th percentile; pair_ms:
    the median with two."""

    kind: str
    nearest: int
    voted: int
    shared: int
    missed: float
    missed_pairs: float | None
    prints: float
    ms: float
    p95_ms: float
    pair_ms: float | None


def points(prints: int, settings: Settings) -> list[tuple[str, PointSettings]]:
    """The points measured in a gallery of so many prints, by kind; those that ship come last, in
    the sizes that they have there. No gallery is too small for them here."""
    few, more = settings.points.fast.finalists, settings.points.thorough.finalists
    grid = [(KINDS[0], PointSettings(k, k, 0, few)) for k in NEAREST]
    grid += [(KINDS[1], PointSettings(k, kept, 0, few)) for k, kept in VOTED]
    grid += [(KINDS[2], PointSettings(0, 0, most, more)) for most in SHARED]
    grid += [(KINDS[3], PointSettings(*sizes, more)) for sizes in BOTH]
    fixed = [
        (kind, replace(point, everyone=0, growth=0.0))
        for kind, point in grid
        if max(point.nearest, point.shared) < prints
    ]
    return fixed + [(name, shipped(name, prints, settings)) for name in POINTS]


def shipped(name: str, prints: int, settings: Settings) -> PointSettings:
    """A named point with the sizes that it has in a gallery of so many prints."""
    point = replace(settings, search=name).point
    if prints <= point.everyone:
        return point
    nearest, voted, shared = (
        candidates.size(usual, prints, point)
        for usual in (point.nearest, point.voted, point.shared)
    )
    return replace(point, nearest=nearest, voted=voted, shared=shared, everyone=0, growth=0.0)


def kept(
    probe: Template, gallery: Gallery, wanted: Sequence[PointSettings], settings: Settings
) -> list[I64]:
    """The prints that a search compares at each of these points, of fixed sizes: as if it stood
    there alone, but each way is gone and each vote is counted once."""
    packed = pack_templates(probe)
    near = _nearest(probe, packed, gallery, {(p.nearest, p.voted) for p in wanted}, settings)
    shared = _sharing(probe, packed, gallery, {p.shared for p in wanted}, settings)
    everyone = np.arange(len(gallery))
    return [
        everyone
        if len(gallery) <= point.everyone
        else np.union1d(near[point.nearest, point.voted], shared[point.shared])
        for point in wanted
    ]


def _nearest(
    probe: Template,
    packed: Packed,
    gallery: Gallery,
    sizes: set[tuple[int, int]],
    settings: Settings,
) -> dict[tuple[int, int], I64]:
    """For each two sizes, so many prints by embedding, and so many of these by votes."""
    near = {k: gallery.nearest(probe.embedding, k) for k, _ in sizes if k}
    voters = np.unique(np.concatenate([NOBODY, *near.values()]))
    votes = vote(packed, gallery.minutiae, voters, settings.voting, settings.rescoring.threads)
    return {
        (k, kept): _most(near[k], votes[np.searchsorted(voters, near[k])], kept) if k else NOBODY
        for k, kept in sizes
    }


def _sharing(
    probe: Template, packed: Packed, gallery: Gallery, sizes: set[int], settings: Settings
) -> dict[int, I64]:
    """For each size, so many prints that share most minutiae."""
    if sizes == {0}:
        return {0: NOBODY}
    sure = descriptors.project(probe.minutiae, settings.descriptor)
    lists = gallery.file(settings.lists)
    found = lists.find(packed, gallery.minutiae, max(sizes), sure)
    votes = found.votes.astype(np.uint16)
    return {size: _most(found.prints, votes, size) if size else NOBODY for size in sizes}


def _most(prints: I64, votes: U16, count: int) -> I64:
    """So many of the prints, with the most votes."""
    return prints[selection.select(votes[None], count)[0]]


def with_point(settings: Settings, point: PointSettings) -> Settings:
    """The settings with this point in place of the named ones."""
    return replace(settings, points=PointsSettings(*[point] * len(POINTS)))


def measure(
    gallery: Gallery, roster: Roster, pairs: Sequence[Probe], timed: int, settings: Settings
) -> list[Row]:
    """A row for each of `points`. roster: enrolled in the gallery, each finger a person. pairs: two
    fingers of one person together, of the same templates. timed: searches, for each point."""
    named = points(len(gallery), settings)
    number = {person: i for i, person in enumerate(gallery.persons)}
    probes = [each for each in roster.probes if each.templates and each.person in number]
    hit = np.zeros((len(probes), len(named)), np.bool_)
    compared = np.zeros(len(named))
    for i, probe in enumerate(track(probes, f"among {len(gallery):,}", console=console)):
        mates = gallery.prints_of(np.array([number[probe.person]]))
        found = kept(probe.templates[0], gallery, [point for _, point in named], settings)
        hit[i] = [np.isin(mates, mine).any() for mine in found]
        compared += [len(mine) for mine in found]
    by_template = {id(each.templates[0]): mine for each, mine in zip(probes, hit, strict=True)}
    both = of_pairs(pairs, by_template)
    two = [each for each in pairs if len(each.templates) > 1]
    took, pair_took = (
        clock(spread(each, timed), gallery, [point for _, point in named], settings)
        for each in (probes, two)
    )
    return [
        Row(
            kind,
            point.nearest,
            point.voted,
            point.shared,
            float(1 - hit[:, j].mean()),
            float(1 - both[:, j].mean()) if len(both) else None,
            float(compared[j] / len(probes)),
            float(np.median(took[:, j])),
            float(np.quantile(took[:, j], 0.95)),
            float(np.median(pair_took[:, j])) if two else None,
        )
        for j, (kind, point) in enumerate(named)
    ]


def of_pairs(pairs: Sequence[Probe], hit: Mapping[int, np.ndarray]) -> np.ndarray:
    """Whether one finger of each pair finds its print, at every point: bool (n, points). hit: of
    each template, by its identity; fingers whose mates gave no template are not in it."""
    known = [[hit[id(each)] for each in pair.templates if id(each) in hit] for pair in pairs]
    return np.array([np.any(own, axis=0) for own in known if own])


def spread(probes: Sequence[Probe], count: int) -> list[Probe]:
    """So many probes, evenly from first to last; all where there are no more."""
    which = np.unique(np.linspace(0, len(probes) - 1, min(count, len(probes))).astype(int))
    return [probes[i] for i in which]


def clock(
    probes: Sequence[Probe], gallery: Gallery, wanted: Sequence[PointSettings], settings: Settings
) -> F64:
    """Wall ms of a search for each probe at each point, after one that does not count: float64
    (probes, points). Points take turns: what else the machine does slows all of them alike."""
    took = np.zeros((len(probes) + 1, len(wanted)))
    for i, probe in enumerate(track([*probes[:1], *probes], "timing", console=console)):
        for j, point in enumerate(wanted):
            own = with_point(settings, point)
            begin = time.perf_counter()
            pipeline.identify(probe.templates, [gallery], own)
            took[i, j] = 1e3 * (time.perf_counter() - begin)
    return took[1:]
