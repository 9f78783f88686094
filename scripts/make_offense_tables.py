#!/usr/bin/env python3
"""Makes the tables of engine/risk/data that public code lists give, and checks the others by them.

    .venv/bin/python scripts/make_offense_tables.py FOLDER [--check]

FOLDER holds three public tables as CSV:

    ncic_OFFCodeSimpleType_niem50.csv   code,description   NIEM 5.0, CC BY 4.0, niem.gov
    nibrs_offense_niem41.csv            code,description   NIEM 4.1, CC BY 4.0, niem.gov
    ussg2016_statutory_index.csv        title,statute,guidelines   United States Sentencing
                                        Commission, Guidelines Manual 2016, Appendix A: a work of
                                        the United States government, in the public domain

It writes ncic.toml (NCIC titles, and which name a weapon) and federal.toml (statutes whose
guidelines all mean one category), and tells whether offenses.toml and nibrs.toml, which are
written by hand, name every code once and nibrs.toml its title. --check writes nothing and fails
where something differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

from engine.risk.coding import offenses
from engine.risk.tables import DATA, parse_table

NCIC, NIBRS = "ncic_OFFCodeSimpleType_niem50.csv", "nibrs_offense_niem41.csv"
INDEX = "ussg2016_statutory_index.csv"

# A weapon in the title of an NCIC code. Nothing that a title says of the victim is looked at.
WEAPON = re.compile(r"\b(?:GUN|WEAPON|ARMED|EXPLOSIVES?|INCENDIARY)\b")
UNARMED = re.compile(r"STGARM|STRONGARM|TRAFFICKING$")

KILLINGS = {"murder", "homicide", "manslaughter"}
# Guideline -> category, where the guideline means one. Those of several (2B1.1: theft, fraud and
# damage; 2A6.1: threats and hoaxes; 2A6.2: stalking and blows; 2X1.1: attempts of anything) are
# left out on purpose.
GUIDELINES = {
    "2A1.1": "murder", "2A1.2": "murder", "2A1.3": "homicide", "2A1.4": "manslaughter",
    "2A1.5": "murder", "2A2.1": "murder", "2A2.2": "aggravated-assault", "2A2.3": "assault",
    "2A2.4": "obstruction", "2A3.1": "rape", "2A3.2": "statutory-rape", "2A3.3": "sex-offense",
    "2A3.4": "sexual-assault", "2A3.5": "registration", "2A3.6": "registration",
    "2A4.1": "kidnapping", "2A4.2": "ransom-kidnapping", "2A5.1": "kidnapping",
    "2B1.6": "fraud", "2B2.1": "burglary", "2B3.1": "robbery",
    "2B3.2": "extortion", "2B3.3": "extortion", "2B4.1": "bribery", "2B5.1": "forgery",
    "2C1.1": "bribery", "2C1.2": "bribery", "2C1.3": "bribery", "2C1.5": "bribery",
    "2D1.1": "drug-trafficking", "2D1.2": "drug-trafficking", "2D1.5": "drug-trafficking",
    "2D1.6": "drug-trafficking", "2D1.8": "drug-trafficking", "2D1.10": "drug-trafficking",
    "2D1.14": "drug-trafficking", "2D2.1": "drug-possession", "2E1.4": "murder",
    "2E2.1": "extortion", "2G1.1": "prostitution-business", "2G1.3": "child-exploitation",
    "2G2.1": "child-exploitation", "2G2.2": "child-exploitation", "2G2.3": "child-exploitation",
    "2G2.6": "child-exploitation", "2H2.1": "regulatory", "2H4.1": "human-trafficking",
    "2J1.1": "obstruction", "2J1.2": "obstruction", "2J1.3": "obstruction", "2J1.4": "fraud",
    "2J1.5": "court-order", "2J1.6": "court-order", "2J1.9": "obstruction", "2K1.3": "explosives",
    "2K1.4": "arson", "2K2.1": "weapons", "2K2.4": "weapons", "2K2.5": "weapons",
    "2L1.1": "", "2L1.2": "", "2L2.1": "", "2L2.2": "", "2L2.5": "",
    "2M1.1": "national-security", "2M2.1": "national-security", "2M2.3": "national-security",
    "2M3.1": "national-security", "2M3.2": "national-security", "2M3.3": "national-security",
    "2M5.2": "weapons-trafficking", "2M5.3": "terrorism", "2N2.1": "regulatory",
    "2P1.1": "escape", "2P1.2": "contraband", "2P1.3": "riot", "2R1.1": "regulatory",
    "2S1.1": "money-laundering", "2S1.3": "money-laundering", "2T1.1": "regulatory",
    "2T2.1": "regulatory", "2T2.2": "regulatory", "2T3.1": "contraband",
}  # fmt: skip
IMMIGRATION = "immigration status"  # guidelines of "" above: chapter two, part L

HEAD = "# Made by scripts/make_offense_tables.py; do not edit.\n"
NCIC_HEAD = (
    HEAD
    + """#
