"""The command: options, the service around each mode, tables and files."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gevent
from rich.console import Console
from rich.progress import track
from rich.table import Table

from engine.settings import POINTS
from loading import chaos, fresh, knee, payloads, soak
from loading.arrivals import BUSY, Client
from loading.ending import end_in_order
from loading.issuing import issue
from loading.mixing import Mix, read_mix, remove
from loading.page import write_page
from loading.serving import Service

SCRIPTS = Path(__file__).parents[1]
PICTURES = SCRIPTS.parent / "build/loading/pictures"
MATED, STRANGERS = 160, 40  # of the probes: most come from people who were arrested before
TABLE_WIDTH = 110
TRIES = 5  # to remove somebody, a second between them
console = Console(stderr=True)


def main(words: Sequence[str] | None = None) -> int:
    """Runs one mode; 0 where all that must hold did."""
    arguments = _parser().parse_args(words)
    end_in_order()
    with tempfile.TemporaryDirectory(prefix="tenprint-load-") as folder:
        arguments.log = Path(folder) / "service.log"
        arguments.token, arguments.entrance = issue(Path(folder))
        arguments.made = arguments.home is None  # and is deleted with all that is in it
        if arguments.made and not getattr(arguments, "postgres", False):
            arguments.home = Path(folder) / "home"
            make_home(arguments.home, Path(folder) / "drawn", arguments.fingers, arguments.database)
        try:
            told = arguments.run(arguments)
        except KeyboardInterrupt:
            console.print("interrupted: the service was ended")
            return 130
        except RuntimeError as error:
            console.print(str(error))
            if arguments.log.exists():
                console.print(arguments.log.read_text()[-2000:])
            return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    if arguments.html:
        write_page(arguments.html, told)
        console.print(f"{arguments.html} written")
    verdicts: dict[str, bool] = told["verdicts"]
    for words_of, holds in verdicts.items():
        console.print(f"[{'green' if holds else 'red'}]{'yes' if holds else 'NO '}[/] {words_of}")
    return 0 if all(verdicts.values()) else 1


@contextlib.contextmanager
def served(arguments: argparse.Namespace) -> Iterator[list[Service]]:
    """The service's processes for the block, ready."""
    more = ["--searchers", arguments.searchers] if arguments.searchers else []
    more += arguments.entrance
    services = [
        Service(arguments.home, arguments.log, more, arguments.database or "")
        for _ in range(arguments.processes)
    ]
    try:
        for each in services:
            each.start()
        yield services
    finally:
        for each in services:
            each.stop()


def run_knee(arguments: argparse.Namespace) -> dict[str, Any]:
    """One search at rest, then rising rates."""
    mix = _mix(arguments)
    alone = mix.of({"identify": 1.0})
    with _asked(arguments, mix) as (services, client):
        (service, *_) = services
        rest = knee.at_rest(client, alone)
        console.print(
            f"ready in {service.ready_seconds:.1f} s; one search at rest: p50 "
            f"{1e3 * rest['p50']:.0f} ms, p95 {1e3 * rest['p95']:.0f} ms"
        )
        table = _table("Rising rates")
        steps = knee.climb(
            client, services, mix, arguments.seconds, lambda step: _say(table, step),
            arguments.first,
        )  # fmt: skip
    Console(width=max(TABLE_WIDTH, console.width)).print(table)
    if any(step.errors for step in steps):
        console.print(arguments.log.read_text()[-2000:], markup=False)
    best = knee.knee_of(steps)
    if best:
        console.print(f"the knee: {best.asked:.1f} a second, p95 {1e3 * best.p95:.0f} ms")
    return {
        "mode": "knee",
        "mix": arguments.mix,
        "point": arguments.point,
        "ready_seconds": service.ready_seconds,
        "at_rest": rest,
        "steps": knee.document(steps),
        "knee": best.asked if best else None,
        "verdicts": knee.verdicts(steps),
    }


def run_soak(arguments: argparse.Namespace) -> dict[str, Any]:
    """One rate for long."""
    mix = _mix(arguments)
    with _asked(arguments, mix) as (services, client):
        return soak.soak(client, services, mix, arguments, console)


def run_chaos(arguments: argparse.Namespace) -> dict[str, Any]:
    """Kills under load."""
    arguments.shown = payloads.pictures(PICTURES) if arguments.images else []
    return chaos.run(arguments, console)


def run_fresh(arguments: argparse.Namespace) -> dict[str, Any]:
    """Two processes on one database."""
    arguments.processes = 2
    with served(arguments) as services:
        return fresh.run(services, arguments.token, arguments.count, console)


@contextlib.contextmanager
def _asked(arguments: argparse.Namespace, mix: Mix) -> Iterator[tuple[list[Service], Client]]:
    """The service, and a client of all its processes, for the block; what the mix enrolled is
    removed at its end, however that comes."""
    with served(arguments) as services:
        client = Client([each.url for each in services], arguments.token)
        try:
            yield services, client
        finally:
            _clean_up(client, mix.left)


