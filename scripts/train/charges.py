#!/usr/bin/env python3
"""Learns engine/risk/suggesting.npz, which suggests an offense from the words of its charge.

    .venv/bin/python scripts/train/charges.py FOLDER      # some five minutes on one core

FOLDER holds the public files named in scripts/severity/corpus.py. No text of theirs is kept: the
weights are over hashed n-grams. Figures in suggesting.json are out of folds (5, grouped by statute
or by plain words), of models learned in the same way.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import os
import sys
import warnings
from collections import Counter
from dataclasses import asdict
from datetime import date
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from rich.console import Console
from rich.progress import track
from severity import ranking, trusting
from severity.corpus import SOURCES, Corpus, gather
from severity.labelling import read_rules
from severity.labels import number
from severity.learning import INNER, RECIPES, Seen, learn_model, split
from sklearn.exceptions import ConvergenceWarning

from engine.errors import InputError
from engine.risk.describing import BINS, CHARACTERS, WORDS
from engine.risk.suggesting import BROAD, GRADES, Judged, judge, sum_degrees, weigh_severity
from engine.risk.tables import shared_files, stamp
from engine.risk.weighing import FACT_WEIGHT, Model, save

OUT = Path(__file__).parents[2] / "engine" / "risk" / "suggesting.npz"
VERSION = "2026.1"
FOLDS = 5
LICENCES = {
    "texas": "MIT; labels made by a tool",
    "south dakota": "Apache-2.0 (openlattice)",
    "ncic": "CC BY 4.0 (NIEM 5.0)",
    "nibrs": "CC BY 4.0 (NIEM 4.1)",
}
console = Console(stderr=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--no-folds", action="store_true", help="leave the figures out")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    try:
        corpus = gather(arguments.folder)
    except (InputError, OSError) as error:
        parser.exit(1, f"{error}\n")
    seen = Seen(corpus.texts)
    figures = {} if arguments.no_folds else measure(seen, corpus)
    console.print(figures)
    model = learn_from(seen, corpus, np.arange(len(corpus.texts)))
    made = tell(arguments.folder, corpus, figures)
    save(Model(VERSION, model.categories, model.rarity, model.heads, made), arguments.out)
    console.print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


def learn_from(seen: Seen, corpus: Corpus, rows: np.ndarray) -> Model:
    """All heads from some rows, calibrated."""
    heads = {
        "broad": (np.array(corpus.broad), BROAD),
        "category": number(corpus.categories),
        "grade": (np.array(corpus.grade), GRADES),
    }
    return learn_model(seen, rows, heads, corpus.groups, VERSION)


def measure(seen: Seen, corpus: Corpus) -> dict:
    """Figures by source, every charge judged by a model that saw none of its group."""
    total = len(corpus.texts)
    broad = np.zeros((total, len(BROAD)), np.float32)
    grade = np.zeros((total, len(GRADES)), np.float32)
    right, surest = np.zeros(total, bool), np.zeros(total, np.float32)
    folds = list(split(corpus.groups, FOLDS, seed=0))
    for rows, judged in track(folds, "folds", console=console):
        model = learn_from(seen, corpus, rows)
        found: Judged = judge(model, seen.features(judged, model.rarity))
        broad[judged], grade[judged] = found.broad, found.grade
        surest[judged] = found.category.max(axis=1)
        names = np.array(found.categories)[found.category.argmax(axis=1)]
        right[judged] = names == np.array(corpus.categories)[judged]
    return {name: _of_source(name, corpus, broad, grade, right, surest) for name in SOURCES}


def _of_source(
    name: str, corpus: Corpus, broad: np.ndarray, grade: np.ndarray, right: np.ndarray,
    surest: np.ndarray,
) -> dict:  # fmt: skip
    told: dict = {}
    own = np.array([source == name for source in corpus.source])
    rows = own & (np.array(corpus.broad) >= 0)
    hit = broad.argmax(axis=1) == np.array(corpus.broad)
    calm = np.zeros(len(own), bool)
    told["broad"] = trusting.figures(broad[rows].max(axis=1), hit[rows], calm[rows])
    silent = np.array([not read_rules(text) for text in corpus.texts])  # what suggestions are for
    told["broad, no rule"] = trusting.figures(
        broad[rows & silent].max(axis=1), hit[rows & silent], calm[rows & silent]
    )
    rows = own & np.array([bool(one) for one in corpus.categories])
    told["category"] = trusting.figures(surest[rows], right[rows], calm[rows])
    rows &= silent
    told["category, no rule"] = trusting.figures(surest[rows], right[rows], calm[rows])
    rows = own & (np.array(corpus.grade) >= 0)
    if rows.any():
        truth, said = np.array(corpus.grade)[rows], grade[rows]
        places = said @ np.arange(len(GRADES))
        told["order"] = ranking.figures(weigh_severity(said), places, truth)
        felony = sum_degrees(said)[:, 2]
        hit = (felony >= 0.5) == (truth >= GRADES.index("F6"))
        told["felony"] = trusting.figures(np.maximum(felony, 1 - felony), hit, calm[rows])
    for part in told.values():
        part.pop("risk_coverage", None)
    return told


def tell(folder: Path, corpus: Corpus, figures: dict) -> dict:
    """Where the weights are from."""
    counts = Counter(corpus.source)
    return {
        "made": date.today().isoformat(),
        "by": "scripts/train/charges.py",
        "data": [
            {
                "source": name,
                "file": file,
                "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest(),
                "licence": LICENCES[name],
                "charges": counts[name],
            }
            for name, file in SOURCES.items()
        ],
        "labels": "categories: of the text rules where they find one, else of the file's code;"
        " degrees: of South Dakota, and those that Texas charges are marked with",
        "tables": stamp("tables", shared_files()),
        "features": {
            "bins": BINS, "characters": CHARACTERS, "words": WORDS, "fact_weight": FACT_WEIGHT,
        },
        "recipes": {name: asdict(one) for name, one in RECIPES.items()},
        "calibration": f"one temperature a head, out of {INNER} folds of the same groups",
        "folds": f"{FOLDS}, grouped by statute or plain words",
        "figures": figures,
        "versions": {
            name: importlib.metadata.version(name) for name in ("scikit-learn", "numpy", "scipy")
        },
    }  # fmt: skip


if __name__ == "__main__":
    main()