# NCIC uniform offense codes: those whose title names a weapon that was used, carried or meant,
# which is Tenprint's reading, and the titles of all. Codes and titles: National Information
# Exchange Model (NIEM) 5.0, OFFCodeSimpleType, licence CC BY 4.0, https://www.niem.gov.

"""
)
FEDERAL_HEAD = (
    HEAD
    + """#
# Sections of the United States Code by category, "title-section", where all the sentencing
# guidelines that a section is referred to mean one category. Source: United States Sentencing
# Commission, Guidelines Manual (November 1, 2016), Appendix A, Statutory Index: a work of the
# United States government, in the public domain. Guideline to category: Tenprint's own, in
# the script. statutes.toml goes before this file where both name a section.
"""
)


def main() -> int:
    """Writes the tables, or compares with what is there; 1 where something is amiss."""
    about = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    about.add_argument("folder", type=Path, help="where the public tables lie")
    about.add_argument("--check", action="store_true", help="write nothing, compare only")
    asked = about.parse_args()
    made = {
        "ncic.toml": make_ncic(read(asked.folder / NCIC)),
        "federal.toml": make_federal(read(asked.folder / INDEX)),
    }
    amiss = []
    for name, text in made.items():
        path = DATA / name
        if not asked.check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            amiss.append(f"{name} is not what the script makes of {asked.folder}")
    amiss += check_codes(read(asked.folder / NCIC), read(asked.folder / NIBRS))
    for line in amiss:
        print(line, file=sys.stderr)
    return 1 if amiss else 0


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def make_ncic(rows: list[dict[str, str]]) -> str:
    """The text of ncic.toml."""
    armed = [
        row["code"]
        for row in rows
        if WEAPON.search(row["description"]) and not UNARMED.search(row["description"])
    ]
    titles = [f"{row['code']} = {json.dumps(row['description'])}" for row in rows]
    return "\n".join([f"{NCIC_HEAD}weapon = {listing(armed)}", "", "[titles]", *titles]) + "\n"


def make_federal(rows: list[dict[str, str]]) -> str:
    """The text of federal.toml."""
    meant: defaultdict[str, set[str | None]] = defaultdict(set)
    for row in rows:
        for section in expand(row["statute"]):
            for guideline in re.split(r",\s*(?![^(]*\))", row["guidelines"]):
                meant[f"{row['title']}-{section}"].add(GUIDELINES.get(guideline.strip()))
    by_category: defaultdict[str, list[str]] = defaultdict(list)
    for key, categories in meant.items():
        if len(categories) > 1 and categories <= KILLINGS:
            categories = {"homicide"}
        (category,) = categories if len(categories) == 1 else (None,)
        if category is not None:
            by_category[category].append(key)
    unranked = by_category.pop("")
    lines = [FEDERAL_HEAD + "\n[category]"]
    lines += [f"{name} = {listing(by_category[name])}" for name in sorted(by_category)]
    lines += ["\n[unranked]", f'"{IMMIGRATION}" = {listing(unranked)}\n']
    return "\n".join(lines)


def expand(statute: str) -> list[str]:
    """The sections that one line of the index names: "922(a)–(c)" is three, "3(a)(1),(2)" two.

    None for a line with a remark, such as one about earlier years.
    """
    section = r"(\d+[A-Za-z]{0,2}(?:-\d+)?)"
    marks = r"((?:\(\w{1,4}\))*?)"
    plain = re.fullmatch(rf"{section}{marks}", statute)
    run = re.fullmatch(rf"{section}{marks}\((\w)\)–\((\w)\)", statute)
    few = re.fullmatch(rf"{section}{marks}(\(\w+\)(?:, ?\(\w+\))+)", statute)
    found = plain or run or few
    if found is None:
        return []
    last = [""]
    if run:
        last = [f"({chr(one)})" for one in range(ord(run[3]), ord(run[4]) + 1)]
    elif few:
        last = re.findall(r"\(\w+\)", few[3])
    return [found[1].upper() + (found[2] + one).lower() for one in last]


def listing(keys: list[str]) -> str:
    """An array of strings over lines of at most 100 characters."""
    lines, line = [], " "
    for key in keys:
        word = f' "{key}",'
        if len(line) + len(word) > 100:
            lines.append(line)
            line = " "
        line += word
    return "[\n" + "\n".join([*lines, line]) + "\n]"


def check_codes(ncic: list[dict[str, str]], nibrs: list[dict[str, str]]) -> list[str]:
    """What is amiss with the codes of the tables written by hand."""
    table = offenses()
    known = {*table.by_code, *table.review, *table.unranked}
    titles = {
        row["code"]: row["title"]
        for row in parse_table((DATA / "nibrs.toml").read_bytes(), "nibrs.toml")["offense"]
    }
    return [
        *(
            f"offenses.toml: NCIC {code} is missing or no NCIC code"
            for code in sorted(known ^ {row["code"] for row in ncic})
        ),
        *(
            f"nibrs.toml: {row['code']} must be titled {row['description']!r}"
            for row in nibrs
            if titles.get(row["code"]) != row["description"]
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
