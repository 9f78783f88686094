"""Severity policies as readable files: which records count, and which of them make which level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import PolicyError
from engine.risk.coding import offenses
from engine.risk.dispositions import vocabulary
from engine.risk.tables import POLICIES, read_table, require, stamp
from engine.types import Degree

LEVELS = (1, 2, 3)
LANES = ("conviction", "charge", "drop", "review")
ANSWERS = ("yes", "no", "review")
HEAD = {
    "name": str, "title": str, "version": str, "effective_from": date, "effective_to": date,
    "author": str, "source": str, "note": str,
    "felony_over_months": int, "lanes": dict, "rule": list,
}  # fmt: skip
RULE = {
    "id": str, "level": int, "title": str, "source": str, "records": int,
    "categories": list, "aggravated": bool, "degree": dict,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """`records` records that fit make `level`.

    categories: ids, or None for any. aggravated: only aggravated felonies whatever the sentence.
    degree: for each Degree the answer "yes", "no" or "review".
    """

    id: str
    level: int
    title: str
    source: str
    records: int
    categories: frozenset[str] | None
    aggravated: bool
    degree: dict[Degree, str]


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One version of one policy; two are equal only if they are the same object.

    table: version and hash of all the rules it rests on. lanes: for each disposition state
    "conviction", "charge", "drop" or "review". felony_over_months: an offense that may be
    punished longer is a felony where the record states no degree.
    """

    name: str
    title: str
    version: str
    effective_from: date
    effective_to: date | None
    author: str
    source: str
    note: str
    table: str
    felony_over_months: int
    lanes: dict[str, str]
    rules: tuple[Rule, ...]


def list_policies() -> list[str]:
    """The names of the policies that come with Tenprint."""
    return sorted(path.stem for path in POLICIES.glob("*.toml"))


def load_policy(name: str | Path) -> Policy:
    """A policy of the package by name, or a site's own by the path of its TOML file.

    Raises PolicyError with the reason where the policy is unknown or not valid.
    """
    if isinstance(name, str) and name in list_policies():
        return _load(POLICIES / f"{name}.toml")
    path = Path(name)
    if path.suffix != ".toml":
        known = ", ".join(list_policies())
        raise PolicyError(f"no policy {str(name)!r}; there are {known}, or give a .toml file")
    return _read(path)


@cache
def _load(path: Path) -> Policy:
    return _read(path)


def _read(path: Path) -> Policy:
    table, where = read_table(path), path.name
    require(table, HEAD, where)
    for key in HEAD:
        if key not in table and key not in ("effective_to", "note"):
            raise PolicyError(f"{where}: {key!r} is missing")
    end = table.get("effective_to")
    if end is not None and end < table["effective_from"]:
        raise PolicyError(f"{where}: 'effective_to' is before 'effective_from'")
    rules = tuple(_rule(row, where) for row in table["rule"])
    if not rules:
        raise PolicyError(f"{where}: there is no rule")
    if len({rule.id for rule in rules}) < len(rules):
        raise PolicyError(f"{where}: two rules have the same id")
    return Policy(
        table["name"],
        table["title"],
        table["version"],
        table["effective_from"],
        end,
        table["author"],
        table["source"],
        table.get("note", ""),
        stamp(table["version"], path.read_bytes()),
        table["felony_over_months"],
        _lanes(table["lanes"], where),
        rules,
    )


def _lanes(lanes: dict[str, Any], where: str) -> dict[str, str]:
    """Every disposition state must have its lane: what is left out could vanish silently."""
    states = set(vocabulary().states)
    if states != set(lanes):
        wrong = ", ".join(sorted(states ^ set(lanes)))
        raise PolicyError(f"{where}: [lanes] must name every disposition state once: {wrong}")
    for state, lane in lanes.items():
        if lane not in LANES:
            raise PolicyError(f"{where}: lane of {state!r} must be one of {', '.join(LANES)}")
    return dict(lanes)


def _rule(row: Any, where: str) -> Rule:
    if not isinstance(row, dict):
        raise PolicyError(f"{where}: each rule must be a [[rule]] table")
    where = f"{where}: rule {row.get('id', '?')!r}"
    require(row, RULE, where)
    for key in ("id", "level", "title", "source"):
        if key not in row:
            raise PolicyError(f"{where}: {key!r} is missing")
    if row["level"] not in LEVELS:
        raise PolicyError(f"{where}: level must be 1, 2 or 3")
    if row.get("records", 1) < 1:
        raise PolicyError(f"{where}: records must be 1 or more")
    unknown = {str(name) for name in row.get("categories", ())} - set(offenses().categories)
    if unknown:
        raise PolicyError(f"{where}: unknown categories {', '.join(sorted(unknown))}")
    return Rule(
        row["id"],
        row["level"],
        row["title"],
        row["source"],
        row.get("records", 1),
        frozenset(row["categories"]) if "categories" in row else None,
        row.get("aggravated", False),
        _degrees(row.get("degree"), where),
    )


def _degrees(answers: dict[str, Any] | None, where: str) -> dict[Degree, str]:
    """The answer for every degree: all "yes" without a condition; unnamed ones as documented."""
    if answers is None:
        return dict.fromkeys(Degree, "yes")
    full = {degree: "review" if degree is Degree.UNKNOWN else "no" for degree in Degree}
    for name, answer in answers.items():
        if name.upper() not in Degree.__members__ or answer not in ANSWERS:
            degrees = ", ".join(degree.name.lower() for degree in Degree)
            raise PolicyError(
                f"{where}: degree takes {degrees}, each one of {', '.join(ANSWERS)};"
                f" not {name} = {answer!r}"
            )
        full[Degree[name.upper()]] = answer
    return full
