"""What offense is this? From a record's NCIC code, or the words of its charge, to a category."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from engine.errors import PolicyError
from engine.risk.tables import DATA, pattern, read_table
from engine.types import OffenseRecord

REMEMBERED_CODINGS = 65_536  # distinct (code, charge) pairs kept; charges repeat heavily
AGGRAVATED = ("always", "depends", "no")
NOT_A_WORD = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of offense.

    order: place among the categories, 0 the most severe. aggravated: how it stands to the
    aggravated felonies of 8 U.S.C. 1101(a)(43), "always", "depends" (on `condition`) or "no".
    """

    id: str
    title: str
    order: int
    violent: bool
    aggravated: str
    paragraph: str
    condition: str


@dataclass(frozen=True, slots=True)
class Coding:
    """What a record's offense is, and how that was found.

    category: None where nobody could tell. ranks: False for a code that never ranks by itself.
    field: "ncic", "charge" or "". rule: names the line of the table. why: in words.
    """

    category: Category | None
    ranks: bool
    field: str
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class TextRule:
    """A charge that fits `pattern`, and not `unless`, names an offense of `category`."""

    id: str
    category: Category
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Offenses:
    """The tables: categories by id, category by NCIC code, and the codes that say too little."""

    version: str
    categories: dict[str, Category]
    by_code: dict[str, Category]
    review: dict[str, str]
    unranked: dict[str, str]
    texts: tuple[TextRule, ...]
    never: re.Pattern[str]
    uncoded_order: int


@cache
def offenses() -> Offenses:
    """The tables of the package, read and checked once. Raises PolicyError."""
    table, charges = read_table(DATA / "offenses.toml"), read_table(DATA / "charges.toml")
    categories: dict[str, Category] = {}
    by_code: dict[str, Category] = {}
    for order, row in enumerate(table["category"]):
        category = _category(row, order)
        categories[category.id] = category
        for number in _expand(row["codes"]):
            if by_code.setdefault(number, category) is not category:
                raise PolicyError(f"offenses.toml: code {number} is in two categories")
    review = {row["code"]: row["reason"] for row in table["review"]}
    unranked = {row["code"]: row["reason"] for row in table["unranked"]}
    twice = (set(by_code) & set(review)) | (set(by_code) | set(review)) & set(unranked)
    if twice:
        raise PolicyError(f"offenses.toml: {', '.join(sorted(twice))} listed twice")
    return Offenses(
        table["version"],
        categories,
        by_code,
        review,
        unranked,
        tuple(_text_rule(row, categories) for row in charges["rule"]),
        pattern(charges["never"], "charges.toml: never"),
        categories[table["uncoded_before"]].order,
    )


def code(record: OffenseRecord) -> Coding:
    """The offense of one record: by its exact NCIC code, else by the words of its charge.

    A code that never ranks by itself leaves the decision to the words; where they name no offense
    either, the record does not rank. Anything else that cannot be told is left to a person.
    """
    return _code(record.ncic.strip(), record.charge)


@lru_cache(maxsize=REMEMBERED_CODINGS)
def _code(number: str, charge: str) -> Coding:
    table = offenses()
    if number in table.by_code:
        category = table.by_code[number]
        return Coding(category, True, "ncic", f"ncic {number}", f"NCIC {number}: {category.title}")
    found = _read_charge(charge, table)
    if found is not None:
        return found
    if number in table.unranked:
        why = f"NCIC {number} does not rank by itself: {table.unranked[number]}"
        return Coding(None, False, "ncic", f"ncic {number}", why)
    if number in table.review:
        why = f"NCIC {number}: {table.review[number]}"
        return Coding(None, True, "ncic", f"ncic {number}", why)
    seen = f"NCIC code {number!r} is unknown" if number else "there is no NCIC code"
    said = "its charge names no single offense of the table" if charge else "no charge is recorded"
    return Coding(None, True, "", "", f"{seen} and {said}")


def _read_charge(charge: str, table: Offenses) -> Coding | None:
    """The one offense that the words name, or None where they name none or several."""
    text = NOT_A_WORD.sub(" ", charge.upper()).strip()
    if not text or table.never.search(text):
        return None
    fitting = [
        rule
        for rule in table.texts
        if rule.pattern.search(text) and not (rule.unless and rule.unless.search(text))
    ]
    if len({rule.category.id for rule in fitting}) != 1:
        return None
    rule = fitting[0]
    why = f"the words of the charge: {rule.category.title}"
    return Coding(rule.category, True, "charge", f"charge {rule.id}", why)


def _category(row: dict[str, Any], order: int) -> Category:
    if row["aggravated"] not in AGGRAVATED:
        raise PolicyError(f"offenses.toml: {row['id']}: aggravated must be one of {AGGRAVATED}")
    return Category(
        row["id"],
        row["title"],
        order,
        row.get("violent", False),
        row["aggravated"],
        row.get("paragraph", ""),
        row.get("condition", ""),
    )


def _text_rule(row: dict[str, Any], categories: dict[str, Category]) -> TextRule:
    where = f"charges.toml: {row['id']}"
    if row["category"] not in categories:
        raise PolicyError(f"{where}: unknown category {row['category']!r}")
    unless = pattern(row["unless"], where) if "unless" in row else None
    return TextRule(row["id"], categories[row["category"]], pattern(row["pattern"], where), unless)


def _expand(codes: Iterable[str]) -> Iterable[str]:
    for text in codes:
        first, _, last = text.partition("-")
        yield from (f"{number:04d}" for number in range(int(first), int(last or first) + 1))
