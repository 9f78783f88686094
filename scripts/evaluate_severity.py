#!/usr/bin/env python3
"""Measures how well the words of charges tell their severity, on a CSV of labelled charges.

    .venv/bin/python scripts/evaluate_severity.py CHARGES.csv [--shipped | --learn-from OTHER.csv]
        [--text COLUMN] [--statute COLUMN] [--degree COLUMN] [--type COLUMN] [--code COLUMN]
        [--category COLUMN] [--level COLUMN] [--jurisdiction COLUMN] [--violent COLUMN]
        [--policy sc-2009-list] [--folds 5] [--seed 0] [--repeats 1] [--json out.json]

Columns are known by usual names. Labels that stand in the charges themselves, as "(F5)", are taken
out first. By default the file is judged by models that learned from its other folds; charges of one
statute (or, without statutes, of the same plain words) stay together, and calibration is fitted
inside the folds that are learned from. --shipped judges all of it by the model of the package, and
--learn-from by one that learned from another file alone. Figures are of what the labels allow.
A handful of charges decides NDCG at 50: --repeats N draws the folds N times, for its range.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from severity import grouping, results, tables
from severity.labels import Labels, label
from severity.learning import Seen
from severity.predicting import Predicted, cross_validate, transfer, use_shipped
from severity.reading import NAMES, Charges, read
from sklearn.exceptions import ConvergenceWarning

from engine.errors import InputError, TenprintError
from engine.risk.levels import load_policy
from engine.risk.suggesting import shipped

LEAST_FOLDS = 2


def main() -> int:
    arguments = parse()
    # the regressions are stopped after so many rounds on purpose: they are ensembled and calibrated
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    try:
        policy = load_policy(arguments.policy)
        charges = read(arguments.charges, {name: getattr(arguments, name) for name in NAMES})
        labels = label(charges)
        predicted = predict(arguments, charges, labels)
        repeated = repeat(arguments, charges, labels)
    except TenprintError as error:
        sys.exit(f"evaluate_severity.py: {error}")
    first = next(iter(predicted.values()))
    told = {
        "about": tell(arguments, charges, labels),
        "by": {title: results.figures(labels, said) for title, said in predicted.items()},
        "jurisdictions": results.by_jurisdiction(labels, first),
        "tiers": results.tier_figures(labels, first, policy),
    }
    for title, order in repeated.items():
        told["by"][title]["order_over_seeds"] = order
    tables.show(told)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("charges", type=Path, metavar="CHARGES.csv")
    for name, known in NAMES.items():
        parser.add_argument(f"--{name}", metavar="COLUMN", help=f"else one of {', '.join(known)}")
    parser.add_argument("--policy", default="sc-2009-list", help="whose Level 1 is measured")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=1, help="times that folds are drawn")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--shipped", action="store_true", help="judge by the model of the package")
    how.add_argument("--learn-from", type=Path, metavar="OTHER.csv", help="learn from this alone")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    if arguments.folds < LEAST_FOLDS or arguments.repeats < 1:
        parser.error(f"--folds must be {LEAST_FOLDS} or more, --repeats 1 or more")
    return arguments


def repeat(arguments: argparse.Namespace, charges: Charges, labels: Labels) -> dict[str, dict]:
    """How far the order's figures go over folds drawn --repeats times, by grouping."""
    if arguments.shipped or arguments.learn_from or arguments.repeats < LEAST_FOLDS:
        return {}
    graded = replace(labels, broad=np.full_like(labels.broad, -1), categories=[""] * len(charges))
    seen, told = Seen(labels.texts), {}
    for title, keys in grouping.group(charges.get("statute"), labels.plain, labels.texts).items():
        orders = []
        for seed in range(arguments.seed, arguments.seed + arguments.repeats):
            found = cross_validate(seen, graded, keys, arguments.folds, seed, f"{title}, {seed}")
            orders.append(results.figures(graded, found).get("order"))
        if all(orders):
            told[title] = results.over_seeds(orders)
    return told


def predict(
    arguments: argparse.Namespace, charges: Charges, labels: Labels
) -> dict[str, Predicted]:
    """What is said of the charges, by how that was come by; the first is the one that counts."""
    if arguments.shipped:
        return {f"shipped {shipped().version}": use_shipped(labels)}
    if arguments.learn_from:
        other = label(read(arguments.learn_from, {}))
        if not other.heads():
            raise InputError(str(arguments.learn_from), "has no labels to learn from")
        return {f"learned from {arguments.learn_from.name}": transfer(other, labels)}
    if not labels.heads():
        raise InputError(
            str(arguments.charges),
            f"has too few labels to learn from (columns {dict(charges.columns)}); name columns of"
            " degrees, types, codes or categories, or judge by --shipped",
        )
    seen = Seen(labels.texts)
    groups = grouping.group(charges.get("statute"), labels.plain, labels.texts)
    few = [title for title, keys in groups.items() if len(set(keys)) < arguments.folds]
    if few:
        reason = f"has fewer groups by {', '.join(few)} than --folds {arguments.folds}"
        raise InputError(str(arguments.charges), reason)
    return {
        title: cross_validate(seen, labels, keys, arguments.folds, arguments.seed, title)
        for title, keys in groups.items()
    }


def tell(arguments: argparse.Namespace, charges: Charges, labels: Labels) -> Mapping:
    """What was measured and how."""
    return {
        "file": charges.path.name,
        "charges": len(charges),
        "columns": dict(charges.columns),
        "hidden_labels": labels.hidden,
        "policy": arguments.policy,
        "folds": None if arguments.shipped or arguments.learn_from else arguments.folds,
        "seed": arguments.seed,
        "known": {
            "grade": int((labels.grade >= 0).sum()),
            "degree": int((labels.degree > 0).sum()),
            "broad": int((labels.broad >= 0).sum()),
            "category": sum(map(bool, labels.categories)),
            "level": int((labels.levels > 0).sum()),
        },
    }


if __name__ == "__main__":
    sys.exit(main())
