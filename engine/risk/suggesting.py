"""Suggests what an offense is from the words of its charge: a help to whoever reads the record.

A suggestion gives no level and codes no record. It is shown with its probability, and may order
the cases that wait for review. It is made from the charge alone, by a linear model over hashed
n-grams (`weighing.py`, learned by scripts/train/charges.py; suggesting.json says from what).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.risk.describing import put_plainly
from engine.risk.weighing import Model, load, read_version
from engine.types import F32, Degree

WEIGHTS = Path(__file__).with_name("suggesting.npz")
REMEMBERED_SUGGESTIONS = 65_536  # distinct charges kept; charges repeat heavily
BROAD: Final = ("violent", "property", "drug", "public-order", "impaired-driving", "traffic")
# Degrees from petty offense to the gravest felony, as South Dakota names them (SDCL 22-6-1).
GRADES: Final = ("P", "M2", "M1", "F6", "F5", "F4", "F3", "F2", "F1", "FC", "FB", "FA")
FIRST_MISDEMEANOR, FIRST_FELONY = GRADES.index("M2"), GRADES.index("F6")

# Charges that get no suggestion, whatever the words may resemble: see "codes that never rank by
# themselves" in docs/severity.md. `unless` keeps what was done by force or to a child.
_FORCE_OR_CHILD = (
    r"\b(FORC\w*|COERC\w*|THREAT\w*|AGGRAVATED|RAPE\w*|ASSAULT\w*|CHILD\w*|MINORS?|WEAPON|KNIFE|GUN"
    r"|INFANT|JUVENILE|UNDER|LESS THAN|YOUNGER|VICTIM|ANIMALS?|BESTIALITY)\b"
)
SILENT: Final[dict[str, tuple[str, str]]] = {
    "same-sex conduct": (
        r"\b(HOMOSEXUAL\w*|SODOMY|SODOMIE|BUGGERY|(CRIMES?|OFFENSES?|ACTS?) AGAINST NATURE"
        r"|UNNATURAL (SEX\w*|ACTS?|INTERCOURSE|COPULATION)|SAME SEX|DEVIATE (SEX\w*|INTERCOURSE)"
        r"|SEX\w* PERVERSION|(GIRL|BOY|MAN|WOMAN|MALE|FEMALE) (ON )?"
        r"(GIRL|BOY|MAN|WOMAN|MALE|FEMALE))\b",
        _FORCE_OR_CHILD,
    ),
    "abortion": (
        r"\bABORT(ION\w*|IFACIENT\w*|ED|ING)\b|\bTERMINAT\w* (OF )?(A )?PREGNANCY\b"
        r"|\b(PRODUCE|PROCURE|CAUSE) (A )?MISCARRIAGE\b",
        "",
    ),
    "immigration status": (
        r"\bALIENS?\b|\bIMMIGRA\w*|\bDEPORT\w*|\bRE ?ENTRY\b|\bUNDOCUMENTED\b|\bNON ?CITIZENS?\b"
        r"|\b(ILLEGAL|UNLAWFUL) ENTRY\b(?! (OF|TO|INTO) )|\b(ILLEGAL|UNLAWFUL) PRESENCE\b"
        r"|\bNATURALI[SZ]ATION\b|\bVISA (OVERSTAY|VIOLATION)\b|\bFALSE CLAIM (OF|TO) CITIZENSHIP\b",
        "",
    ),
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What an offense may be.

    category: id of a category in data/offenses.toml. broad: one of BROAD. degree: with
    `degree_probability`. Probabilities 0..1 are calibrated on charges the model had not learned
    from, of the same states: elsewhere they are too sure. severity: 0 (petty) .. 11 (gravest),
    places of GRADES: below a felony the median place, so that many charges tie; from there on
    log2(1 + expected 2^place - 1), so that a likely grave felony comes first. model: version and
    first 12 hex digits of the SHA-256 of its weights.
    """

    category: str
    probability: float
    broad: str
    broad_probability: float
    degree: Degree
    degree_probability: float
    severity: float
    model: str


@lru_cache(maxsize=REMEMBERED_SUGGESTIONS)
def suggest(charge: str) -> Suggestion | None:
    """A suggestion for one charge, None for a blank one and for one that must get none.

    Raises PolicyError where the weights are missing or damaged.
    """
    return suggest_many([charge])[0]


def suggest_many(charges: Sequence[str]) -> list[Suggestion | None]:
    """Suggestions in the order of the charges, made together: several times as fast a charge."""
    made: list[Suggestion | None] = [None] * len(charges)
    spoken = [i for i, charge in enumerate(charges) if put_plainly(charge) and not silence(charge)]
    if spoken:
        model = shipped()
        judged = judge(model, model.see([charges[i] for i in spoken]))
        for row, i in enumerate(spoken):
            made[i] = judged.suggestion(row, model.version)
    return made


@dataclass(frozen=True, slots=True)
class Judged:
    """Probabilities of charges: of `categories` and of BROAD, float32 (n, answers), of GRADES."""

    categories: tuple[str, ...]
    category: F32
    broad: F32
    grade: F32

    def suggestion(self, row: int, version: str) -> Suggestion:
        category, broad, grade = self.category[row], self.broad[row], self.grade[row : row + 1]
        degree = sum_degrees(grade)[0]
        return Suggestion(
            self.categories[int(category.argmax())],
            float(category.max()),
            BROAD[int(broad.argmax())],
            float(broad.max()),
            Degree(int(degree.argmax()) + 1),
            float(degree.max()),
            float(weigh_severity(grade)[0]),
            version,
        )


def judge(model: Model, features: Any) -> Judged:
    """What a model with all heads says of features (n, k)."""
    head = model.heads
    return Judged(
        head["category"].answers,
        head["category"].say(features),
        head["broad"].say(features),
        head["grade"].say(features),
    )


def silence(charge: str) -> str:
    """Why a charge must get no suggestion ("abortion", ...), "" where it may get one."""
    text = " ".join(re.sub(r"[^A-Z0-9]+", " ", charge.upper()).split())
    for why, (found, unless) in _silent().items():
        if found.search(text) and not (unless and unless.search(text)):
            return why
    return ""


def sum_degrees(grade: F32) -> F32:
    """Probabilities of GRADES (n, 12) as those of infraction, misdemeanor and felony (n, 3)."""
    parts = np.split(grade, [FIRST_MISDEMEANOR, FIRST_FELONY], axis=1)
    return np.stack([part.sum(axis=1) for part in parts], axis=1)


def weigh_severity(grade: F32) -> F32:
    """Probabilities of GRADES (n, 12) as one place each on their scale: see Suggestion.severity."""
    median = np.minimum((grade.cumsum(axis=1) < 0.5).sum(axis=1), len(GRADES) - 1)
    gain = grade @ (2.0 ** np.arange(len(GRADES)) - 1)
    return np.where(median < FIRST_FELONY, median, np.log2(1 + gain)).astype(np.float32)


@cache
def model_version() -> str:
    """The version of the model of the package, without its weights. Raises PolicyError."""
    return read_version(WEIGHTS)


@cache
def shipped() -> Model:
    """The model of the package, read and checked once. Raises PolicyError."""
    return load(WEIGHTS)


@cache
def _silent() -> dict[str, tuple[re.Pattern[str], re.Pattern[str] | None]]:
    return {
        why: (re.compile(found), re.compile(unless) if unless else None)
        for why, (found, unless) in SILENT.items()
    }
