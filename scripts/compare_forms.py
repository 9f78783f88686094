#!/usr/bin/env python3
"""Holds every faster form of the comparison against the reference scores, on real prints.

    .venv/bin/python scripts/compare_forms.py PRINTS_DIR... [--cache DIR] [--nonmated 20000]
        [--gallery GALLERY.npz [--every 8]] [--write docs/accuracy.md]

All mated and at most --nonmated other pairs of each folder (prints named <finger>_<impression>)
are compared by all the evidence: one with one, which is the reference; many at a time in chunks; on
threads; by a team of processes; and by the kernels' CUDA text, on a GPU or, where there is none, as
g++ compiles it for the processor. Told are the error rate of each, how many comparisons have
another score, and by how much at most (log10 likelihood ratio).

With --gallery the first impression of each finger is enrolled there, and every so manieth other one
searched for as a GPU does it: all prints vote, and pairs of the minutiae of those with the most
votes are compared; beside pairs of the minutiae of all. Status 1 where a rate differs by more than
0.05 %.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import metrics
import numpy as np
from contest.plan import Plan, draw_plan
from devices.tables import table
from evaluation.comparisons import by_probe, pack, take
from evaluation.galleries import enlist, enrol
from evaluation.prints import Print, console, pool, read_set, set_names
from pages import replace_section
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the CUDA text's host

from engine import pipeline
from engine.errors import TenprintError
from engine.index.gallery import Gallery
from engine.index.packing import pack_templates
from engine.matching import calibration, comparison
from engine.matching.rescoring import rescore
from engine.matching.voting import vote
from engine.settings import Settings
from engine.types import F64
from kernels import backend, packed, ridges, selection
from kernels.team import Team

Compare = Callable[[comparison.Prints, comparison.Prints, np.ndarray], comparison.Comparison]
REFERENCE = "one with one"
MOST = 0.05  # %, of a rate
SAME = 0.01  # a score that differs by less is the same: two decimals are shown
FIRST = 20  # candidates that an examiner sees
SECTION = "forms"


class Told(NamedTuple):
    """What came of one form. eer: %. other: comparisons with another score. apart: the largest
    difference of one."""

    form: str
    eer: float
    compared: int
    other: int
    apart: float


class Searched(NamedTuple):
    """What came of searching: probes; prints of the gallery; mates that are not among those
    compared; mates first, of all compared and of those that votes chose; share of the FIRST best
    of all that votes chose, 0..1."""

    probes: int
    prints: int
    lost: int
    first: int
    first_chosen: int
    best_chosen: float


def main(words: Sequence[str] | None = None) -> int:
    arguments = parse(words)
    settings = Settings(extractor=arguments.extractor, device="cpu")
    try:
        sets = {
            name: read_set(folder, arguments.extractor, arguments.cache, arguments.workers)
            for name, folder in zip(set_names(arguments.prints), arguments.prints, strict=True)
        }
        rows = [
            (name, told)
            for name, prints in sets.items()
            for told in hold(name, prints, arguments.nonmated, settings)
        ]
        found = search(sets, arguments, settings) if arguments.gallery else None
    except (TenprintError, ValueError) as error:
        sys.exit(f"compare_forms.py: {error}")
    section = describe(rows, found)
    print(section)
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(replace_section(page, SECTION, section), encoding="utf-8")
    reference = {name: told.eer for name, told in rows if told.form == REFERENCE}
    return int(any(abs(told.eer - reference[name]) > MOST for name, told in rows))


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prints", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--extractor", default="leader", choices=pipeline.EXTRACTORS)
    parser.add_argument("--cache", type=Path, help="keep templates here, and use those kept")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="extracting processes")
    parser.add_argument("--nonmated", type=int, default=20_000, help="of a set, at most")
    parser.add_argument("--gallery", type=Path, help="search in this one (scripts/make_gallery.py)")
    parser.add_argument("--every", type=int, default=8, help="probe is searched for")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    arguments = parser.parse_args(words)
    missing = [path for path in arguments.prints if not path.is_dir()]
    missing += [
        path for path in (arguments.gallery, arguments.write) if path and not path.is_file()
    ]
    if missing:
        parser.error(f"no such folder, gallery or page: {', '.join(map(str, missing))}")
    if min(arguments.nonmated, arguments.every, arguments.workers) < 1:
        parser.error("--nonmated, --every and --workers must be at least 1")
    if arguments.cache:
        arguments.cache.mkdir(parents=True, exist_ok=True)
    return arguments


def hold(name: str, prints: Sequence[Print], nonmated: int, settings: Settings) -> list[Told]:
    """A row for each form, on the pairs of one set."""
    prints = [each for each in prints if each.template]
    plan = draw_plan([each.finger for each in prints], nonmated, 1)
    held = pack(prints)
    meaning = calibration.load(settings.extractor)
    with closing(Team(2)) as team:
        forms = {**in_numpy(settings), **on_team(team, held, settings), **by_cuda(held, settings)}
        scores = {
            form: run(compare, held, plan, meaning, f"{name}, {form}")
            for form, compare in forms.items()
        }
    return [tell(form, score, scores[REFERENCE], plan.mated) for form, score in scores.items()]


def run(compare: Compare, held: comparison.Prints, plan: Plan, meaning: Any, title: str) -> F64:
    """log10 likelihood ratios of all pairs, all of one probe in a call."""
    score = np.zeros(len(plan.first))
    for probe, mine in track(by_probe(plan.first), title, console=console):
        found = compare(take(held, probe), held, plan.second[mine].astype(np.int64))
        score[mine] = meaning.llr(found)
    return score


def tell(form: str, score: F64, reference: F64, mated: np.ndarray) -> Told:
    """How a form's scores differ from the reference."""
    apart = np.abs(score - reference)
    eer = 100 * metrics.equal_error_rate(metrics.rates(score[mated], score[~mated]))
    return Told(form, eer, len(score), int((apart > SAME).sum()), float(apart.max()))


