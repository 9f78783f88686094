#!/usr/bin/env python3
"""Compares threads with processes that share a gallery: comparisons a second, and processor time.

    .venv/bin/python scripts/bench_team.py [--fingers 20000] [--seconds 60] [--members 2]

The ways are gone through in turn, so that a machine that becomes slower is slower for all. What
other programs used meanwhile is told beside each: where they leave no processor free, only
processor time says anything. All ways must give the same scores, or this fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import make_gallery
import numpy as np
from rich.console import Console
from rich.table import Table

from engine.index.gallery import Entry, Gallery
from engine.index.packing import pack_templates
from engine.matching.rescoring import rescore
from engine.matching.voting import vote
from engine.settings import Settings
from kernels.team import Team

TICK = os.sysconf("SC_CLK_TCK")
SETTINGS = Settings()
Way = Callable[[], np.ndarray]


def used(processes: list[int]) -> float:
    """Processor seconds that processes have used."""
    stats = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes)
    return sum(int(each) for stat in stats for each in stat[11:13]) / TICK


def used_by_all() -> float:
    """Processor seconds that the whole machine has used."""
    user, nice, system, _, _, interrupts, soft, *_ = (
        int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + interrupts + soft) / TICK


def ways(fingers: int, teams: dict[str, Team | None]) -> dict[tuple[str, str], Way]:
    """What is timed, by kernel and way. teams: None for threads of this process."""
    templates = [
        t for k in range(-(-fingers // 1000)) for t in make_gallery.draw_chunk((1, k, 1000))
    ]
    probe = pack_templates(templates[0])
    some = np.arange(fingers, dtype=np.int64)
    made: dict[tuple[str, str], Way] = {}
    for name, team in teams.items():
        gallery = Gallery("team", team.empty if team else np.empty)
        gallery.add([Entry(i, str(i), each) for i, each in enumerate(templates)])
        threads = 1 if name == "1 thread" else 0
        pairs = replace(SETTINGS.rescoring, threads=threads)
        prints = gallery.minutiae
        made["pairs", name] = lambda p=prints, s=pairs: rescore(probe, p, some, s)
        made["votes", name] = lambda p=prints, t=threads: vote(probe, p, some, SETTINGS.voting, t)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fingers", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--members", type=int, default=2)
    arguments = parser.parse_args()
    one, several = Team(1), Team(arguments.members)
    teams = {"1 thread": None, "threads": None, "1 process": one, "processes": several}
    made = ways(arguments.fingers, teams)
    expected = {kernel: made[kernel, "1 thread"]() for kernel in ("pairs", "votes")}
    for (kernel, name), work in made.items():
        if not np.array_equal(work(), expected[kernel]):
            sys.exit(f"{kernel} by {name} are not those of one thread")
    runs: dict[tuple[str, str], list[tuple[float, float, float]]] = {way: [] for way in made}
    until = time.monotonic() + arguments.seconds
    while time.monotonic() < until:
        for way, work in made.items():
            team = teams[way[1]]
            own = [os.getpid(), *(team.processes if team else [])]
            before, all_before, began = used(own), used_by_all(), time.perf_counter()
            work()
            took = time.perf_counter() - began
            mine = used(own) - before
            runs[way].append((took, mine, max(0.0, used_by_all() - all_before - mine) / took))
    table = Table(title=f"{arguments.fingers} comparisons, {len(runs['pairs', 'threads'])} runs")
    for column in ("", "a second", "beside 1 thread", "processor s", "processors used by others"):
        table.add_column(column, justify="right")
    for (kernel, name), done in runs.items():
        took, mine, others = (float(np.median(column)) for column in zip(*done, strict=True))
        paired = [a[0] / b[0] for a, b in zip(runs[kernel, "1 thread"], done, strict=True)]
        ratio, rate = f"{np.median(paired):.2f}", f"{arguments.fingers / took:,.0f}"
        table.add_row(f"{kernel}, {name}", rate, ratio, f"{mine:.3f}", f"{others:.2f}")
    Console().print(table)
    one.close()
    several.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
