#!/usr/bin/env python3
"""Measures every kernel on a GPU: rate, bytes and operations, share of the roofline.

    python scripts/bench_kernels.py [--quick] [--validate-only] [--prints N] [--host]
        [--json out.json] [--write docs/gpu.md]

Each kernel is held against its NumPy reference first, on some of the comparisons of the very launch
that is timed; what disagrees is named and not timed, and the status is 1. Times are medians of
device events, from the end of one launch to the end of the next, with all that a function does
around its kernel. Launches take turns with inputs that together are more than twice the
second-level cache; a figure where they are not has a star.

Prints are random, one in MATED is a noisy part of a probe. It needs NumPy, CuPy and this
repository, 10 GB of the device's memory and as much of the processor's. --quick is for sanitizers:
launches are too short to be figures. --host runs the CUDA text compiled by g++ on the processor,
with a handful of prints: it shows that this script works, and its rates mean nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # where it is not installed

import numpy as np
import roofline
from pages import replace_section
from roofline import Ceilings, Cost, Shape, millions, plural

from engine.settings import ComparisonSettings, MasterSettings, RescoringSettings
from kernels import (
    agreement,
    backend,
    deformation,
    oriented,
    pairing,
    relaxation,
    ridges,
    selection,
    similarity,
    voting,
)
from kernels.blocks import Blocks
from kernels.deformation import Deformation
from kernels.packed import MAX_MINUTIAE, Packed, alone, move

SEED = 5
PROBES, MINUTIAE = max(roofline.PROBES), 40  # of each probe
MATED = 4
FLIPPED, LOST, SHIFT = 0.125, 0.25, 3.0  # of a mate: bits, minutiae, px of a minutia (sd)
CELLS = 28  # on each side of a print
WARP = 32  # threads, which tensor cores need
SEARCH_WORDS = 2  # of voting, where a whole gallery is gone through
KEPT = 1000  # of a search, as engine.settings has it
LEAST = 64  # bytes of a comparison in a list, of any kernel: lists take turns by it
SECTION, WIDTH = "gpu", 105  # the marks of a page, columns of its text

# As the kernels' functions state them: between NumPy and a device.
SCORE, PLACED, WEIGHT, SUMS, FIRST_ROUND, SETTLED = 1e-5, 0.05, 0.02, 1e-3, 1e-6, 1e-4
FEW, SINGLE = 0.02, 0.001  # share of comparisons, and of pixels, where a rounding may show

_rescoring, _comparison, _master = RescoringSettings(), ComparisonSettings(), MasterSettings()
RELAXING = relaxation.Relaxation(
    _rescoring.keep,
    _rescoring.rounds,
    _rescoring.reach,
    _rescoring.stretch,
    _rescoring.turn,
    np.clip(np.arange(65) // 4, _rescoring.scored_least, _rescoring.scored_most).astype(np.int32),
)
FITTING = deformation.Fitting(
    *(getattr(_comparison, field.name) for field in fields(deformation.Fitting))
)
COMPARING = ridges.Comparing(_comparison.window, _comparison.nodes)
GROWING = oriented.Growing(_master.reach, _master.bandwidth, _master.gain, _master.rounds)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of what is measured. prints: of the gallery. batch: that vote in a launch. votes: probes of
    a selection. listed: candidates of a launch; short: of one as a search has it. celled: prints
    with ridge cells. pictures, height, width: of growing. block, stream: prints of a block that
    stays and of one that streams. sample: comparisons that are validated."""

    prints: int = 2**21
    batch: int = 2**20
    votes: int = 64
    listed: int = 2**17
    short: int = 10_000
    celled: int = 2**18
    pictures: int = 48
    height: int = _master.height
    width: int = _master.width
    block: int = 2**20
    stream: int = 2**17
    sample: int = 512
    repeats: int = 30
    searches: int = 9

    def cut(self, prints: int) -> Sizes:
        """The same for another gallery: no launch has more of it than a half."""
        most = max(1, prints // 2)
        names = ("batch", "listed", "short", "block", "stream")
        return replace(self, prints=prints, **{n: min(getattr(self, n), most) for n in names})


QUICK = Sizes(2**13, 2**11, 4, 2**10, 500, 2**10, 2, 96, 80, 2**11, 2**11, 128, 5, 3)
HOST = Sizes(16, 4, 2, 6, 4, 8, 1, 20, 24, 8, 4, 8, 1, 1)


class Machine(NamedTuple):
    """Where it runs. time: seconds of work(0), work(1), .., so many. label: of what are no
    figures."""

    device: Any
    properties: backend.Properties
    time: Callable[[Callable[[int], object], int], list[float]]
    versions: dict[str, str]
    label: str = ""


class Case(NamedTuple):
    """A figure. pieces: comparisons of a launch. turns: launches with inputs of their own. check:
    raises AssertionError where the device and the reference disagree."""

    name: str
    pieces: int
    turns: int
    cost: Cost
    work: Callable[[int], Any]
    check: Callable[[], None]
    repeats: int


class Row(NamedTuple):
    """What came of a case. ceiling: pieces a second. fault: how it disagrees. seconds: of a launch,
    NaN where it was not timed."""

    name: str
    pieces: int
    turns: int
    cost: Cost
    ceiling: float
    fault: str = ""
    seconds: float = math.nan

    @property
    def rate(self) -> float:
        """Pieces a second."""
        return self.pieces / self.seconds


class Chain(NamedTuple):
    """A list of candidates, int64 (B,) on the processor and the device, and what the kernels make
    of it one after the other. celled: the same candidates among the prints with cells."""

    on_cpu: np.ndarray
    listed: Any
    keys: tuple[Any, Any]
    paired: tuple[Any, Any, Any]
    kept: Any
    lie: Deformation
    celled: Any


def find_device() -> Machine:
    """The first CUDA device."""
    if not backend.device_count():
        raise SystemExit("no CUDA device answers CuPy: --host shows that the script works")
    properties = backend.properties()
    return Machine(backend.Device(), properties, backend.time_on_device, backend.versions())


def stand_in() -> Machine:
    """The processor, which runs a block as the threads of one warp."""
    from tests.kernels import fake_gpu

    def clock(work: Callable[[int], object], repeats: int) -> list[float]:
        took = []
        for i in range(repeats):
            begin = time.perf_counter()
            work(i)
            took.append(time.perf_counter() - begin)
        return took

    properties = backend.Properties("host", 1, 1e9, 1e10, 0, (0, 0))
    return Machine(
        fake_gpu.Device(threads=WARP), properties, clock, {}, "host, one warp: not a figure"
    )


def draw_prints(rng: np.random.Generator, count: np.ndarray) -> Packed:
    """Random prints of these numbers of minutiae."""
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(count, dtype=np.int64)])
    total = int(start[-1])
    return Packed(
        rng.integers(0, 2**64, (4, total), dtype=np.uint64),
        *(rng.integers(0, size, total, dtype=np.int16) for size in (_master.width, _master.height)),
        rng.integers(0, 256, total, dtype=np.uint8),
        start,
    )


