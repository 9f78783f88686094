"""Embeddings: unit length, and nearer to a mate than to nearly all others."""

from __future__ import annotations

import numpy as np

from tests.templates import draw_templates


def test_mates_are_nearer_than_strangers():
    made = draw_templates(200, 2, seed=31)
    one, other = (np.stack([finger[i].embedding for finger in made]) for i in (0, 1))
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
    cosine = one @ other.T
    better = (cosine > np.diag(cosine)[:, None]).sum(axis=1)
    assert (better == 0).mean() > 0.85
    assert (better < 10).mean() > 0.95
