#!/usr/bin/env python3
"""Says what each part of the evidence buys: error rates by set, with 95 % intervals.

    .venv/bin/python scripts/ablate.py PRINTS_DIR... --work DIR [--leave-out FOLDER/FINGER]
        [--json out.json]

DIR is that of scripts/fit_matching.py, whose comparisons are used. Every set is judged by weights
from the other sets; intervals by bootstrap over fingers. The rows of "both" add up the evidence of
both extractors, half each.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import metrics
import numpy as np
from evaluation import intervals, verification
from evaluation.intervals import Bootstrap
from evaluation.prints import console, set_names
from fit_matching import Compared, gather, leave_sets_out, load, parse, read
from rich.console import Console
from rich.table import Table

from engine.matching.weighing import FEATURES

STEPS = {  # what is added, one after the other, and what is taken away from the whole
    "pairs alone": ["pairing"],
    "+ minutiae that meet": ["pairing", "agreement"],
    "+ their likeness": ["pairing", "agreement", "likeness"],
    "+ number of minutiae": ["pairing", "agreement", "likeness", "minutiae"],
    "+ ridges (all)": list(FEATURES),
    "ridges alone": ["coherence"],
    **{
        f"all but {name}": [other for other in FEATURES if other != name]
        for name in ("pairing", "agreement", "likeness")
    },
}


def tell(llr: np.ndarray, compared: Compared, sets: Sequence[str], bootstrap: Bootstrap) -> dict:
    """Rates and intervals, percent, of each set and of their mean."""
    rows, drawn = {}, []
    for part, name in enumerate(sets):
        mine = compared.part == part
        mated, other = mine & compared.mated, mine & ~compared.mated
        steps = metrics.arrange(llr[mated], llr[other])
        fingers = compared.one[mated], (compared.one[other], compared.other[other])
        base = min(part.min() for part in (compared.one[mine], compared.other[mine]))
        again = intervals.resample_pairs(
            steps, fingers[0] - base, tuple(each - base for each in fingers[1]), bootstrap
        )
        drawn.append(np.array([verification.errors(each) for each in again]))
        rows[name] = (100 * verification.errors(metrics.weigh(steps))).tolist()
    same = min(map(len, drawn))
    ends = np.quantile(np.mean([each[:same] for each in drawn], axis=0), [0.025, 0.975], axis=0)
    rows["mean"] = np.mean(list(rows.values()), axis=0).tolist()
    return {"rates": rows, "interval": (100 * ends).tolist()}


def show(told: dict, sets: Sequence[str]) -> None:
    """The figures as a table: EER of each set, and all rates of their mean."""
    table = Table(title="rates in %: EER of each set, and the sets' means with 95 % intervals")
    for name in ["evidence", *sets, *verification.ERRORS]:
        table.add_column(name, justify="left" if name == "evidence" else "right")
    for name, row in told.items():
        eer = [f"{row['rates'][each][0]:.2f}" for each in sets]
        low, high = row["interval"]
        means = zip(row["rates"]["mean"], low, high, strict=True)
        table.add_row(name, *eer, *(f"{x:.2f} ({a:.2f}-{b:.2f})" for x, a, b in means))
    Console(width=220).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parse(parser)
    sets, bootstrap = sorted(set_names(arguments.folders)), Bootstrap(arguments.resamples)
    told, whole = {}, []
    for extractor in ("leader", "gabor"):
        prints = read(arguments, extractor)
        compared = gather(load(arguments.work, extractor, prints), prints)
        compared = compared.take(compared.real)
        for name, used in STEPS.items():
            llr = leave_sets_out(compared, [used])
            told[f"{extractor}: {name}"] = tell(llr, compared, sets, bootstrap)
            console.print(
                extractor, name, np.round(told[f"{extractor}: {name}"]["rates"]["mean"], 3)
            )
            if used == list(FEATURES):
                whole.append(llr)
    told["both"] = tell(sum(whole) / 2, compared, sets, bootstrap)
    show(told, sets)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
