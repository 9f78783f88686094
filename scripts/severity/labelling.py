"""What a label of a public file says in Tenprint's own words: categories and broad types.

The table from codes of the Uniform Crime Classification Standard (UCCS: type, category, modifier)
to categories is Tenprint's own. Where one code holds several of our categories, words decide.
"""

from __future__ import annotations

import re
from typing import Final

from engine.risk.coding import code
from engine.types import OffenseRecord

# First three digits of a UCCS code: the fourth says attempted or conspired. A pair of words and a
# category goes before the category after it.
UCCS: Final[dict[str, tuple[str | tuple[str, str], ...]]] = {
    "101": ("murder",), "104": ("manslaughter",), "105": ("manslaughter",), "106": ("kidnapping",),
    "107": ("rape",), "108": ("statutory-rape",), "109": ("child-sexual-abuse",),
    "110": ("sexual-assault",), "111": ("human-trafficking",), "112": ("human-trafficking",),
    "115": ("human-trafficking",), "116": ("human-trafficking",), "118": ("robbery",),
    "119": ("robbery",), "120": ("aggravated-assault",), "121": ("assault",), "122": ("cruelty",),
    "123": ("assault",),
    "124": ((r"EXTORT|BLACKMAIL|COERC", "extortion"), (r"STALK|HARAS", "stalking"), "threat"),
    "125": ("hit-and-run",),
    "201": ("burglary",), "202": ("arson",), "203": ("vehicle-theft",),
    "204": ((r"FORG|COUNTERF|FICT|SIMULAT", "forgery"), "fraud"),
    "205": ("larceny",), "206": ("larceny",), "207": ("larceny",),
    "208": ((r"LAUND", "money-laundering"), "fraud"), "210": ("stolen-property",),
    "211": ("property",), "212": ("hit-and-run",), "213": ("vehicle-theft",),
    "214": ("public-order",), "215": ("property",), "299": ("property",),
    **{f"30{n}": ("drug-trafficking",) for n in range(1, 9)}, "309": ("drug-possession",),
    **{f"31{n}": ("drug-possession",) for n in range(7)}, "324": ("drugs-unspecified",),
    "325": ("drug-possession",), "399": ("drugs-unspecified",),
    "401": ("impaired-driving",), "402": ("impaired-driving",), "403": ("impaired-driving",),
    "501": ("riot",), "502": ("escape",), "503": ("escape",), "504": ("weapons",),
    "507": ("court-order",), "508": ("court-order",),
    "509": ((r"BAIL|APPEAR|FTA|BOND", "court-order"), "obstruction"),
    "510": ((r"CUSTOD|KIDNAP", "custodial-interference"), "neglect"),
    "511": ((r"EXPOS|LEWD|VOYEUR|VISUAL", "indecency"), "public-order"), "513": ("obstruction",),
    "514": ((r"VISUAL|VOYEUR|PHOTO", "indecency"), "public-order"),
    "515": ((r"CHILD|MINOR", "child-exploitation"), (r"PROMOT|COMPEL", "prostitution-business"),
            "public-order"),
    "516": ("public-order",), "517": ("public-order",), "518": ("regulatory",),
    "519": ("regulatory",), "520": ("bribery",), "599": ("public-order",), "601": ("traffic",),
}  # fmt: skip
# Codes of immigration (512) and other violence (199) name no category.

BROAD_OF: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "murder",
            "terrorism",
            "homicide",
            "rape",
            "child-sexual-abuse",
            "child-exploitation",
            "ransom-kidnapping",
            "kidnapping",
            "human-trafficking",
            "sexual-assault",
            "statutory-rape",
            "robbery",
            "aggravated-assault",
            "manslaughter",
            "sex-offense",
            "cruelty",
            "bomb-threat",
            "explosives",
            "threat",
            "extortion",
            "assault",
            "stalking",
        ),
        "violent",
    ),
    **dict.fromkeys(
        (
            "arson",
            "burglary",
            "larceny",
            "vehicle-theft",
            "stolen-property",
            "forgery",
            "fraud",
            "embezzlement",
            "property",
            "money-laundering",
            "bad-check",
        ),
        "property",
    ),
    **dict.fromkeys(
        (
            "drug-trafficking",
            "drugs-unspecified",
            "drug-possession",
        ),
        "drug",
    ),
    "impaired-driving": "impaired-driving",
    "traffic": "traffic",
}
# Types as files write them; a category that is in no list above is of public order.
BROAD_NAMED: Final = {
    "violent": "violent", "violence": "violent", "person": "violent", "property": "property",
    "drug": "drug", "drugs": "drug", "public order": "public-order",
    "dui offense": "impaired-driving", "dui": "impaired-driving", "dwi": "impaired-driving",
    "impaired driving": "impaired-driving",
    "criminal traffic": "traffic", "traffic": "traffic",
}  # fmt: skip


def read_uccs(number: str, text: str) -> str:
    """The category of a UCCS code, "" where it has none. text: the charge, in capitals."""
    for case in UCCS.get(number.strip().zfill(4)[:3], ()):
        if isinstance(case, str):
            return case
        if re.search(case[0], text):
            return case[1]
    return ""


def read_rules(text: str) -> str:
    """The category that the text rules of the package find in a charge, "" where none."""
    category = code(OffenseRecord("", charge=text)).category
    return category.id if category else ""


def broad_of(category: str) -> str:
    """The broad type of a category, "" for none."""
    return BROAD_OF.get(category, "public-order") if category else ""


def read_broad(named: str) -> str:
    """The broad type that a file names, "" where it is none of ours."""
    return BROAD_NAMED.get(" ".join(re.sub(r"[^a-z]+", " ", named.lower()).split()), "")
