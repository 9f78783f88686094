"""A charge as numbers: hashed n-grams of its words, the facts that grade it, and what rules say."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from engine.risk.coding import code
from engine.risk.wording import normalise
from engine.types import F32, OffenseRecord

BINS = 2**14  # of each of the two kinds of n-grams
CHARACTERS, WORDS = (2, 5), (1, 3)  # lengths of n-grams
WORD = r"[<>]*=?\$?[\w.]+"
WRITTEN = re.compile(r"[<>=$\w.%]+")
REMEMBERED_CHARGES = 65_536  # put plainly; charges repeat heavily
SOME_WORDS = 10.0  # the length of a charge is told in these
LONGEST_WORDS = 20
THOUSANDS = {"K": 1e3, "THOUSAND": 1e3, "MILLION": 1e6}

# Whom it was done to moves nothing: the words for a victim's sex are taken out, those that also
# say "a child" or "a spouse" (which grade an offense) are kept as that.
NEUTRAL = (
    (re.compile(r"\b(BOYS?|GIRLS?)\b"), "CHILD"),
    (re.compile(r"\b(WIFE|HUSBAND)\b"), "SPOUSE"),
    (re.compile(r"\b(FE)?MALES?\b|\b(WO)?M[AE]N\b|\bHOMOSEXUAL\w*|\bGAY\b|\bLESBIAN\b"), " "),
)

_ORDINALS = (("1ST|FIRST", "1"), ("2ND|SECOND", "2"), ("3RD|THIRD", "3"))
_LATER = r"4TH|FOURTH|5TH|FIFTH|6TH|SIXTH|7TH|SEVENTH"
FACTS: dict[str, str] = {
    **{f"degree {n}": rf"\b({words}|{n}) (DEGREE|DEG)\b" for words, n in _ORDINALS},
    "degree 4": rf"\b({_LATER}|4|5) (DEGREE|DEG)\b",
    **{
        f"offense {n}": rf"\b({words})( OR SUBSEQUENT)? (OFFENSE|CONVICTION|VIOLATION|OFF)\b"
        for words, n in (*_ORDINALS, (_LATER, "4"))
    },
    "again": r"\b(SUBSEQ\w*|REPEAT\w*|PRIORS?|PREV\w*|HABITUAL|MULTIPLE|[23] OR MORE)\b",
    "habitual": r"\bHABITUAL (CRIMINAL|OFFENDER|FELON)|\bCAREER CRIMINAL",
    "aggravated": r"\bAGG(RAVATED)?\b",
    "attempt": r"\bATTEMPT",
    "conspiracy": r"\b(CONSPIR|SOLICIT)",
    "weapon": r"\b(WEAPONS?|FIREARMS?|GUN|KNIFE|DEADLY|PISTOL|RIFLE|ARMED)\b",
    "death": r"\b(DEATH|KILL\w*|HOMICIDE|MANSLAUGHTER|MURDER|FATAL\w*)\b",
    "injury": r"\b(INJUR\w*|BODILY|HARM)\b",
    "serious": r"\b(SERIOUS|GREAT BODILY|SUBSTANTIAL)\b",
    "young": r"\b(MINORS?|CHILD\w*|JUVENILE|INFANT|UNDER AGE)\b",
    "age": r"\b(LESS THAN|UNDER|YOUNGER THAN|<) ?"
    r"(7|1\d|SEVEN|TEN|TWELVE|THIRTEEN|FOURTEEN|SIXTEEN)\b",
    "felony": r"\bFELON",
    "misdemeanor": r"\bMISDEMEANOR",
    "petty": r"\bPETTY\b",
    "intent": r"\bINTENT",
    "dealing": r"\b(DISTRIB\w*|DELIVER\w*|MANUF\w*|DISPENS\w*|TRAFFICK\w*|SELL\w*|SALE)\b",
    "possession": r"\bPOSS",
    "schedule 1": r"\bSCHED\w* (I|II|1|2)\b",
    "schedule 3": r"\bSCHED\w* (III|IV|V|3|4|5)\b",
    "drug": r"\b(CONTROLLED|DRUGS?|MARI\w*UANA|METH\w*|COCAINE|HEROIN|NARC\w*|SUBSTANCE)\b",
    "sexual": r"\b(RAPE|SEX\w*|INCEST|MOLEST\w*|SODOMY|PORN\w*)\b",
    "force": r"\b(FORC\w*|COERC\w*|THREAT\w*|RANSOM)\b",
    "officer": r"\b(OFFICERS?|LAW ENFORCEMENT|CORRECTION\w*|POLICE|JUDGE|SERVANT)\b",
    "driving": r"\b(DRIV\w*|VEHICLES?|LICENSE|TRAFFIC|SPEED\w*|HIGHWAY|LAMPS?|PLATES?|LANE)\b",
    "leisure": r"\b(PARK\w*|BICYCLE|DOGS?|ANIMALS?|FISH\w*|HUNT\w*|BOAT\w*|SNOWMOBILE)\b",
    "stealing": r"\b(THEFT|LARCENY|STOLEN|STEAL\w*)\b",
    "deceit": r"\b(FRAUD\w*|FORG\w*|FALSE|COUNTERFEIT\w*)\b",
    "dwelling": r"\b(OCCUPIED|DWELLING|HABITATION|STRUCTURE)\b",
    "duty": r"\b(REQUIRED|PROHIBITED|RESTRICT\w*|FAIL\w*|IMPROPER)\b",
}
_FACTS = tuple(re.compile(found) for found in FACTS.values())
_MONEY = re.compile(r"\$ ?(\d[\d.]*)[ -]?(K|THOUSAND|MILLION)?\b")
_UNDER = re.compile(r"<|\b(UNDER|LESS|NOT MORE|UP TO)\b")
_SUMS = (1e3, 1e4, 1e5)  # dollars at which many statutes change the degree
N_FACTS = len(FACTS) + 4 + len(_SUMS) + 1


@lru_cache(maxsize=REMEMBERED_CHARGES)
def put_plainly(charge: str) -> str:
    """The words of a charge, abbreviations written out, without those for a victim's sex."""
    return _neutral(normalise(charge))


