"""The kinds of offenses, and the tables by which codes, statutes and words come to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from engine.errors import PolicyError
from engine.risk.charges import Charges, read_charges
from engine.risk.statutes import Statutes, read_statutes
from engine.risk.tables import require, shared_files, table_of
from engine.risk.traits import CODES, TraitRules, read_trait_rules
from engine.risk.wording import Wording, read_wording

OFFENSES, NIBRS = "offenses.toml", "nibrs.toml"
AGGRAVATED = ("always", "depends", "no")
CATEGORY = {
    "id": str, "title": str, "codes": list, "grave": bool, "violent": bool, "aggravated": str,
    "paragraph": str, "condition": str, "kind": str, "narrower": list,
    "leaves_open": list,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of offense.

    order: place among the categories, 0 the most severe. aggravated: how it stands to the
    aggravated felonies of 8 U.S.C. 1101(a)(43), "always", "depends" (on `condition`) or "no".
    grave: of the worst tier, which nothing less may hide; kind: of grave offenses, which words of
    what never ranks can cast doubt on. narrower: ids of what it may be when more is known;
    leaves_open: the codes that do not say, none where none does.
    """

    id: str
    title: str
    order: int
    violent: bool
    aggravated: str
    paragraph: str
    condition: str
    grave: bool = False
    kind: str = ""
    narrower: frozenset[str] = frozenset()
    leaves_open: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Offenses:
    """The tables: categories by id, by NCIC and by NIBRS code, what says too little (review) and
    what never ranks by itself (unranked), statutes and words.

    catch_all: the rules of codes for anything that has no code of its own, "ncic 7099". titles: of
    NCIC and NIBRS codes, by field and code. memo: records coded so far.
    """

    version: str
    categories: dict[str, Category]
    by_code: dict[str, Category]
    review: dict[str, str]
    unranked: dict[str, str]
    nibrs: dict[str, Category]
    nibrs_review: dict[str, str]
    nibrs_unranked: dict[str, str]
    statutes: Statutes
    charges: Charges
    wording: Wording
    traits: TraitRules
    catch_all: frozenset[str]
    titles: Mapping[tuple[str, str], str]
    uncoded_order: int
    memo: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)


def read_offenses(files: Mapping[str, bytes]) -> Offenses:
    """The tables in `files`, by name; raises PolicyError where they do not hold."""
    table = table_of(files, OFFENSES)
    categories: dict[str, Category] = {}
    by_code: dict[str, Category] = {}
    for order, row in enumerate(table["category"]):
        category = _category(row, order)
        categories[category.id] = category
        for number in _expand(row["codes"]):
            if by_code.setdefault(number, category) is not category:
                raise PolicyError(f"{OFFENSES}: code {number} is in two categories")
    review = {row["code"]: row["reason"] for row in table["review"]}
    unranked = {row["code"]: row["reason"] for row in table["unranked"]}
    twice = (set(by_code) & set(review)) | (set(by_code) | set(review)) & set(unranked)
    if twice:
        raise PolicyError(f"{OFFENSES}: {', '.join(sorted(twice))} listed twice")
    statutes = read_statutes(files)
    named = {name for one in categories.values() for name in one.narrower}
    _check(named | {*statutes.category.values()} - {""}, categories)
    return Offenses(
        table["version"],
        categories,
        by_code,
        review,
        unranked,
        *_nibrs(files, categories),
        statutes,
        read_charges(files, categories, [one.id for one in categories.values() if one.grave]),
        read_wording(files),
        read_trait_rules(files),
        frozenset(table["catch_all"]),
        _titles(files),
        categories[table["uncoded_before"]].order,
    )


@cache
def offenses() -> Offenses:
    """The tables of the package, read and checked once."""
    return read_offenses(shared_files())


def _category(row: dict[str, Any], order: int) -> Category:
    where = f"{OFFENSES}: {row.get('id', '?')}"
    require(row, CATEGORY, where)
    if row["aggravated"] not in AGGRAVATED:
        raise PolicyError(f"{where}: aggravated must be one of {AGGRAVATED}")
    return Category(
        row["id"],
        row["title"],
        order,
        row.get("violent", False),
        row["aggravated"],
        row.get("paragraph", ""),
        row.get("condition", ""),
        row.get("grave", False),
        row.get("kind", ""),
        frozenset(row.get("narrower", ())),
        frozenset(row.get("leaves_open", ())),
    )


def _nibrs(
    files: Mapping[str, bytes], categories: Mapping[str, Category]
) -> tuple[dict[str, Category], dict[str, str], dict[str, str]]:
    rows = table_of(files, NIBRS)["offense"]
    for row in rows:
        if len({"category", "review", "unranked"} & set(row)) != 1:
            raise PolicyError(f"{NIBRS}: {row['code']} needs one of category, review, unranked")
    _check({row["category"] for row in rows if "category" in row}, categories)
    return (
        {row["code"]: categories[row["category"]] for row in rows if "category" in row},
        {row["code"]: row["review"] for row in rows if "review" in row},
        {row["code"]: row["unranked"] for row in rows if "unranked" in row},
    )


def _titles(files: Mapping[str, bytes]) -> dict[tuple[str, str], str]:
    rows = table_of(files, NIBRS)["offense"]
    ncic = table_of(files, CODES)["titles"]
    return {("ncic", code): title for code, title in ncic.items()} | {
        ("nibrs", row["code"]): row["title"] for row in rows
    }


def _check(names: set[str], categories: Mapping[str, Category]) -> None:
    unknown = names - set(categories)
    if unknown:
        raise PolicyError(f"unknown categories {', '.join(sorted(unknown))}")


def _expand(codes: Iterable[str]) -> Iterable[str]:
    for text in codes:
        first, _, last = text.partition("-")
        yield from (f"{number:04d}" for number in range(int(first), int(last or first) + 1))
