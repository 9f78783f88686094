#!/usr/bin/env python3
"""Learns engine/embedding/network.onnx, the embedding of a finger, on drawn fingers alone.

    .venv/bin/python -m pip install -e '.[train]'
    .venv/bin/python scripts/train/embedding.py --work DIR [--shards 240] [--device cpu|cuda]

First in closed form (words by clustering, a discriminant projection), then end to end by gradients.
What was reached is kept in DIR: a run that was stopped goes on where it was. At the end the network
and what it came from (network.json) are written beside the engine's code.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

if importlib.util.find_spec("torch") is None:
    raise SystemExit("learning needs PyTorch: pip install -e '.[train]'")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from discriminant import Scatter, cluster, separate
from impressions import LIKE_REAL, NOISIER, NOISIER_SHARE, Shard, draw_shard, draw_shards
from network import Network, contrast, export, one_bit
from resume import claim, progress, write_whole
from rich.console import Console
from rich.progress import track

from engine.errors import InputError
from engine.types import EMBEDDING_SIZE, F32

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "engine" / "embedding"
GROUP = 96  # impressions of like minutiae counts that are padded and computed together
OFTEN = 20  # shards from one checkpoint to the next
HELD_OUT = (1, 0)  # seed of the fingers that nothing is learned from
Forward = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
console = Console(stderr=True)


@dataclass(frozen=True)
class Plan:
    """What a run does; a run goes on only with the plan it began with.

    components: of a described minutia, that are gathered, around so many words. start_shards: that
    the closed form is learned from. shrinkage: of the covariance within fingers. each: impressions
    of each finger, an even number. rate: of learning, in shares of the parameters' sizes; it
    falls to nothing over the shards.
    """

    shards: int = 240
    fingers: int = 1024  # of a shard, and of a batch
    each: int = 4
    seed: int = 5
    start_shards: int = 16
    components: int = 64
    words: int = 64
    softness: float = 8.0  # over the components: 1/squared distance
    power: float = 0.5  # of the components' sizes that is evened out: 1 would make all alike
    shrinkage: float = 0.7
    rate: float = 2e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="what was reached is kept here")
    parser.add_argument("--shards", type=int, default=Plan.shards)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    plan = Plan(shards=arguments.shards)
    try:
        claim(arguments.work, asdict(plan))
    except InputError as error:
        parser.exit(1, f"{error}\n")
    start = begin_closed(arguments.work / "start.npz", plan, arguments.workers)
    network, log = train(plan, start, arguments.work, arguments.device, arguments.workers)
    write(network, plan, log, arguments.out)


def begin_closed(path: Path, plan: Plan, workers: int) -> dict[str, F32]:
    """What training begins with: `network.Network`'s start, kept in `path`."""
    if not path.exists():
        made = learn_closed(plan, workers)
        write_whole(path, lambda part: np.savez(part, **made))
    with np.load(path) as stored:
        return dict(stored)


def learn_closed(plan: Plan, workers: int) -> dict[str, F32]:
    """Words by clustering, and the discriminant projection of what is gathered around them."""
    rng = np.random.default_rng(plan.seed)
    # shards after those of the training
    first = plan.shards
    last = first + plan.start_shards
    shards = draw_shards(plan.seed, first, last, plan.fingers, plan.each, workers)
    start: dict[str, F32] = {}
    scatter = Scatter(plan.words * plan.components)
    for shard in track(shards, "closed form", total=plan.start_shards, console=console):
        if not start:
            start = learn_words(shard, plan, rng)
            unprojected = Network({**start, **no_projection(plan)})
        with torch.no_grad():
            values = apart(shard, unprojected.gather, "cpu").numpy()
        labels = np.tile(np.arange(plan.fingers), plan.each)
        scatter.add(values, labels)
    matrix = separate(scatter.within, scatter.total, EMBEDDING_SIZE, plan.shrinkage)
    # one bit a component wants components of one size: a random rotation changes no inner product
    turn, _ = np.linalg.qr(rng.normal(size=(EMBEDDING_SIZE, EMBEDDING_SIZE)))
    return {**start, "mean": scatter.mean, "matrix": matrix @ turn.astype(np.float32)}


def learn_words(shard: Shard, plan: Plan, rng: np.random.Generator) -> dict[str, F32]:
    """Scale, words and softness."""
    some = rng.choice(len(shard.described), 60_000, replace=False)
    near = shard.described[some, : plan.components].astype(np.float32)
    scale = near.std(axis=0) ** (plan.power - 1)
    scale /= np.sqrt(np.mean((near * scale).var(axis=0)))
    softness = np.float32(plan.softness / plan.components)
    return {"scale": scale, "words": cluster(near * scale, plan.words, rng), "softness": softness}


