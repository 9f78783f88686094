"""The charges that the shipped model learns from, each with whichever labels its source gives."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.risk.coding import code, offenses
from engine.risk.describing import put_plainly
from engine.risk.suggesting import BROAD, GRADES, silence
from engine.types import OffenseRecord
from severity.grading import TEXAS
from severity.grouping import put_statute
from severity.labelling import broad_of, read_rules
from severity.labels import NONE, label
from severity.reading import read
from severity.stripping import read_mark

# Where the rules find nothing, the part of South Dakota's code a charge stands in tells its kind.
CHAPTERS: Final = {
    "32": "traffic", "41": "regulatory", "35": "regulatory", "22-30A": "larceny",
    "22-32": "burglary", "22-34": "property",
}  # fmt: skip
# Categories of which UCCS counts some acts to one broad type and some to another.
EITHER: Final = frozenset(
    ("neglect", "hit-and-run", "public-order", "child-exploitation", "property", "indecency")
)
SOURCES: Final = {
    "texas": "texas_uccs_charges.csv",
    "south dakota": "south_dakota_charges_degree.csv",
    "ncic": "ncic_OFFCodeSimpleType_niem50.csv",
    "nibrs": "nibrs_offense_niem41.csv",
}


@dataclass
class Corpus:
    """Charges from all sources; grade and broad NONE, category "" where unknown."""

    source: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    broad: list[int] = field(default_factory=list)
    grade: list[int] = field(default_factory=list)

    def add(
        self, source: str, text: str, group: str, category: str, broad: int, grade: int = NONE
    ) -> None:
        if put_plainly(text) and not silence(text):
            self.source.append(source)
            self.texts.append(text)
            self.groups.append(group)
            self.categories.append(category)
            self.broad.append(broad)
            self.grade.append(grade)


def gather(folder: Path) -> Corpus:
    """All sources under `folder`. Raises InputError where one is missing."""
    corpus = Corpus()
    add_texas(corpus, folder / SOURCES["texas"])
    add_south_dakota(corpus, folder / SOURCES["south dakota"])
    for source in ("ncic", "nibrs"):
        add_titles(corpus, source, folder / SOURCES[source])
    return corpus


def add_texas(corpus: Corpus, path: Path) -> None:
    """Texas: silver labels of a tool. Where the text rules find a category, theirs is taken."""
    charges = read(path, {})
    labels = label(charges)
    for i, text in enumerate(labels.texts):
        ruled = read_rules(text)
        category = ruled or labels.categories[i]
        broad = int(labels.broad[i])
        if ruled and ruled != labels.categories[i] and ruled not in EITHER:
            broad = BROAD.index(broad_of(ruled))
        degree = TEXAS.get(read_mark(charges.get("text")[i]), "")
        grade = GRADES.index(degree) if degree else NONE
        corpus.add("texas", text, f"text {labels.plain[i]}", category, broad, grade)


def add_south_dakota(corpus: Corpus, path: Path) -> None:
    """South Dakota: its degrees; kinds of offense by the text rules, else by chapter."""
    charges = read(path, {})
    labels = label(charges)
    for i, text in enumerate(labels.texts):
        statute = put_statute(charges.get("statute")[i])
        category = read_rules(text) or next(
            (kind for part, kind in CHAPTERS.items() if re.match(rf"{part}-", statute)), ""
        )
        broad = BROAD.index(broad_of(category)) if category else NONE
        group = statute or f"text {labels.plain[i]}"
        corpus.add("south dakota", text, group, category, broad, int(labels.grade[i]))


def add_titles(corpus: Corpus, source: str, path: Path) -> None:
    """Titles of codes: each is a charge of the category that the tables give its code."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            category = code(OffenseRecord("", **{source: row["code"]})).category
            if category is not None and category.id in offenses().categories:
                broad = BROAD.index(broad_of(category.id))
                text = row["description"]
                corpus.add(source, text, f"text {put_plainly(text)}", category.id, broad)
