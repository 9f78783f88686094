"""What a model says of charges: out of folds, learned from another file, or shipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.progress import track

from engine.risk.suggesting import BROAD, GRADES, judge, shipped
from engine.risk.weighing import Model
from severity.labels import Labels
from severity.learning import Seen, learn_model, split

console = Console(stderr=True)


@dataclass
class Predicted:
    """Probabilities of n charges, by name of the head ("broad", "category", "grade"), float32
    (n, answers), and the answers; a head that nothing was learned for is absent."""

    said: dict[str, np.ndarray] = field(default_factory=dict)
    answers: dict[str, Sequence[str]] = field(default_factory=dict)

    def put(self, rows: np.ndarray, total: int, answers: Mapping, said: Mapping) -> None:
        for name, values in said.items():
            self.answers[name] = answers[name]
            whole = self.said.setdefault(name, np.zeros((total, values.shape[1]), np.float32))
            whole[rows] = values


def cross_validate(
    seen: Seen, labels: Labels, groups: Sequence[str], folds: int, seed: int, title: str
) -> Predicted:
    """Each charge judged by a model that learned from the other folds, calibration included."""
    heads = labels.heads()
    found = Predicted()
    if not heads:
        return found
    for rows, judged in track(
        list(split(groups, folds, seed)), f"folds by {title}", console=console
    ):
        model = learn_model(seen, rows, heads, groups, "fold")
        found.put(judged, len(seen.texts), *say(model, seen.features(judged, model.rarity)))
    return found


def transfer(learned: Labels, judged: Labels) -> Predicted:
    """All charges of one file judged by a model that learned from another alone."""
    seen = Seen(learned.texts)
    rows = np.arange(len(learned.texts))
    model = learn_model(seen, rows, learned.heads(), learned.plain, "other")
    return _in_parts(judged, lambda texts: say(model, model.see(texts)))


def use_shipped(labels: Labels) -> Predicted:
    """All charges judged by the model of the package."""

    def ask(texts: Sequence[str]) -> tuple[Mapping, Mapping]:
        judged = judge(shipped(), shipped().see(texts))
        answers = {"broad": BROAD, "category": judged.categories, "grade": GRADES}
        return answers, {"broad": judged.broad, "category": judged.category, "grade": judged.grade}

    return _in_parts(labels, ask)


def say(model: Model, features: object) -> tuple[dict[str, Sequence[str]], dict[str, np.ndarray]]:
    """The answers and probabilities of the heads that a model has."""
    answers = {name: head.answers for name, head in model.heads.items()}
    return answers, {name: head.say(features) for name, head in model.heads.items()}


def _in_parts(
    labels: Labels, ask: Callable[[Sequence[str]], tuple[Mapping, Mapping]], size: int = 2000
) -> Predicted:
    found, total = Predicted(), len(labels.texts)
    for first in track(range(0, total, size), "charges", console=console):
        rows = np.arange(first, min(first + size, total))
        found.put(rows, total, *ask([labels.texts[i] for i in rows]))
    return found
