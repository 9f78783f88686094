#!/usr/bin/env python3
"""Races Tenprint's comparison of minutiae against open matchers, on templates drawn here.

    pip install 'tenprint[peers,plots]'
    .venv/bin/python scripts/race.py [--quick] [--large] [--json out.json] [--plots DIR]

Three sweeps: every matcher's rate by the number of minutiae, on one core in CPU time; our rates by
the size of the gallery, and by the candidates of a chunk, with one thread and with two, in wall
time. Templates are made ready beforehand; all pairs are of different fingers, as nearly all of a
search are. Tenprint compares one print with many in a call, the others one with one; nbis-py keeps
no tables of a print, so Bozorth3 makes both in every comparison.

--large adds a gallery of 1,000,000 prints, which takes 2 GB of memory. Peers that are not installed
are left out.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import importlib.util
import io
import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice, product
from pathlib import Path
from typing import NamedTuple

import make_gallery
import numpy as np
from contest.matchers import MATCHERS, Matcher
from evaluation.comparisons import pack
from evaluation.prints import Print
from peers import find_able, list_versions, take_minutiae
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from engine import pipeline
from engine.matching.rescoring import rescore
from engine.matching.voting import vote
from engine.settings import RescoringSettings, VotingSettings
from engine.types import F32, I64
from kernels.packed import Packed, take

Form = Callable[[Packed, Packed, I64, RescoringSettings], F32]
Rate = tuple[float, float]  # comparisons a second of wall time, and of CPU time

# Every form of Tenprint's comparison has its line here: one probe with the candidates of a gallery,
# by the settings' chunk and threads. It then runs in all three sweeps.
PREFIX = "Tenprint "
OURS: dict[str, Form] = {
    f"{PREFIX}rescoring": rescore,
    f"{PREFIX}votes, 64 bits": lambda *task: vote_by(1, *task),
    f"{PREFIX}votes, 256 bits": lambda *task: vote_by(4, *task),
}

SEED = 3  # of what is drawn
PROBES = 7  # shares no divisor with the candidates of the peers, so that all pairs take their turn
CANDIDATES = 4_000  # of a call: what the shortlist of a gallery up to 100,000 keeps
PARTS = 3  # of a measurement, whose median counts
BLOCK = 8  # comparisons of a peer between two looks at the clock
THREADS, STYLES = (1, 2), ("-", "--")  # styles: of their lines
YARDSTICK = "Bozorth3"
WORD = 8  # bytes of a code that are worked on at a time
KIB = 1024
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
DPI, COLOURS = 130, 64  # of a picture; the fewer, the smaller the file
ROOM = 0.055  # of an axis, from one label to the next
PEER, FIRST_PEER, OWN = "#64748b", "#d6336c", ("#0a66c2", "#0f766e", "#7c3aed")

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Course:
    """What is measured. prints: drawn; larger galleries hold copies of them. distinct: candidates
    that are compared by every matcher. candidates: of a call of ours, copies included; chunked: the
    same where chunks are measured, at least two of the largest. seconds: of each part."""

    prints: int = 4_000
    minutiae: tuple[int, ...] = (10, 20, 30, 40, 50, 64)
    distinct: int = 128
    candidates: int = CANDIDATES
    galleries: tuple[int, ...] = (1_000, 10_000, 100_000)
    chunks: tuple[int, ...] = (128, 256, 512, 1024, 2048, 4096)
    chunked: int = 8_192
    seconds: float = 0.5


QUICK = Course(200, (10, 30), 8, 128, (200, 800), (64, 128), 256, 0.01)
LARGE = 1_000_000


class Cell(NamedTuple):
    """Comparisons a second of a matcher, in wall and in CPU time, at so many minutiae of a print,
    prints of a gallery, or candidates of a chunk."""

    matcher: str
    at: int
    threads: int
    per_s: float
    per_cpu_s: float


def vote_by(
    words: int, probe: Packed, gallery: Packed, candidates: I64, settings: RescoringSettings
) -> F32:
    """Votes by so many words of the codes."""
    how = VotingSettings(words=words, chunk=settings.chunk)
    return vote(probe, gallery, candidates, how, settings.threads).astype(np.float32)


def draw(size: int) -> list[Print]:
    """One impression of each of `size` drawn fingers."""
    jobs = [
        (SEED, i, min(make_gallery.CHUNK, size - at))
        for i, at in enumerate(range(0, size, make_gallery.CHUNK))
    ]
    chunks = [make_gallery.draw_chunk(job) for job in track(jobs, "drawing", console=console)]
    templates = [template for chunk in chunks for template in chunk]
    return [Print(str(i), "0", template, 0.0) for i, template in enumerate(templates)]


def size_of(made: Print) -> int:
    """How many minutiae a print has."""
    return len(made.template.minutiae) if made.template else 0


def cut(made: Print, size: int) -> Print:
    """The print with its best `size` minutiae alone. Their codes and the embedding are made again,
    for they describe the neighbours too: this is what extraction makes of as many minutiae."""
    old = made.template
    best = np.argsort(-old.minutiae.quality.astype(int), kind="stable")[:size]
    new = pipeline.describe(
        old.minutiae.take(best), quality=old.quality, size=(old.width, old.height)
    )
    return replace(made, template=new)


def cut_all(prints: Iterable[Print], size: int, wanted: int) -> list[Print]:
    """The first `wanted` prints with at least `size` minutiae, cut to them. ValueError where there
    are fewer."""
    found = list(islice((made for made in prints if size_of(made) >= size), wanted))
    if len(found) < wanted:
        raise ValueError(f"{len(found)} prints have {size} minutiae, {wanted} are needed")
    return [cut(made, size) for made in found]


def repeat(prints: Packed, size: int) -> Packed:
    """`size` prints: these over and over, each copy in a place of its own in memory."""
    return take(prints, np.resize(np.arange(len(prints)), size))


def time_rate(work: Callable[[int], int], seconds: float) -> Rate:
    """`work` does its i-th piece and says how many comparisons that was; each part goes on for
    `seconds` at least. The first piece is not timed: it compiles and allocates."""
    work(0)
    turn, rates = count(), []
    for _ in range(PARTS):
        done, wall, cpu = 0, time.perf_counter(), time.process_time()
        while not done or time.perf_counter() - wall < seconds:
            done += work(next(turn))
        took = time.perf_counter() - wall, time.process_time() - cpu
        rates.append([done / each for each in took])
    per_s, per_cpu_s = np.median(rates, axis=0)
    return float(per_s), float(per_cpu_s)


def time_ours(
    form: Form, probes: Sequence[Packed], gallery: Packed, settings: RescoringSettings, least: float
) -> Rate:
    """One of our forms, with the whole gallery as candidates."""
    everyone = np.arange(len(gallery), dtype=np.int64)

    def work(i: int) -> int:
        form(probes[i % len(probes)], gallery, everyone, settings)
        return len(everyone)

    return time_rate(work, least)


def time_peer(
    matcher: Matcher, probes: Sequence[Print], others: Sequence[Print], least: float
) -> Rate:
    """A peer, one pair after the other."""
    ours, theirs = (
        [matcher.prepare(take_minutiae(made)[0]) for made in part] for part in (probes, others)
    )
    whole = len(ours) * len(theirs)
    pairs = [(ours[i % len(ours)], theirs[i % len(theirs)]) for i in range(whole)]
    blocks = [pairs[at : at + BLOCK] for at in range(0, whole, BLOCK)]

    def work(i: int) -> int:
        block = blocks[i % len(blocks)]
        for first, second in block:
            matcher.compare(first, second)
        return len(block)

    return time_rate(work, least)


def sweep_minutiae(prints: Sequence[Print], able: Sequence[str], course: Course) -> list[Cell]:
    """Every matcher by the number of minutiae, the same on both sides, on one core."""
    settings = replace(RescoringSettings(), threads=1)
    cells = []
    for size in track(course.minutiae, "by minutiae", console=console):
        made = cut_all(prints, size, PROBES + course.distinct)
        probes, others = made[:PROBES], made[PROBES:]
        packed = [pack([each]).minutiae for each in probes]
        gallery = repeat(pack(others).minutiae, course.candidates)
        for name, form in OURS.items():
            rate = time_ours(form, packed, gallery, settings, course.seconds)
            cells.append(Cell(name, size, 1, *rate))
        for name in able:
            rate = time_peer(MATCHERS[name], probes, others, course.seconds)
            cells.append(Cell(name, size, 1, *rate))
    return cells


def split(prints: Sequence[Print]) -> tuple[list[Packed], Packed]:
    """Probes of the usual number of minutiae, and a gallery of the rest."""
    sizes = np.array([size_of(made) for made in prints])
    order = np.argsort(np.abs(sizes - sizes.mean()), kind="stable")
    probes = [pack([prints[i]]).minutiae for i in order[:PROBES]]
    return probes, pack(prints[i] for i in np.sort(order[PROBES:])).minutiae


def usual(probes: Sequence[Packed]) -> int:
    """How many minutiae probes have, in the middle."""
    return int(np.median([len(probe.x) for probe in probes]))


def sweep_galleries(probes: Sequence[Packed], held: Packed, course: Course) -> list[Cell]:
    """Our forms by the size of the gallery, with all of it as candidates, by threads."""
    cells = []
    for size in track(course.galleries, "by gallery", console=console):
        gallery = repeat(held, size)
        for (name, form), threads in product(OURS.items(), THREADS):
            settings = replace(RescoringSettings(), threads=threads)
            rate = time_ours(form, probes, gallery, settings, course.seconds)
            cells.append(Cell(name, size, threads, *rate))
    return cells


def sweep_chunks(probes: Sequence[Packed], held: Packed, course: Course) -> list[Cell]:
    """Our forms by the candidates of a chunk, by threads."""
    cells, gallery = [], repeat(held, course.chunked)
    for chunk in track(course.chunks, "by chunk", console=console):
        for (name, form), threads in product(OURS.items(), THREADS):
            settings = replace(RescoringSettings(), threads=threads, chunk=chunk)
            rate = time_ours(form, probes, gallery, settings, course.seconds)
            cells.append(Cell(name, chunk, threads, *rate))
    return cells


def read_caches(folder: Path = CACHES) -> dict[str, int]:
    """Bytes of the caches that hold data of one core, by name; none where the system says none."""
    found = {}
    for each in sorted(folder.glob("index*")):
        try:
            level, kind, size = (
                (each / name).read_text().strip() for name in ("level", "type", "size")
            )
        except OSError:
            continue
        if kind != "Instruction" and size.endswith("K"):
            found["L1d" if level == "1" else f"L{level}"] = int(size[:-1]) * KIB
    return {name: found[name] for name in ("L1d", "L2") if name in found}


def place(size: int, caches: dict[str, int]) -> str:
    """The smallest cache that so many bytes fit into."""
    return next((name for name, room in caches.items() if size <= room), "none")


class Line(NamedTuple):
    """Rates by size in a plot. colour, style: as matplotlib has them."""

    name: str
    sizes: Sequence[int]
    rates: Sequence[float]
    colour: str
    style: str


def to_yardstick(cells: Sequence[Cell]) -> dict[tuple[str, int], float]:
    """CPU rates as multiples of the yardstick's; empty without it."""
    unit = {cell.at: cell.per_cpu_s for cell in cells if cell.matcher == YARDSTICK}
    return {
        (cell.matcher, cell.at): cell.per_cpu_s / unit[cell.at] for cell in cells if cell.at in unit
    }


