"""Cases: each is held against its reference, then timed while inputs take turns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from devices.machines import Machine
from devices.roofline import Ceilings, Cost


class Case(NamedTuple):
    """A figure. pieces: comparisons of a launch. turns: launches with inputs of their own. check:
    raises AssertionError where the device and the reference disagree."""

    name: str
    pieces: int
    turns: int
    cost: Cost
    work: Callable[[int], Any]
    check: Callable[[], None]
    repeats: int


class Row(NamedTuple):
    """What came of a case. ceiling: pieces a second. fault: how it disagrees. seconds: of a launch,
    NaN where it was not timed."""

    name: str
    pieces: int
    turns: int
    cost: Cost
    ceiling: float
    fault: str = ""
    seconds: float = math.nan

    @property
    def rate(self) -> float:
        """Pieces a second."""
        return self.pieces / self.seconds


def turns(cache: int, size: float, most: int) -> int:
    """How many inputs of `size` bytes take turns: two at least, and more than twice the cache
    without the one in use, where there are so many."""
    return max(2, min(most, math.ceil(2 * cache / size) + 1))


def measure(
    machine: Machine,
    cases: Iterable[Case],
    most: Ceilings,
    timed: bool,
    say: Callable[[str], object] = print,
) -> list[Row]:
    """Validates every case, and times those that agree."""
    rows = []
    for case in cases:
        row = Row(case.name, case.pieces, case.turns, case.cost, most.bound(case.cost))
        try:
            case.check()
        except AssertionError as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            row = row._replace(fault="; ".join(lines[:4]) or "an assertion failed")
        if timed and not row.fault:
            with machine.device.use():
                row = row._replace(seconds=float(np.median(machine.time(case.work, case.repeats))))
        say(f"{case.name}: {f'DISAGREES, not timed: {row.fault}' if row.fault else 'agrees'}")
        rows.append(row)
    return rows
