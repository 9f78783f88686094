"""The network that makes an embedding of described minutiae, in PyTorch, to be trained.

Minutiae are gathered around learned words (VLAD with soft assignment: Jégou et al., CVPR 2010;
NetVLAD: Arandjelović et al., CVPR 2016), each with a learned weight, square-rooted, and projected.
No minutia knows where the others lie, but by its own described neighbourhood: networks that did
were better on drawn prints and worse on real ones (docs/experiments.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from engine.types import F32

INPUTS = 256  # components of a described minutia
HIDDEN = 48  # units that weigh a minutia
ROOT = 1e-6  # under the square root, for its slope at zero


class Network(nn.Module):
    """Described minutiae, float32 (B, N, 256), and which are in use, float32 (B, N) of 0 and 1, to
    embeddings, float32 (B, size), unit length.

    start: scale (d,), what the d leading components are multiplied by; words (K, d); softness;
    mean (K·d,) and matrix (K·d, size), the projection.
    """

    def __init__(self, start: dict[str, F32]) -> None:
        super().__init__()
        given = {name: torch.from_numpy(np.array(a, np.float32)) for name, a in start.items()}
        self.scale = nn.Parameter(given["scale"])
        self.words = nn.Parameter(given["words"])
        self.softness = nn.Parameter(given["softness"])
        self.mean = nn.Parameter(given["mean"])
        self.matrix = nn.Parameter(given["matrix"])
        self.weigh = nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        nn.init.zeros_(self.weigh[2].weight)
        nn.init.zeros_(self.weigh[2].bias)
        self.sharpness = nn.Parameter(torch.tensor(np.log(20.0), dtype=torch.float32))  # of a loss

    def forward(self, described: torch.Tensor, used: torch.Tensor) -> torch.Tensor:
        gathered = self.gather(described, used)
        return functional.normalize((gathered - self.mean) @ self.matrix, dim=1)

    def gather(self, described: torch.Tensor, used: torch.Tensor) -> torch.Tensor:
        """What lies around each word: float32 (B, K·d), unit length, before any projection."""
        near = described[..., : self.words.shape[1]] * self.scale
        # squared distances but for each minutia's own square, which every word shares
        distance = (self.words**2).sum(1) - 2 * near @ self.words.T
        weight = 2 * torch.sigmoid(self.weigh(described / 2)) * used[..., None]
        share = torch.softmax(-self.softness * distance, -1) * weight
        around = share.transpose(1, 2) @ near - share.sum(1)[..., None] * self.words
        flat = around.flatten(1)
        rooted = torch.sign(flat) * (torch.sqrt(flat.abs() + ROOT) - ROOT**0.5)
        return functional.normalize(rooted, dim=1)

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """The parameters for an optimiser that moves each by shares of its own size."""
        sizes = {
            "matrix": float(self.matrix.detach().std()),
            "words": float(self.words.detach().std()),
            "mean": float(self.mean.detach().std()),
            "scale": 0.1,
            "softness": 0.02,
            "sharpness": 1.0,
        }
        groups = [
            {"params": [getattr(self, name)], "lr": rate * size, "full": rate * size}
            for name, size in sizes.items()
        ]
        own = 1.5 * rate
        return [*groups, {"params": list(self.weigh.parameters()), "lr": own, "full": own}]


def one_bit(vectors: torch.Tensor) -> torch.Tensor:
    """Unit vectors (B, size) as an index keeps them: signs, of the length that makes the product
    with the vector itself 1 (RaBitQ: Gao and Long, SIGMOD 2024). Slopes pass through unchanged."""
    with torch.no_grad():
        signs = torch.sign(vectors) / vectors.abs().sum(1, keepdim=True)
    return vectors + (signs - vectors).detach()


def contrast(one: torch.Tensor, other: torch.Tensor, sharpness: torch.Tensor) -> torch.Tensor:
    """InfoNCE (van den Oord et al. 2018) over the fingers of a batch, either impression sought
    among the one-bit vectors of the other: what a search does."""
    mates = torch.arange(len(one), device=one.device)
    scale = sharpness.exp()
    there = functional.cross_entropy(one @ one_bit(other).T * scale, mates)
    back = functional.cross_entropy(other @ one_bit(one).T * scale, mates)
    return (there + back) / 2


def export(network: Network, path: Path) -> None:
    """Writes the network as ONNX, numbers of prints and of minutiae free. The large matrix is
    rounded to half precision: the file packs to half its size."""
    with torch.no_grad():
        network.matrix.copy_(network.matrix.half().float())
    prints, minutiae = torch.export.Dim("prints"), torch.export.Dim("minutiae")
    free = {0: prints, 1: minutiae}
    torch.onnx.export(
        network.cpu().eval(),
        (torch.zeros(3, 5, INPUTS), torch.ones(3, 5)),
        str(path),
        input_names=["described", "used"],
        output_names=["embedding"],
        dynamic_shapes={"described": free, "used": free},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
