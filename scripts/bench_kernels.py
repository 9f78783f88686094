#!/usr/bin/env python3
"""Measures every kernel on a GPU: rate, bytes and operations, share of the roofline.

    python scripts/bench_kernels.py [--quick] [--validate-only] [--prints N] [--host]
        [--json out.json] [--write docs/gpu.md]

Each kernel is held against its NumPy reference first, on some of the comparisons of the very launch
that is timed; what disagrees is named, in the table too, and not timed, and the status is 1. Times
are medians of device events, from the end of one launch to the end of the next, with all that a
function does around its kernel. Launches take turns with inputs that together are more than twice
the second-level cache; a figure where they are not has a star.

Prints are random, one in MATED is a noisy part of a probe. It needs NumPy, CuPy and this
repository, 10 GB of the device's memory and as much of the processor's. --quick is for sanitizers:
launches are too short to be figures. --host runs the CUDA text compiled by g++ on the processor,
with a handful of prints: it shows that this script works, and its rates mean nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # where it is not installed

from devices.data import Data
from devices.evidence import of_agreement, of_deformation, of_ridges
from devices.galleries import hold, of_blocks
from devices.lists import Lists
from devices.machines import Machine, find_device, measure_link, stand_in
from devices.pictures import of_oriented
from devices.roofline import PROBES, WORDS, ceilings
from devices.scores import of_full, of_pairing, of_relaxation, of_similarity
from devices.sizes import HOST, QUICK, Sizes
from devices.tables import HEAD, align, cells_of, collect, describe
from devices.timing import Case, measure
from devices.votes import of_selection, of_voting
from pages import replace_section

from kernels import backend
from kernels.voting import FORMS

SECTION = "gpu"  # the marks of a page


def cases(lists: Lists) -> Iterator[Case]:
    """All of them, one after the other: what one needs is made when it comes."""
    yield from cases_of_kernels(lists)
    data = lists.data
    for streamed, block in ((False, data.sizes.block), (True, data.sizes.stream)):
        held = hold(data, data.gallery, block, streamed)  # one: memory can be pinned but once
        for probes in PROBES:
            yield of_blocks(data, held, probes, streamed)


def cases_of_kernels(lists: Lists) -> Iterator[Case]:
    """Those of single launches."""
    for words, probes, form in product(WORDS, PROBES, FORMS):
        yield of_voting(lists.data, words, probes, form)
    yield of_selection(lists.data)
    yield of_similarity(lists)
    yield of_pairing(lists)
    yield of_relaxation(lists)
    yield of_full(lists)
    yield of_deformation(lists)
    yield of_agreement(lists)
    yield of_ridges(lists)
    yield of_oriented(lists.data)


def main(arguments: Sequence[str] | None = None, machine: Machine | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small: for sanitizers, no figures")
    parser.add_argument("--validate-only", action="store_true", help="time nothing")
    parser.add_argument("--host", action="store_true", help="without a GPU; no figures")
    parser.add_argument("--prints", type=int, metavar="N", help="of the gallery")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    options = parser.parse_args(arguments)
    if options.prints is not None and options.prints < 1:
        parser.error(f"--prints is {options.prints}, must be 1 or more")
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
    most = ceilings(machine.properties, link.rate)
    lists = Lists(Data(machine, sizes))
    rows = measure(machine, cases(lists), most, not options.validate_only)
    faulty = [row.name for row in rows if row.fault]
    if faulty:
        print(f"disagree with their reference: {', '.join(faulty)}", file=sys.stderr)
    if options.validate_only:
        return bool(faulty)
    cache = machine.properties.cache
    print(align(HEAD, [cells_of(row, cache) for row in rows]))
    if options.json:
        figures = collect(machine, link, sizes, lists.shape, rows)
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        section = describe(machine, link, most, lists.shape, rows)
        options.write.write_text(replace_section(page, SECTION, section), encoding="utf-8")
    return bool(faulty)


if __name__ == "__main__":
    sys.exit(main())