def times(ratio: float) -> str:
    """A ratio, short."""
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2g}×"


def show_minutiae(cells: Sequence[Cell]) -> None:
    """A row for every matcher, a column for every number of minutiae."""
    sizes, ratios = sorted({cell.at for cell in cells}), to_yardstick(cells)
    title = "comparisons a second of CPU time, one core, by minutiae of both prints"
    table = Table("matcher", title=f"{title} ({YARDSTICK} = 1)" if ratios else title)
    for size in sizes:
        table.add_column(str(size), justify="right")
    for name in dict.fromkeys(cell.matcher for cell in cells):
        row = []
        for cell in sorted((each for each in cells if each.matcher == name), key=lambda c: c.at):
            ratio = ratios.get((name, cell.at))
            row.append(f"{cell.per_cpu_s:,.0f}" + (f" ({times(ratio)})" if ratio else ""))
        table.add_row(name, *row)
    Console(width=140).print(table)


def pair_threads(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Cell]]:
    """The cells of one thread and of two that belong together, by matcher."""
    found = {(cell.matcher, cell.at, cell.threads): cell for cell in cells}
    for name in dict.fromkeys(cell.matcher for cell in cells):
        for at in sorted({cell.at for cell in cells}):
            yield found[name, at, 1], found[name, at, 2]


