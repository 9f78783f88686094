"""What came of the charge? From the words of a disposition to one of thirteen states."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from engine.errors import PolicyError
from engine.risk.tables import DATA, pattern, read_table

REMEMBERED_TEXTS = 65_536  # distinct dispositions kept; the same few are written over and over
UNRECOGNISED = "unrecognised"
NOT_A_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Disposition:
    """The state of a disposition and the pattern that told it ("" where none fitted)."""

    state: str
    rule: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The states, the words that are taken out first, and the rules in the order of testing."""

    version: str
    states: tuple[str, ...]
    ignore: tuple[re.Pattern[str], ...]
    only_ignored: str
    rules: tuple[tuple[str, re.Pattern[str]], ...]


@cache
def vocabulary() -> Vocabulary:
    """The table of the package, read and checked once. Raises PolicyError."""
    table = read_table(DATA / "dispositions.toml")
    states = tuple(table["states"])
    for rule in table["rule"]:
        if rule["state"] not in states:
            raise PolicyError(f"dispositions.toml: unknown state {rule['state']!r}")
    rules = tuple(
        (rule["state"], pattern(text, f"dispositions.toml: {rule['state']}"))
        for rule in table["rule"]
        for text in rule["patterns"]
    )
    ignore = tuple(pattern(text, "dispositions.toml: ignore") for text in table["ignore"])
    return Vocabulary(table["version"], states, ignore, table["only_ignored"], rules)


@lru_cache(maxsize=REMEMBERED_TEXTS)
def read_disposition(text: str) -> Disposition:
    """The state that `text` states, by the first rule of dispositions.toml that fits."""
    table = vocabulary()
    said = NOT_A_WORD.sub(" ", text.lower()).strip()
    left = said
    for words in table.ignore:
        left = " ".join(words.sub(" ", left).split())
    if said and not left:
        return Disposition(table.only_ignored, "ignore")
    for state, words in table.rules:
        if words.search(left):
            return Disposition(state, words.pattern)
    return Disposition(UNRECOGNISED, "")
