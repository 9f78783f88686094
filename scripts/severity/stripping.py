"""Takes out of charges what would give their labels away: degrees and agencies' case numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

PASSES = 2
_MARK = r"(?:SJF|FS|FX|F[ -]?[1-9]|F[ABCHSX]|M[ -]?[1-9]|M[ABCX]|GM|PO|FEL|MISD|INF|[FMPICV])"
_CLASS = r"(?:CLASS|CL\.?) ?\W?(?:[A-Z]|\d|I{1,3}|IV|VI?)\W?[ ]"
_WORD = r"(?:FELONY|MISDEMEANOR|PETTY OFFENSE|INFRACTION)"
LABELS: dict[str, re.Pattern[str]] = {
    "degree in brackets": re.compile(rf"[(\[] ?{_MARK} ?(?:[)\]]|$)"),
    "degree as a suffix": re.compile(
        rf"(?<=[\w>)$])\s*[-_/]+\s*{_MARK}(?=\s*(?:$|[(\[/]|\s[A-Z]{{2,5}}\s?\d))"
        r"|(?<=[\w>)$])\s*-\s*[ABC](?=\s*(?:$|[(\[]))"
        r"|\bSJF\b|=?\b[FM]-?[1-6]\b"
    ),
    "degree in words": re.compile(
        rf"(?:--? ?|, ?)?\b(?:VIOLATION )?(?:AS|IS|AS A|IS A) (?:{_CLASS})?{_WORD}\b\.?"
        rf"|\b(?:A )?{_CLASS}{_WORD}\b|\b(?:1ST|2ND|3RD|FIRST|SECOND|THIRD) DEGREE {_WORD}\b"
        rf"|[(\[] ?{_WORD}(?: \d)? ?[)\]]|\b{_WORD}(?= ?/)|^(?:FELONY|MISDEMEANOR) (?!OF |IN )"
        rf"|(?:--? ?|, ){_WORD}\s*$|(?<![AYRFO]) {_WORD}\s*$",
        re.IGNORECASE,
    ),
    "case number": re.compile(
        r"[(\[]?(?<![\w$-])(?:RE-?IN\w*[-:. ]*)?(?:[A-Z]{1,7}\.?[A-Z]{0,4}[ #-]{0,2}[A-Z]{0,2}"
        r"\d{2,6}-\d{2,8}(?:-\d{1,6})?|#?\d{2,4}-\d{4,8})\b[)\]]?"
        r"|[(\[](?:[A-Z]{2,5}SO|[A-Z]{1,3}PD|THP|DPS|INSTANTER)\b[^)\]]*[)\]]",
    ),
}


def strip(text: str) -> tuple[str, list[str]]:
    """The charge without its labels, and the kinds of what was taken out."""
    kinds = set()
    for _ in range(PASSES):  # one label often hides another: "- Felony (F4)"
        for kind, found in LABELS.items():
            text, times = found.subn(" ", text)
            kinds |= {kind} if times else set()
        text = " ".join(text.split()).strip(" -,/")
    return text, sorted(kinds)


def strip_all(texts: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """All charges stripped, and of how many each kind of label was taken out."""
    counts: Counter[str] = Counter()
    stripped = []
    for text in texts:
        clean, kinds = strip(text)
        stripped.append(clean)
        counts.update([*kinds, *(["any"] if kinds else [])])
    return stripped, {kind: counts[kind] for kind in (*LABELS, "any")}


def read_mark(text: str) -> str:
    """The degree that a charge was marked with, "" where it was not: "F2" of "THEFT-F2(AB 05)"."""
    for kind in ("degree in brackets", "degree as a suffix"):
        found = LABELS[kind].search(text)
        if found:
            return re.sub(r"[^A-Z0-9]", "", found.group().upper())
    return ""