def show_threads(
    cells: Sequence[Cell], title: str, head: str, beside: dict[int, Sequence[str]] | None = None
) -> None:
    """A row for every size: wall rates with one thread and with two, how many cores the two kept
    busy (a machine with other work gives them fewer), and the CPU rate of one. beside: more columns
    by size, their heads under 0."""
    table = Table("matcher", title=title)
    beside = beside or {}
    rates = ("1 thread", "2 threads", "ratio", "cores used", "1 thread, CPU time")
    for name in (head, *beside.get(0, ()), *rates):
        table.add_column(name, justify="right")
    for one, two in pair_threads(cells):
        table.add_row(
            *(one.matcher, f"{one.at:,}", *beside.get(one.at, ())),
            *(f"{one.per_s:,.0f}", f"{two.per_s:,.0f}", f"{two.per_s / one.per_s:.2f}×"),
            *(f"{two.per_s / two.per_cpu_s:.2f}", f"{one.per_cpu_s:,.0f}"),
        )
    Console(width=140).print(table)


def show(told: dict, caches: dict[str, int], probe: int) -> None:
    """All three sweeps on the terminal."""
    show_minutiae(told["minutiae"])
    rate = "comparisons a second of wall time"
    show_threads(told["gallery"], f"{rate}, the whole gallery as candidates", "prints")
    size = {chunk: probe * chunk * WORD for chunk in sorted({cell.at for cell in told["chunk"]})}
    beside = {at: (f"{each / KIB:,.0f} KiB", place(each, caches)) for at, each in size.items()}
    known = ", ".join(f"{name} {each / KIB:,.0f} KiB" for name, each in caches.items())
    show_threads(
        told["chunk"],
        f"{rate}, by candidates of a chunk ({probe} minutiae a probe; {known or 'caches unknown'})",
        "candidates",
        {0: (f"{probe}×chunk×{WORD} bytes", "fits"), **beside},
    )


