#!/usr/bin/env python3
"""Measures the service on a home of drawn fingers: start, one search at rest, many at once.

    .venv/bin/python scripts/bench_service.py --home DIR [--gallery drawn] [--seed 1]
        [--clients 1,2,4,8,12] [--seconds 20] [--point thorough,fast] [--searchers N] [--json FILE]

--home is one that scripts/make_home.py made with the same seed. `tenprint serve` is started on it,
with a development key, on a port of this machine, and ended again. Probes are other impressions of
enrolled fingers, sent as templates. Clients are threads here: they take processor time from the
service, some 1 ms a request. Load in the sense of docs/service.md is scripts/loadtest's.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import make_gallery
import numpy as np
from rich.console import Console
from rich.table import Table

from engine.formats import template as template_format
from engine.synthesis.draw import draw_impressions

PROBES = 200
IMPRESSION = 7  # seed of the probes' impressions, beside the gallery's
READY_SECONDS = 600.0
console = Console(stderr=True)


class Service:
    """`tenprint serve` in a process of its own."""

    def __init__(self, home: Path, more: list[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "engine", "--home", str(home), "serve"),
                *("--port", str(self.port), "--insecure-development-key", *more),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, "")
        self.token = next(line.strip() for line in lines if line.strip().startswith("eyJ"))
        while self.ask("GET", "/ready")[0] != 200:
            if time.perf_counter() - began > READY_SECONDS or self.process.poll() is not None:
                sys.exit("the service does not become ready")
            time.sleep(0.05)
        self.seconds_to_ready = time.perf_counter() - began

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request on a connection of its own."""
        try:
            connection = self.connect()
        except OSError:
            return 0, None
        try:
            return send(connection, self.token, method, path, body)
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPConnection:
        """A connection whose requests are sent at once: headers and body are two pieces, and the
        second would wait 40 ms for the first to be acknowledged."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def memory(self) -> int:
        """Bytes of the service and its processes; pages that they share are counted once."""
        return sum(_held(pid) for pid in _family(self.process.pid))

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)


def send(
    connection: http.client.HTTPConnection, token: str, method: str, path: str, body: Any
) -> tuple[int, Any]:
    """A request and its answer: status and content."""
    data = None if body is None else json.dumps(body)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    content = response.read()
    return response.status, json.loads(content) if content else None


def make_probes(seed: int, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Another impression of each of the first fingers that the gallery has: whose it is, and the
    body that identifies it."""
    masters, _ = make_gallery.draw_fingers(seed, 0, make_gallery.CHUNK)
    rng = np.random.default_rng([seed, IMPRESSION])
    drawn = draw_impressions(masters, np.arange(count), rng, make_gallery.DRAWING)
    return [
        (f"D{i:07d}", {"filter": {}, "biometricData": [item_of(make_gallery.describe(drawn, i))]})
        for i in range(count)
    ]


def item_of(template: Any) -> dict[str, Any]:
    """A template as the interface takes it."""
    data = base64.b64encode(template_format.encode(template)).decode()
    return {
        "biometricType": "FINGER",
        "biometricSubType": "UNKNOWN",
        "template": data,
        "templateFormat": "TENPRINT",
    }


def identify(
    connection: http.client.HTTPConnection, service: Service, gallery: str, point: str, body: Any
) -> tuple[int, Any]:
    path = f"/v1/identify/{gallery}?transactionId=bench&accuracyLevel={point}"
    return send(connection, service.token, "POST", path, body)


def at_rest(service: Service, gallery: str, point: str, probes: list, count: int) -> dict[str, Any]:
    """One search after the other."""
    connection = service.connect()
    took, found = [], 0
    for person, body in [*probes[:5], *probes[:count]]:
        began = time.perf_counter()
        status, listed = identify(connection, service, gallery, point, body)
        took.append(time.perf_counter() - began)
        if status != 200:
            sys.exit(f"identify is answered {status}: {listed}")
        found += bool(listed) and listed[0]["personId"] == person
    connection.close()
    return {
        "point": point,
        **_percentiles(took[5:]),
        "mates over the threshold": f"{found}/{count + 5}",
    }


