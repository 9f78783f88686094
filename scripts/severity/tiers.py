"""Are the gravest charges found? Level 1 under a policy, and the worst tier by the text rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from engine.risk.coding import code, offenses
from engine.risk.levels import assess
from engine.risk.policy import Policy
from engine.risk.suggesting import GRADES
from engine.types import Degree, OffenseRecord

WORST: Final = frozenset(
    ("murder", "homicide", "manslaughter", "rape", "child-sexual-abuse", "sexual-assault",
     "statutory-rape", "ransom-kidnapping", "kidnapping", "robbery", "human-trafficking",
     "drug-trafficking")
)  # fmt: skip
# A charge of the worst tier that is coded as one of these is as high up: no miss.
AS_GRAVE: Final = WORST | {"child-exploitation", "terrorism", "national-security"}
GRAVE: Final = GRADES.index("F2")  # and above stand for Level 1 where a file has but degrees
REVIEW: Final = 0
NO_LEVEL: Final = 9


def worst_tier(texts: Sequence[str], truth: Sequence[str]) -> dict:
    """Of the charges that are of the worst tier, how many the rules put there or send to review.

    texts: charges without labels. truth: category ids, "" where unknown. Rules see the text alone.
    """
    said = [code(OffenseRecord("", charge=text)).category for text in texts]
    review = np.array([one is None for one in said])
    worst = np.array([one in WORST for one in truth])
    found = np.array([one is not None and one.id in AS_GRAVE for one in said])
    missed = worst & ~found & ~review
    return {
        "charges": int(worst.sum()),
        "in_tier": _mean(found[worst]),
        "sent_to_review": _mean(review[worst]),
        "recall": _mean(~missed[worst]),
        "review_of_all": _mean(review),
        "missed": int(missed.sum()),
        "misses": [
            {"charge": texts[i], "truth": truth[i], "rules": one.id}
            for i, one in enumerate(said)
            if one is not None and missed[i]
        ],
    }


def true_levels(
    levels: np.ndarray, categories: Sequence[str], degree: np.ndarray, grade: np.ndarray,
    policy: Policy,
) -> tuple[np.ndarray, str]:  # fmt: skip
    """Levels int (n,), REVIEW where unknown, and where they are from, in words."""
    if levels.any():
        return levels, "column of levels"
    if any(categories):
        pairs = zip(categories, degree, strict=True)
        return np.array([_of_category(one, int(deg), policy) for one, deg in pairs]), (
            f"category of the file's code under {policy.name}"
        )
    if (grade >= GRAVE).any():
        said = np.where(grade >= GRAVE, 1, np.where(grade >= 0, NO_LEVEL, REVIEW))
        return said, f"no level and no code: {GRADES[GRAVE]} and graver degrees stand for Level 1"
    return np.zeros(len(levels), int), ""


def level_one(
    truth: np.ndarray, texts: Sequence[str], degree: np.ndarray, suggested: Sequence[str],
    severity: np.ndarray | None, policy: Policy,
) -> dict[str, Mapping]:  # fmt: skip
    """Recall and precision of Level 1 by the rules on text and degree, and by the suggestion.

    suggested: category ids, "" where none. severity: places of GRADES, told as Level 1
    from half a place under GRAVE on. Review is no Level 1 and no miss: it is told apart.
    """
    pairs = list(zip(texts, degree, strict=True))
    rules = np.array([_of_text(text, int(deg), policy) for text, deg in pairs])
    told: dict[str, Mapping] = {"rules": _rates(truth, rules)}
    missed = np.flatnonzero((truth == 1) & (rules != 1) & (rules != REVIEW))
    told["rules"] = {**told["rules"], "misses": [texts[i] for i in missed]}
    if any(suggested):
        levels = [
            _of_category(one, int(deg), policy) for one, deg in zip(suggested, degree, strict=True)
        ]
        told["suggestion"] = _rates(truth, np.array(levels))
        filled = np.where(rules == REVIEW, levels, rules)
        told["rules, then suggestion"] = _rates(truth, filled)
    if severity is not None:
        told["severity"] = _rates(truth, np.where(severity >= GRAVE - 0.5, 1, NO_LEVEL))
    return told


def _rates(truth: np.ndarray, said: np.ndarray) -> dict:
    known = truth != REVIEW
    one, first = (truth == 1) & known, said == 1
    return {
        "charges": int(one.sum()),
        "recall": _mean(first[one]),
        "review": _mean((said == REVIEW)[one]),
        "recall_or_review": _mean((first | (said == REVIEW))[one]),
        "precision": _mean(one[first & known]),
        "review_of_all": _mean(said == REVIEW),
    }


@cache
def _of_category(category: str, degree: int, policy: Policy) -> int:
    """The level of a conviction of this category, by any of its NCIC codes."""
    numbers = [number for number, one in offenses().by_code.items() if one.id == category]
    if not numbers:
        return REVIEW
    return _level(OffenseRecord("1", ncic=numbers[0], degree=Degree(degree)), policy)


def _of_text(text: str, degree: int, policy: Policy) -> int:
    return _level(OffenseRecord("1", charge=text, degree=Degree(degree)), policy)


def _level(record: OffenseRecord, policy: Policy) -> int:
    found = assess([replace(record, disposition="CONVICTED")], policy)
    if found.state == "needs-review":
        return REVIEW
    return found.level if found.level is not None else NO_LEVEL


def _mean(happened: np.ndarray) -> float | None:
    return float(happened.mean()) if len(happened) else None
