"""What a record says of the act beyond its kind: by force, with a weapon, to someone's harm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.risk.tables import pattern, table_of

FILE = "traits.toml"
CODES = "ncic.toml"


@dataclass(frozen=True, slots=True)
class Traits:
    """Facts of the act, never of a person.

    violent: its kind is against a person by force or threat of it. weapon: one was used, carried or
    is what it is about. harm: someone was hurt or killed. drug: "trafficking", "possession" or "".
    inchoate: "attempt", "conspiracy", "solicitation", "accessory", "threat", or "" for the offense
    itself.
    """

    violent: bool = False
    weapon: bool = False
    harm: bool = False
    drug: str = ""
    inchoate: str = ""


NO_TRAITS = Traits()


@dataclass(frozen=True, slots=True)
class TraitRules:
    """The words that say a trait, words that look like it and do not, and the codes that say it."""

    weapon: re.Pattern[str]
    no_weapon: re.Pattern[str]
    harm: re.Pattern[str]
    no_harm: re.Pattern[str]
    inchoate: tuple[tuple[str, re.Pattern[str]], ...]
    armed_codes: frozenset[str]
    kills: frozenset[str]
    hurts: frozenset[str]
    armed: frozenset[str]
    drugs: Mapping[str, str]


def read_trait_rules(files: Mapping[str, bytes]) -> TraitRules:
    """The rules in `files`, by name; raises PolicyError where they do not hold."""
    table, codes = table_of(files, FILE), table_of(files, CODES)
    said = {name: pattern(f"(?<!\\S)(?:{table['words'][name]})(?!\\S)", f"{FILE}: {name}")
            for name in ("weapon", "no_weapon", "harm", "no_harm")}  # fmt: skip
    inchoate = tuple(
        (name, pattern(f"(?<!\\S)(?:{text})(?!\\S)", f"{FILE}: {name}"))
        for name, text in table["inchoate"].items()
    )
    return TraitRules(
        said["weapon"],
        said["no_weapon"],
        said["harm"],
        said["no_harm"],
        inchoate,
        frozenset(codes["weapon"]),
        frozenset(table["category"]["kills"]),
        frozenset(table["category"]["hurts"]),
        frozenset(table["category"]["armed"]),
        table["drug"],
    )


def read_traits(
    rules: TraitRules, category: str, violent: bool, ncic: str, words: str, inchoate: str = ""
) -> Traits:
    """The traits of an offense of `category`, by its NCIC code and the plain words of its charge.

    inchoate: as another field of the record has it; the words go before it.
    """
    form = next((name for name, said in rules.inchoate if said.search(words)), inchoate)
    done = form in ("", "accessory")
    return Traits(
        violent,
        category in rules.armed
        or ncic in rules.armed_codes
        or bool(rules.weapon.search(rules.no_weapon.sub(" ", words))),
        (done and (category in rules.kills or category in rules.hurts))
        or bool(rules.harm.search(rules.no_harm.sub(" ", words))),
        rules.drugs.get(category, ""),
        form,
    )