def together(
    service: Service, gallery: str, point: str, probes: list, clients: int, seconds: float
) -> dict[str, Any]:
    """So many clients, each of which asks again as soon as it is answered."""
    took: list[float] = []
    statuses: Counter[int] = Counter()
    lock, until = threading.Lock(), time.perf_counter() + seconds

    def run(number: int) -> None:
        connection, at = service.connect(), number
        while time.perf_counter() < until:
            began = time.perf_counter()
            status, _ = identify(connection, service, gallery, point, probes[at % len(probes)][1])
            with lock:
                statuses[status] += 1
                if status == 200:
                    took.append(time.perf_counter() - began)
            at += clients
        connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(took) / (time.perf_counter() - began)
    others = sum(statuses.values()) - statuses[200]
    made = {"point": point, "clients": clients, "per s": round(rate, 1), **_percentiles(took)}
    return {**made, "not 200": others}


def seen_after(service: Service, gallery: str, template: Any) -> dict[str, Any]:
    """How long an enrolment takes, and the search after it, which must find it."""
    connection, took = service.connect(), []
    name = f"bench-{time.time_ns()}"
    encounter = {"status": "ACTIVE", "encounterType": "bench", "galleries": [gallery]}
    encounter["biometricData"] = [item_of(template)]
    for method, path, body in (
        ("POST", f"/v1/persons/{name}/encounters/1?transactionId=bench", encounter),
        (
            "POST",
            f"/v1/identify/{gallery}?transactionId=bench",
            {"filter": {}, "biometricData": [item_of(template)]},
        ),
        ("DELETE", f"/v1/persons/{name}?transactionId=bench", None),
        (
            "POST",
            f"/v1/identify/{gallery}?transactionId=bench",
            {"filter": {}, "biometricData": [item_of(template)]},
        ),
    ):
        began = time.perf_counter()
        status, content = send(connection, service.token, method, path, body)
        took.append(round(1000 * (time.perf_counter() - began)))
        if status not in (200, 204):
            sys.exit(f"{method} {path} is answered {status}: {content}")
        listed = [each["personId"] for each in content] if isinstance(content, list) else []
        if method == "POST" and "identify" in path and (name in listed) != (len(took) == 2):
            sys.exit("what was enrolled is not found, or what was removed is")
    connection.close()
    return dict(
        zip(("enrol ms", "next search ms", "remove ms", "search after ms"), took, strict=True)
    )


def _percentiles(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {f"p{q} ms": round(1e3 * float(np.percentile(seconds, q)), 1) for q in (50, 95, 99)}


def _family(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    children = [each for one in threads for each in (one / "children").read_text().split()]
    return [pid, *(each for child in children for each in _family(int(child)))]


def _held(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def show(title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(str(row.get(name, "")) for name in rows[0]))
    Console().print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--gallery", default="drawn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", default="1,2,4,8,12")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--point", default="thorough,fast")
    parser.add_argument("--searchers", help="as of `tenprint serve`")
    parser.add_argument("--changes", type=int, default=5, help="enrolments and removals timed")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    points = arguments.point.split(",")
    probes = make_probes(arguments.seed, PROBES)
    fresh = make_gallery.draw_chunk((arguments.seed + 1, 0, max(arguments.changes, 1)))
    service = Service(
        arguments.home, ["--searchers", arguments.searchers] if arguments.searchers else []
    )
    told: dict[str, Any] = {"ready_s": round(service.seconds_to_ready, 1)}
    try:
        told["memory_mb_at_rest"] = service.memory() // 10**6
        told["at_rest"] = [at_rest(service, arguments.gallery, p, probes, 60) for p in points]
        show("One search at a time", told["at_rest"])
        told["together"] = [
            together(service, arguments.gallery, point, probes, int(clients), arguments.seconds)
            for point in points
            for clients in arguments.clients.split(",")
        ]
        show("Many at once", told["together"])
        told["changes"] = [
            seen_after(service, arguments.gallery, template)
            for template in fresh[: arguments.changes]
        ]
        if told["changes"]:
            show("Changes", told["changes"])
        told["memory_mb"] = service.memory() // 10**6
    finally:
        service.close()
    console.print({name: told[name] for name in ("ready_s", "memory_mb_at_rest", "memory_mb")})
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