def _mix(arguments: argparse.Namespace) -> Mix:
    shares = read_mix(arguments.mix)
    pictures = payloads.pictures(PICTURES) if shares.get("image") else []
    enrols = shares.get("enrol") or shares.get("delete")
    return Mix(
        shares,
        payloads.probes(arguments.seed, MATED, STRANGERS, arguments.fingers),
        pictures,
        payloads.Newcomers(arguments.seed, f"load-{os.getpid()}") if enrols else iter(()),
        arguments.point,
    )


def _clean_up(client: Client, left: set[str]) -> None:
    """Removes everybody who was or may have been enrolled."""
    people = sorted(left)
    for person in track(people, "removing who was enrolled", console=console, disable=not people):
        for _ in range(TRIES):
            status, _ = client.send(replace(remove(person), kind="clean up"))
            if status not in (0, BUSY):
                break
            gevent.sleep(1.0)
        if status not in (204, 404):
            console.print(f"{person} could not be removed: answered {status}")


def make_home(home: Path, work: Path, fingers: int, database: str = "") -> None:
    """Makes a home with so many drawn fingers."""
    words = ["--fingers", str(fingers), "--home", str(home), "--work", str(work)]
    words += ["--database", database] if database else []
    subprocess.run([sys.executable, str(SCRIPTS / "make_home.py"), *words], check=True)
    shutil.rmtree(work, ignore_errors=True)


def _table(title: str) -> Table:
    table = Table(title=title)
    for name in (
        "", "asked/s", "answered/s", "p50 ms", "p95 ms", "p99 ms", "429", "errors", "wrong",
        "of", "MB", "cores", "client",
    ):  # fmt: skip
        table.add_column(name, justify="left" if not name else "right")
    return table


def _say(table: Table, step: knee.Step) -> None:
    cells = (
        step.name,
        f"{step.asked:.1f}",
        f"{step.answered:.1f}",
        *(f"{1e3 * each:.0f}" for each in (step.p50, step.p95, step.p99)),
        *(str(each) for each in (step.busy, step.errors, step.wrong, step.sent)),
        f"{step.memory / 1e6:.0f}",
        f"{step.processor:.2f}",
        f"{step.client:.2f}",
    )
    table.add_row(*cells)
    console.print("  ".join(cells))
    for failure, count in step.failures.items():
        console.print(f"  error, {count} times: {failure}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/loadtest", description=__doc__)
    modes = parser.add_subparsers(required=True, metavar="MODE")
    for name, run, words in (
        ("knee", run_knee, "find the rate that the service keeps up with"),
        ("soak", run_soak, "one rate for long; memory must stay flat"),
        ("chaos", run_chaos, "kill -9 under load; nothing acknowledged is lost"),
        ("fresh", run_fresh, "how soon another process finds what one enrolled"),
    ):
        mode = modes.add_parser(name, help=words)
        mode.set_defaults(run=run)
        mode.add_argument("--home", type=Path, help="of scripts/make_home.py")
        mode.add_argument("--fingers", type=int, default=2000,
                          help="of a home made for this; of --home, where under 1,000")  # fmt: skip
        mode.add_argument("--database", help="PostgreSQL, as of tenprint")
        mode.add_argument("--seed", type=int, default=1, help="that the home was made with")
        mode.add_argument("--point", default="", choices=("", *POINTS))
        mode.add_argument("--processes", type=int, default=1, help="of the service")
        mode.add_argument("--searchers", help="as of tenprint serve")
        mode.add_argument("--json", type=Path, metavar="FILE")
        mode.add_argument("--html", type=Path, metavar="FILE")
        mix = "identify=60,enrol=20,delete=20" if name == "soak" else "identify=100"
        mode.add_argument("--mix", default=mix, help="identify=80,image=5,enrol=10,delete=5")
    for mode in (modes.choices["knee"],):
        mode.add_argument("--seconds", type=float, default=15.0, help="of each rate")
        mode.add_argument("--first", type=float, default=knee.FIRST, help="rate, a second")
    modes.choices["soak"].add_argument("--minutes", type=float, default=30.0)
    modes.choices["soak"].add_argument("--rate", type=float, default=5.0, help="a second")
    modes.choices["soak"].add_argument(
        "--samples", type=Path, metavar="FILE", help="of memory, written as they come"
    )
    modes.choices["chaos"].add_argument("--kills", type=int, default=20)
    modes.choices["chaos"].add_argument(
        "--images", action="store_true", help="search with pictures too: workers are at work"
    )
    modes.choices["chaos"].add_argument(
        "--tasks", type=float, default=chaos.AS_TASK, help="share of the enrolments with a callback"
    )
    modes.choices["chaos"].add_argument("--clients", type=int, default=8)
    modes.choices["chaos"].add_argument("--between", type=float, default=4.0, help="seconds")
    modes.choices["chaos"].add_argument(
        "--postgres", action="store_true", help="on a PostgreSQL of its own, killed too"
    )
    modes.choices["fresh"].add_argument("--count", type=int, default=50)
    return parser
