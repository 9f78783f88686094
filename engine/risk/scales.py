"""How severe is a kind of offense on a published scale? And how stable is an order by it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from engine.errors import PolicyError
from engine.risk.coding import Category
from engine.risk.tables import require, table_of

FILE = "scales.toml"
HEAD = {"id": str, "title": str, "unit": str, "source": str, "licence": str, "values": dict}


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """A published scale: `values` by category id, the more severe the higher, in `unit`."""

    id: str
    title: str
    unit: str
    source: str
    licence: str
    values: Mapping[str, float]
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stability:
    """How far an order inside one tier is the same under another scale.

    cases: in the tier. tau: Kendall's tau-b of the two orders (-1..1), None where one of them says
    nothing. moved: median number of places that a case moves. top: share (0..1) of the first
    `SHOWN` cases that are among the first `SHOWN` under both.
    """

    tier: str
    cases: int
    tau: float | None
    moved: float
    top: float


SHOWN = 50  # places that an examiner sees first


def read_scales(files: Mapping[str, bytes], categories: Mapping[str, Category]) -> dict[str, Scale]:
    """The scales by id. PolicyError unless each has a value for every category and no other."""
    scales = {}
    for row in table_of(files, FILE)["scale"]:
        where = f"{FILE}: {row.get('id', '?')}"
        require(row, HEAD, where)
        wrong = set(row["values"]) ^ set(categories)
        if wrong:
            raise PolicyError(f"{where}: values must name every category: {', '.join(wrong)}")
        values = {name: float(each["value"]) for name, each in row["values"].items()}
        origins = {name: each["from"] for name, each in row["values"].items()}
        scales[row["id"]] = Scale(
            row["id"], row["title"], row["unit"], row["source"], row["licence"], values, origins
        )
    return scales


def compare_orders(
    tiers: Sequence[str],
    severities: Sequence[int],
    order: Sequence[int],
    other_severities: Sequence[int],
    other_order: Sequence[int],
) -> list[Stability]:
    """The stability of each tier of a queue of N cases, in the order of the tiers' first cases.

    tiers, severities: of the cases (N), the smallest the most severe. order: the cases' numbers,
    the first to work on first. Both of either scale; a case is in one tier under both.
    Kendall's tau-b: Kendall, Biometrika 33 (1945).
    """
    names = np.asarray(tiers)
    place, other_place = np.argsort(order), np.argsort(other_order)
    found = []
    for tier in dict.fromkeys(names[np.asarray(order, np.intp)].tolist()):
        own = np.flatnonzero(names == tier)
        here, there = (np.argsort(np.argsort(each[own])) for each in (place, other_place))
        pair = np.asarray(severities)[own], np.asarray(other_severities)[own]
        says = all(len(np.unique(each)) > 1 for each in pair)
        shown = min(SHOWN, len(own))
        found.append(
            Stability(
                tier,
                len(own),
                float(kendalltau(*pair).statistic) if says else None,
                float(np.median(np.abs(here - there))),
                float(np.mean(there[here < shown] < shown)),
            )
        )
    return found
