"""Fresh: how soon a process of the service finds what another one enrolled."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console

from loading import payloads
from loading.arrivals import Client
from loading.mixing import enrol, identify, remove
from loading.serving import Service

BOUND = 1.0  # seconds
SEED = 90  # of fingers that no other mode uses


def run(services: Sequence[Service], token: str, count: int, console: Console) -> dict[str, Any]:
    """Enrols at one process and searches at the other, in turns, until each is found."""
    clients = [Client([each.url], token) for each in services]
    took: list[float] = []
    searches = 0
    newcomers = payloads.Newcomers(SEED, f"fresh-{os.getpid()}")
    for number, newcomer in zip(range(count), newcomers, strict=False):
        here, there = clients[number % 2], clients[1 - number % 2]
        status, content = here.send(enrol(newcomer))
        if status != 200:
            raise RuntimeError(f"an enrolment is answered {status}: {content}")
        acknowledged = time.perf_counter()
        while True:
            searches += 1
            status, content = there.send(identify(newcomer.probe))
            found = status == 200 and content and content[0]["personId"] == newcomer.person
            if found or time.perf_counter() - acknowledged > 30 * BOUND:
                break
        took.append(time.perf_counter() - acknowledged)
        here.send(remove(newcomer.person))
    p50, p95, most = (float(np.quantile(took, q)) for q in (0.5, 0.95, 1.0))
    console.print(
        f"{count} enrolments, {searches} searches; found by the other process after "
        f"{1e3 * p50:.0f} ms (p50), {1e3 * p95:.0f} ms (p95), {1e3 * most:.0f} ms at most, the "
        "search itself included"
    )
    return {
        "mode": "fresh",
        "count": count,
        "searches": searches,
        "seconds": took,
        "p50": p50,
        "p95": p95,
        "most": most,
        "verdicts": {
            "each was found within a second": most <= BOUND,
            "by the first search": searches == count,
        },
    }
