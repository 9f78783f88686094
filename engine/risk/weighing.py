"""The linear model behind suggestions: its weights, how they are kept, and what they say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import PolicyError
from engine.risk.describing import describe
from engine.types import F32

FACT_WEIGHT = 0.7  # of the facts beside n-grams of unit length; tuned on South Dakota
HALF = 127  # weights are kept as whole numbers -127..127
SOFTMAX, ORDINAL = "softmax", "ordinal"


@dataclass(frozen=True, slots=True)
class Head:
    """One question and its answers.

    kind: "softmax", one column of weights an answer; or "ordinal", one column for each step from
    an answer to the next (P(more than k), Frank and Hall, "A simple approach to ordinal
    classification", ECML 2001). weights: float32 (features, columns). bias: (columns,).
    temperature: logits are divided by it (Guo et al., "On calibration of modern neural networks",
    ICML 2017); fitted on charges the weights had not seen.
    """

    kind: str
    answers: tuple[str, ...]
    weights: F32
    bias: F32
    temperature: float = 1.0

    def say(self, features: Any) -> F32:
        """The probability of each answer: float32 (n, answers), rows add up to 1."""
        return spread(features @ self.weights + self.bias, self.kind, self.temperature)


@dataclass(frozen=True, slots=True)
class Model:
    """Heads over the same features. rarity: float32 (2 * bins,), the weight of each n-gram.

    categories: ids in the order of the columns of facts that say what the rules find.
    """

    version: str
    categories: tuple[str, ...]
    rarity: F32
    heads: Mapping[str, Head]
    made: Mapping[str, Any] = field(default_factory=dict)

    def see(self, charges: Sequence[str]) -> Any:
        """The features of charges: sparse float32 (n, features)."""
        counts, facts = describe(charges, self.categories, len(self.rarity) // 2)
        return join(counts, facts, self.rarity)


def spread(logits: F32, kind: str, temperature: float) -> F32:
    """Logits (n, columns) as probabilities (n, answers)."""
    scaled = np.asarray(logits, np.float64) / temperature
    if kind == SOFTMAX:
        power = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return (power / power.sum(axis=1, keepdims=True)).astype(np.float32)
    more = np.minimum.accumulate(1 / (1 + np.exp(-scaled.clip(-40, 40))), axis=1)
    edges = np.hstack([np.ones((len(more), 1)), more, np.zeros((len(more), 1))])
    return (edges[:, :-1] - edges[:, 1:]).astype(np.float32)


def join(counts: Any, facts: F32, rarity: F32) -> Any:
    """Features: damped counts times rarity, each kind of n-gram at unit length; then the facts."""
    from scipy.sparse import csr_matrix, hstack

    damped = counts.copy()
    damped.data = (1 + np.log(damped.data)) * rarity[damped.indices]
    half = counts.shape[1] // 2
    row = np.repeat(np.arange(counts.shape[0]), np.diff(damped.indptr))
    kind = 2 * row + (damped.indices >= half)
    length = np.sqrt(np.bincount(kind, damped.data**2, 2 * counts.shape[0]))
    damped.data /= length[kind].astype(np.float32)
    return hstack([damped, csr_matrix(FACT_WEIGHT * facts)], format="csr", dtype=np.float32)


def save(model: Model, path: Path) -> None:
    """Weights to `path` (npz, whole numbers with one scale a column), all else beside it (json)."""
    arrays: dict[str, np.ndarray] = {"rarity": model.rarity.astype(np.float16)}
    for name, head in model.heads.items():
        scale = np.maximum(np.abs(head.weights).max(axis=0), 1e-9) / HALF
        arrays[f"{name}.weights"] = np.rint(head.weights / scale).astype(np.int8)
        arrays[f"{name}.scale"] = scale.astype(np.float32)
        arrays[f"{name}.bias"] = head.bias.astype(np.float32)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    says = {
        "version": model.version,
        "categories": list(model.categories),
        "heads": {
            name: {"kind": one.kind, "answers": list(one.answers), "temperature": one.temperature}
            for name, one in model.heads.items()
        },
    }
    told = says | {"sha256": _digest(path.read_bytes(), says)} | dict(model.made)
    path.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Model:
    """The model that `save` kept. Raises PolicyError where either file is missing or damaged."""
    beside = path.with_suffix(".json")
    try:
        content = path.read_bytes()
        told = json.loads(beside.read_text(encoding="utf-8"))
        wanted, found = told["sha256"], _digest(content, told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PolicyError(
            f"{path.name}, {beside.name}: the model of suggestions cannot be read"
            f" ({type(error).__name__}: {error}); install Tenprint again"
        ) from error
    if found != wanted:
        raise PolicyError(
            f"{path.name} or {beside.name} is damaged: their SHA-256 is {found[:12]}..., not"
            f" {str(wanted)[:12]}... as they say; install Tenprint again"
        )
    with np.load(path, allow_pickle=False) as kept:
        heads = {name: _head(name, how, kept) for name, how in told["heads"].items()}
        rarity = kept["rarity"].astype(np.float32)
    stamp = f"{told['version']}+{found[:12]}"
    return Model(stamp, tuple(told["categories"]), rarity, heads, told)


def read_version(path: Path) -> str:
    """The version of a model that `save` kept, without its weights. Raises PolicyError."""
    beside = path.with_suffix(".json")
    try:
        told = json.loads(beside.read_text(encoding="utf-8"))
        return f"{told['version']}+{told['sha256'][:12]}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PolicyError(
            f"{beside.name}: the model of suggestions cannot be read"
            f" ({type(error).__name__}: {error}); install Tenprint again"
        ) from error


def _digest(weights: bytes, told: Mapping[str, Any]) -> str:
    """SHA-256 over the weights and all else that decides what is said."""
    says = {name: told[name] for name in ("version", "categories", "heads")}
    return hashlib.sha256(weights + json.dumps(says, sort_keys=True).encode()).hexdigest()


def _head(name: str, how: Mapping[str, Any], kept: Mapping[str, np.ndarray]) -> Head:
    weights = kept[f"{name}.weights"].astype(np.float32) * kept[f"{name}.scale"]
    answers = tuple(how["answers"])
    return Head(how["kind"], answers, weights, kept[f"{name}.bias"], float(how["temperature"]))
