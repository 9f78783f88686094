"""What offense is this? From the codes, the statute and the words of a record to a category."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from engine.risk.categories import Category, Offenses, offenses, read_offenses
from engine.risk.charges import Named, put_alike, read_charge
from engine.risk.statutes import cites_form, look_up, read_citation, read_place
from engine.risk.traits import NO_TRAITS, Traits, read_traits
from engine.risk.wording import normalise
from engine.types import OffenseRecord

__all__ = ["Category", "Coding", "Offenses", "code", "offenses", "read_offenses"]

KILLING = "killing"  # the kind of the gravest of all
NO_DOUBTS: frozenset[str] = frozenset()
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

    outcome: "category", "review" (says too little) or "unranked" (never ranks by itself). doubts:
    the kinds of offenses with which that disagrees.
    """

    field: str
    rule: str
    outcome: str
    category: Category | None
    why: str
    doubts: frozenset[str] = frozenset()


def code(record: OffenseRecord, table: Offenses | None = None) -> Coding:
    """The offense of one record: by its NCIC code, NIBRS code, statute or the words of its charge,
    the first that tells.

    Where a later one names an offense of the worst tier and the first does not, or a more severe
    one than the first, they disagree and nobody guesses. Words that only repeat the title of the
    record's own code add nothing. What never ranks by itself leaves the decision to the others;
    where they name no offense either, the record does not rank. Anything else that cannot be told
    is left to a person.
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
    ncic, nibrs = record.ncic.strip(), record.nibrs.strip().upper()
    words = _plain(record.charge, table)
    if _repeats(words, [("ncic", ncic), ("nibrs", nibrs)], table):
        words = ""
    named = read_charge(words, table.charges)
    said = [
        *_read_code("ncic", ncic, table.by_code, table.review, table.unranked),
        *_read_code("nibrs", nibrs, table.nibrs, table.nibrs_review, table.nibrs_unranked),
        *_read_statute(record.statute, record.jurisdiction, table),
        *_read_words(named, table),
    ]
    coded = [one for one in said if one.category]
    unranked = [one for one in said if one.outcome == "unranked"]
    if unranked:
        coded = [one for one in coded if one.rule not in table.catch_all]
    if not coded:
        return _uncoded(record, said, named, table)
    first, passed = _narrow(coded)
    graver = _contradict(first, passed, coded, unranked, named, table)
    if graver:
        why = f"{first.why}, but {'; '.join(graver)}: they disagree"
        return Coding(None, True, first.field, first.rule, why)
    category = first.category
    assert category is not None  # else it is not among the coded
    form = cites_form(record.statute, record.jurisdiction, table.statutes)
    traits = read_traits(table.traits, category.id, category.violent, ncic, words, form)
    return Coding(category, True, first.field, first.rule, first.why, traits)


def _plain(charge: str, table: Offenses) -> str:
    return put_alike(normalise(charge, table.wording), table.charges)


def _repeats(words: str, codes: list[tuple[str, str]], table: Offenses) -> bool:
    """Are the words the title of a code of the record, or part of one that ranks nothing?"""
    for field, number in codes:
        title = _plain(table.titles.get((field, number), ""), table)
        ranks = number in (table.by_code if field == "ncic" else table.nibrs)
        if words and (words == title or (not ranks and f" {words} " in f" {title} ")):
            return True
    return False


def _narrow(coded: list[Said]) -> tuple[Said, frozenset[str]]:
    """The first, or what a later one says that the first leaves open; and the categories that left
    it open."""
    first, passed = coded[0], set()
    for other in coded[1:]:
        if other.category and other.category.id in _left_open(first):
            assert first.category is not None  # else nothing is left open
            passed.add(first.category.id)
            why = f"{first.why}; {other.why}"
            first = Said(other.field, other.rule, other.outcome, other.category, why)
    return first, frozenset(passed)


def _left_open(said: Said) -> frozenset[str]:
    """The categories that the offense may be by what one field says of it."""
    category = said.category
    if category is None:
        return frozenset()
    codes = category.leaves_open
    return category.narrower if not codes or said.rule.split()[-1] in codes else frozenset()


def _contradict(
    first: Said,
    passed: frozenset[str],
    coded: list[Said],
    unranked: list[Said],
    named: Named,
    table: Offenses,
) -> list[str]:
    """Who says that the offense is a graver one than the first does, or none that ranks."""
    category = first.category
    if category is None:
        return []
    found = [
        other.why
        for other in coded
        if other.category and other.category.id not in passed and _hides(category, other.category)
    ]
    if all(other.field != "charge" for other in coded):  # else its one category is among them
        titles = [
            table.categories[name].title
            for name in named.categories
            if name not in passed and _hides(category, table.categories[name])
        ]
        if titles:
            found.append(_say_words(titles))
    if not found and _may_hide(category, named):
        found.append("the words of the charge may mean something of the worst")
    if first.field != "charge":  # words that name a grave offense are plain enough
        found += [other.why for other in unranked if category.kind in other.doubts]
    return found


def _may_hide(said: Category, named: Named) -> bool:
    """May the words mean something graver than `said`, though no rule tells what?"""
    return named.worst if not said.grave else named.killing and said.kind != KILLING


def _hides(said: Category, other: Category) -> bool:
    """Would a graver offense be lost if a record were coded as `said`?"""
    return other.grave and other is not said and (not said.grave or other.order < said.order)


def _uncoded(record: OffenseRecord, said: list[Said], named: Named, table: Offenses) -> Coding:
    """No field tells the offense: left to a person, unless all that is said never ranks."""
    review = [one for one in said if one.outcome == "review"]
    unranked = [one for one in said if one.outcome == "unranked"]
    if unranked:
        review = [one for one in review if one.rule not in table.catch_all]
    if review:
        return Coding(None, True, review[0].field, review[0].rule, review[0].why)
    if unranked:
        first = unranked[0]
        if named.worst or named.categories:
            why = f"{first.why}; but the words of the charge name more than that"
            return Coding(None, True, first.field, first.rule, why)
        return Coding(None, False, first.field, first.rule, first.why)
    return Coding(None, True, "", "", _say_unknown(record, named, table))


def _say_unknown(record: OffenseRecord, named: Named, table: Offenses) -> str:
    """Why no field tells the offense, field by field."""
    numbers = [("NCIC", record.ncic), ("NIBRS", record.nibrs)]
    seen = [f"{name} {text.strip()!r} is unknown" for name, text in numbers if text.strip()]
    if record.statute.strip():
        seen.append(_say_statute(record, table))
    seen = seen or ["there is no NCIC code, NIBRS code or statute"]
    if not record.charge.strip():
        return "; ".join([*seen, "no charge is recorded"])
    titles = [table.categories[name].title for name in named.categories]
    several = f": {' or '.join(titles)}" if len(titles) > 1 else ""
    return "; ".join([*seen, f"the charge names no single offense of the table{several}"])


def _say_statute(record: OffenseRecord, table: Offenses) -> str:
    key = read_citation(record.statute, record.jurisdiction, table.statutes)
    shown = f"statute {record.statute.strip()!r}"
    if key and look_up(key, table.statutes):
        return f"{shown} ({key}) can be several offenses"
    if key:
        return f"{shown} ({key}) is not in the table"
    if not read_place(record.jurisdiction):
        return f"{shown} names no law, and the record no jurisdiction whose law it could be"
    return f"{shown} is unknown"


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
        doubts = next((one.doubts for one in table.charges.unranked if one.id == reason), NO_DOUBTS)
        yield Said("statute", f"statute {rule}", "unranked", None, why, doubts)
    elif name:
        category = table.categories[name]
        yield Said("statute", f"statute {rule}", "category", category, f"{rule}: {category.title}")


def _read_words(named: Named, table: Offenses) -> Iterable[Said]:
    rule = f"charge {named.rule}"
    if named.unranked:
        why = f"the words of the charge do not rank by themselves: {named.unranked.reason}"
        yield Said("charge", rule, "unranked", None, why, named.unranked.doubts)
    elif len(named.categories) == 1:
        category = table.categories[named.categories[0]]
        if _may_hide(category, named):
            return  # it may mean more than that: a person reads
        yield Said("charge", rule, "category", category, _say_words([category.title]))


def _say_words(titles: list[str]) -> str:
    return f"the words of the charge: {' and '.join(titles)}"
