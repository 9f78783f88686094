"""Makes one fixed-length vector of a print, to find it among many without comparing minutiae.

The projected neighbourhoods are gathered around learned words (VLAD with soft assignment: Jégou
et al., CVPR 2010; Arandjelović and Zisserman, CVPR 2013), square-rooted, and projected so that
impressions of one finger fall together (linear discriminant). Learned on drawn fingers only:
scripts/train/vector.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import NamedTuple

import numpy as np

from engine.types import EMBEDDING_SIZE, F32

VERSION = 1  # of the embedding: raise it when vector.npz or what is below changes it


class Words(NamedTuple):
    """Learned on made prints. d leading components are used, around K words.

    scale: float32 (d,), what makes the components of one size. words: float32 (K, d).
    softness: how sharply a minutia belongs to its nearest word, 1/squared distance.
    mean: float32 (K·d,). matrix: float32 (K·d, EMBEDDING_SIZE).
    """

    scale: F32
    words: F32
    softness: float
    mean: F32
    matrix: F32


@functools.cache
def learned() -> Words:
    """The words and the projection that ship with this version."""
    with resources.files("engine.embedding").joinpath("vector.npz").open("rb") as file:
        stored = np.load(file)
        arrays = {name: stored[name].astype(np.float32) for name in stored.files}
    return Words(**{**arrays, "softness": float(arrays["softness"])})


def embed(projected: F32) -> F32:
    """The embedding of a print from its n projected neighbourhoods (n, 256), n ≥ 1.

    Returns float32 (EMBEDDING_SIZE,), unit length; likeness of two prints is the inner product.
    """
    words = learned()
    gathered = gather(projected, words.scale, words.words, words.softness)
    vector = (gathered - words.mean) @ words.matrix
    return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)


def gather(projected: F32, scale: F32, words: F32, softness: float) -> F32:
    """What lies around each word: float32 (K·d,), unit length, before any projection."""
    features = projected[:, : words.shape[1]] * scale
    # squared distances but for each minutia's own square, which every word shares
    distance = (words**2).sum(axis=1) - 2 * features @ words.T
    share = np.exp(-softness * (distance - distance.min(axis=1, keepdims=True)))
    share /= share.sum(axis=1, keepdims=True)
    around = share.T @ features - share.sum(axis=0)[:, None] * words
    rooted = np.sign(around) * np.sqrt(np.abs(around))
    return (rooted / max(float(np.linalg.norm(rooted)), 1e-9)).ravel().astype(np.float32)


assert EMBEDDING_SIZE == 256  # the shape that vector.npz was learned for
