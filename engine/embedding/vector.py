"""Makes one fixed-length vector of a print, to find it among many without comparing minutiae.

A small network (network.onnx) gathers the described minutiae around learned words, each with a
learned weight, and projects them so that impressions of one finger fall together, as an index keeps
them: at one bit a component. Learned on drawn fingers only, by scripts/train/embedding.py;
network.json says how.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import numpy as np

from engine import networks
from engine.types import F32

VERSION = 2  # of the embedding: raise it when network.onnx or what is below changes it


def embed(projected: F32) -> F32:
    """The embedding of a print from its n projected neighbourhoods (n, 256), n ≥ 1.

    Returns float32 (EMBEDDING_SIZE,), unit length; likeness of two prints is the inner product.
    """
    inputs = {
        "described": projected[None].astype(np.float32),
        "used": np.ones((1, len(projected)), np.float32),
    }
    return np.asarray(_session().run(None, inputs)[0][0], np.float32)


@functools.cache
def _session() -> Any:
    """One session a process."""
    return networks.load(resources.files("engine.embedding").joinpath("network.onnx").read_bytes())
