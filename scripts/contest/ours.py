"""Tenprint among the matchers: all the evidence, weighed as the other sets teach."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from evaluation.comparisons import by_probe, pack, take
from evaluation.prints import Print, console
from fit_matching import MODELS, STORED, Compared, fit_weights, restore, weigh
from rich.progress import track

from contest.plan import Index
from engine.matching import calibration, comparison
from engine.matching.weighing import Weights
from engine.settings import Settings
from engine.types import F64


def compare_ours(
    sets: Sequence[tuple[Sequence[Print], Index]], extractor: str
) -> list[tuple[F64, float]]:
    """For each set, given its prints and which of them to compare, (n, 2): the scores, -inf where a
    print has no template, and the CPU µs of one comparison."""
    settings = Settings(extractor=extractor)
    settings = replace(settings, rescoring=replace(settings.rescoring, threads=1))
    usable, parts, took, done = [], [], [], []
    shown = track(sets, f"tenprint {extractor}", console=console)
    for number, (prints, pairs) in enumerate(shown):
        made = np.array([each.template is not None for each in prints])
        usable.append(made[pairs].all(axis=1))
        begin = time.process_time()
        parts.append(compare(prints, pairs[usable[-1]], number, settings))
        took.append(1e6 * (time.process_time() - begin) / usable[-1].sum())
    for number, possible in enumerate(usable):
        scores = np.full(len(possible), -np.inf)
        weights = learn(parts[:number] + parts[number + 1 :], extractor)
        scores[possible] = weigh(parts[number], *weights)
        done.append((scores, took[number]))
    return done


def compare(prints: Sequence[Print], pairs: Index, number: int, settings: Settings) -> Compared:
    """What the prints of each pair have in common, all pairs of one probe in one call.

    number: of the set."""
    held, place = pack(prints), np.cumsum([each.template is not None for each in prints]) - 1
    parts, found = by_probe(pairs[:, 0]), []
    for probe, mine in parts:
        alone, candidates = take(held, place[probe]), place[pairs[mine, 1]]
        found.append(
            comparison.compare(alone, held, candidates, settings.rescoring, settings.comparison)
        )
    back = np.argsort(np.concatenate([mine for _, mine in parts]))
    stored = {name: np.concatenate([getattr(each, name) for each in found]) for name in STORED}
    one, other = np.unique([each.finger for each in prints], return_inverse=True)[1][pairs].T
    return Compared(
        restore({name: column[back] for name, column in stored.items()}),
        one,
        other,
        mated=one == other,
        part=np.full(len(pairs), number),
        real=np.ones(len(pairs), bool),
    )


def learn(others: Sequence[Compared], extractor: str) -> list[Weights]:
    """The weights of the evidence, with ridges and without, from the other sets; those that
    Tenprint comes with where there is none."""
    if not others:
        shipped = calibration.load(extractor)
        return [shipped.with_ridges, shipped.without]
    stored = {
        name: np.concatenate([getattr(each.found, name) for each in others]) for name in STORED
    }
    rest = (
        np.concatenate([getattr(each, name) for each in others])
        for name in ("one", "other", "mated", "part", "real")
    )
    whole = Compared(restore(stored), *rest)
    return [fit_weights(whole, used) for used in MODELS]
