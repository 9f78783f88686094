"""A charge in plain words: abbreviations written out, misspellings mended, docket marks gone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from engine.errors import PolicyError
from engine.risk.tables import shared_files, table_of

FILE = "abbreviations.toml"
MOST_PASSES = 8  # an expansion may open another; three have been seen
MENDED = range(5, 21)  # letters of a token that may be a misspelling

# Agency and case numbers: "SMPD 05-53152", "HCSOC11-41556", "#04-44483", "CR-18-0272", "TF02199-1".
CASE = re.compile(
    r"(?<![\w$<>=.])(?:[A-Z]{1,5}\.?[A-Z]{0,4}[ #-]{0,2})?#?"
    r"[A-Z]{0,3}\d{2,8}-\d{3,8}(?:-\d{1,6})?\b"
    r"|\b(?:CR|TF)-?\d{2,6}-\d{1,6}(?:-\d{1,4})?\b"
    r"|\b[A-Z]{1,5}\.?(?:PD|SO)[ #-]?#?[A-Z]?\d{5,9}\b"
)
# A degree as dockets mark it: "-F2", "(M1)", "/SJF", "F-1", " - A" at the end.
DEGREE = re.compile(
    r"(?<![\w$<>=.&'])(?:SJF|SJ|FS|FX|MX|F[ -]?\d[A-Z]?|M[ -]?\d[A-Z]?|M[ABC])(?![\w'])"
    r"|\((?:[FMPV]|FEL|MISD)\)"
    r"|-\s?[ABC]\s{0,2}(?=$|[(\[])"
)
WITHIN = re.compile(r"\bW ?/ ?I(?:N\b|(?= ?\d))")
WITHOUT = re.compile(r"\bW ?/ ?O(?:UT)?\b")
WITH_INTENT = re.compile(r"\bW ?/ ?I\b(?! ?/)")
WITH = re.compile(r"\bW ?/")
DOTTED = re.compile(r"\b(?:[A-Z]\.){2,}")
THOUSANDS = re.compile(r"(?<=\d)[,'](?=\d{3})")
CENTS = re.compile(r"(?<=\d)\.00\b")
AMOUNT_GAP = re.compile(r"(?<=[<>=$]) +(?=[$\d])|(?<=[<>]) (?==)")
AMOUNT = re.compile(r"([<>]=?|=<|=>)")
LETTERS_AND = re.compile(r"\b([ABDL]) ?& ?([BDEL])\b")  # A&B, B&E, D&D, L&L
NUMBER_OF = re.compile(r"(?<=[A-Z])#|#(?=\d)")
WORD = re.compile(
    r"[<>]=?\$?[\d.]+[A-Z]*%?|\$\d[\d.]*[A-Z]*|\.?\d+(?:\.\d+)*%?[A-Z]*|[A-Z]+[A-Z\d]*"
)


@dataclass(frozen=True, slots=True)
class Wording:
    """The table of abbreviations.

    words: one token to its words. phrases: by their first token, several tokens to their words,
    the longest first. mended: the words of which a misspelling is known by a token that shares
    all letters but one. known: tokens that look like such a misspelling and are none.
    """

    words: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]
    mended: Mapping[str, str]
    known: frozenset[str]


def read_wording(files: Mapping[str, bytes]) -> Wording:
    """The table in `files`, by name; raises PolicyError where it does not hold."""
    table = table_of(files, FILE)
    words: dict[str, tuple[str, ...]] = {}
    phrases: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for said, shorts in table["words"].items():
        for token in shorts.split():
            _add(words, token, tuple(said.split()))
    for said, keys in table["phrases"].items():
        for key in keys:
            first, *others = key.split()
            if not others:
                _add(words, first, tuple(said.split()))
                continue
            phrases.setdefault(first, []).append(((first, *others), tuple(said.split())))
    mended: dict[str, str] = {}
    for word in table["mended"]["words"]:
        if len(word) - 1 not in MENDED:
            raise PolicyError(f"{FILE}: {word!r} is too short or long to be known by a misspelling")
        for less in (word, *_one_letter_less(word)):
            if mended.setdefault(less, word) != word:
                raise PolicyError(f"{FILE}: {less!r} could be {word!r} or {mended[less]!r}")
    longest_first = {
        first: tuple(sorted(rows, key=lambda row: -len(row[0]))) for first, rows in phrases.items()
    }
    return Wording(words, longest_first, mended, frozenset(table["mended"]["known"]))


@cache
def wording() -> Wording:
    """The table of the package, read once."""
    return read_wording(shared_files())


def normalise(charge: str, table: Wording | None = None) -> str:
    """The words of a charge in capitals, one space between: "AGG ASLT W/DW-F2" becomes
    "AGGRAVATED ASSAULT WITH DEADLY WEAPON".

    Amounts stay as tokens ("<1G", ">=$100"). Normalising again changes nothing. The time it takes
    grows with the length of the charge and no faster.
    """
    table = table or wording()
    text = charge
    for _ in range(MOST_PASSES):
        plain = " ".join(_expand(_split(text), table))
        if plain == text:
            break
        text = plain
    return text


def _add(words: dict[str, tuple[str, ...]], token: str, said: tuple[str, ...]) -> None:
    if words.setdefault(token, said) != said:
        raise PolicyError(f"{FILE}: {token!r} is short for two things")


def _split(charge: str) -> list[str]:
    """The tokens of a charge, without agency numbers, degree marks and punctuation."""
    text = " ".join(unicodedata.normalize("NFKC", charge).upper().replace("’", "'").split())
    text = THOUSANDS.sub("", text)
    text = CASE.sub(" ", text)
    text = DEGREE.sub(" ", text)
    text = WITHIN.sub(" WITHIN ", text)
    text = WITHOUT.sub(" WITHOUT ", text)
    text = WITH_INTENT.sub(" WITH INTENT ", text)
    text = WITH.sub(" WITH ", text)
    text = DOTTED.sub(lambda found: found.group().replace(".", "") + " ", text)
    text = LETTERS_AND.sub(r" \1AND\2 ", text)
    text = CENTS.sub("", text).replace("'", "").replace("&", " AND ")
    text = text.replace("=<", "<=").replace("=>", ">=")
    text = AMOUNT_GAP.sub("", NUMBER_OF.sub(" ", text))
    return WORD.findall(AMOUNT.sub(r" \1", text))


def _expand(tokens: list[str], table: Wording) -> list[str]:
    """The tokens with every phrase, abbreviation and misspelling of the table written out."""
    out: list[str] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        for key, said in table.phrases.get(token, ()):
            if tuple(tokens[place : place + len(key)]) == key:
                out.extend(said)
                place += len(key)
                break
        else:
            out.extend(table.words[token] if token in table.words else (_mend(token, table),))
            place += 1
    return out


def _mend(token: str, table: Wording) -> str:
    """The word meant by a token with one letter dropped, added, changed or moved, else itself."""
    if len(token) not in MENDED or token in table.known or not token.isalpha():
        return token
    if token in table.mended:
        return table.mended[token]
    found = {table.mended[less] for less in _one_letter_less(token) if less in table.mended}
    return found.pop() if len(found) == 1 else token


def _one_letter_less(word: str) -> set[str]:
    return {word[:place] + word[place + 1 :] for place in range(len(word))}
