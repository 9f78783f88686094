"""Every figure of an evaluation of charges, as it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.risk.policy import Policy
from engine.risk.suggesting import BROAD, sum_degrees, weigh_severity
from engine.types import Degree
from severity import ranking, tiers, trusting
from severity.labels import LEAST, NONE, Labels
from severity.predicting import Predicted


def figures(labels: Labels, predicted: Predicted) -> dict:
    """What the file's labels allow to be said of what was predicted."""
    told: dict = {}
    grade = predicted.said.get("grade")
    if grade is not None:
        told |= _order(labels, grade)
    broad = predicted.said.get("broad")
    known = labels.broad >= 0
    if broad is not None and known.sum() >= LEAST:
        disputed = labels.disputed(labels.broad)
        right = broad.argmax(axis=1) == labels.broad
        told["broad"] = trusting.figures(broad.max(axis=1)[known], right[known], disputed[known])
    flagged = labels.violent >= 0
    if broad is not None and flagged.any():
        violent = broad[:, BROAD.index("violent")]
        told["violent_auc"] = trusting.area(violent[flagged], labels.violent[flagged] == 1)
    category = predicted.said.get("category")
    if category is not None and any(labels.categories):
        names = np.array(predicted.answers["category"])[category.argmax(axis=1)]
        truth = np.array(labels.categories)
        rows = truth != ""
        told["category"] = trusting.figures(
            category.max(axis=1)[rows], (names == truth)[rows], np.zeros(int(rows.sum()), bool)
        )
    return told


def _order(labels: Labels, grade: np.ndarray) -> dict:
    told: dict = {}
    places = np.arange(grade.shape[1])
    order, kind = labels.grade, "grades"
    if (order >= 0).sum() < LEAST:  # only "felony" or "misdemeanor": three places at most
        order, kind = np.where(labels.degree > 0, labels.degree - 1, NONE), "felony or not"
    rows = order >= 0
    if rows.sum() >= LEAST and len(np.unique(order[rows])) > 1:
        severity = weigh_severity(grade)
        told["order"] = {"of": kind} | ranking.figures(
            severity[rows], (grade @ places)[rows], order[rows]
        )
    felony = sum_degrees(grade)[:, Degree.FELONY - 1]
    known = labels.degree > 0
    if known.sum() >= LEAST:
        truth = labels.degree == Degree.FELONY
        right = ((felony >= 0.5) == truth)[known]
        sure = np.maximum(felony, 1 - felony)[known]
        told["felony"] = trusting.figures(sure, right, np.zeros(len(right), bool))
    return told


def over_seeds(orders: Sequence[dict]) -> dict[str, dict[str, float]]:
    """Mean, least and most of each figure of an order over folds drawn several times."""
    names = [name for name, value in orders[0].items() if isinstance(value, float)]
    ways = {"mean": np.mean, "least": np.min, "most": np.max}
    return {
        way: {name: float(of([order[name] for order in orders])) for name in names}
        for way, of in ways.items()
    }


def tier_figures(labels: Labels, predicted: Predicted, policy: Policy) -> dict:
    """Level 1 and the worst tier, as far as the file says what is true."""
    told: dict = {"worst_tier": tiers.worst_tier(labels.texts, labels.categories)}
    truth, source = tiers.true_levels(
        labels.levels, labels.categories, labels.degree, labels.grade, policy
    )
    if source:
        suggested: Sequence[str] = [""] * len(truth)
        if "category" in predicted.said:
            names = predicted.answers["category"]
            suggested = [names[i] for i in predicted.said["category"].argmax(axis=1)]
        grade = predicted.said.get("grade")
        severity = None if grade is None else weigh_severity(grade)
        told["level_1"] = {"truth": source, "policy": policy.name} | tiers.level_one(
            truth, labels.texts, labels.degree, suggested, severity, policy
        )
    return told


def by_jurisdiction(labels: Labels, predicted: Predicted) -> dict[str, dict]:
    """The figures of each jurisdiction that has enough charges, where there are several."""
    names = np.array(labels.jurisdictions)
    found = [name for name in sorted(set(names) - {""}) if (names == name).sum() >= LEAST]
    if len(found) < 2:
        return {}
    return {name: figures(*_only(labels, predicted, names == name)) for name in found}


def _only(labels: Labels, predicted: Predicted, rows: np.ndarray) -> tuple[Labels, Predicted]:
    """Labels and predictions of some rows."""
    which = np.flatnonzero(rows)
    part = replace(
        labels,
        texts=[labels.texts[i] for i in which],
        plain=[labels.plain[i] for i in which],
        categories=[labels.categories[i] for i in which],
        jurisdictions=[labels.jurisdictions[i] for i in which],
        **{
            name: getattr(labels, name)[which]
            for name in ("grade", "degree", "broad", "levels", "violent")
        },
    )
    said = {name: values[which] for name, values in predicted.said.items()}
    return part, Predicted(said, predicted.answers)
