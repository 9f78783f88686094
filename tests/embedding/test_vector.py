"""Embeddings: unit length, whatever the order, and nearer to mates than others."""

from __future__ import annotations

import hashlib
import json
from importlib import resources

import numpy as np
import pytest

from engine.embedding import descriptors, vector
from engine.settings import Settings
from tests.templates import draw_templates


@pytest.fixture(scope="module")
def described():
    made = [finger[0].minutiae for finger in draw_templates(12, 1, seed=3)]
    return [descriptors.project(minutiae, Settings().descriptor) for minutiae in made]


def test_mates_are_nearer_than_strangers():
    made = draw_templates(200, 2, seed=31)
    one, other = (np.stack([finger[i].embedding for finger in made]) for i in (0, 1))
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
    cosine = one @ other.T
    better = (cosine > np.diag(cosine)[:, None]).sum(axis=1)
    assert (better == 0).mean() > 0.95
    assert (better < 10).mean() > 0.98


def test_as_an_index_keeps_them_mates_are_nearer_than_strangers():
    made = draw_templates(200, 2, seed=32)
    one, other = (np.stack([finger[i].embedding for finger in made]) for i in (0, 1))
    kept = np.sign(other) / np.abs(other).sum(axis=1, keepdims=True)
    likeness = one @ kept.T
    better = (likeness > np.diag(likeness)[:, None]).sum(axis=1)
    assert (better < 4).mean() > 0.97


def test_the_order_of_minutiae_does_not_matter(described):
    turned = described[0][np.random.default_rng(1).permutation(len(described[0]))]
    np.testing.assert_allclose(vector.embed(turned), vector.embed(described[0]), atol=2e-5)


def test_the_network_is_the_one_that_its_provenance_tells_of():
    files = resources.files("engine.embedding")
    told = json.loads(files.joinpath("network.json").read_text())
    network = files.joinpath("network.onnx").read_bytes()
    assert hashlib.sha256(network).hexdigest() == told["sha256"]
    assert len(network) < 20 * 2**20
    assert "no real print" in told["data"]
