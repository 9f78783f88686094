"""What offense do the words of a charge name? One, several, none, or what never ranks."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import PolicyError
from engine.risk.tables import pattern, require, table_of

FILE = "charges.toml"
RULE = {
    "id": str, "category": str, "all": list, "unless": str, "includes": list, "covers": bool,
}  # fmt: skip
UNRANKED = {"id": str, "reason": str, "whole": str, "unless": str}
TERM = re.compile(r"%([A-Z]+)%")


@dataclass(frozen=True, slots=True)
class TextRule:
    """A charge with all of `patterns`, and not `unless`, names an offense of `category`.

    includes: categories that the same words name too. covers: it may stand beside a word of the
    worst offenses.
    """

    id: str
    category: str
    patterns: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] | None
    includes: frozenset[str]
    covers: bool

    def fits(self, words: str) -> bool:
        """Does the charge, in plain words, fit the rule?"""
        return all(one.search(words) for one in self.patterns) and not (
            self.unless and self.unless.search(words)
        )


@dataclass(frozen=True, slots=True)
class Unranked:
    """A charge that is no more than `whole`, without `unless`, does not rank, for `reason`."""

    id: str
    reason: str
    whole: re.Pattern[str]
    unless: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Charges:
    """The rules, the words of the worst offenses, and what never ranks by itself."""

    rules: tuple[TextRule, ...]
    guard: re.Pattern[str]
    guard_drug: tuple[re.Pattern[str], ...]
    unranked: tuple[Unranked, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What the words name.

    categories: ids, none where no rule fits. rule: of the first. worst: there is a word of the
    worst offenses. held: the one category is less severe than what that word may mean, so that a
    person reads it. unranked: (id, reason) of what never ranks by itself, where that is all.
    """

    categories: tuple[str, ...]
    rule: str
    worst: bool = False
    held: bool = False
    unranked: tuple[str, str] | None = None


def read_charges(files: Mapping[str, bytes], categories: Collection[str]) -> Charges:
    """The rules in `files`, by name; raises PolicyError where they do not hold."""
    table = table_of(files, FILE)
    terms: dict[str, str] = {}
    for name, text in table["terms"].items():
        terms[name] = _full(text, terms, name)

    def words(text: str, where: str) -> re.Pattern[str]:
        return pattern(rf"(?<!\S)(?:{_full(text, terms, where)})(?!\S)", f"{FILE}: {where}")

    def rule(row: dict[str, Any]) -> TextRule:
        require(row, RULE, f"{FILE}: {row.get('id', '?')}")
        unknown = {row["category"], *row.get("includes", ())} - {*categories}
        if unknown:
            raise PolicyError(f"{FILE}: {row['id']}: unknown categories {', '.join(unknown)}")
        return TextRule(
            row["id"],
            row["category"],
            tuple(words(text, row["id"]) for text in row["all"]),
            words(row["unless"], row["id"]) if "unless" in row else None,
            frozenset(row.get("includes", ())),
            row.get("covers", False),
        )

    def unranked(row: dict[str, Any]) -> Unranked:
        require(row, UNRANKED, f"{FILE}: {row.get('id', '?')}")
        unless = words(row["unless"], row["id"]) if "unless" in row else None
        return Unranked(row["id"], row["reason"], words(row["whole"], row["id"]), unless)

    guard = table["guard"]
    return Charges(
        tuple(rule(row) for row in table["rule"]),
        words(guard["words"], "guard"),
        tuple(words(text, "guard") for text in guard["drug"]),
        tuple(unranked(row) for row in table["unranked"]),
    )


def read_charge(words: str, grave: Collection[str], table: Charges) -> Named:
    """What a charge names, in the plain words of wording.normalise; grave: the worst categories."""
    if not words:
        return Named((), "")
    fitting = [rule for rule in table.rules if rule.fits(words)]
    included = {name for rule in fitting for name in rule.includes - {rule.category}}
    left = [rule for rule in fitting if rule.category not in included]
    found = tuple(dict.fromkeys(rule.category for rule in left))
    if not found:
        for one in table.unranked:
            if one.whole.fullmatch(words) and not (one.unless and one.unless.search(words)):
                return Named((), one.id, unranked=(one.id, one.reason))
        return Named((), "", _names_worst(words, table))
    worst = _names_worst(words, table)
    lesser = len(found) == 1 and found[0] not in grave
    held = worst and lesser and not any(rule.covers for rule in left)
    return Named(found, left[0].id, worst, held)


def _names_worst(words: str, table: Charges) -> bool:
    return bool(table.guard.search(words)) or all(one.search(words) for one in table.guard_drug)


def _full(text: str, terms: Mapping[str, str], where: str) -> str:
    def meant(found: re.Match[str]) -> str:
        if found[1] not in terms:
            raise PolicyError(f"{FILE}: {where}: no term {found[0]}")
        return terms[found[1]]

    return TERM.sub(meant, text)
