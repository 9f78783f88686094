"""Statistics that learning takes: covariances in batches, directions that tell classes apart."""

from __future__ import annotations

import numpy as np
from discriminant import Scatter, cluster, separate


def classes(rng, count, each, within):
    """`count` classes around centres that differ in the first coordinate only."""
    centre = np.zeros((count, 6))
    centre[:, 0] = rng.normal(size=count)
    labels = np.repeat(np.arange(count), each)
    values = centre[labels] + within * rng.normal(size=(len(labels), 6))
    return values.astype(np.float32), labels


def test_batches_of_whole_classes_add_up():
    rng = np.random.default_rng(1)
    values, labels = classes(rng, 40, 5, 0.5)
    whole, parts = Scatter(6), Scatter(6)
    whole.add(values, labels)
    for half in (labels < 17, labels >= 17):
        parts.add(values[half], labels[half])
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-5)
    np.testing.assert_allclose(parts.within, whole.within, rtol=1e-5)
    np.testing.assert_allclose(parts.total, np.cov(values.T, bias=True), atol=1e-5)


def test_the_direction_that_tells_classes_apart_comes_first():
    rng = np.random.default_rng(2)
    noise = np.array([0.2, 5.0, 1.0, 1.0, 1.0, 1.0])
    values, labels = classes(rng, 200, 6, noise)
    scatter = Scatter(6)
    scatter.add(values, labels)
    first = separate(scatter.within, scatter.total, 1, 0.01)[:, 0]
    assert np.argmax(np.abs(first)) == 0
    widest = np.linalg.eigh(scatter.total)[1][:, -1]
    assert np.argmax(np.abs(widest)) == 1  # variance alone would take the noisiest


def test_clusters_find_their_centres():
    rng = np.random.default_rng(3)
    centres = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    values = np.repeat(centres, 50, axis=0) + rng.normal(size=(150, 2)).astype(np.float32)
    found = cluster(values, 3, rng)
    nearest = np.linalg.norm(found[:, None] - centres, axis=2).min(axis=1)
    assert nearest.max() < 1.0
