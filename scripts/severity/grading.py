"""Degrees as files write them, as places on one scale: infractions, misdemeanors, felonies."""

from __future__ import annotations

import re
from typing import Final

from engine.risk.suggesting import GRADES
from engine.types import Degree

ANY: Final = {"F": Degree.FELONY, "M": Degree.MISDEMEANOR, "P": Degree.INFRACTION}
# Texas marks by their longest sentence, as South Dakota's classes: SDCL 22-6-1, Texas Penal Code 12
TEXAS: Final = {
    "FX": "FA", "F1": "F1", "F2": "F2", "F3": "F4", "SJF": "F6", "FS": "F6", "A": "M1", "MA": "M1",
    "B": "M2", "MB": "M2",
}  # fmt: skip
_FELONY = re.compile(r"^(?:F|FEL|FELONY)$|FELONY")
_MISDEMEANOR = re.compile(r"^(?:M|GM|MIS|MISD|MISDEMEANOR)$|MISDEMEANOR")
_INFRACTION = re.compile(r"^(?:P|PO|PETTY|I|INF|V|T)$|INFRACTION|VIOLATION|PETTY OFFENSE|ORDINANCE")
_ROMAN: Final = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6"}
_LETTER_FELONIES: Final = {"A": "F1", "B": "F2", "C": "F3", "D": "F5", "E": "F6", "H": "F6"}


def grade(degree: str) -> int | None:
    """The place of a degree in GRADES, 0 the least; None where it names no class of its kind.

    Written as "F3", "F-3", "FB", "Class 1 Misdemeanor", "Felony, Class C", "P", "Infraction".
    A letter after "F" is a class of South Dakota, one after "Class" of most other states.
    """
    text = " ".join(re.sub(r"[^A-Z0-9]+", " ", degree.upper()).split())
    if text in GRADES:
        return GRADES.index(text)
    if read_degree(degree) is Degree.INFRACTION:
        return 0
    short = re.fullmatch(r"([FM]) ?([0-9A-D])", text)
    named = re.search(r"\b(?:CLASS|CL|DEGREE) ([A-H]|\d|I{1,3}|IV|VI?)\b", text)
    if short is None and named is None:
        return None
    which = short.group(2) if short else _ROMAN.get(named.group(1), named.group(1))  # type: ignore[union-attr]
    if read_degree(degree) is Degree.MISDEMEANOR:
        return GRADES.index("M1" if which in "1A" else "M2")
    if read_degree(degree) is Degree.FELONY:
        name = f"F{min(max(int(which), 1), 6)}" if which.isdigit() else _LETTER_FELONIES.get(which)
        return GRADES.index(name) if name else None
    return None


def read_degree(degree: str) -> Degree:
    """Felony, misdemeanor or infraction; UNKNOWN where it is none or several of them."""
    text = " ".join(re.sub(r"[^A-Z0-9|]+", " ", degree.upper()).split())
    if "|" in text:
        kinds = {read_degree(part) for part in text.split("|")}
        return kinds.pop() if len(kinds) == 1 else Degree.UNKNOWN
    if re.fullmatch(r"([FMP]) ?[0-9A-DX]?|SJF|FS", text):
        return Degree.FELONY if text == "SJF" else ANY[text[0]]
    for found, kind in (
        (_FELONY, Degree.FELONY),
        (_MISDEMEANOR, Degree.MISDEMEANOR),
        (_INFRACTION, Degree.INFRACTION),
    ):
        if found.search(text):
            return kind
    return Degree.UNKNOWN
