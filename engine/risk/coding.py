"""What offense is this? From the codes, the statute and the words of a record to a category."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from engine.risk.categories import Category, Offenses, offenses, read_offenses
from engine.risk.charges import Named, read_charge
from engine.risk.statutes import cites_attempt, look_up, read_citation
from engine.risk.traits import NO_TRAITS, Traits, read_traits
from engine.risk.wording import normalise
from engine.types import OffenseRecord

__all__ = ["Category", "Coding", "Offenses", "code", "offenses", "read_offenses"]

REMEMBERED_CODINGS = 1 << 17  # different records of one table kept; then it begins anew

# What a coding rests on: records that agree in these are coded alike.
facts = attrgetter("ncic", "nibrs", "statute", "jurisdiction", "charge")


@dataclass(frozen=True, slots=True)
class Coding:
    """What a record's offense is, and how that was found.

    category: None where nobody could tell. ranks: False for what never ranks by itself.
    field: "ncic", "nibrs", "statute", "charge" or "". rule: names the line of the table. why: in
    words. traits: what else the record says of the act.
    """

    category: Category | None
    ranks: bool
    field: str
    rule: str
    why: str
    traits: Traits = NO_TRAITS


@dataclass(frozen=True, slots=True)
class Said:
    """What one field of a record says of the offense: a category, or why not.

    outcome: "category", "review" (says too little) or "unranked" (never ranks by itself).
    """

    field: str
    rule: str
    outcome: str
    category: Category | None
    why: str


def code(record: OffenseRecord, table: Offenses | None = None) -> Coding:
    """The offense of one record: by its NCIC code, NIBRS code, statute or the words of its charge,
    the first that tells.

    Where a later one names an offense of the worst tier and the first does not, they disagree and
    nobody guesses. What never ranks by itself leaves the decision to the others; where they name no
    offense either, the record does not rank. Anything else that cannot be told is left to a person.
    """
    table = table or offenses()
    key = facts(record)
    found = table.memo.get(key)
    if found is None:
        found = _code(record, table)
        if len(table.memo) >= REMEMBERED_CODINGS:
            table.memo.clear()
        table.memo[key] = found
    return found


def _code(record: OffenseRecord, table: Offenses) -> Coding:
    ncic = record.ncic.strip()
    words = normalise(record.charge, table.wording)
    named = read_charge(words, table.grave, table.charges)
    said = [
        *_read_code("ncic", ncic, table.by_code, table.review, table.unranked),
        *_read_code(
            "nibrs",
            record.nibrs.strip().upper(),
            table.nibrs,
            table.nibrs_review,
            table.nibrs_unranked,
        ),
        *_read_statute(record.statute, record.jurisdiction, table),
        *_read_words(named, table),
    ]
    coded = [one for one in said if one.category]
    if not coded:
        return _uncoded(record, said, named, table)
    first = _narrow(coded)
    graver = _contradicts(first, coded, named, table)
    if graver:
        return Coding(
            None, True, first.field, first.rule, f"{first.why}, but {graver}: they disagree"
        )
    category = first.category
    assert category is not None  # else it is not among the coded
    form = "attempt" if cites_attempt(record.statute) else ""
    traits = read_traits(table.traits, category.id, category.violent, ncic, words, form)
    return Coding(category, True, first.field, first.rule, first.why, traits)


def _narrow(coded: list[Said]) -> Said:
    """The first, or what a later one says that the first leaves open."""
    first = coded[0]
    for other in coded[1:]:
        if other.category and other.category.id in _left_open(first):
            why = f"{first.why}; {other.why}"
            first = Said(other.field, other.rule, other.outcome, other.category, why)
    return first


def _left_open(said: Said) -> frozenset[str]:
    """The categories that the offense may be by what one field says of it."""
    category = said.category
    if category is None:
        return frozenset()
    codes = category.leaves_open
    return category.narrower if not codes or said.rule.split()[-1] in codes else frozenset()


def _contradicts(first: Said, coded: list[Said], named: Named, table: Offenses) -> str:
    """Who names an offense of the worst tier that the first says it is not."""
    if first.category is None:
        return ""
    for other in coded:
        if other.category and _hides(first.category, other.category):
            return other.why
    titles = [
        table.categories[name].title
        for name in named.categories
        if _hides(first.category, table.categories[name])
    ]
    if titles and first.category.id not in named.categories:
        return _say_words(titles)
    return ""


def _hides(said: Category, other: Category) -> bool:
    """Would a graver offense be lost if a record were coded as `said`?"""
    if not other.grave or other is said:
        return False
    return not said.grave or (other.kind != said.kind and other.order < said.order)


def _uncoded(record: OffenseRecord, said: list[Said], named: Named, table: Offenses) -> Coding:
    """No field tells the offense: left to a person, unless all that is said never ranks."""
    review = [one for one in said if one.outcome == "review"]
    if review:
        return Coding(None, True, review[0].field, review[0].rule, review[0].why)
    unranked = [one for one in said if one.outcome == "unranked"]
    if unranked:
        first = unranked[0]
        if named.worst or named.categories:
            why = f"{first.why}; but the words of the charge name more than that"
            return Coding(None, True, first.field, first.rule, why)
        return Coding(None, False, first.field, first.rule, first.why)
    numbers = [("NCIC", record.ncic), ("NIBRS", record.nibrs), ("statute", record.statute)]
    seen = [f"{name} {text.strip()!r} is unknown" for name, text in numbers if text.strip()]
    seen = seen or ["there is no NCIC code, NIBRS code or statute"]
    why = f"{' and '.join(seen)}; no charge is recorded"
    if record.charge.strip():
        titles = [table.categories[name].title for name in named.categories]
        several = f": {' or '.join(titles)}" if len(titles) > 1 else ""
        why = f"{' and '.join(seen)}; the charge names no single offense of the table{several}"
    return Coding(None, True, "", "", why)


def _read_code(
    name: str,
    number: str,
    categories: Mapping[str, Category],
    review: Mapping[str, str],
    unranked: Mapping[str, str],
) -> Iterable[Said]:
    shown, rule = f"{name.upper()} {number}", f"{name} {number}"
    if number in categories:
        category = categories[number]
        yield Said(name, rule, "category", category, f"{shown}: {category.title}")
    elif number in review:
        yield Said(name, rule, "review", None, f"{shown}: {review[number]}")
    elif number in unranked:
        why = f"{shown} does not rank by itself: {unranked[number]}"
        yield Said(name, rule, "unranked", None, why)


def _read_statute(text: str, jurisdiction: str, table: Offenses) -> Iterable[Said]:
    key = read_citation(text, jurisdiction, table.statutes) if text else None
    found = look_up(key, table.statutes) if key else None
    if found is None:
        return
    rule, name, reason = found
    if reason:
        why = f"{rule} does not rank by itself: {reason}"
        yield Said("statute", f"statute {rule}", "unranked", None, why)
    elif name:
        category = table.categories[name]
        yield Said("statute", f"statute {rule}", "category", category, f"{rule}: {category.title}")


def _read_words(named: Named, table: Offenses) -> Iterable[Said]:
    rule = f"charge {named.rule}"
    if named.unranked:
        why = f"the words of the charge do not rank by themselves: {named.unranked[1]}"
        yield Said("charge", rule, "unranked", None, why)
    elif len(named.categories) == 1 and not named.held:
        category = table.categories[named.categories[0]]
        yield Said("charge", rule, "category", category, _say_words([category.title]))


def _say_words(titles: list[str]) -> str:
    return f"the words of the charge: {' and '.join(titles)}"
