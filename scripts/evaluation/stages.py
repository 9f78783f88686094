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
from engine.types import F64, I64, Template
from evaluation.galleries import Probe, Roster
from evaluation.prints import console
from kernels import selection
from kernels.packed import Packed

ALL = 2**40  # prints that votes keep where they are not asked

NEAREST = (500, 1000, 2000, 4000, 8000, 16_000)
VOTED = [(k, kept) for k in NEAREST[2:] for kept in (250, 500, 1000, 2000) if kept < k]
SHARED = (500, 1000, 2000, 4000, 8000)
BOTH = [(k, most) for k in NEAREST[:4] for most in SHARED[1:4]]
KINDS = ("embedding", "embedding, votes", "lists", "lists, embedding")


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one point. kind: of KINDS, or the name of a point that ships. nearest, shared,
    compared: sizes in this gallery. missed: share of the probes whose mate's print is not compared;
    missed_pairs: likewise of two fingers together, None where there are none. prints: compared,
    mean. ms, p95_ms: wall time of a search with one finger, median and 95th percentile; pair_ms:
    the median with two."""

    kind: str
    nearest: int
    shared: int
    compared: int
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
    grid = [(KINDS[0], PointSettings(k, 0, ALL, few)) for k in NEAREST]
    grid += [(KINDS[1], PointSettings(k, 0, kept, few)) for k, kept in VOTED]
    grid += [(KINDS[2], PointSettings(0, most, ALL, more)) for most in SHARED]
    grid += [(KINDS[3], PointSettings(k, most, ALL, more)) for k, most in BOTH]
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
    nearest, shared = (
        candidates.size(usual, prints, point) for usual in (point.nearest, point.shared)
    )
    return replace(point, nearest=nearest, shared=shared, everyone=0, growth=0.0)


def kept(
    probe: Template, gallery: Gallery, wanted: Sequence[PointSettings], settings: Settings
) -> list[I64]:
    """The prints that a search compares at each of these points, of fixed sizes: as if it stood
    there alone, but each way is gone and each vote is counted once."""
    packed = pack_templates(probe)
    near = {k: gallery.nearest(probe.embedding, k) for k in {p.nearest for p in wanted} if k}
    shared = _sharing(probe, packed, gallery, {p.shared for p in wanted} - {0}, settings)
    nobody, everyone = np.zeros(0, np.int64), np.arange(len(gallery))
    chosen = [
        everyone
        if len(gallery) <= point.everyone
        else np.union1d(near.get(point.nearest, nobody), shared.get(point.shared, nobody))
        for point in wanted
    ]
    return _thin(packed, gallery, chosen, [point.compared for point in wanted], settings)


def _sharing(
    probe: Template, packed: Packed, gallery: Gallery, sizes: set[int], settings: Settings
) -> dict[int, I64]:
    """For each size, so many prints that share most minutiae."""
    if not sizes:
        return {}
    sure = descriptors.project(probe.minutiae, settings.descriptor)
    lists = gallery.file(settings.lists)
    found = lists.find(packed, gallery.minutiae, max(sizes), sure)
    votes = found.votes.astype(np.uint16)[None]
    return {size: found.prints[selection.select(votes, size)[0]] for size in sizes}


def _thin(
    packed: Packed,
    gallery: Gallery,
    chosen: Sequence[I64],
    most: Sequence[int],
    settings: Settings,
) -> list[I64]:
    """Of each some prints the `most` with most votes, which are counted once."""
    many = [mine for mine, kept in zip(chosen, most, strict=True) if len(mine) > kept]
    if not many:
        return list(chosen)
    voters, threads = np.unique(np.concatenate(many)), settings.rescoring.threads
    votes = vote(packed, gallery.minutiae, voters, settings.voting, threads)[None]
    return [
        mine[selection.select(votes[:, np.searchsorted(voters, mine)], kept)[0]]
        if len(mine) > kept
        else mine
        for mine, kept in zip(chosen, most, strict=True)
    ]


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
            point.shared,
            point.compared,
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
