"""Galleries of drawn fingers: made in chunks, stopped and gone on with, always the same."""

from __future__ import annotations

import make_gallery
import numpy as np
import pytest

from engine import pipeline
from engine.errors import InputError
from engine.synthesis.draw import draw_impressions, minutiae_of

JOBS = [(3, 0, 20), (3, 1, 20), (3, 2, 10)]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(make_gallery, "CHUNK", 20)


@pytest.fixture(scope="module")
def chunks(tmp_path_factory):
    """A folder with all the chunks of JOBS."""
    work = tmp_path_factory.mktemp("drawn") / "work"
    make_gallery.claim(work, make_gallery._about(3))
    assert [make_gallery.write_chunk(job, work) for job in JOBS] == [20, 20, 10]
    return work


def same(one, other, within=0.0):
    """within: share of the vectors' bytes that may differ: linear algebra may round the last bit of
    a number otherwise in another run."""
    arrays = [{n: c.view() for n, c in each._columns().items()} for each in (one, other)]
    assert all(np.array_equal(value, arrays[1][name]) for name, value in arrays[0].items())
    vectors = [each._vectors.to_bytes() for each in (one, other)]
    assert (vectors[0] != vectors[1]).mean() <= within
    assert one.persons == other.persons and one.maker == other.maker


def test_templates_are_what_describing_one_after_another_gives():
    masters, rng = make_gallery.draw_fingers(3, 0, 20)
    drawn = draw_impressions(masters, np.arange(20), rng, make_gallery.DRAWING)
    for i, each in enumerate(make_gallery.draw_chunk(JOBS[0])):
        minutiae = minutiae_of(drawn, i)
        quality = int(np.mean(minutiae.quality))
        expected = pipeline.describe(minutiae, quality=quality, size=(500, 560))
        assert np.array_equal(each.codes, expected.codes)
        assert np.array_equal(each.embedding, expected.embedding)
        assert (each.quality, each.width, each.height) == (quality, 500, 560)


def test_chunks_are_read_as_they_were_drawn(chunks):
    drawn = make_gallery.draw_chunk(JOBS[2])
    for one, other in zip(drawn, make_gallery.read_chunk(JOBS[2], chunks), strict=True):
        for name in ("x", "y", "angle", "kind", "quality"):
            values = getattr(one.minutiae, name), getattr(other.minutiae, name)
            assert values[0].dtype == values[1].dtype and np.array_equal(*values)
        assert np.array_equal(one.codes, other.codes)
        assert np.array_equal(one.embedding, other.embedding)
        assert (one.quality, one.width, one.maker) == (other.quality, other.width, other.maker)


def test_a_stopped_run_goes_on_with_what_is_there(chunks, tmp_path):
    whole = make_gallery.gather(JOBS, chunks)
    work = tmp_path / "work"
    make_gallery.claim(work, make_gallery._about(3))
    kept = [make_gallery.write_chunk(job, work) for job in JOBS[1:2]]
    before = make_gallery._chunk_path(work, JOBS[1]).stat().st_mtime_ns
    (work / "000000-20.99.part.npz").write_bytes(b"half")  # where it was killed
    gallery = make_gallery.make(50, 3, 1, work=work)
    assert kept == [20] and len(gallery) == gallery.sequence == 50
    assert make_gallery._chunk_path(work, JOBS[1]).stat().st_mtime_ns == before
    same(gallery, whole, within=0.01)


def test_numbers_and_persons_go_on_from_part_to_part(chunks, tmp_path):
    make_gallery.save_drawn(JOBS, chunks, 4, tmp_path / "g.npz", 40)
    first, second = (make_gallery.Gallery.load(tmp_path / name) for name in ("g-0.npz", "g-1.npz"))
    assert (len(first), len(second)) == (40, 10)
    assert second.template_ids.tolist() == list(range(40, 50))
    assert first.persons[-1] == "D0000009" and second.persons[0] == "D0000010"
    assert not (tmp_path / "g.npz").exists()


def test_chunks_of_another_seed_are_refused(chunks):
    with pytest.raises(InputError, match="other work"):
        make_gallery.draw(50, 4, 1, chunks)


@pytest.mark.parametrize(
    "words",
    [["--fingers", "0"], ["--fingers", "10", "--split", "30"], ["--fingers", "1", "--split", "0"]],
)
def test_numbers_that_make_no_gallery_are_refused(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["make_gallery.py", "--out", str(tmp_path / "g.npz"), *words])
    with pytest.raises(SystemExit):
        make_gallery.main()
    assert "must be" in capsys.readouterr().err and not list(tmp_path.iterdir())