def draw(rng: np.random.Generator, prints: int) -> tuple[Packed, Packed]:
    """Probes and a gallery in which some prints are parts of probes, turned, moved, with noise."""
    probes = draw_prints(rng, np.full(PROBES, MINUTIAE))
    count = np.clip(np.rint(rng.normal(MINUTIAE, 9, prints)), 8, MAX_MINUTIAE)
    gallery = draw_prints(rng, count.astype(np.int64))
    mates = np.arange(0, prints, MATED)
    turn, move_x, move_y = rng.uniform(-0.3, 0.3, len(mates)), *rng.normal(0, 15, (2, len(mates)))
    for slot in range(MINUTIAE):
        here = (slot < count[mates]) & (rng.random(len(mates)) >= LOST)
        mine = mates[here] // MATED % PROBES * MINUTIAE + slot
        there = gallery.start[mates[here]] + slot
        noise = np.full((4, len(there)), 2**64 - 1, np.uint64)
        for _ in range(round(-math.log2(FLIPPED))):
            noise &= rng.integers(0, 2**64, noise.shape, dtype=np.uint64)
        gallery.codes[:, there] = probes.codes[:, mine] ^ noise
        cos, sin = np.cos(turn[here]), np.sin(turn[here])
        x, y = probes.x[mine] - _master.width / 2, probes.y[mine] - _master.height / 2
        off = rng.normal(0, SHIFT, (2, len(there)))
        gallery.x[there] = cos * x + sin * y + off[0] + move_x[here] + _master.width / 2
        gallery.y[there] = cos * y - sin * x + off[1] + move_y[here] + _master.height / 2
        steps = np.rint(256 / (2 * np.pi) * (turn[here] + rng.normal(0, 0.1, len(there))))
        gallery.angle[there] = probes.angle[mine] + steps.astype(np.int64).astype(np.uint8)
    return probes, gallery


