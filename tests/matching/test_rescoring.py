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
    ("told", "chunk", "beside_others"),
    [
        ("1024K\n", 1024, 4096),
        ("2048K\n", 2048, 4096),
        ("64K\n", 256, 1024),
        ("1M\n", 1024, 4096),
        (None, 1024, 4096),
    ],
)
def test_a_chunk_fits_the_cache(tmp_path, monkeypatch, told, chunk, beside_others):
    file = tmp_path / "size"
    if told is not None:
        file.write_text(told)
    monkeypatch.setattr(rescoring, "CACHE", file)
    assert rescoring.fitting.__wrapped__() == chunk
    assert rescoring.fitting.__wrapped__(2) == beside_others


@pytest.mark.parametrize(
    ("candidates", "threads", "chunks"),
    [(0, 2, 1), (50, 1, 5), (10, 2, 1), (11, 2, 2), (50, 2, 2), (90, 2, 4), (90, 3, 3)],
)
def test_threads_get_as_many_chunks_each(gallery, monkeypatch, candidates, threads, chunks):
    monkeypatch.setattr(rescoring, "fitting", lambda threads=1: 10 if threads == 1 else 40)
    some = np.arange(candidates) % 60
    parts, back = rescoring.spread(lambda chunk: chunk, gallery.minutiae, some, 0, threads)
    assert len(parts) == chunks
    np.testing.assert_array_equal(np.concatenate(parts)[back], some)


def test_chunks_are_as_much_work_each(gallery):
    start = gallery.minutiae.start
    parts, _ = rescoring.spread(lambda chunk: chunk, gallery.minutiae, np.arange(60), 15, 1)
    work = [int((np.diff(start)[part] + rescoring.FIXED).sum()) for part in parts]
    assert len(parts) == 4 and max(work) - min(work) <= 2 * (64 + rescoring.FIXED)
    assert len({len(part) for part in parts}) > 1  # few minutiae: more candidates
    minutiae = np.concatenate([np.diff(start)[part] for part in parts])
    assert (np.diff(minutiae) >= 0).all()


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
