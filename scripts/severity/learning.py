"""Learns heads of the model of suggestions, with their calibration, from labelled charges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from engine.risk.coding import offenses
from engine.risk.describing import BINS, N_FACTS, describe
from engine.risk.weighing import ORDINAL, SOFTMAX, Head, Model, join, spread

INNER = 3  # folds on which a temperature is fitted
LEAST_SILENT = 200  # charges that the rules leave open, to calibrate on them alone
TEMPERATURES = (0.2, 5.0)


@dataclass(frozen=True)
class Recipe:
    """C: of the regression (the inverse of its penalty), tuned on the shared files, see
    docs/severity.md; rounds: at most. rules: whether what the text rules find is told; a head
    whose labels are the rules' own would but repeat them, and know nothing where they are silent.
    where_silent: whether it is calibrated on the charges that the rules leave open, which are those
    that need a suggestion, and are harder.
    """

    kind: str
    C: float
    rounds: int = 200
    rules: bool = False
    where_silent: bool = False


RECIPES: Mapping[str, Recipe] = {
    "broad": Recipe(SOFTMAX, 6.0),
    "category": Recipe(SOFTMAX, 10.0, 60, where_silent=True),
    "grade": Recipe(ORDINAL, 10.0, rules=True),
}


@dataclass
class Seen:
    """Charges described once: counts sparse (n, 2 * bins), facts (n, k); the folds slice them."""

    texts: Sequence[str]
    bins: int = BINS
    categories: tuple[str, ...] = ()
    counts: Any = field(init=False)
    facts: Any = field(init=False)

    def __post_init__(self) -> None:
        self.categories = self.categories or tuple(offenses().categories)
        self.counts, self.facts = describe(self.texts, self.categories, self.bins)

    def rarity(self, rows: np.ndarray) -> np.ndarray:
        """Smoothed inverse document frequency among these rows: float32 (2 * bins,)."""
        within = np.bincount(self.counts[rows].indices, minlength=self.counts.shape[1])
        return (np.log((1 + len(rows)) / (1 + within)) + 1).astype(np.float32)

    def features(self, rows: np.ndarray, rarity: np.ndarray) -> Any:
        return join(self.counts[rows], self.facts[rows], rarity)


def split(groups: Sequence[str], folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and rows to judge on, fold by fold; a group is never on both sides."""
    numbered = np.unique(np.asarray(groups), return_inverse=True)[1]
    rows = np.arange(len(numbered))
    yield from GroupKFold(folds, shuffle=True, random_state=seed).split(rows, groups=numbered)


def learn(
    name: str,
    features: Any,
    labels: np.ndarray,
    groups: Sequence[str],
    answers: Sequence[str],
    silent: np.ndarray,
) -> Head:
    """A head on features (n, k), its temperature fitted on inner folds of the same groups.

    labels: int (n,), numbers of `answers`. silent: bool (n,), where the text rules find nothing.
    """
    recipe = RECIPES[name]
    logits = np.zeros((len(labels), len(answers) - (recipe.kind == ORDINAL)))
    for learned, judged in split(groups, INNER, seed=0):
        weights, bias = fit(recipe, features[learned], labels[learned], len(answers))
        logits[judged] = features[judged] @ weights + bias
    asked = silent if recipe.where_silent and silent.sum() >= LEAST_SILENT else slice(None)
    temperature = fit_temperature(logits[asked], labels[asked], recipe.kind)
    weights, bias = fit(recipe, features, labels, len(answers))
    return Head(recipe.kind, tuple(answers), weights, bias, temperature)


def fit(
    recipe: Recipe, features: Any, labels: np.ndarray, answers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (features, columns) and bias (columns,) of one head."""
    if recipe.kind == ORDINAL:
        steps = [_fit_step(recipe, features, labels > k) for k in range(answers - 1)]
        return np.stack([w for w, _ in steps], 1).astype(np.float32), np.float32(
            [b for _, b in steps]
        )
    weights = np.zeros((features.shape[1], answers), np.float32)
    bias = np.full(answers, -30.0, np.float32)  # an answer that was never seen is never given
    present = np.unique(labels)
    if len(present) == 1:
        bias[present] = 0.0
        return weights, bias
    model = LogisticRegression(C=recipe.C, max_iter=recipe.rounds, tol=1e-3)
    model.fit(features, labels)
    rows = model.coef_ if len(present) > 2 else np.vstack([-model.coef_, model.coef_]) / 2
    sides = model.intercept_ if len(present) > 2 else np.r_[-model.intercept_, model.intercept_] / 2
    weights[:, present], bias[present] = rows.T, sides
    return weights, bias


def _fit_step(recipe: Recipe, features: Any, over: np.ndarray) -> tuple[np.ndarray, float]:
    if over.all() or not over.any():
        return np.zeros(features.shape[1]), 30.0 if over.all() else -30.0
    model = LogisticRegression(C=recipe.C, solver="liblinear", max_iter=recipe.rounds)
    model.fit(features, over)
    return model.coef_[0], float(model.intercept_[0])


def fit_temperature(logits: np.ndarray, labels: np.ndarray, kind: str) -> float:
    """The temperature under which the labels are the least surprising."""

    def surprise(log_temperature: float) -> float:
        said = spread(logits, kind, float(np.exp(log_temperature)))
        return -float(np.log(said[np.arange(len(labels)), labels] + 1e-6).mean())

    found = minimize_scalar(surprise, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))


def learn_model(
    seen: Seen, rows: np.ndarray, heads: Mapping[str, tuple[np.ndarray, Sequence[str]]],
    groups: Sequence[str], version: str,
) -> Model:  # fmt: skip
    """A model from `rows` of what was seen.

    heads: by name, a label for each of all charges (-1: none) and the answers. groups: of all.
    """
    rarity = seen.rarity(rows)
    features = seen.features(rows, rarity)
    silent = seen.facts[rows, -1] > 0
    made = {}
    for name, (labels, answers) in heads.items():
        known = labels[rows] >= 0
        if known.any():
            apart = [groups[i] for i in rows[known]]
            told = features.shape[1] if RECIPES[name].rules else len(rarity) + N_FACTS
            head = learn(
                name, features[known][:, :told], labels[rows][known], apart, answers, silent[known]
            )
            unheard = np.zeros((features.shape[1] - told, head.weights.shape[1]), np.float32)
            made[name] = replace(head, weights=np.vstack([head.weights, unheard]))
    return Model(version, seen.categories, rarity, made)
