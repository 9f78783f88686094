#!/usr/bin/env python3
"""Fits engine/matching/calibration.json: the weights of the evidence, and how rare its sums are.

    .venv/bin/python scripts/fit_matching.py PRINTS_DIR... --work DIR [--made 200]
        [--leave-out FOLDER/FINGER]

Every print of all folders, and of fingers made here, is compared with every other by all the
evidence, with either extractor. Templates and comparisons are kept in DIR, so a run that was
stopped goes on where it was. Before the weights of all real prints are written, the method is
judged on fingers that had no part in it: five folds of fingers, and each folder by the weights of
the others. Made prints had no part in it at all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import metrics
import numpy as np
from evaluation import intervals
from evaluation.comparisons import pack, take
from evaluation.intervals import Bootstrap
from evaluation.likelihoods import cllr
from evaluation.prints import Print, console, number, read_made, read_set, set_names
from rich.progress import track
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import genpareto

from engine import pipeline
from engine.matching import calibration, comparison, weighing
from engine.matching.comparison import Comparison
from engine.matching.weighing import FEATURES, Weights
from engine.settings import Settings

OUT = Path(__file__).parents[1] / "engine" / "matching" / "calibration.json"
MADE = "made"  # the set of fingers that the project makes
IMPRESSIONS = 3  # of each of them
SEED = 7001  # of them; no other script uses it
FOLDS = 5
RIDGE = 1e-6  # penalty on squared weights: none but against an endless slope
TAIL = 1e-3  # share of the non-mated comparisons that the tail is fitted to
KNOTS = 40  # of the table below the tail
MODELS = FEATURES, [name for name in FEATURES if name != "coherence"]  # with ridges, and without
STORED = [part.name for part in fields(Comparison) if part.name not in ("partner", "closeness")]


@dataclass(frozen=True, slots=True)
class Compared:
    """All comparisons of all prints: arrays (n,). found: without partners. one, other: numbers of
    the fingers. mated: bool. part: number of the set of both prints, -1 where they differ. real:
    bool, no made print is in it."""

    found: Comparison
    one: np.ndarray
    other: np.ndarray
    mated: np.ndarray
    part: np.ndarray
    real: np.ndarray

    def take(self, which: np.ndarray) -> Compared:
        """Only some of the comparisons."""
        found = restore({name: getattr(self.found, name)[which] for name in STORED})
        rest = (part[which] for part in (self.one, self.other, self.mated, self.part, self.real))
        return Compared(found, *rest)


def restore(stored: Mapping[str, np.ndarray]) -> Comparison:
    """Comparisons from what is STORED of them: without partners."""
    none = np.zeros((0, 0), np.uint8)
    return Comparison(
        **{name: stored[name] for name in STORED}, partner=none, closeness=none.astype(np.float32)
    )


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments that say which comparisons, with those that `parser` has already."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="PRINTS_DIR")
    parser.add_argument("--work", type=Path, required=True, help="what was computed is kept here")
    parser.add_argument("--made", type=int, default=200, help="fingers that the project makes")
    parser.add_argument("--leave-out", action="append", default=[], metavar="FOLDER/FINGER")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="extracting processes")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    return arguments


def read(arguments: argparse.Namespace, extractor: str) -> list[Print]:
    """All prints, fingers named <set>/<finger>."""
    sets = {
        name: read_set(folder, extractor, arguments.work, arguments.workers)
        for name, folder in zip(set_names(arguments.folders), arguments.folders, strict=True)
    }
    if arguments.made:
        sets[MADE] = read_made(
            arguments.made, IMPRESSIONS, SEED, extractor, arguments.work, arguments.workers
        )
    prints = [replace(p, finger=f"{name}/{p.finger}") for name, part in sets.items() for p in part]
    return [each for each in prints if each.finger not in arguments.leave_out]


def load(work: Path, extractor: str, prints: Sequence[Print]) -> dict[str, np.ndarray]:
    """The comparisons of `prints`, kept from an earlier run where they are the same."""
    settings = Settings(extractor=extractor)
    settings = replace(settings, rescoring=replace(settings.rescoring, threads=1))
    names = "\n".join(each.name for each in prints)
    told = f"{pipeline.maker(settings)} {settings.rescoring} {settings.comparison} {names}"
    path = work / f"compared-{hashlib.sha256(told.encode()).hexdigest()[:16]}.npz"
    if not path.exists():
        stored = compare(prints, settings)
        with path.open("wb") as file:
            np.savez(file, **stored)
    with np.load(path) as kept:
        return dict(kept)


def compare(prints: Sequence[Print], settings: Settings) -> dict[str, np.ndarray]:
    """Every two prints once, as arrays; one, other: numbers of prints."""
    made = [each for each in prints if each.template]
    held, rows = pack(made), []
    for i in track(range(len(made) - 1), "comparing", console=console):
        rest = np.arange(i + 1, len(made), dtype=np.int64)
        found = comparison.compare(
            take(held, i), held, rest, settings.rescoring, settings.comparison
        )
        row = {name: getattr(found, name) for name in STORED}
        rows.append(row | {"one": np.full(len(rest), i), "other": rest})
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def gather(stored: dict[str, np.ndarray], prints: Sequence[Print]) -> Compared:
    """The comparisons with whose they are."""
    made = [each for each in prints if each.template]
    names, finger = np.unique([each.finger for each in made], return_inverse=True)
    part = number([name.split("/")[0] for name in names])
    one, other = finger[stored["one"]], finger[stored["other"]]
    same = np.where(part[one] == part[other], part[one], -1)
    real = np.array([not name.startswith(f"{MADE}/") for name in names])
    return Compared(restore(stored), one, other, one == other, same, real[one] & real[other])


def weights_of(compared: Compared) -> np.ndarray:
    """What each comparison counts: mates and non-mates half each, every set alike in both;
    non-mates from two different sets are as one more set."""
    weight = np.zeros(len(compared.mated))
    for mated in (True, False):
        parts = np.unique(compared.part[compared.mated == mated])
        for part in parts:
            mine = (compared.mated == mated) & (compared.part == part)
            weight[mine] = 0.5 / len(parts) / mine.sum()
    return weight


def fit_weights(compared: Compared, used: Sequence[str]) -> Weights:
    """Logistic regression over these features, as if mates and non-mates were equally likely
    beforehand; the other features have no weight."""
    values = weighing.features(compared.found)[[FEATURES.index(name) for name in used]]
    middle, spread = values.mean(axis=1), values.std(axis=1) + 1e-9
    x = np.vstack([(values - middle[:, None]) / spread[:, None], np.ones(values.shape[1])])
    sign, weight = np.where(compared.mated, 1.0, -1.0), weights_of(compared)

    def loss(slope: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (slope @ x)
        value = weight @ np.logaddexp(0, -margin) + RIDGE * (slope[:-1] @ slope[:-1])
        gradient = x @ (-weight * sign * expit(-margin))
        gradient[:-1] += 2 * RIDGE * slope[:-1]
        return value, gradient

    found = minimize(loss, np.zeros(len(x)), jac=True, method="L-BFGS-B").x
    slope = found[:-1] / spread / np.log(10)
    bias = found[-1] / np.log(10) - slope @ middle
    return Weights(round(float(bias), 4), **dict(zip(used, slope.round(4).tolist(), strict=True)))


def weigh(compared: Compared, with_ridges: Weights, without: Weights) -> np.ndarray:
    """log10 likelihood ratios."""
    return weighing.weigh(compared.found, with_ridges, without)


def fit_nulls(llr: np.ndarray) -> dict:
    """Table and tail of the likelihood ratios of non-mates (all pairs count alike)."""
    share = np.logspace(0, np.log10(TAIL), KNOTS)
    knots, first = np.unique(np.quantile(llr, 1 - share), return_index=True)
    excess = llr[llr > knots[-1]] - knots[-1]
    shape, _, scale = genpareto.fit(excess, floc=0)
    if shape < 0:  # a bounded tail would call a slightly better non-mate impossible
        shape, scale = 0.0, float(excess.mean())
    return {
        "llr": knots.round(4).tolist(),
        "log10_fmr": np.log10(share[first]).round(4).tolist(),
        "tail_scale": round(float(scale), 5),
        "tail_shape": round(float(shape), 4),
    }


def fit(compared: Compared, sets: Sequence[str]) -> dict:
    """What is written for one extractor."""
    with_ridges, without = (fit_weights(compared, used) for used in MODELS)
    llr, other = weigh(compared, with_ridges, without), ~compared.mated
    return {
        "fitted_on": f"{', '.join(sets)}: {compared.mated.sum()} mated and {other.sum()} non-mated "
        "comparisons",
        "with_ridges": asdict(with_ridges),
        "without": asdict(without),
        "nulls": fit_nulls(llr[other]) | {"tail_scale_interval": bound_tail(compared, llr, other)},
    }


def bound_tail(compared: Compared, llr: np.ndarray, nulls: np.ndarray) -> list[float]:
    """The 95 % interval of the tail's mean excess, by bootstrap over fingers."""
    over = llr - np.quantile(llr[nulls], 1 - TAIL)
    which = np.flatnonzero(nulls & (over > 0))
    drawn = intervals.draw(max(compared.one.max(), compared.other.max()) + 1, Bootstrap())
    weight = drawn[:, compared.one[which]] * drawn[:, compared.other[which]]
    means = weight @ over[which] / weight.sum(axis=1)
    return np.quantile(means, [0.025, 0.975]).round(5).tolist()