def draw_cells(rng: np.random.Generator, prints: int) -> ridges.Cells:
    """Random cells, seen in an ellipse."""
    y, x = (np.mgrid[:CELLS, :CELLS] + 0.5) * (2 / CELLS) - 1
    values = rng.integers(0, 2**15, (prints, CELLS * CELLS), dtype=np.uint16) << np.uint16(1)
    values |= (x**2 + y**2 <= 1).astype(np.uint16).ravel()
    start = np.arange(prints + 1, dtype=np.int64) * CELLS**2
    width, left, top = (np.full(prints, each, np.int16) for each in (CELLS, 6, 14))
    return ridges.Cells(values.ravel(), start, width, left, top)


def draw_pictures(rng: np.random.Generator, sizes: Sizes) -> list[np.ndarray]:
    """Noise, orientation and period that change slowly: float32 (N, H, W) each."""
    shape = sizes.pictures, sizes.height, sizes.width
    y, x = np.mgrid[: sizes.height, : sizes.width]
    at, bend = rng.uniform(0, 6, (2, sizes.pictures, 1, 1))
    theta = at + np.sin(x / 60 + bend) + np.cos(y / 50)
    period = 9 + np.cos(x / 70 + at) + 0 * y
    return [rng.standard_normal(shape, np.float32), *(np.float32(each) for each in (theta, period))]


