"""Soak: one rate for long, and whether memory stays flat."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gevent
from rich.console import Console
from scipy.stats import theilslopes

from loading.arrivals import Client, Request
from loading.knee import summarise
from loading.serving import Service

EVERY = 5.0  # seconds between two looks at memory
WARM_UP = 0.2  # of the time, which does not count
FLAT = 0.02  # of the memory that may be gained in an hour, by the lower end of the interval
SURE = 0.95


@dataclass(frozen=True, slots=True)
class Trend:
    """How memory went: bytes a second (Theil-Sen), with the ends of its 95 % interval, and the
    share of the first memory gained in an hour."""

    slope: float
    low: float
    high: float
    share_an_hour: float
    flat: bool


def trend_of(samples: Sequence[tuple[float, float]]) -> Trend:
    """The trend of (seconds, bytes). Flat: it may well not have grown, or by little."""
    start = samples[0][0] + WARM_UP * (samples[-1][0] - samples[0][0])
    kept = [(at, held) for at, held in samples if at >= start]
    times, memory = zip(*kept, strict=True)
    slope, _, low, high = theilslopes(memory, times, SURE)
    share = 3600 * low / memory[0]
    return Trend(float(slope), float(low), float(high), float(share), bool(share <= FLAT))


def soak(
    client: Client,
    services: Sequence[Service],
    make: Callable[[], Request],
    arguments: argparse.Namespace,
    console: Console,
) -> dict[str, Any]:
    """Requests at one rate, and memory all the while."""
    samples: list[tuple[float, float]] = []
    began = time.perf_counter()

    def watch() -> None:
        while True:
            held = float(sum(each.memory() for each in services))
            samples.append((round(time.perf_counter() - began, 1), held))
            if arguments.samples:
                arguments.samples.write_text(json.dumps(samples))
            if len(samples) % 12 == 0:
                console.print(f"{samples[-1][0] / 60:5.1f} min  {held / 1e6:,.0f} MB")
            gevent.sleep(EVERY)

    watching = gevent.spawn(watch)
    try:
        took = client.arrive(make, arguments.rate, 60 * arguments.minutes, seed=1)
    finally:
        watching.kill()
    answers = client.take()
    by_kind = {
        kind: asdict(
            summarise(
                kind,
                arguments.rate,
                took,
                [each for each in answers if each.kind == kind],
                memory=0,
                processor=0.0,
                client=0.0,
            )
        )
        for kind in sorted({each.kind for each in answers})
    }
    trend = trend_of(samples)
    console.print(
        f"{len(answers)} requests; memory {samples[0][1] / 1e6:,.0f} to "
        f"{samples[-1][1] / 1e6:,.0f} MB, {3600 * trend.slope / 1e6:+,.1f} MB an hour "
        f"({3600 * trend.low / 1e6:+,.1f} to {3600 * trend.high / 1e6:+,.1f})"
    )
    return {
        "mode": "soak",
        "mix": arguments.mix,
        "rate": arguments.rate,
        "minutes": arguments.minutes,
        "requests": by_kind,
        "memory": samples,
        "trend": asdict(trend),
        "verdicts": {
            f"memory is flat (at most {FLAT:.0%} an hour)": trend.flat,
            "no errors": not any(each["errors"] for each in by_kind.values()),
        },
    }