def judge(llr: np.ndarray, compared: Compared) -> list[float]:
    """Mean over the sets of real prints of EER, FMR100, FMR1000 and ZeroFMR, percent, and Cllr."""
    rows = []
    for part in np.unique(compared.part[compared.mated & compared.real]):
        mine = compared.part == part
        mated, other = llr[mine & compared.mated], llr[mine & ~compared.mated]
        found = metrics.rates(mated, other)
        low = [metrics.fnmr_at(found, fmr) for fmr in (1e-2, 1e-3, 0)]
        rows.append(
            [100 * metrics.equal_error_rate(found), *(100 * x for x in low), cllr(mated, other)]
        )
    return np.mean(rows, axis=0).tolist()


def leave_sets_out(compared: Compared, models: Sequence[Sequence[str]]) -> np.ndarray:
    """log10 likelihood ratios, those of each set by weights from the others; 0 between two sets.

    models: the features with ridges, and without them; one serves both."""
    llr = np.zeros(len(compared.mated))
    for part in np.unique(compared.part[compared.part >= 0]):
        mine = compared.part == part
        weights = [fit_weights(compared.take(~mine), used) for used in models]
        llr[mine] = weigh(compared.take(mine), weights[0], weights[-1])
    return llr


def cross_validate(compared: Compared) -> None:
    """Judges the method on sets, and on fingers, that had no part in the weights."""
    tell("each set by the others", judge(leave_sets_out(compared, MODELS), compared))
    out = np.zeros(len(compared.mated))
    fold = np.arange(max(compared.one.max(), compared.other.max()) + 1) % FOLDS
    for k in range(FOLDS):
        apart = (fold[compared.one] != k) & (fold[compared.other] != k)
        weights = [fit_weights(compared.take(apart), used) for used in MODELS]
        mine = fold[compared.one] == k
        out[mine] = weigh(compared.take(mine), *weights)
    tell("five folds of fingers", judge(out, compared))