def rule(words: int, form: str = voting.FORMS[0]) -> voting.Voting:
    """Weights that grow from what strangers' codes agree by chance."""
    bits = 64 * words
    likeness = np.arange(bits // 2) - 1.25 * math.sqrt(bits)
    share = np.clip(likeness / likeness[-1], 0, 1)
    weight = np.rint(voting.MOST_WEIGHT * share).astype(np.uint16)
    return voting.Voting(words, _rescoring.gate, weight, form)


def compare(probes: Packed, gallery: Packed, candidates: Any) -> Any:
    """Scores, float32 (B,): similarity, pairing and relaxation."""
    keys = similarity.best(probes, gallery, candidates, _rescoring.gate)
    paired = pairing.pairs(*keys, _rescoring.pairs)
    return relaxation.relax(probes, gallery, candidates, paired, RELAXING)[0]


def turns(cache: int, size: float, most: int) -> int:
    """How many inputs of `size` bytes take turns: two at least, and more than twice the cache
    without the one in use, where there are so many."""
    return max(2, min(most, math.ceil(2 * cache / size) + 1))


class Bench:
    """The data, on the processor and the device, and the cases that run on them."""

    def __init__(self, machine: Machine, sizes: Sizes) -> None:
        self.machine, self.sizes = machine, sizes
        self.rng = np.random.default_rng(SEED)
        self.probes, self.gallery = draw(self.rng, sizes.prints)
        self.one = alone(self.probes, 0)
        device = machine.device
        with device.use():
            self.on_probes, self.on_gallery = (
                move(each, device.xp) for each in (self.probes, self.gallery)
            )
            self.on_one = move(self.one, device.xp)

    @cached_property
    def usual(self) -> Shape:
        """What is known of comparisons without any."""
        return Shape(MINUTIAE, self.gallery.codes.shape[1] / len(self.gallery))

    def cases(self) -> Iterator[Case]:
        """All of them, one after the other: what one needs is made when it comes."""
        yield from self.cases_of_kernels()
        for streamed, block in ((False, self.sizes.block), (True, self.sizes.stream)):
            held = self.hold(self.gallery, block, streamed)  # one: memory can be pinned but once
            for probes in roofline.PROBES:
                yield self.blocks(held, probes, streamed)

    def cases_of_kernels(self) -> Iterator[Case]:
        """Those of single launches."""
        for words, probes, form in product(roofline.WORDS, roofline.PROBES, voting.FORMS):
            yield self.voting(words, probes, form)
        yield self.selection()
        yield self.similarity()
        yield self.pairing()
        yield self.relaxation()
        yield self.full()
        yield self.deformation()
        yield self.agreement()
        yield self.ridges()
        yield self.oriented()

    @cached_property
    def shape(self) -> Shape:
        """What comparisons of the first list are like."""
        first, seen = self.chains[0], self.own.values & 1
        with self.machine.device.use():
            paired, partner = (
                backend.move(each, np) for each in (first.paired[2], first.lie.partner)
            )
            sums = backend.move(self.compare_ridges(first), np)
        return self.usual._replace(
            pairs=float((paired > 0).sum(axis=0).mean()),
            met=float((partner != deformation.NONE).sum(axis=0).mean()),
            seen=float(seen.sum()),
            shared=float(sums[0].mean()),
            at=(-(-(CELLS - 1) // COMPARING.nodes) + 1) ** 2,
        )

    @cached_property
    def cells(self) -> ridges.Cells:
        """Of prints, on the processor."""
        return draw_cells(self.rng, self.sizes.celled)

    @cached_property
    def own(self) -> ridges.Cells:
        """The probe's."""
        return draw_cells(self.rng, 1)

    @cached_property
    def chains(self) -> list[Chain]:
        """Lists of candidates that take turns, and what the kernels make of them."""
        device, size = self.machine.device, self.sizes.listed
        count = self.count_lists(size, LEAST)
        some = self.rng.permutation(self.sizes.prints)[: count * size].reshape(count, size)
        with device.use():
            self.on_cells = ridges.move(self.cells, device.xp)
            self.on_own = ridges.move(self.own, device.xp)
            return [self.follow(np.sort(listed)) for listed in some]

    def count_lists(self, size: int, least: float) -> int:
        """How many lists of so many candidates take turns."""
        cache = self.machine.properties.cache
        return turns(cache, size * least, self.sizes.prints // size)

    def follow(self, on_cpu: np.ndarray) -> Chain:
        """One list, on the device."""
        xp = self.machine.device.xp
        listed = backend.move(on_cpu, xp)
        task = self.on_one, self.on_gallery, listed
        keys = similarity.best(*task, _rescoring.gate)
        paired = pairing.pairs(*keys, _rescoring.pairs)
        kept = relaxation.relax(*task, paired, RELAXING)[1]
        lie = deformation.fit(*task, paired, kept, FITTING)
        celled = backend.move(on_cpu % self.sizes.celled, xp)
        return Chain(on_cpu, listed, keys, paired, kept, lie, celled)

    def back(self, result: Any, pick: slice) -> tuple[np.ndarray, ...]:
        """Columns of what a kernel's function returned, on the processor."""
        parts = result if isinstance(result, tuple) else (result,)
        with self.machine.device.use():
            return tuple(backend.move(part[..., pick], np) for part in parts)

    def lie_back(self, lie: Deformation, pick: slice) -> Deformation:
        """Some of its candidates, on the processor."""
        both = self.back((lie.x, lie.y), slice(None))
        rest = self.back((lie.affine, lie.partner, lie.weight, lie.rest), pick)
        return Deformation(*both, *rest, lie.reach, lie.held)

    def run(self, work: Callable[[int], Any], i: int) -> Any:
        """One launch."""
        with self.machine.device.use():
            return work(i)

    def case(
        self,
        name: str,
        columns: int,
        count: int,
        cost: Cost,
        work: Callable[[int], Any],
        check: Callable[[int, slice], None],
        rows: int = 1,
    ) -> Case:
        """A case of which some columns of the first and of the last turn are checked. rows: pieces
        of a column."""
        pick = slice(None, None, columns // self.sizes.sample | 1)  # odd: mates and others

        def check_all() -> None:
            for i in (0, count - 1):
                check(i, pick)

        return Case(name, rows * columns, count, cost, work, check_all, self.sizes.repeats)

    def voters(self, probes: int) -> tuple[Packed, Packed]:
        """One probe or all of them, on the processor and the device."""
        return (self.one, self.on_one) if probes == 1 else (self.probes, self.on_probes)

    def voting(self, words: int, probes: int, form: str) -> Case:
        """A range of the gallery, another one each time."""
        name = roofline.voting_name(words, probes, form)
        how, batch = rule(words, form), self.sizes.batch
        mine, on_mine = self.voters(probes)
        firsts = range(0, self.sizes.prints - batch + 1, batch)
        ranges = [range(first, first + batch) for first in firsts]

        def work(i: int) -> Any:
            return voting.vote(on_mine, self.on_gallery, ranges[i % len(ranges)], how)

        def check(i: int, pick: slice) -> None:
            expected = voting.reference(mine, self.gallery, ranges[i][pick], how)
            np.testing.assert_array_equal(*self.back(self.run(work, i), pick), expected)

        cost = roofline.voting(self.usual, words, probes, form)
        return self.case(name, batch, len(ranges), cost, work, check, probes)

    def selection(self) -> Case:
        """Votes of as many probes as a launch can have, few of them different."""
        shape = self.sizes.votes, self.sizes.batch
        count = turns(self.machine.properties.cache, 2 * math.prod(shape), 8)
        votes = [self.rng.integers(0, 300, shape, dtype=np.uint16) for _ in range(count)]
        with self.machine.device.use():
            on_votes = [backend.move(each, self.machine.device.xp) for each in votes]

        def work(i: int) -> Any:
            return selection.select(on_votes[i % count], KEPT)

        def check(i: int, _: slice) -> None:
            expected = selection.reference(votes[i], min(KEPT, shape[1]))
            np.testing.assert_array_equal(*self.back(self.run(work, i), slice(None)), expected)

        return self.case("selection", shape[1], count, roofline.selection(), work, check, shape[0])

    def of_lists(
        self,
        kernel: Callable[[Shape], Cost],
        work: Callable[[Chain], Any],
        check: Callable[[Chain, Any, slice], None],
    ) -> Case:
        """A kernel that takes one list of candidates after the other. check: of one list, what
        the device returned, and the columns to look at."""
        chains = self.chains

        def work_on(i: int) -> Any:
            return work(chains[i % len(chains)])

        def check_one(i: int, pick: slice) -> None:
            check(chains[i], self.run(work_on, i), pick)

        name, size = kernel.__name__, self.sizes.listed
        return self.case(name, size, len(chains), kernel(self.shape), work_on, check_one)

    def similarity(self) -> Case:
        """One probe with a list."""

        def work(chain: Chain) -> Any:
            return similarity.best(self.on_one, self.on_gallery, chain.listed, _rescoring.gate)

        def check(chain: Chain, got: Any, pick: slice) -> None:
            task = self.one, self.gallery, chain.on_cpu[pick], _rescoring.gate
            for keys, expected in zip(
                self.back(got, pick), similarity.reference(*task), strict=True
            ):
                np.testing.assert_array_equal(keys[: len(expected)], expected)
                assert not keys[len(expected) :].any(), "keys of minutiae that are not there"

        return self.of_lists(roofline.similarity, work, check)

    def pairing(self) -> Case:
        """The keys of a list."""

        def work(chain: Chain) -> Any:
            return pairing.pairs(*chain.keys, _rescoring.pairs)

        def check(chain: Chain, got: Any, pick: slice) -> None:
            expected = pairing.reference(*self.back(chain.keys, pick), _rescoring.pairs)
            np.testing.assert_array_equal(self.back(got, pick), expected)

        return self.of_lists(roofline.pairing, work, check)

    def relaxation(self) -> Case:
        """The pairs of a list."""

        def work(chain: Chain) -> Any:
            task = self.on_one, self.on_gallery, chain.listed
            return relaxation.relax(*task, chain.paired, RELAXING)

        def check(chain: Chain, got: Any, pick: slice) -> None:
            task = self.one, self.gallery, chain.on_cpu[pick], self.back(chain.paired, pick)
            for each, expected in zip(
                self.back(got, pick), relaxation.reference(*task, RELAXING), strict=True
            ):
                np.testing.assert_allclose(each, expected, rtol=0, atol=SCORE)

        return self.of_lists(roofline.relaxation, work, check)

    def full(self) -> Case:
        """The three one after the other, on lists as long as a search has them."""
        size, cost = self.sizes.short, roofline.full(self.shape)
        count = self.count_lists(size, cost.bytes)
        some = self.rng.permutation(self.sizes.prints)[: count * size].reshape(count, size)
        some.sort(axis=1)
        with self.machine.device.use():
            listed = [backend.move(each, self.machine.device.xp) for each in some]

        def work(i: int) -> Any:
            return compare(self.on_one, self.on_gallery, listed[i % count])

        def check(i: int, pick: slice) -> None:
            expected = compare(self.one, self.gallery, some[i][pick])
            (got,) = self.back(self.run(work, i), pick)
            np.testing.assert_allclose(got, expected, rtol=0, atol=SCORE)

        return self.case("full", size, count, cost, work, check)

    def deformation(self) -> Case:
        """The pairs of a list."""

        def work(chain: Chain) -> Any:
            task = self.on_one, self.on_gallery, chain.listed
            return deformation.fit(*task, chain.paired, chain.kept, FITTING)

        def check(chain: Chain, got: Any, pick: slice) -> None:
            paired, (kept,) = self.back(chain.paired, pick), self.back(chain.kept, pick)
            task = self.one, self.gallery, chain.on_cpu[pick], paired, kept
            lie, other = deformation.reference(*task, FITTING), self.lie_back(got, pick)
            same = (lie.partner == other.partner).all(axis=0)
            assert (~same).mean() <= FEW, f"{(~same).mean():.1%} have other partners"
            at, other_at = (
                np.stack(deformation.place(each.affine, lie.x[:, None], lie.y[:, None]))
                for each in (lie, other)
            )
            for one, two, most in (
                (at, other_at, PLACED),
                (lie.rest, other.rest, PLACED),
                (lie.weight, other.weight, WEIGHT),
            ):
                np.testing.assert_allclose(two[..., same], one[..., same], rtol=0, atol=most)

        return self.of_lists(roofline.deformation, work, check)

    def agreement(self) -> Case:
        """The deformations of a list."""

        def work(chain: Chain) -> Any:
            task = self.on_one, self.on_gallery, chain.listed, chain.lie
            return agreement.count(*task, _comparison.margin)

        def check(chain: Chain, got: Any, pick: slice) -> None:
            task = self.one, self.gallery, chain.on_cpu[pick], self.lie_back(chain.lie, pick)
            expected = agreement.reference(*task, _comparison.margin)
            (counts,) = self.back(got, pick)
            np.testing.assert_array_equal(counts[[0, 3]], expected[[0, 3]])
            other = (counts != expected).any(axis=0).mean()
            assert other <= FEW, f"{other:.1%} have other counts"

        return self.of_lists(roofline.agreement, work, check)

    def compare_ridges(self, chain: Chain) -> Any:
        """The ridges of a list, on the device."""
        return ridges.compare(self.on_own, self.on_cells, chain.celled, chain.lie, COMPARING)

    def ridges(self) -> Case:
        """The deformations of a list, with cells that are others' for all the kernel knows."""

        def check(chain: Chain, got: Any, pick: slice) -> None:
            listed = chain.on_cpu[pick] % self.sizes.celled
            lie = self.lie_back(chain.lie, pick)
            expected = ridges.reference(self.own, self.cells, listed, lie, COMPARING)
            (sums,) = self.back(got, pick)
            most = SUMS * np.maximum(expected[0], 1)
            other = (np.abs(sums - expected) > most).any(axis=0).mean()
            assert other <= FEW, f"{other:.1%} have other sums"

        return self.of_lists(roofline.ridges, self.compare_ridges, check)

    def oriented(self) -> Case:
        """Noise that becomes ridges: a piece is a pixel in a round."""
        sizes, xp = self.sizes, self.machine.device.xp
        pixels = sizes.pictures * sizes.height * sizes.width
        count = turns(self.machine.properties.cache, 12 * pixels, 4)
        drawn = [draw_pictures(self.rng, sizes) for _ in range(count)]
        with self.machine.device.use():
            on_device = [[backend.move(each, xp) for each in some] for some in drawn]

        def work(i: int) -> Any:
            return oriented.grow(*on_device[i % count], GROWING)

        def check(i: int, _: slice) -> None:
            first = [each[:1] for each in drawn[i]]
            once = replace(GROWING, rounds=1)
            got = self.run(lambda i: oriented.grow(*(each[:1] for each in on_device[i]), once), i)
            (got,) = self.back(got, slice(None))
            limit = FIRST_ROUND * np.abs(first[0]).max()
            np.testing.assert_allclose(got, oriented.reference(*first, once), rtol=0, atol=limit)
            (got,) = self.back(self.run(work, i)[:1], slice(None))
            other = (np.abs(got - oriented.reference(*first, GROWING)) > SETTLED).mean()
            assert other <= SINGLE, f"{other:.2%} of the pixels are others"

        cost = roofline.oriented(GROWING.reach)
        return self.case("oriented", pixels, count, cost, work, check, GROWING.rounds)

    def hold(self, prints: Packed, block: int, streamed: bool) -> Blocks:
        """A gallery that stays on the device, or none of it."""
        return Blocks(prints, [self.machine.device], block, 0 if streamed else None)

    def blocks(self, held: Blocks, probes: int, streamed: bool) -> Case:
        """All prints of the gallery: what is searched for, and what is found, starts and ends on
        the processor."""
        way = "streamed" if streamed else "resident"
        mine, _ = self.voters(probes)
        how = rule(SEARCH_WORDS)

        def work(_: int) -> Any:
            return held.search(mine, how, KEPT, compare)

        def check(i: int, pick: slice) -> None:
            assert bool(held.streamed) == streamed, f"{plural(held.streamed, 'block')} streamed"
            found = self.run(work, i)
            for j, (prints, votes, scores) in enumerate(zip(*found, strict=True)):
                one = alone(mine, j)
                expected = voting.reference(one, self.gallery, prints, how)[0]
                np.testing.assert_array_equal(votes, expected)
                expected = compare(one, self.gallery, prints)
                np.testing.assert_allclose(scores, expected, rtol=0, atol=SCORE)
            # that nothing better was left out shows where the reference can go through all
            few = first_prints(self.gallery, 8 * self.sizes.sample)
            small = self.hold(few, -(-len(few) // 5), streamed)
            found = self.run(lambda _: small.search(mine, how, self.sizes.sample, compare), i)
            expected = voting.reference(mine, few, range(len(few)), how)
            best = selection.reference(expected, min(self.sizes.sample, len(few)))
            np.testing.assert_array_equal(found.prints, best)

        name = f"blocks, {way}, {plural(probes, 'probe')}"
        cost = roofline.blocks(self.usual, SEARCH_WORDS, probes, streamed)
        made = self.case(name, self.sizes.prints, 1, cost, work, check, probes)
        return made._replace(repeats=self.sizes.searches)


def first_prints(prints: Packed, count: int) -> Packed:
    """Copies of the first prints."""
    start = prints.start[: count + 1].copy()
    columns = (each[: start[-1]].copy() for each in (prints.x, prints.y, prints.angle))
    return Packed(prints.codes[:, : start[-1]].copy(), *columns, start)


def measure_link(machine: Machine, size: int) -> float:
    """Bytes a second from pinned memory of the processor to the device."""
    device, source = machine.device, np.zeros(size, np.uint8)
    pinned = device.pin([source])
    with device.use():
        target = device.xp.zeros(size, np.uint8)

        def send(_: int) -> None:
            device.wait(device.send([(target, source)], device.mark()))

        took = float(np.median(machine.time(send, 9)))
    device.unpin(pinned)
    return size / took


def measure(
    machine: Machine,
    cases: Iterable[Case],
    most: Ceilings,
    timed: bool,
    say: Callable[[str], object] = print,
) -> list[Row]:
    """Validates every case, and times those that agree."""
    rows = []
    for case in cases:
        row = Row(case.name, case.pieces, case.turns, case.cost, most.bound(case.cost))
        try:
            case.check()
        except AssertionError as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            row = row._replace(fault="; ".join(lines[:4]) or "an assertion failed")
        if timed and not row.fault:
            with machine.device.use():
                row = row._replace(seconds=float(np.median(machine.time(case.work, case.repeats))))
        say(f"{case.name}: {f'DISAGREES, not timed: {row.fault}' if row.fault else 'agrees'}")
        rows.append(row)
    return rows


HEAD = (
    "kernel",
    "M/s",
    "µs a launch",
    "bytes",
    "operations",
    "GB/s",
    "Gop/s",
    "ceiling, M/s",
    "of the roofline",
)


def cells_of(row: Row, cache: int) -> tuple[str, ...]:
    """A row of the table."""
    work = ", ".join(f"{count:,.0f} {kind}" for kind, count in row.cost.operations.items())
    total = sum(row.cost.operations.values())
    star = "" if row.turns * row.pieces * row.cost.bytes > 2 * cache else "*"
    return (
        row.name,
        millions(row.rate) + star,
        f"{1e6 * row.seconds:,.0f}",
        f"{row.cost.bytes:,.0f}",
        work,
        f"{row.rate * row.cost.bytes / 1e9:,.0f}",
        f"{row.rate * total / 1e9:,.0f}",
        millions(row.ceiling),
        f"{row.rate / row.ceiling:.0%}",
    )


def align(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """For a terminal."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in (head, *rows)
    )


def describe(machine: Machine, most: Ceilings, shape: Shape, rows: Sequence[Row]) -> str:
    """The section of a page."""
    device = machine.properties
    versions = machine.versions | {"NumPy": np.__version__, "Python": platform.python_version()}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    rates = ", ".join(f"{kind} {rate / 1e12:.3g}" for kind, rate in most.operations.items())
    label = f"**{machine.label}**\n\n" * bool(machine.label)
    text = (
        f"Measured on {date.today()} on {device.name} ({device.multiprocessors} "
        f"multiprocessors, {device.clock / 1e9:.2f} GHz, {device.cache / 2**20:.0f} MiB of cache); "
        f"{listed}. Ceilings: {rates} Tera-operations a second, memory "
        f"{most.bytes['memory'] / 1e9:,.0f} GB/s; copies from pinned memory reached "
        f"{most.bytes['link'] / 1e9:,.0f} GB/s, which is the ceiling of what streams. "
        f"{shape.probe:.0f} minutiae with {shape.candidate:.1f}, {shape.pairs:.1f} pairs, "
        f"{shape.met:.1f} of them met, {shape.shared:.0f} of {shape.seen:.0f} ridge cells shared. "
        "A piece is a comparison, of a selection a vote, of oriented a pixel in a round. `full`: "
        "similarity, pairing and relaxation in a row. *: inputs may have stayed in the cache."
    )
    table = roofline.table(HEAD, [cells_of(row, device.cache) for row in rows])
    return f"{label}{textwrap.fill(text, WIDTH)}\n\n{table}"


def main(arguments: Sequence[str] | None = None, machine: Machine | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small: for sanitizers, no figures")
    parser.add_argument("--validate-only", action="store_true", help="time nothing")
    parser.add_argument("--host", action="store_true", help="without a GPU; no figures")
    parser.add_argument("--prints", type=int, metavar="N", help="of the gallery")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    options = parser.parse_args(arguments)
    if options.validate_only and (options.json or options.write):
        parser.error("there is nothing to write where nothing is timed")
    if options.write:
        try:
            replace_section(options.write.read_text(encoding="utf-8"), SECTION, "")
        except (OSError, ValueError) as error:
            parser.error(f"{options.write}: {error}")
    if options.quick and not options.host:
        backend.allocate_singly()
    sizes = HOST if options.host else QUICK if options.quick else Sizes()
    if options.prints:
        sizes = sizes.cut(options.prints)
    machine = machine or (stand_in() if options.host else find_device())
    if machine.label:
        print(machine.label)
    link = measure_link(machine, 2**16 if options.host or options.quick else 2**28)
    most = roofline.ceilings(machine.properties, link)
    bench = Bench(machine, sizes)
    rows = measure(machine, bench.cases(), most, not options.validate_only)
    if faulty := [row.name for row in rows if row.fault]:
        print(f"disagree with their reference: {', '.join(faulty)}", file=sys.stderr)
        return 1
    if options.validate_only:
        return 0
    cache = machine.properties.cache
    print(align(HEAD, [cells_of(row, cache) for row in rows]))
    if options.json:
        about = {
            "label": machine.label,
            "device": machine.properties._asdict(),
            "versions": machine.versions | {"NumPy": np.__version__},
            "link": link,
            "sizes": asdict(sizes),
            "shape": bench.shape._asdict(),
        }
        told = [row._asdict() | {"cost": row.cost._asdict(), "rate": row.rate} for row in rows]
        options.json.write_text(json.dumps({"about": about, "kernels": told}, indent=1) + "\n")
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        section = describe(machine, most, bench.shape, rows)
        options.write.write_text(replace_section(page, SECTION, section), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
