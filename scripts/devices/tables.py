"""What was measured, and what a device could do at most, as tables."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np

from devices.machines import Link, Machine
from devices.roofline import Ceilings, Cost, Shape, ceilings, costs
from devices.sizes import Sizes
from devices.timing import Row
from kernels.backend import Properties

WIDTH = 105  # columns of a page's text
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
    if row.fault:
        return row.name, "disagrees", *["—"] * (len(HEAD) - 2)
    total = sum(row.cost.operations.values())
    star = "" if row.turns * row.pieces * row.cost.bytes > 2 * cache else "*"
    return (
        row.name,
        millions(row.rate) + star,
        f"{1e6 * row.seconds:,.0f}",
        *cells_of_cost(row.cost),
        f"{row.rate * row.cost.bytes / 1e9:,.0f}",
        f"{row.rate * total / 1e9:,.0f}",
        millions(row.ceiling),
        f"{row.rate / row.ceiling:.0%}",
    )


def cells_of_cost(cost: Cost) -> tuple[str, str]:
    """Bytes and operations."""
    work = ", ".join(f"{count:,.0f} {kind}" for kind, count in cost.operations.items())
    return f"{cost.bytes:,.0f}", work


def millions(rate: float) -> str:
    """A rate in millions a second, three digits."""
    if rate >= 1e9:
        return f"{float(f'{rate / 1e6:.3g}'):,.0f}"
    return f"{rate / 1e6:.3g}"


def align(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """For a terminal."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in (head, *rows)
    )


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Markdown: the first column to the left, figures to the right."""
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def describe(
    machine: Machine, link: Link, most: Ceilings, shape: Shape, rows: Sequence[Row]
) -> str:
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
        f"{most.bytes['memory'] / 1e9:,.0f} GB/s; copies from memory that is "
        f"{'' if link.pinned else 'not '}pinned reached {link.rate / 1e9:,.0f} GB/s, "
        "which is the ceiling of what streams. "
        f"{shape.probe:.0f} minutiae with {shape.candidate:.1f}, {shape.pairs:.1f} pairs, "
        f"{shape.met:.1f} of them met, {shape.shared:.0f} of {shape.seen:.0f} ridge cells shared. "
        "A piece is a comparison, of a selection a vote, of oriented a pixel in a round. `full`: "
        "similarity, pairing and relaxation in a row. *: inputs may have stayed in the cache."
    )
    cells = table(HEAD, [cells_of(row, device.cache) for row in rows])
    return f"{label}{textwrap.fill(text, WIDTH)}\n\n{cells}"


def collect(
    machine: Machine, link: Link, sizes: Sizes, shape: Shape, rows: Sequence[Row]
) -> dict[str, Any]:
    """The figures, for JSON."""
    about = {
        "label": machine.label,
        "device": machine.properties._asdict(),
        "versions": machine.versions | {"NumPy": np.__version__},
        "link": link._asdict(),
        "sizes": asdict(sizes),
        "shape": shape._asdict(),
    }
    told = [row._asdict() | {"cost": row.cost._asdict(), "rate": row.rate} for row in rows]
    return {"about": about, "kernels": told}


def ceiling_table(device: Properties, shape: Shape | None = None) -> str:
    """The most that a device could do by the formulas: no measurement."""
    most = ceilings(device)
    rows = [
        (name, *cells_of_cost(cost), millions(most.bound(cost)))
        for name, cost in costs(shape or Shape()).items()
    ]
    return table(("kernel", "bytes", "operations", "ceiling, M/s"), rows)