def check_nulls(compared: Compared, fitted: dict) -> None:
    """Stated against measured false match rates on fingers, and on made prints, that had no part in
    the table and its tail."""
    llr = weigh(compared, *(Weights(**fitted[name]) for name in ("with_ridges", "without")))
    half = np.arange(max(compared.one.max(), compared.other.max()) + 1) % 2
    other, one, two = ~compared.mated, half[compared.one], half[compared.other]
    first, second = (other & compared.real & (one == k) & (two == k) for k in (0, 1))
    made = other & ~compared.real & (compared.part >= 0)
    for what, known, measured in (
        ("second half of the fingers", first, second),
        ("first half", second, first),
        ("made prints", other & compared.real, made),
    ):
        score = calibration.Nulls.from_table(fit_nulls(llr[known])).significance(llr[measured])
        rates = ", ".join(f"1e-{k}: {(score >= k).mean():.1e}" for k in range(1, 6))
        console.print(f"stated and measured false match rates on {what}: {rates}")


def tell(what: str, row: Sequence[float]) -> None:
    names = ("EER", "FMR100", "FMR1000", "ZeroFMR", "Cllr")
    figures = ", ".join(f"{name} {x:.3f}" for name, x in zip(names, row, strict=True))
    console.print(f"{what}: {figures}")


def main() -> int:
    arguments = parse(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    fitted = {}
    for extractor in pipeline.EXTRACTORS:
        prints = read(arguments, extractor)
        compared = gather(load(arguments.work, extractor, prints), prints)
        real = compared.take(compared.real)
        cross_validate(real)
        fitted[extractor] = fit(real, set_names(arguments.folders))
        check_nulls(compared, fitted[extractor])
        console.print(extractor, fitted[extractor])
    OUT.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
