#!/usr/bin/env python3
"""Learns engine/embedding/codes.npz, the projection of the sign codes, on drawn fingers.

    .venv/bin/python scripts/train/codes.py            # about a minute on one core

Seeds are fixed, so a run gives the same files again (up to the last bit of the linear algebra).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from discriminant import Scatter, separate
from rich.console import Console
from rich.progress import track

from engine.embedding import descriptors
from engine.settings import Settings, SynthesisSettings
from engine.synthesis.draw import Impressions, draw_impressions, draw_masters, minutiae_of

OUT = Path(__file__).parents[2] / "engine" / "embedding"
SHRINKAGE = 0.1  # of the covariance within, towards a multiple of the unit matrix
console = Console(stderr=True)


def draw(fingers: int, each: int, seed: int) -> tuple[Impressions, np.ndarray]:
    """`each` impressions of `fingers` new fingers, and the finger of each impression."""
    rng = np.random.default_rng(seed)
    masters = draw_masters(fingers, rng, SynthesisSettings())
    which = np.repeat(np.arange(fingers), each)
    return draw_impressions(masters, which, rng, SynthesisSettings()), which


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
    scatter = Scatter(values[0].shape[1])
    scatter.add(np.concatenate(values), np.concatenate(labels))
    mean = scatter.mean
    matrix = separate(scatter.within, scatter.total, descriptors.BITS, SHRINKAGE)
    np.savez_compressed(
        OUT / "codes.npz", mean=mean.astype(np.float16), matrix=matrix.astype(np.float16)
    )
    descriptors.learned.cache_clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--code-fingers", type=int, default=1500, help="drawn for the codes")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    learn_codes(arguments.code_fingers)
    size = (OUT / "codes.npz").stat().st_size
    console.print(f"codes.npz: {size} bytes in {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
