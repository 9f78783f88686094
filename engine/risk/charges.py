"""What offense do the words of a charge name? One, several, none, or what never ranks."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import PolicyError
from engine.risk.tables import pattern, require, table_of

FILE = "charges.toml"
RULE = {
    "id": str, "category": str, "all": list, "unless": str, "includes": list, "covers": bool,
}  # fmt: skip
UNRANKED = {"id": str, "reason": str, "names": str, "others": str, "doubts": list}
TERM = re.compile(r"%([A-Z]+)%")


@dataclass(frozen=True, slots=True)
class TextRule:
    """A charge with all of `patterns`, and not `unless`, names an offense of `category`.

    order: of a category of the worst, 0 the most severe; the others stand together behind
    them. includes: categories that the same words name too. covers: the words that fit may be
    among those of the worst offenses.
    """

    id: str
    category: str
    order: int
    patterns: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] | None
    includes: frozenset[str]
    covers: bool

    def fits(self, words: str) -> bool:
        """Does the charge, in plain words, fit the rule?"""
        return all(one.search(words) for one in self.patterns) and not (
            self.unless and self.unless.search(words)
        )

    def take_out(self, words: str) -> str:
        """The charge without the words by which the rule fits."""
        for one in self.patterns:
            words = one.sub(" ", words)
        return words

    def holds(self, other: TextRule, words: str) -> bool:
        """Is the offense of another rule, if it is there, only an element of this one's? A more
        severe one of the worst is where it rests on the same words."""
        return (
            other.category in self.includes
            and other.category != self.category
            and (other.order >= self.order or not other.fits(self.take_out(words)))
        )


@dataclass(frozen=True, slots=True)
class Unranked:
    """A charge that names it, and of which no word is left that is not of `others`, does not rank,
    for `reason`.

    doubts: the kinds of offenses with which a code disagrees where the words name only this.
    """

    id: str
    reason: str
    names: re.Pattern[str]
    others: re.Pattern[str]
    doubts: frozenset[str]

    def fits(self, words: str) -> bool:
        """Does the charge, in plain words, say this and no more?"""
        left, found = self.names.subn(" ", words)
        return bool(found) and all(self.others.fullmatch(word) for word in left.split())


@dataclass(frozen=True, slots=True)
class Charges:
    """The words that are put alike (by the name of their group), the rules, the words of the worst
    offenses, and what never ranks by itself."""

    alike: re.Pattern[str]
    rules: tuple[TextRule, ...]
    guard: re.Pattern[str]
    guard_drug: tuple[re.Pattern[str], ...]
    killing: re.Pattern[str]
    unranked: tuple[Unranked, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What the words name.

    categories: ids, none where no rule fits. rule: of the first. worst: there is a word of the
    worst offenses that no rule covers, so that neither the words nor a field beside them can be
    taken for something less; killing: one of killing, beside which no other grave offense is said.
    unranked: what never ranks by itself, where that is all.
    """

    categories: tuple[str, ...]
    rule: str
    worst: bool = False
    killing: bool = False
    unranked: Unranked | None = None


def read_charges(
    files: Mapping[str, bytes], categories: Collection[str], grave: Sequence[str]
) -> Charges:
    """The rules in `files`, by name; raises PolicyError where they do not hold.

    categories: ids of all. grave: of the worst, the most severe first.
    """
    table = table_of(files, FILE)
    orders = {name: order for order, name in enumerate(grave)}
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
            orders.get(row["category"], len(grave)),
            tuple(words(text, row["id"]) for text in row["all"]),
            words(row["unless"], row["id"]) if "unless" in row else None,
            frozenset(row.get("includes", ())),
            row.get("covers", False),
        )

    def unranked(row: dict[str, Any]) -> Unranked:
        where = row.get("id", "?")
        require(row, UNRANKED, f"{FILE}: {where}")
        names, others = words(row["names"], where), words(row["others"], where)
        doubts = frozenset(row.get("doubts", ()))
        return Unranked(row["id"], row["reason"], names, others, doubts)

    guard = table["guard"]
    return Charges(
        words("|".join(f"(?P<{word}>{text})" for word, text in table["alike"].items()), "alike"),
        tuple(rule(row) for row in table["rule"]),
        words(guard["words"], "guard"),
        tuple(words(text, "guard") for text in guard["drug"]),
        words(guard["killing"], "guard"),
        tuple(unranked(row) for row in table["unranked"]),
    )


def put_alike(words: str, table: Charges) -> str:
    """The plain words of a charge with one word for whom it was done to, whatever the sex."""
    return table.alike.sub(lambda found: found.lastgroup or "", words)


def read_charge(words: str, table: Charges) -> Named:
    """What a charge names, in plain words (wording.normalise, then put_alike)."""
    if not words:
        return Named((), "")
    for one in table.unranked:
        if one.fits(words):
            return Named((), one.id, unranked=one)
    fitting = [rule for rule in table.rules if rule.fits(words)]
    left = [one for one in fitting if not any(rule.holds(one, words) for rule in fitting)]
    found = tuple(dict.fromkeys(rule.category for rule in left))
    for rule in left:
        if rule.covers:
            words = rule.take_out(words)
    killing = bool(table.killing.search(words))
    return Named(found, left[0].id if left else "", _names_worst(words, table), killing)


def _names_worst(words: str, table: Charges) -> bool:
    return bool(table.guard.search(words)) or all(one.search(words) for one in table.guard_drug)


def _full(text: str, terms: Mapping[str, str], where: str) -> str:
    def meant(found: re.Match[str]) -> str:
        if found[1] not in terms:
            raise PolicyError(f"{FILE}: {where}: no term {found[0]}")
        return terms[found[1]]

    return TERM.sub(meant, text)