def in_numpy(settings: Settings) -> dict[str, Compare]:
    """The reference, chunks, and chunks on two threads."""
    pairing, evidence = settings.rescoring, settings.comparison
    alone = replace(pairing, chunk=1, threads=1), replace(evidence, chunk=1)
    few = replace(evidence, chunk=32)  # a set is small: so that there is work for two
    return {
        REFERENCE: lambda *task: comparison.compare(*task, *alone),
        "in chunks": lambda *task: comparison.compare(*task, replace(pairing, threads=1), evidence),
        "two threads": lambda *task: comparison.compare(*task, replace(pairing, threads=2), few),
    }


def on_team(team: Team, held: comparison.Prints, settings: Settings) -> dict[str, Compare]:
    """Two processes, over the same prints in memory that they share."""

    def shared(part: Any) -> Any:
        copies = []
        for each in fields(part):
            array = getattr(part, each.name)
            copy = team.empty(array.shape, array.dtype)
            copy[...] = array
            copies.append(copy)
        return type(part)(*copies)

    there = comparison.Prints(*map(shared, held))
    few = replace(settings.comparison, chunk=32)

    def compare(probe: Any, _: Any, candidates: np.ndarray) -> comparison.Comparison:
        return comparison.compare(probe, there, candidates, settings.rescoring, few)

    return {"two processes": compare}


def by_cuda(held: comparison.Prints, settings: Settings) -> dict[str, Compare]:
    """The CUDA text: on a device, or on the processor, or not at all where there is no g++."""
    how = settings.rescoring, settings.comparison
    if backend.device_count():
        device = backend.Device()
        with device.use():
            there = comparison.Prints(
                packed.move(held.minutiae, device.xp), ridges.move(held.cells, device.xp)
            )

        def compare(probe: Any, _: Any, candidates: np.ndarray) -> comparison.Comparison:
            with device.use():
                return comparison.compare(probe, there, candidates, *how)

        return {f"CUDA, {backend.gpu_name()}": compare}
    if shutil.which("g++") is None:
        console.print("[yellow]no g++: the CUDA text is left out[/]")
        return {}
    from tests.kernels import fake_gpu

    def compare_here(*task: Any) -> comparison.Comparison:
        with fake_gpu.computing():
            return comparison.compare(*task, *how)

    return {"CUDA text on the processor": compare_here}


def search(
    sets: dict[str, Sequence[Print]], arguments: argparse.Namespace, settings: Settings
) -> Searched:
    """Searches by votes of a whole gallery, beside all prints compared."""
    roster = enlist(pool(sets, []))
    gallery = Gallery.load(arguments.gallery)
    enrol(gallery, roster)
    number = {person: i for i, person in enumerate(gallery.persons)}
    probes = [each for each in roster.probes if each.templates and each.person in number]
    probes = probes[:: arguments.every]
    everyone = np.arange(len(gallery), dtype=np.int64)
    how = replace(settings.voting, words=settings.voting.words_whole)
    lost = first = first_chosen = 0
    shares = []
    for probe in track(probes, f"among {len(gallery):,}", console=console):
        alone = pack_templates(probe.templates[0])
        mates = gallery.prints_of(np.array([number[probe.person]]))
        scores = rescore(alone, gallery.minutiae, everyone, settings.rescoring)
        votes = vote(alone, gallery.minutiae, everyone, how)
        chosen = selection.select(votes[None], settings.voting.kept_whole)[0]
        best = np.argsort(-scores, kind="stable")[:FIRST]
        shares.append(np.isin(best, chosen).mean())
        lost += not np.isin(mates, chosen).any()
        first += best[0] in mates
        first_chosen += chosen[np.argmax(scores[chosen])] in mates
    share = float(np.mean(shares))
    return Searched(len(probes), len(gallery), lost, first, first_chosen, share)


def describe(rows: Sequence[tuple[str, Told]], found: Searched | None) -> str:
    """The section of a page: a row for each set; what differs from the reference by column."""
    forms = list(dict.fromkeys(told.form for _, told in rows))
    head = "set", "comparisons", f"{REFERENCE}: EER %", *forms[1:]
    cells = []
    for name in dict.fromkeys(name for name, _ in rows):
        first, *others = (told for each, told in rows if each == name)
        differ = (f"{told.eer:.2f}; {told.other:,}; {told.apart:.1g}" for told in others)
        cells.append((name, f"{first.compared:,}", f"{first.eer:.2f}", *differ))
    text = table(head, cells)
    text += f"\nOf each form: EER; how many scores differ by over {SAME}; by how much at most.\n"
    if found:
        text += (
            f"\nOf {found.probes:,} probes among {found.prints:,} prints, all compared by pairs, "
            f"{found.first:,} have their mate first; {found.first_chosen:,} where only those with "
            f"the most votes are compared, which lack the mates of {found.lost:,}. Of the {FIRST} "
            f"best prints of all they have {found.best_chosen:.0%}.\n"
        )
    return text


if __name__ == "__main__":
    sys.exit(main())
