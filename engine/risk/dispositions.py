"""What came of the charge? From the words of a disposition to one of thirteen states."""

from __future__ import annotations

import re
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


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The states, the words that are taken out first, and the rules in the order of testing.

    memo: of the texts read so far.
    """

    version: str
    states: tuple[str, ...]
    ignore: tuple[re.Pattern[str], ...]
    only_ignored: str
    rules: tuple[tuple[str, re.Pattern[str]], ...]
    memo: dict[str, Disposition] = field(default_factory=dict, repr=False)


def read_vocabulary(files: Mapping[str, bytes]) -> Vocabulary:
    """The table in `files`, by name; raises PolicyError where it does not hold."""
    table = table_of(files, FILE)
    states = tuple(table["states"])
    for rule in table["rule"]:
        if rule["state"] not in states:
            raise PolicyError(f"{FILE}: unknown state {rule['state']!r}")
    rules = tuple(
        (rule["state"], pattern(text, f"{FILE}: {rule['state']}"))
        for rule in table["rule"]
        for text in rule["patterns"]
    )
    ignore = tuple(pattern(text, f"{FILE}: ignore") for text in table["ignore"])
    return Vocabulary(table["version"], states, ignore, table["only_ignored"], rules)


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