def no_projection(plan: Plan) -> dict[str, F32]:
    """A mean and a matrix for a network that only gathers."""
    size = plan.words * plan.components
    return {"mean": np.zeros(size, np.float32), "matrix": np.zeros((size, 1), np.float32)}


def train(
    plan: Plan, start: dict[str, F32], work: Path, device: str, workers: int
) -> tuple[Network, list[dict[str, float]]]:
    """The trained network, and how its training went."""
    if device == "cpu":
        torch.set_num_threads(1)
    network = Network(start).to(device)
    groups = network.groups(plan.rate)
    optimiser = torch.optim.Adam(groups)
    checkpoint, done, log = work / "checkpoint.pt", 0, []
    if checkpoint.exists():
        kept = torch.load(checkpoint, map_location=device)
        network.load_state_dict(kept["network"])
        optimiser.load_state_dict(kept["optimiser"])
        done, log = kept["done"], kept["log"]
    held_out = draw_shard(HELD_OUT, 6000, 2, NOISIER_SHARE)
    if not log:
        log.append({"shards": 0, **judge(network, held_out, device)})
        console.print(log[-1])
    shards = draw_shards(plan.seed, done, plan.shards, plan.fingers, plan.each, workers)
    with progress(console) as bar:
        task = bar.add_task("training", total=plan.shards, completed=done)
        for number, shard in enumerate(shards, start=done + 1):
            for group in optimiser.param_groups:
                group["lr"] = group["full"] * max(1 - number / plan.shards, 0.02)
            loss = [
                learn_pair(network, optimiser, shard.pair(k), device)
                for k in range(0, plan.each, 2)
            ]
            bar.advance(task)
            if number % OFTEN == 0 or number == plan.shards:
                measured = judge(network, held_out, device)
                log.append({"shards": number, "loss": float(np.mean(loss)), **measured})
                bar.console.print(log[-1])
                kept = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
                kept |= {"done": number, "log": log}
                write_whole(checkpoint, lambda part, kept=kept: torch.save(kept, part))
    return network, log


def learn_pair(
    network: Network, optimiser: torch.optim.Optimizer, pair: Shard, device: str
) -> float:
    """One step: two impressions of each finger, each the other's mate among all."""
    embedded = apart(pair, network, device)
    one, other = embedded.chunk(2)
    loss = contrast(one, other, network.sharpness)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def apart(shard: Shard, network: Forward, device: str) -> torch.Tensor:
    """Every impression of a shard through a network, float32 (each * fingers, size): in groups
    of like minutiae counts, padded."""
    count = shard.count.ravel()
    first = np.concatenate([[0], np.cumsum(count)])[:-1]
    order = np.argsort(count, kind="stable")
    parts = []
    for at in range(0, len(order), GROUP):
        which = order[at : at + GROUP]
        slot = np.arange(max(int(count[which].max()), 1))
        used = slot < count[which, None]
        rows = np.where(used, first[which, None] + slot, 0)
        described = shard.described[rows].astype(np.float32) * used[..., None]
        mask = torch.from_numpy(used.astype(np.float32)).to(device)
        parts.append(network(torch.from_numpy(described).to(device), mask))
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return torch.cat(parts)[torch.from_numpy(back).to(device)]


def judge(network: Network, held_out: Shard, device: str) -> dict[str, float]:
    """Percent of held-out impressions whose mate is not among the nearest 1 and 0.1 % of the
    others' one-bit vectors, and not the nearest."""
    network.eval()
    with torch.no_grad():
        probes, gallery = apart(held_out, network, device).chunk(2)
        likeness = probes @ one_bit(gallery).T
        rank = (likeness > likeness.diagonal()[:, None]).sum(1)
    network.train()
    share = rank.float() / len(gallery)
    return {
        "miss_1": 100 * float((share >= 0.01).float().mean()),
        "miss_0.1": 100 * float((share >= 0.001).float().mean()),
        "not_first": 100 * float((rank > 0).float().mean()),
    }


def write(network: Network, plan: Plan, log: list[dict[str, float]], out: Path) -> None:
    """The network and its provenance."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "network.onnx"
    export(network, path)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    ).stdout.strip()
    told = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "made": date.today().isoformat(),
        "by": "scripts/train/embedding.py",
        "commit": commit,
        "data": "fingers drawn by engine.synthesis, no real print",
        "impressions": plan.shards * plan.fingers * plan.each,
        "plan": asdict(plan),
        "noise": {"like_real": asdict(LIKE_REAL), "noisier": asdict(NOISIER)},
        "noisier_share": NOISIER_SHARE,
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "numpy")},
        "held_out_drawn": log,
    }
    (out / "network.json").write_text(json.dumps(told, indent=1) + "\n")
    console.print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    begun = time.perf_counter()
    main()
    console.print(f"{time.perf_counter() - begun:.0f} s")
