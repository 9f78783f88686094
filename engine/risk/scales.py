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


def compare_orders(tiers: Sequence[str], other_places: Sequence[int]) -> list[Stability]:
    """The stability of each tier of a queue.

    tiers: of the cases, in their order (N). other_places: their places under the other scale (N).
    Kendall's tau-b: Kendall, Biometrika 33 (1945).
    """
    names = np.asarray(tiers)
    found = []
    for tier in dict.fromkeys(tiers):
        own = np.flatnonzero(names == tier)
        # Both orders counted from 0 inside the tier.
        other = np.argsort(np.argsort(np.asarray(other_places)[own]))
        here = np.arange(len(own))
        tau = float(kendalltau(here, other).statistic) if len(own) > 1 else None
        shown = min(SHOWN, len(own))
        found.append(
            Stability(
                tier,
                len(own),
                tau,
                float(np.median(np.abs(here - other))),
                float(np.mean(other[:shown] < shown)),
            )
        )
    return found