def spread_labels(levels: Sequence[float], room: float) -> list[float]:
    """The levels, moved up where they would lie less than `room` above the one below."""
    moved = list(levels)
    below = -np.inf
    for i in np.argsort(levels, kind="stable"):
        below = moved[i] = max(levels[i], below + room)
    return moved


def draw_lines(lines: Sequence[Line], across: str, up: str, scale: str, path: Path) -> None:
    """Rates by size, every line with its name at its end. scale: of the rates, "log" between whole
    powers of ten or "linear" from 0."""
    from evaluation.plots import paper
    from matplotlib.ticker import NullFormatter, NullLocator, StrMethodFormatter

    figure, axes = paper(across, up)
    for line in lines:
        axes.plot(line.sizes, line.rates, line.style, color=line.colour, marker="o", markersize=3)
    axes.set(xscale="log", yscale=scale, xticks=sorted({x for line in lines for x in line.sizes}))
    rates = [rate for line in lines for rate in line.rates]
    if scale == "log":
        axes.set_ylim(10 ** np.floor(np.log10(min(rates))), 10 ** np.ceil(np.log10(max(rates))))
    else:
        axes.set_ylim(0, 1.1 * max(rates))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    to_axes = axes.transData - axes.transAxes
    ends = [to_axes.transform((line.sizes[-1], line.rates[-1]))[1] for line in lines]
    for line, end in zip(lines, spread_labels(ends, ROOM), strict=True):
        axes.text(*(1.02, end, line.name), transform=axes.transAxes, va="center", color=line.colour)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    few = Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def plot(told: dict, folder: Path) -> None:
    """Two pictures: every matcher by minutiae, and ours by the size of the gallery."""
    colour = {YARDSTICK: FIRST_PEER} | dict(zip(OURS, OWN, strict=False))
    lines = []
    for name in dict.fromkeys(cell.matcher for cell in told["minutiae"]):
        mine = [cell for cell in told["minutiae"] if cell.matcher == name]
        rates = [cell.per_cpu_s for cell in mine]
        lines.append(Line(name, [cell.at for cell in mine], rates, colour.get(name, PEER), "-"))
    up = "comparisons a second, one core"
    draw_lines(lines, "minutiae of both prints", up, "log", folder / "race-minutiae.png")
    lines = []
    for name, (threads, style) in product(OURS, zip(THREADS, STYLES, strict=True)):
        mine = [c for c in told["gallery"] if (c.matcher, c.threads) == (name, threads)]
        sizes, rates = [cell.at for cell in mine], [cell.per_s for cell in mine]
        label = f"{name.removeprefix(PREFIX)}, {threads} thread{'s' * (threads > 1)}"
        lines.append(Line(label, sizes, rates, colour.get(name, PEER), style))
    up = "Tenprint's comparisons a second"
    draw_lines(lines, "prints in the gallery", up, "linear", folder / "race-gallery.png")