def put_both_ways(plain: str, charge: str) -> str:
    """The charge put plainly, and as it was written: each form has words the other lacks."""
    return f"{plain} / {_neutral(' '.join(WRITTEN.findall(charge.upper())))}"


def _neutral(text: str) -> str:
    for found, instead in NEUTRAL:
        text = found.sub(instead, text)
    return " ".join(text.split())


def describe(
    charges: Sequence[str], categories: Sequence[str], bins: int = BINS
) -> tuple[Any, F32]:
    """Counts of n-grams, sparse float32 (n, 2 * bins), and facts with the rules' category (n, k).

    categories: ids, in the order of the columns that say which one the text rules of the package
    find; the last three say which place it has, whether it is violent, and that they find none.
    """
    from scipy.sparse import hstack

    plain = [put_plainly(charge) for charge in charges]
    both = [put_both_ways(*pair) for pair in zip(plain, charges, strict=True)]
    counts = hstack([hasher.transform(both) for hasher in _hashers(bins)], format="csr")
    place = {name: column for column, name in enumerate(categories)}
    return counts, np.stack([np.r_[find_facts(text), _ask_rules(text, place)] for text in plain])


@cache
def _hashers(bins: int) -> tuple[Any, Any]:
    """Of characters and of words: hashed, so that no vocabulary is kept."""
    from sklearn.feature_extraction.text import HashingVectorizer  # a second: only when needed

    how: dict[str, Any] = {
        "n_features": bins,
        "alternate_sign": False,
        "norm": None,
        "lowercase": False,
    }
    how |= {"dtype": np.float32}
    return (
        HashingVectorizer(analyzer="char_wb", ngram_range=CHARACTERS, **how),
        HashingVectorizer(analyzer="word", token_pattern=WORD, ngram_range=WORDS, **how),
    )


def find_facts(text: str) -> F32:
    """What grades an offense in most states: float32 (N_FACTS,), about 0..2 each."""
    said = [float(bool(found.search(text))) for found in _FACTS]
    sums = [_dollars(*found.groups()) for found in _MONEY.finditer(text)]
    most, least = max(sums, default=0.0), min(sums, default=0.0)
    under = bool(sums) and bool(_UNDER.search(text))
    said += [float(bool(sums)), math.log10(1 + most) / 3, math.log10(1 + least) / 3, float(under)]
    said += [float(most >= edge) for edge in _SUMS]
    said += [min(len(text.split()), LONGEST_WORDS) / SOME_WORDS]
    return np.array(said, np.float32)


def _dollars(number: str, unit: str | None) -> float:
    whole, _, cents = number.partition(".")
    return float(f"{whole}.{re.sub(r'[^0-9]', '', cents) or 0}") * THOUSANDS.get(unit or "", 1)


def _ask_rules(text: str, place: dict[str, int]) -> F32:
    """The category that the text rules find, as one of the columns, its place, violent, none."""
    said = np.zeros(len(place) + 3, np.float32)
    category = code(OffenseRecord("", charge=text)).category
    if category is None or category.id not in place:
        said[-1] = 1
    else:
        said[place[category.id]] = 1
        said[-3] = 1 - place[category.id] / len(place)
        said[-2] = category.violent
    return said
