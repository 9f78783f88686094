#!/usr/bin/env python3
"""Measures how long a queue takes: hits with records, assessed and ranked on one core.

    .venv/bin/python scripts/bench_severity.py [--hits 100000] [--records 5] [--json out.json]

The records are drawn: every NCIC code as often as any other, charges in words without a code,
dispositions as they are written. "cold" is a process that has seen no record yet, "again" the same
queue ranked once more, as after a decision. Times are of one core (CPU time, so that other work on
the machine counts little), medians where repeated; every reason in words stands beside them.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import resource
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from engine.risk.coding import offenses
from engine.risk.levels import assess
from engine.risk.policy import list_policies, load_policy
from engine.risk.queue import Case, measure_stability, rank
from engine.types import Degree, OffenseRecord

SEED = 1
IN_WORDS = 0.3  # share of records that have words and no code
START = datetime(2026, 1, 1, tzinfo=UTC)
CHARGES = (
    "AGG ASLT W/ DEADLY WPN", "POSS CS PG1 <1G", "BURG OF HABITATION", "THEFT >=$100<$750",
    "DWI 2ND", "ROBBERY 1ST DEG", "FAIL TO APPEAR", "CRIM MISCHIEF", "UNL CARRYING WPN",
    "DEL MARIJ >1/4 OZ", "EVADING ARREST", "ENGAGING IN ORGANIZED ACTIVITY", "HARBORING RUNAWAY",
    "FRAUD USE/POSS ID INFO", "TERRORISTIC THREAT", "KEEPING A DISORDERLY PLACE",
)  # fmt: skip
DISPOSITIONS = (
    "CONVICTED", "Guilty plea", "CONVICTED-PROBATION", "", "PENDING", "DISMISSED", "NOLLE PROS",
    "DEFERRED ADJUDICATION", "NOT GUILTY", "EXPUNGED", "?",
)  # fmt: skip


def draw_cases(hits: int, records: int) -> list[Case]:
    """Cases with records as varied as they come."""
    rng = np.random.default_rng(SEED)
    codes = sorted(offenses().by_code)
    degrees = list(Degree)

    def draw(number: int) -> OffenseRecord:
        worded = rng.random() < IN_WORDS
        return OffenseRecord(
            f"r{number}",
            "" if worded else codes[rng.integers(len(codes))],
            CHARGES[rng.integers(len(CHARGES))] if worded else "",
            degrees[rng.integers(len(degrees))],
            DISPOSITIONS[rng.integers(len(DISPOSITIONS))],
            date(2010, 1, 1) + timedelta(days=int(rng.integers(5000))),
            "TX",
            None if rng.random() < 0.5 else int(rng.integers(600)),
        )

    return [
        Case(
            f"{number}/P{number:06d}",
            START + timedelta(seconds=number),
            tuple(draw(number * records + each) for each in range(records)),
        )
        for number in range(hits)
    ]


def clock(work: Callable[[], object]) -> float:
    """CPU time of one run, seconds."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(cases: list[Case], policy_name: str) -> dict[str, float]:
    """Seconds of each kind of work on the queue."""
    policy = load_policy(policy_name)
    at = START + timedelta(days=9)
    records = [case.records for case in cases]
    fresh = [policy.by(policy.scale.id) for _ in range(3)]  # each without a memory
    return {
        "rank, cold": clock(lambda: rank(cases, fresh[0], at)),
        "rank, other records seen": float(
            np.median([clock(lambda each=each: rank(cases, each, at)) for each in fresh[1:]])
        ),
        "rank, again": float(
            np.median([clock(lambda: rank(cases, fresh[2], at)) for _ in range(5)])
        ),
        "stability under the other scale": clock(lambda: measure_stability(cases, policy)),
        "every reason in words": clock(lambda: [assess(each, fresh[2]) for each in records]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hits", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=5, help="of each hit")
    parser.add_argument("--policy", choices=list_policies(), default="sc-2010-conviction")
    parser.add_argument("--json", type=Path, help="write the figures here")
    args = parser.parse_args()
    console = Console(highlight=False)
    cases = draw_cases(args.hits, args.records)
    took = measure(cases, args.policy)
    table = Table(title=f"{args.hits:,} hits with {args.records} records each, {args.policy}")
    for name in ("work", "seconds", "hits a second"):
        table.add_column(name, justify="left" if name == "work" else "right")
    for name, seconds in took.items():
        table.add_row(name, f"{seconds:.2f}", f"{args.hits / seconds:,.0f}")
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"peak memory {peak:,.0f} MiB, cases and records included; one core")
    if args.json:
        args.json.write_text(json.dumps({"hits": args.hits, "mib": peak, "seconds": took}))


if __name__ == "__main__":
    main()
