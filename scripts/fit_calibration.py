#!/usr/bin/env python3
"""Fits engine/matching/calibration.json on prints that the project makes: nothing real goes in.

    .venv/bin/python scripts/fit_calibration.py --work DIR [--fingers 400] [--impressions 3]

Templates are kept in DIR, so a run that was stopped goes on where it was. --check EXTRACTOR
SCORES.npz (from scripts/evaluate.py --scores) prints stated against measured rates on other prints.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from evaluate import Print, compare_all
from rich.console import Console
from rich.progress import track
from scipy.optimize import minimize
from scipy.stats import genpareto

from engine import pipeline
from engine.errors import FailureToExtractError
from engine.formats import template as template_format
from engine.matching import calibration
from engine.settings import Settings
from engine.synthesis.person import make_person
from engine.types import FingerImage

OUT = Path(__file__).parents[1] / "engine" / "matching" / "calibration.json"
SEED = 7001  # of the made fingers; no other script uses it
OVER = 1e-3  # share of the non-mated comparisons that the tail is fitted to
KNOTS = 40  # of the table below the tail
LLR_LIMIT = 6.0  # log10, the most that one finger may say either way
console = Console()


def make(job: tuple[int, int, Path]) -> None:
    """Makes one finger and writes the templates of its impressions by every extractor."""
    import cv2

    number, impressions, work = job
    cv2.setNumThreads(1)
    kept = {
        (name, i): work / f"{number}_{i}.{pipeline.maker(Settings(extractor=name))}.tpt"
        for name in pipeline.EXTRACTORS
        for i in range(impressions)
    }
    if all(path.exists() for path in kept.values()):
        return
    (finger,) = make_person(SEED, number, fingers=1, impressions=impressions).fingers
    for (name, i), path in kept.items():
        image = FingerImage(finger.impressions[i].pixels, source=f"made {number}_{i}")
        try:
            blob = template_format.encode(pipeline.extract(image, Settings(extractor=name)))
        except FailureToExtractError:
            blob = b""
        path.write_bytes(blob)


def read(extractor: str, fingers: int, impressions: int, work: Path) -> list[Print]:
    """The made prints as an evaluation reads them."""
    settings = Settings(extractor=extractor)
    prints = []
    for number in range(fingers):
        for i in range(impressions):
            blob = (work / f"{number}_{i}.{pipeline.maker(settings)}.tpt").read_bytes()
            made = template_format.decode(blob) if blob else None
            prints.append(Print(str(number), str(i), made, 0.0))
    return prints


def fit(mated: np.ndarray, nonmated: np.ndarray, fitted_on: str) -> dict:
    """Table, tail and likelihood ratio from the scores of made prints."""
    share = np.logspace(0, np.log10(OVER), KNOTS)
    knots = np.quantile(nonmated, 1 - share)
    knots, first = np.unique(knots, return_index=True)
    level = np.log10(share[first])
    excess = nonmated[nonmated > knots[-1]] - knots[-1]
    shape, _, scale = genpareto.fit(excess, floc=0)
    if shape < 0:  # a bounded tail would call a slightly better non-mate impossible
        shape, scale = 0.0, float(excess.mean())
    table = {
        "scores": [round(float(x), 6) for x in knots],
        "log10_fmr": [round(float(x), 4) for x in level],
        "tail_scale": round(float(scale), 6),
        "tail_shape": round(float(shape), 4),
    }
    meaning = calibration.Calibration(
        np.array(table["scores"]), np.array(table["log10_fmr"]), scale, shape, 0, 1, 99, ""
    )
    offset, slope = logistic(meaning.significance(mated), meaning.significance(nonmated))
    return {
        "fitted_on": fitted_on,
        **table,
        "llr_offset": round(offset, 4),
        "llr_slope": round(slope, 4),
        "llr_limit": LLR_LIMIT,
    }


def logistic(mated: np.ndarray, nonmated: np.ndarray) -> tuple[float, float]:
    """Offset and slope of the log10 likelihood ratio: both kinds weigh the same.

    The slope is at most 1, for a likelihood ratio cannot grow faster than the false match rate
    falls; without that bound, few mates that all separate would make it as steep as one likes.
    """

    def loss(line: np.ndarray) -> float:
        return cllr(line[0] + line[1] * mated, line[0] + line[1] * nonmated)

    bounds = [(None, None), (0.0, 1.0)]
    found = minimize(loss, np.array([-1.0, 0.5]), method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1])


def cllr(mated: np.ndarray, nonmated: np.ndarray) -> float:
    """Cost of log10 likelihood ratios in bits (Brümmer and du Preez, 2006); 1 knows nothing."""
    ten = np.log(10)
    miss = np.logaddexp(0, -ten * mated).mean()
    false = np.logaddexp(0, ten * nonmated).mean()
    return float((miss + false) / 2 / np.log(2))


def check(extractor: str, path: Path) -> None:
    """Stated against measured rates on prints that had no part in the fit."""
    calibration.load.cache_clear()
    meaning = calibration.load(extractor)
    with np.load(path) as stored:
        for name in sorted({key.split("/")[0] for key in stored.files}):
            score, mated = stored[f"{name}/score"], stored[f"{name}/mated"]
            score = np.where(np.isfinite(score), score, 0)
            other = meaning.significance(score[~mated])
            measured = [(other >= level).mean() for level in (1, 2, 3, 4)]
            cost = cllr(meaning.llr(score[mated]), meaning.llr(score[~mated]))
            console.print(
                f"{name}: stated FMR 1e-1 1e-2 1e-3 1e-4, measured "
                f"{' '.join(f'{rate:.1e}' for rate in measured)}; Cllr {cost:.3f}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="templates are kept here")
    parser.add_argument("--fingers", type=int, default=400)
    parser.add_argument("--impressions", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--check", nargs=2, action="append", metavar=("EXTRACTOR", "SCORES"))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    jobs = [(n, arguments.impressions, arguments.work) for n in range(arguments.fingers)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, mp_context=spawn) as pool:
        list(track(pool.map(make, jobs), "making prints", total=len(jobs), console=console))
    fitted = {}
    for extractor in pipeline.EXTRACTORS:
        prints = read(extractor, arguments.fingers, arguments.impressions, arguments.work)
        scores = compare_all(prints, Settings(extractor=extractor))
        mated = scores.score[scores.mated & np.isfinite(scores.score)]
        nonmated = scores.score[~scores.mated & np.isfinite(scores.score)]
        fitted[extractor] = fit(
            mated,
            nonmated,
            f"{arguments.fingers} made fingers x {arguments.impressions} impressions, seed {SEED}: "
            f"{len(mated)} mated and {len(nonmated)} non-mated comparisons",
        )
        console.print(extractor, fitted[extractor])
    OUT.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    for extractor, scores_path in arguments.check or []:
        check(extractor, Path(scores_path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
