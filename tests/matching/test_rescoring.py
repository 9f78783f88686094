"""Comparison of drawn fingers: mates score high, chunks and threads change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.index.packing import pack_templates
from engine.matching import rescoring, voting
from engine.settings import RescoringSettings, VotingSettings
from tests.templates import draw_templates, enrol_first

SETTINGS = RescoringSettings()


@pytest.fixture(scope="module")
def made():
    return draw_templates(60, 2, seed=12)


@pytest.fixture(scope="module")
def gallery(made):
    return enrol_first(made)


def test_mates_score_over_strangers(made, gallery):
    everyone = np.arange(60)
    scores = np.stack(
        [
            rescoring.rescore(pack_templates(finger[1]), gallery.minutiae, everyone, SETTINGS)
            for finger in made
        ]
    )
    mated = np.diag(scores)
    others = scores[~np.eye(60, dtype=bool)]
    assert (mated > np.quantile(others, 0.999)).mean() > 0.95
    assert 0 <= scores.min() <= scores.max() <= 1


@pytest.mark.parametrize("change", [{"chunk": 7}, {"threads": 2, "chunk": 5}, {"threads": 1}])
def test_chunks_and_threads_change_nothing(made, gallery, change):
    probe, some = pack_templates(made[3][1]), np.array([5, 3, 3, 59, 0, 17, 40, 8, 9, 2, 1])
    whole = rescoring.rescore(probe, gallery.minutiae, some, SETTINGS)
    parts = rescoring.rescore(probe, gallery.minutiae, some, replace(SETTINGS, **change))
    np.testing.assert_allclose(whole, parts, atol=1e-6)
    assert whole[1] == whole[2] == whole.max()


def test_no_candidates_no_scores(made, gallery):
    none = rescoring.rescore(
        pack_templates(made[0][0]), gallery.minutiae, np.zeros(0, np.int64), SETTINGS
    )
    assert none.shape == (0,)


@pytest.mark.parametrize(
    ("told", "chunk"),
    [("1024K\n", 1024), ("2048K\n", 2048), ("64K\n", 256), ("1M\n", 1024), (None, 1024)],
)
def test_a_chunk_fits_the_cache(tmp_path, monkeypatch, told, chunk):
    file = tmp_path / "size"
    if told is not None:
        file.write_text(told)
    monkeypatch.setattr(rescoring, "CACHE", file)
    assert rescoring.fitting.__wrapped__() == chunk


def test_more_than_one_probe_is_refused(made, gallery):
    """Chunks of candidates would be shared out among them."""
    both = pack_templates(*(finger[1] for finger in made[:2]))
    with pytest.raises(ValueError, match="2 probes are given where one is compared"):
        rescoring.rescore(both, gallery.minutiae, np.arange(60), SETTINGS)
    with pytest.raises(ValueError, match="2 probes are given where one is compared"):
        voting.vote(both, gallery.minutiae, np.arange(60), VotingSettings())


@pytest.mark.parametrize("wrong", [{"chunk": -3}, {"threads": -2}])
def test_sizes_that_make_no_sense_are_refused(made, gallery, wrong):
    probe = pack_templates(made[0][1])
    with pytest.raises(ValueError, match="must be 0 or more"):
        rescoring.rescore(probe, gallery.minutiae, np.arange(60), replace(SETTINGS, **wrong))


def test_a_range_is_no_list_of_candidates(made, gallery):
    with pytest.raises(ValueError, match="candidates must be an array of int64, not a range"):
        rescoring.rescore(pack_templates(made[0][1]), gallery.minutiae, range(60), SETTINGS)
