#!/usr/bin/env python3
"""Makes fingers and impressions of them as pictures, to train with: thousands of fingers an hour.

    .venv/bin/python scripts/make_masters.py --masters 10000 --impressions 4 --out DIR [--seed 1]
        [--rolled 1] [--workers 2] [--device cpu|auto|gpu]

Classes come in natural proportions. Finger 12345 lies in DIR/012/: 012345_0.png and on are its
impressions at 500 ppi, the last --rolled of them rolled from nail to nail, and 012345.json is the
truth about them: its class, and for each impression the sensor, the type and the minutiae
[x px, y px, angle rad, kind, number in the finger].

The same seed gives the same pictures, finger by finger, whatever else is asked for: a run that was
stopped goes on where it was, and another with more fingers adds to it. The truth is written last,
so a finger without it is not whole.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np
from resume import claim, processes, progress, write_whole
from rich.console import Console

from engine.errors import TenprintError
from engine.settings import MasterSettings, SynthesisSettings
from engine.synthesis.impression import Impression, make_impression
from engine.synthesis.lists import list_minutiae
from engine.synthesis.master import Master, make_master
from engine.synthesis.rolling import ImpressionType, nail_to_nail

FOLDER = 1000  # fingers in one folder
BATCH = 16  # fingers that a worker takes at one time
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is made of each finger: its impressions, of which the last `rolled` are rolled.
    device: where its ridges grow."""

    seed: int
    impressions: int
    rolled: int = 0
    device: str = "cpu"

    @property
    def settings(self) -> SynthesisSettings:
        """Fingers that nobody rolls need not be known from nail to nail."""
        settings = SynthesisSettings(master=MasterSettings(device=self.device))
        return nail_to_nail(settings) if self.rolled else settings

    def types(self) -> list[ImpressionType]:
        """How each impression is made, in order."""
        plain = self.impressions - self.rolled
        return [ImpressionType.PLAIN] * plain + [ImpressionType.ROLLED] * self.rolled


def make_finger(number: int, plan: Plan) -> tuple[Master, list[Impression]]:
    """Finger `number` of the plan's seed with its impressions, always the same."""
    settings = plan.settings
    seeds = np.random.SeedSequence([plan.seed, number]).spawn(1 + plan.impressions)
    master = make_master(np.random.default_rng(seeds[0]), settings)
    return master, [
        make_impression(master, np.random.default_rng(seed), settings, each)
        for seed, each in zip(seeds[1:], plan.types(), strict=True)
    ]


def write_finger(number: int, plan: Plan, folder: Path) -> None:
    """Makes a finger and writes its impressions, and then the truth about them."""
    cv2.setNumThreads(1)
    truth = truth_path(folder, number)
    truth.parent.mkdir(exist_ok=True)
    master, impressions = make_finger(number, plan)
    for path, each in zip(print_paths(folder, number, plan), impressions, strict=True):
        cv2.imwrite(str(path), each.pixels)
    said = {
        "pattern": master.pattern.name.lower().replace("_", " "),
        "impressions": [
            {
                "sensor": each.sensor,
                "type": each.impression_type.name.lower(),
                "minutiae": list_minutiae(each),
            }
            for each in impressions
        ],
    }
    write_whole(truth, lambda path: path.write_text(json.dumps(said), encoding="utf-8"))


def make_fingers(masters: int, plan: Plan, folder: Path, workers: int | None) -> int:
    """Makes the fingers 0 to `masters` that are not in the folder; how many that were.

    InputError where the folder holds prints of another plan.
    """
    claim(
        folder, {"work": "masters", "plan": asdict(plan), "settings": repr(asdict(plan.settings))}
    )
    missing = [i for i in range(masters) if not truth_path(folder, i).exists()]
    with progress(console) as bar:
        task = bar.add_task("masters", total=masters, completed=masters - len(missing))
        for _ in _each(missing, plan, folder, workers):
            bar.advance(task)
    return len(missing)


def truth_path(folder: Path, number: int) -> Path:
    """Where the truth about a finger is written."""
    return folder / f"{number // FOLDER:03d}" / f"{number:06d}.json"


def print_paths(folder: Path, number: int, plan: Plan) -> list[Path]:
    """Where the impressions of a finger are written, in order."""
    truth = truth_path(folder, number)
    return [truth.with_name(f"{truth.stem}_{k}.png") for k in range(plan.impressions)]


def _each(numbers: Sequence[int], plan: Plan, folder: Path, workers: int | None) -> Iterator[None]:
    """Writes these fingers, here or in several processes."""
    if workers == 1 or len(numbers) < BATCH:
        for number in numbers:
            yield write_finger(number, plan, folder)
        return
    same = ([plan] * len(numbers), [folder] * len(numbers))
    with processes(workers) as pool:
        yield from pool.map(write_finger, numbers, *same, chunksize=BATCH)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masters", type=int, required=True, help="how many fingers")
    parser.add_argument("--impressions", type=int, default=4, help="of each finger")
    parser.add_argument("--rolled", type=int, default=0, help="how many of these are rolled")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu", choices=("cpu", "auto", "gpu"))
    arguments = parser.parse_args()
    if not 0 <= arguments.rolled <= arguments.impressions or arguments.impressions < 1:
        parser.error("--impressions must be at least 1, and --rolled no more than that")
    if arguments.masters < 1 or arguments.seed < 0:
        parser.error("--masters must be at least 1, and --seed not negative")
    plan = Plan(arguments.seed, arguments.impressions, arguments.rolled, arguments.device)
    begin = time.perf_counter()
    try:
        made = make_fingers(arguments.masters, plan, arguments.out, arguments.workers)
    except TenprintError as error:
        parser.exit(1, f"{error}\n")
    gone = time.perf_counter() - begin
    console.print(f"{made} fingers in {gone:.0f} s, {3600 * made / gone:,.0f} an hour")
    return 0


if __name__ == "__main__":
    sys.exit(main())
