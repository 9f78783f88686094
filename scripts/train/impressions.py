"""Draws impressions to learn from: as noisy as real mated prints are to each other, and noisier.

Template-level simulation: minutiae without pictures, described as the engine describes them.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).parents[1]))  # where `resume` is

import numpy as np
import numpy.typing as npt
from resume import processes

from engine.embedding import descriptors
from engine.settings import Settings, SynthesisSettings
from engine.synthesis.draw import draw_impressions, draw_masters, minutiae_of

USUAL = SynthesisSettings()
DESCRIBING = Settings().descriptor
WAITING = 3  # shards that are kept ready for each worker


@dataclass(frozen=True, slots=True)
class Noise:
    """From where to where each impression's noise is drawn, all its fingers alike.

    Ranges lie around what the best pairs of mated prints show (FVC2002 DB1 and DB2, FVC2004 DB1 and
    DB3, FCJ2020, 120 pairs of each, by either extractor): 70 to 90 % of the minutiae expected are
    met, places 1 px off on each axis, directions 1.5 to 2.5 degrees; `DrawSettings` is two to three
    times as noisy.
    """

    missing: tuple[float, float] = (0.0, 0.10)  # least share of minutiae missed
    missing_more: tuple[float, float] = (0.02, 0.20)  # added to it, the most
    spurious: tuple[float, float] = (0.0, 0.10)
    spurious_more: tuple[float, float] = (0.02, 0.25)
    position_sd: tuple[float, float] = (0.7, 1.9)  # px on each axis
    angle_sd: tuple[float, float] = (0.03, 0.10)  # rad
    flipped: float = 0.005
    press: tuple[float, float] = (0.3, 1.3)  # of the usual distortion
    least_width: tuple[float, float] = (80.0, 100.0)  # px, half axis of the smallest contact
    least_height: tuple[float, float] = (105.0, 135.0)  # px
    contact_sd: tuple[tuple[float, float], tuple[float, float]] = ((26.0, 36.0), (12.0, 18.0))
    most: tuple[float, float] = (150.0, 240.0)  # px, half axes of the largest contact


LIKE_REAL = Noise()
NOISIER = Noise(
    missing=(0.05, 0.20),
    missing_more=(0.05, 0.25),
    spurious=(0.05, 0.20),
    spurious_more=(0.05, 0.30),
    position_sd=(1.0, 2.4),
    angle_sd=(0.04, 0.14),
    flipped=0.01,
    press=(0.6, 1.6),
)
NOISIER_SHARE = 0.25  # of the impressions


class Shard(NamedTuple):
    """Impressions of some fingers. count: int64 (each, fingers), minutiae of each impression.
    described: float16 (minutiae, 256), their projected neighbourhoods, one impression after the
    other."""

    count: npt.NDArray[np.int64]
    described: npt.NDArray[np.float16]

    def pair(self, k: int) -> Shard:
        """Impressions k and k + 1 of each finger."""
        start = np.concatenate([[0], np.cumsum(self.count.sum(axis=1))])
        return Shard(self.count[k : k + 2], self.described[start[k] : start[k + 2]])


def draw_shard(seed: tuple[int, int], fingers: int, each: int, noisier: float) -> Shard:
    """`each` impressions of `fingers` new fingers; `noisier`: share of them that are so."""
    rng = np.random.default_rng(seed)
    masters = draw_masters(fingers, rng, USUAL)
    count, described = [], []
    for _ in range(each):
        settings = _settings(NOISIER if rng.random() < noisier else LIKE_REAL, rng)
        drawn = draw_impressions(masters, np.arange(fingers), rng, settings)
        found = [minutiae_of(drawn, i) for i in range(fingers)]
        count.append([len(minutiae) for minutiae in found])
        described += [descriptors.project(m, DESCRIBING).astype(np.float16) for m in found]
    return Shard(np.array(count, np.int64), np.concatenate(described))


def draw_shards(
    seed: int, first: int, last: int, fingers: int, each: int, workers: int
) -> Iterator[Shard]:
    """The shards number first to last - 1 of a seed, in order, drawn by several processes: the
    same whatever their number."""
    ahead: deque[Future[Shard]] = deque()
    pool = processes(workers)
    try:
        for number in range(first, last):
            ahead.append(pool.submit(draw_shard, (seed, number), fingers, each, NOISIER_SHARE))
            if len(ahead) > WAITING * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _settings(noise: Noise, rng: np.random.Generator) -> SynthesisSettings:
    def one(limits: tuple[float, float]) -> float:
        return float(rng.uniform(*limits))

    missing, spurious, press = one(noise.missing), one(noise.spurious), one(noise.press)
    wide = float(rng.random())

    def between(limits: tuple[float, float]) -> float:
        """Small contacts lie off the middle, large ones do not."""
        return limits[0] + wide * (limits[1] - limits[0])

    draw = replace(
        USUAL.draw,
        missing=(missing, missing + one(noise.missing_more)),
        spurious=(spurious, spurious + one(noise.spurious_more)),
        position_sd=one(noise.position_sd),
        angle_sd=one(noise.angle_sd),
        flipped=noise.flipped,
        contact_width=(between(noise.least_width), noise.most[0]),
        contact_height=(between(noise.least_height), noise.most[1]),
        contact_sd=tuple(between((far, near)) for far, near in zip(*noise.contact_sd, strict=True)),
    )
    usual = USUAL.press
    return replace(
        USUAL,
        draw=draw,
        press=replace(
            usual,
            traction_sd=usual.traction_sd * press,
            torsion_sd=usual.torsion_sd * press,
            stretch_sd=usual.stretch_sd * press,
        ),
    )
