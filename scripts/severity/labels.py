"""The labels of charges in numbers: what a model learns from and is judged by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.risk.coding import offenses
from engine.risk.describing import put_plainly
from engine.risk.suggesting import BROAD, GRADES
from severity.grading import grade, read_degree
from severity.labelling import read_broad, read_uccs
from severity.reading import Charges
from severity.stripping import strip_all

NONE = -1
LEAST = 30  # labelled charges of a kind, for a head to be learned or a figure to be made


@dataclass(frozen=True)
class Labels:
    """Of n charges: `texts` without hidden labels, `plain` their words; grade: int (n,), a place
    of GRADES; degree: int (n,), a Degree, 0 unknown; broad: int (n,), of BROAD; categories: ids,
    "" for none; levels: int (n,), 0 for none; violent: int (n,), 0 or 1. NONE where unknown.

    hidden: of how many charges each kind of label was taken out.
    """

    texts: list[str]
    plain: list[str]
    grade: np.ndarray
    degree: np.ndarray
    broad: np.ndarray
    categories: list[str]
    levels: np.ndarray
    violent: np.ndarray
    jurisdictions: Sequence[str]
    hidden: Mapping[str, int]

    def heads(self) -> dict[str, tuple[np.ndarray, Sequence[str]]]:
        """The labels that are many enough to learn from, by the name of the head."""
        categories, answers = number(self.categories)
        all_heads: dict[str, tuple[np.ndarray, Sequence[str]]] = {
            "broad": (self.broad, BROAD), "category": (categories, answers),
            "grade": (self.grade, GRADES),
        }  # fmt: skip
        return {
            name: (numbers, said)
            for name, (numbers, said) in all_heads.items()
            if (numbers >= 0).sum() >= LEAST and len(np.unique(numbers[numbers >= 0])) > 1
        }

    def disputed(self, numbers: np.ndarray) -> np.ndarray:
        """Bool (n,): charges whose plain words also stand under another of these labels."""
        seen = defaultdict(set)
        for text, number in zip(self.plain, numbers, strict=True):
            seen[text].add(int(number))
        return np.array([len(seen[text] - {NONE}) > 1 for text in self.plain])


def label(charges: Charges) -> Labels:
    """The labels of a file, and its charges without what gives them away."""
    texts, hidden = strip_all(charges.get("text"))
    known = offenses().categories
    category = [one if one in known else "" for one in charges.get("category")]
    codes = [
        read_uccs(code, text.upper()) if code else ""
        for code, text in zip(charges.get("code"), charges.get("text"), strict=True)
    ]
    grades = [grade(one) for one in charges.get("degree")]
    kinds = charges.get("type") if "type" in charges.values else charges.get("category")
    return Labels(
        texts,
        [put_plainly(text) for text in texts],
        np.array([NONE if one is None else one for one in grades]),
        np.array([int(read_degree(one)) for one in charges.get("degree")]),
        np.array([_number(BROAD, read_broad(kind)) for kind in kinds]),
        [one or other for one, other in zip(category, codes, strict=True)],
        np.array([int(one) if one.isdigit() else 0 for one in charges.get("level")]),
        np.array([int(one) if one in ("0", "1") else NONE for one in charges.get("violent")]),
        charges.get("jurisdiction"),
        hidden,
    )


def number(categories: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Categories as numbers, int (n,), NONE for ""; and which number is which."""
    answers = sorted(set(categories) - {""})
    place = {answer: i for i, answer in enumerate(answers)}
    return np.array([place.get(one, NONE) for one in categories]), answers


def _number(answers: Sequence[str], said: str) -> int:
    return answers.index(said) if said in answers else NONE
