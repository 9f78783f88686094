#!/usr/bin/env python3
"""Learns engine/embedding/codes.npz and vector.npz on drawn fingers: nothing real goes in.

    .venv/bin/python scripts/train/learn.py            # about three minutes on one core

Seeds are fixed, so a run gives the same files again (up to the last bit of the linear algebra).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy.linalg import eigh

from engine.embedding import descriptors, vector
from engine.settings import Settings, SynthesisSettings
from engine.synthesis.draw import Impressions, draw_impressions, draw_masters, minutiae_of
from engine.types import EMBEDDING_SIZE, F32

OUT = Path(__file__).parents[2] / "engine" / "embedding"
SHRINKAGE = 0.1  # of the covariance within, towards a multiple of the unit matrix
COMPONENTS = 32  # of the projected neighbourhood, that the embedding uses
WORDS = 64
SOFTNESS = 8 / COMPONENTS  # 1/squared distance; 16/32 and 32/32 gave 1.1 and 1.2 times the misses
console = Console(stderr=True)


def draw(fingers: int, each: int, seed: int) -> tuple[Impressions, np.ndarray]:
    """`each` impressions of `fingers` new fingers, and the finger of each impression."""
    rng = np.random.default_rng(seed)
    masters = draw_masters(fingers, rng, SynthesisSettings())
    which = np.repeat(np.arange(fingers), each)
    return draw_impressions(masters, which, rng, SynthesisSettings()), which


def discriminant(values: F32, labels: np.ndarray, most: int, shrinkage: float) -> tuple[F32, F32]:
    """Mean and the `most` directions in which labels differ most for their spread within.

    Fisher's linear discriminant: the generalised eigenvectors of the total and the (shrunk)
    within covariance. Values of variance 1 within come out.
    """
    mean = values.mean(axis=0)
    order = np.argsort(labels, kind="stable")
    values, labels = values[order] - mean, labels[order]
    _, first, count = np.unique(labels, return_index=True, return_counts=True)
    centre = np.add.reduceat(values, first, axis=0) / count[:, None]
    within = values - np.repeat(centre, count, axis=0)
    own = within.T.astype(np.float64) @ within / max(len(within) - len(first), 1)
    total = values.T.astype(np.float64) @ values / len(values)
    own = (1 - shrinkage) * own + shrinkage * np.trace(own) / len(own) * np.eye(len(own))
    _, directions = eigh(total, own)
    return mean, directions[:, ::-1][:, :most].astype(np.float32)


def cluster(values: F32, count: int, rng: np.random.Generator, rounds: int = 20) -> F32:
    """`count` centres of `values` by Lloyd's algorithm."""
    centres = values[rng.choice(len(values), count, replace=False)]
    for _ in range(rounds):
        distance = (centres**2).sum(axis=1) - 2 * values @ centres.T
        nearest = distance.argmin(axis=1)
        for k in range(count):
            mine = values[nearest == k]
            if len(mine):
                centres[k] = mine.mean(axis=0)
    return centres


def learn_codes(fingers: int) -> None:
    """The projection of the sign codes, from impressions of the same drawn minutiae."""
    impressions, which = draw(fingers, 5, seed=1)
    settings = Settings().descriptor
    values, labels = [], []
    for i in track(range(len(impressions)), "codes", console=console):
        identity = impressions.identity[i, impressions.valid[i]]
        known = identity >= 0  # a false minutia is of no class
        cells = descriptors.cylinders(minutiae_of(impressions, i), settings)
        values.append(cells[known])
        labels.append(which[i] * 1000 + identity[known].astype(np.int64))
    mean, matrix = discriminant(
        np.concatenate(values), np.concatenate(labels), descriptors.BITS, SHRINKAGE
    )
    np.savez_compressed(
        OUT / "codes.npz", mean=mean.astype(np.float16), matrix=matrix.astype(np.float16)
    )
    descriptors.learned.cache_clear()


def learn_vector(fingers: int) -> None:
    """The words and the projection of the embedding, from impressions of other drawn fingers."""
    impressions, which = draw(fingers, 5, seed=2)
    settings = Settings().descriptor
    projected = [
        descriptors.project(minutiae_of(impressions, i), settings)
        for i in track(range(len(impressions)), "embedding", console=console)
    ]
    kept = [i for i, rows in enumerate(projected) if len(rows)]
    some = np.concatenate([projected[i] for i in kept[:2000]])[:, :COMPONENTS]
    scale = 1 / some.std(axis=0)
    words = cluster(some * scale, WORDS, np.random.default_rng(3))
    gathered = np.stack([vector.gather(projected[i], scale, words, SOFTNESS) for i in kept])
    mean, matrix = discriminant(gathered, which[kept], EMBEDDING_SIZE, shrinkage=0.05)
    # one bit a component wants components of one size: a random rotation changes no inner product
    turn, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(EMBEDDING_SIZE, EMBEDDING_SIZE)))
    matrix = matrix @ turn.astype(np.float32)
    half = {"scale": scale, "words": words, "mean": mean, "matrix": matrix}
    np.savez_compressed(
        OUT / "vector.npz",
        softness=np.float32(SOFTNESS),
        **{name: array.astype(np.float16) for name, array in half.items()},
    )
    vector.learned.cache_clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--code-fingers", type=int, default=1500, help="drawn for the codes")
    parser.add_argument("--vector-fingers", type=int, default=5000, help="drawn for the embedding")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    learn_codes(arguments.code_fingers)
    learn_vector(arguments.vector_fingers)
    sizes = {name: (OUT / name).stat().st_size for name in ("codes.npz", "vector.npz")}
    console.print(f"{sizes} bytes in {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
