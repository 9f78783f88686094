"""Which statute does a citation name, and which kind of offense is that statute?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.errors import PolicyError
from engine.risk.tables import pattern, shared_files, table_of

FILE, FEDERAL = "statutes.toml", "federal.toml"
US = "US"
LONGEST = 80  # characters of a citation that is looked at; more is a sentence
STATES = {
    "AL": "ALABAMA", "AK": "ALASKA", "AZ": "ARIZONA", "AR": "ARKANSAS", "CA": "CALIFORNIA",
    "CO": "COLORADO", "CT": "CONNECTICUT", "DE": "DELAWARE", "DC": "DISTRICT OF COLUMBIA",
    "FL": "FLORIDA", "GA": "GEORGIA", "HI": "HAWAII", "ID": "IDAHO", "IL": "ILLINOIS",
    "IN": "INDIANA", "IA": "IOWA", "KS": "KANSAS", "KY": "KENTUCKY", "LA": "LOUISIANA",
    "ME": "MAINE", "MD": "MARYLAND", "MA": "MASSACHUSETTS", "MI": "MICHIGAN", "MN": "MINNESOTA",
    "MS": "MISSISSIPPI", "MO": "MISSOURI", "MT": "MONTANA", "NE": "NEBRASKA", "NV": "NEVADA",
    "NH": "NEW HAMPSHIRE", "NJ": "NEW JERSEY", "NM": "NEW MEXICO", "NY": "NEW YORK",
    "NC": "NORTH CAROLINA", "ND": "NORTH DAKOTA", "OH": "OHIO", "OK": "OKLAHOMA", "OR": "OREGON",
    "PA": "PENNSYLVANIA", "PR": "PUERTO RICO", "RI": "RHODE ISLAND", "SC": "SOUTH CAROLINA",
    "SD": "SOUTH DAKOTA", "TN": "TENNESSEE", "TX": "TEXAS", "UT": "UTAH", "VT": "VERMONT",
    "VA": "VIRGINIA", "WA": "WASHINGTON", "WV": "WEST VIRGINIA", "WI": "WISCONSIN", "WY": "WYOMING",
}  # fmt: skip
PLACES = {**{name: name for name in STATES}, **{title: name for name, title in STATES.items()}}
COUNTRY = ("US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA")
FEDERATION = (*COUNTRY, "FED", "FEDERAL", "US FEDERAL")

ATTEMPT = re.compile(r"(?<![\d.])(?:664|110)(?:\.00)?[/-](?=\d)")  # California, New York

SECTION_SIGNS = re.compile(r"§+|\b(?:SECTIONS?|SECS?)\b\.?|(?<![\w.])S{1,2}\.? (?=\d)")
DOTS = re.compile(r"(?<=[A-Z])\.(?![\d])")
DEGREE = re.compile(r"\((?:[FM]\d[A-Z]?|FEL|MISD)\)$")
GAP_BEFORE_SUBSECTION = re.compile(
    r" (?=\()|(?<=\)) (?=\()|\b(?:SUBDIVISION|SUBD|SUBSECTION|SUBSEC) "
)


@dataclass(frozen=True, slots=True)
class Law:
    """One code of laws: how its citations are written, with its name or only the number."""

    id: str
    state: str
    named: tuple[re.Pattern[str], ...]
    local: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class Statutes:
    """The laws, and for each section by key its category, "" where that cannot be told without
    guessing; unranked: the reason of those that never rank by themselves; form: "attempt" or
    "conspiracy" of those that are no more than that."""

    laws: tuple[Law, ...]
    category: Mapping[str, str]
    unranked: Mapping[str, str]
    form: Mapping[str, str]


def read_statutes(files: Mapping[str, bytes]) -> Statutes:
    """The tables in `files`, by name; raises PolicyError where they do not hold."""
    table, federal = table_of(files, FILE), table_of(files, FEDERAL)
    category: dict[str, str] = {}
    unranked: dict[str, str] = {}
    form: dict[str, str] = {}
    laws = []
    for row in table["law"]:
        laws.append(_law(row, table["terms"]))
        for name, sections in row["sections"].items():
            for section in sections.split():
                _add(category, unranked, _canonical(row["id"], section), name)
        for reason, sections in row.get("unranked", {}).items():
            for section in sections.split():
                _add(unranked, category, _canonical(row["id"], section), reason)
        for name, sections in row.get("form", {}).items():
            form.update({_canonical(row["id"], section): name for section in sections.split()})
    by_hand = {*category, *unranked}
    for name, sections in federal["category"].items():
        category.update({f"{US} {key}": name for key in sections if f"{US} {key}" not in by_hand})
    for reason, sections in federal["unranked"].items():
        unranked.update({f"{US} {key}": reason for key in sections if f"{US} {key}" not in by_hand})
    return Statutes(tuple(laws), category, unranked, form)


@cache
def statutes() -> Statutes:
    """The tables of the package, read once."""
    return read_statutes(shared_files())


def read_citation(text: str, jurisdiction: str, table: Statutes | None = None) -> str | None:
    """The statute that `text` cites, as "US 18-2119", "CA PC 187(a)", "SD 22-16-4"; else None.

    jurisdiction: "TX", "US-TX", "Harris County, Texas", "federal", as recorded; it tells which
    law is meant where the citation does not. A text that is more than one citation names none.
    """
    table = table or statutes()
    cited = _plain(text)
    if not cited or len(cited) > LONGEST:
        return None
    place = read_place(jurisdiction)
    found = {_key(law, match) for law in table.laws for match in _matches(law, cited, place)}
    return found.pop() if len(found) == 1 else None


def cites_attempt(text: str) -> bool:
    """Does a citation put the section on attempts before the other, as "PC 664/187" does?"""
    return bool(ATTEMPT.search(text))


def cites_form(text: str, jurisdiction: str, table: Statutes) -> str:
    """What the statute is where it is no more than an "attempt" or a "conspiracy", else ""."""
    if cites_attempt(text):
        return "attempt"
    key = read_citation(text, jurisdiction, table) if text else None
    return next((table.form[one] for one in _holding(key) if one in table.form), "") if key else ""


def look_up(key: str, table: Statutes) -> tuple[str, str, str] | None:
    """The line of the table for a statute: its key, category and why it does not rank.

    A subsection that is not listed stands with the section that holds it. None where nothing is
    known; the category is "" where the section alone does not tell it.
    """
    for one in _holding(key):
        if one in table.unranked:
            return one, "", table.unranked[one]
        if one in table.category:
            return one, table.category[one], ""
    return None


def _holding(key: str) -> Iterator[str]:
    """The subsection, then what holds it, up to the section."""
    yield key
    while key.endswith(")"):
        key = key[: key.rindex("(")]
        yield key


def read_place(jurisdiction: str) -> str:
    """The state of a jurisdiction as its two letters, "US" for federal, "" where it names none."""
    parts = [" ".join(part.split()) for part in jurisdiction.upper().replace(".", "").split(",")]
    found = ""
    for part in reversed(parts):
        name = part.removeprefix("US-").removeprefix("STATE OF ").removeprefix("COMMONWEALTH OF ")
        if name in PLACES:
            return PLACES[name]
        if part in FEDERATION:
            found = US
        elif part in ("WASHINGTON DC", "WASHINGTON D C"):
            return "DC"
    return found


def _matches(law: Law, cited: str, place: str) -> list[re.Match[str]]:
    forms = law.named + (law.local if law.state == place else ())
    return [match for form in forms if (match := form.fullmatch(cited))][:1]


def _key(law: Law, match: re.Match[str]) -> str:
    groups = match.groupdict()
    number = re.sub(r",? ?S ?|,? ", "/", groups["n"]) if law.id == "MA" else groups["n"]
    title = f"{int(groups['t'])}-" if groups.get("t") else ""
    marks = "".join(f"({groups[name]})" for name in ("s1", "s2", "s3") if groups.get(name))
    last = f"({groups['last']})" if groups.get("last") else ""
    return _canonical(law.id, f"{title}{number}{marks}{groups.get('s') or ''}{last}")


def _canonical(law: str, section: str) -> str:
    """A key of the tables: number in capitals, subsections in small letters."""
    number, bracket, rest = section.partition("(")
    return f"{law} {number.upper()}{bracket}{rest.lower()}"


def _plain(text: str) -> str:
    cited = DOTS.sub("", " ".join(text.upper().split()))
    cited = SECTION_SIGNS.sub(" ", cited)
    cited = DEGREE.sub("", cited.strip())
    return " ".join(GAP_BEFORE_SUBSECTION.sub("", " ".join(cited.split())).split())


def _law(row: dict[str, Any], terms: dict[str, str]) -> Law:
    def forms(name: str) -> tuple[re.Pattern[str], ...]:
        said = []
        for text in row[name]:
            full = text
            for term, meant in terms.items():
                full = full.replace(f"%{term}%", meant)
            said.append(pattern(full, f"{FILE}: {row['id']}"))
        return tuple(said)

    return Law(row["id"], row.get("state", US), forms("named"), forms("local"))


def _add(table: dict[str, str], other: dict[str, str], key: str, value: str) -> None:
    if key in table or key in other:
        raise PolicyError(f"{FILE}: {key} is listed twice")
    table[key] = value
