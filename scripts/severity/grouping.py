"""Which charges may not be on both sides of a fold."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DEGREE = re.compile(r"\s*\(\s*(?:[A-Z0-9]?FEL|F\d?|M\d?|P|PO|F[ABC]|[A-Z]{1,2}\d?)\s*\)\s*$")
_PART = re.compile(r"\s*\(.*$")
MOSTLY = 0.5  # of the charges must have a statute for it to group them


def put_statute(statute: str) -> str:
    """A statute without its subsections and degree: "22-30A-17(F6)", "22-30A-17 (2)" alike."""
    text = " ".join(statute.upper().split()).removeprefix("§").strip(" .")
    return _PART.sub("", _DEGREE.sub("", text)).strip(" .,;") or text


def group(
    statutes: Sequence[str], plain: Sequence[str], texts: Sequence[str]
) -> dict[str, list[str]]:
    """Groups by name, the one that figures are of first, "ungrouped" last.

    statutes: as written, blank where there is none. plain: the charges' plain words. texts: the
    charges without labels.
    """
    alone = [f"row {i}" for i in range(len(plain))]
    if sum(map(bool, statutes)) < MOSTLY * len(plain):
        written = [text.upper() for text in texts]
        return {"text": list(plain), "text as written": written, "ungrouped": alone}
    put = [put_statute(one) or f"text {text}" for one, text in zip(statutes, plain, strict=True)]
    written = [one or f"text {text}" for one, text in zip(statutes, plain, strict=True)]
    return {
        "statute": put,
        "statute or text": join(put, plain),
        "statute as written": written,
        "ungrouped": alone,
    }


def join(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Groups of all that are linked by either key, over any number of steps."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, second in zip(one, other, strict=True):
        parent[root(f"1 {first}")] = root(f"2 {second}")
    return [root(f"1 {first}") for first in one]