def run(course: Course, able: Sequence[str]) -> tuple[dict, dict[str, int], int]:
    """The cells of all sweeps, the caches, and the minutiae of a probe of the last two."""
    prints = draw(course.prints)
    probes, held = split(prints)
    told = {
        "minutiae": sweep_minutiae(prints, able, course),
        "gallery": sweep_galleries(probes, held, course),
        "chunk": sweep_chunks(probes, held, course),
    }
    return told, read_caches(), usual(probes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few seconds: shows that it works")
    parser.add_argument("--large", action="store_true", help=f"a gallery of {LARGE:,} prints too")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write two plots (png) here")
    arguments = parser.parse_args()
    if arguments.plots and importlib.util.find_spec("matplotlib") is None:
        parser.error("--plots draws with matplotlib: pip install 'tenprint[plots]'")
    if arguments.json and not arguments.json.parent.is_dir():
        parser.error(f"--json: there is no folder {arguments.json.parent}")
    course = QUICK if arguments.quick else Course()
    if arguments.large:
        course = replace(course, galleries=(*course.galleries, LARGE))
    able = find_able()
    told, caches, probe = run(course, able)
    show(told, caches, probe)
    if arguments.json:
        packages = {package for name in able for package in MATCHERS[name].packages}
        about = {
            "versions": list_versions(["tenprint", "numpy", *sorted(packages)]),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "caches": caches,
            "probe_minutiae": probe,
        }
        figures = {name: [cell._asdict() for cell in cells] for name, cells in told.items()}
        arguments.json.write_text(json.dumps({"about": about, **figures}, indent=1) + "\n")
    if arguments.plots:
        arguments.plots.mkdir(parents=True, exist_ok=True)
        plot(told, arguments.plots)
    return 0


if __name__ == "__main__":
    sys.exit(main())
