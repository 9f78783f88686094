"""What came of the charge? From the words of a disposition to one of thirteen states."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from engine.errors import PolicyError
from engine.risk.tables import pattern, shared_files, table_of

FILE = "dispositions.toml"
REMEMBERED_TEXTS = 1 << 16  # distinct dispositions of one table kept; the same few are repeated
UNRECOGNISED = "unrecognised"
NOT_A_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Disposition:
    """The state of a disposition and the pattern that told it ("" where none fitted)."""

    state: str
    rule: str


@dataclass(frozen=True, slots=True)
class Conviction:
    """The words of a conviction, those that only look like it (negated), and its denial (never)."""

    words: re.Pattern[str]
    negated: re.Pattern[str]
    never: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """What fits `words` is in `state`; clear: even beside the words of a conviction."""

    state: str
    words: re.Pattern[str]
    clear: bool


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The states, the words that are taken out first (with the state where nothing else is said),
    the rules in the order of testing, and the states that must not swallow a conviction.

    memo: of the texts read so far.
    """

    version: str
    states: tuple[str, ...]
    ignore: tuple[tuple[str, re.Pattern[str]], ...]
    rules: tuple[Rule, ...]
    dropping: frozenset[str]
    conviction: Conviction
    memo: dict[str, Disposition] = field(default_factory=dict, repr=False)


def read_vocabulary(files: Mapping[str, bytes]) -> Vocabulary:
    """The table in `files`, by name; raises PolicyError where it does not hold."""
    table = table_of(files, FILE)
    states = tuple(table["states"])
    named = [rule["state"] for rule in table["rule"]] + [one["alone"] for one in table["ignore"]]
    for state in [*named, *table["dropping"]]:
        if state not in states:
            raise PolicyError(f"{FILE}: unknown state {state!r}")
    rules = tuple(
        Rule(rule["state"], pattern(text, f"{FILE}: {rule['state']}"), rule.get("clear", False))
        for rule in table["rule"]
        for text in rule["patterns"]
    )
    ignore = tuple(
        (one["alone"], pattern(text, f"{FILE}: ignore"))
        for one in table["ignore"]
        for text in one["patterns"]
    )
    said = {name: pattern(text, f"{FILE}: {name}") for name, text in table["conviction"].items()}
    conviction = Conviction(said["words"], said["negated"], said["never"])
    return Vocabulary(
        table["version"], states, ignore, rules, frozenset(table["dropping"]), conviction
    )


@cache
def vocabulary() -> Vocabulary:
    """The table of the package, read and checked once."""
    return read_vocabulary(shared_files())


def read_disposition(text: str, table: Vocabulary | None = None) -> Disposition:
    """The state that `text` states, by the first rule of dispositions.toml that fits."""
    table = table or vocabulary()
    found = table.memo.get(text)
    if found is None:
        found = _read(text, table)
        if len(table.memo) >= REMEMBERED_TEXTS:
            table.memo.clear()
        table.memo[text] = found
    return found


def _read(text: str, table: Vocabulary) -> Disposition:
    plain = unicodedata.normalize("NFKC", text).lower()
    said = NOT_A_WORD.sub(" ", plain).strip()
    if not said and any(letter.isalnum() for letter in plain):
        return Disposition(UNRECOGNISED, "")  # in letters that nobody here reads
    left, alone = said, ""
    for state, words in table.ignore:
        less = " ".join(words.sub(" ", left).split())
        if less != left:
            left, alone = less, state
    if said and not left:
        return Disposition(alone, "ignore")
    for rule in table.rules:
        if rule.words.search(left):
            if _is_two_things(left, rule, table):
                return Disposition(UNRECOGNISED, rule.words.pattern)
            return Disposition(rule.state, rule.words.pattern)
    return Disposition(UNRECOGNISED, "")


def _is_two_things(said: str, rule: Rule, table: Vocabulary) -> bool:
    """Does the disposition speak of a conviction and of its opposite?"""
    conviction = table.conviction
    if rule.state in table.dropping and not rule.clear:
        return bool(conviction.words.search(conviction.negated.sub(" ", said)))
    return rule.state == "convicted" and bool(conviction.never.search(said))
