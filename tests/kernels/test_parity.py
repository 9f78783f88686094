"""Every kernel's CUDA text against its NumPy reference, on the host and on a device where there is
one: integers bit for bit, but where an integer is a rounded float."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import (
    agreement,
    backend,
    deformation,
    pairing,
    relaxation,
    ridges,
    selection,
    similarity,
    voting,
)
from tests.kernels import fake_gpu, host_cuda, nvrtc, on_device
from tests.kernels.prints import cells, cut, draw, minutiae, moved, scatter

HOW = relaxation.Relaxation(
    0.5, 5, 8.0, 0.06, 16.0, np.maximum(4, np.arange(65) // 4).astype(np.int32)
)
NAMES = sorted(path.stem for path in backend.SOURCES.glob("*.cu"))
FITTING = deformation.Fitting(14.0, 3, (18.0, 14.0, 12.0), 24, 1e4, 0.7, 50.0, 0.05)


@pytest.fixture(scope="module", params=[1, 8, "device"])
def cuda(request):
    """Runs a kernel's CUDA branch: with its text compiled for the host, in blocks of so many
    threads, or on the device."""
    if request.param == "device":
        on_device.require()
        return on_device.run
    if shutil.which("g++") is None:
        pytest.skip("no g++ to compile the CUDA text for the host")
    launch = host_cuda.launcher(request.param)

    def run(function, *args):
        with fake_gpu.computing(launch):
            return function(*args)

    return run


COUNTS = st.lists(st.sampled_from([0, 1, 2, 5, 31, 63, 64]), min_size=1, max_size=6)


@given(
    probe_counts=st.lists(st.sampled_from([0, 1, 3, 40, 64]), min_size=1, max_size=3),
    counts=COUNTS,
    words=st.sampled_from([2, 4]),
    gate=st.sampled_from([0, 1, 64, 127]),
    alike=st.sampled_from([0.0, 0.9, 1.0]),
    most=st.sampled_from([2, 12, 32]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=150, deadline=None)
def test_cuda_text_agrees_with_the_reference(
    cuda, probe_counts, counts, words, gate, alike, most, seed
):
    rng = np.random.default_rng(seed)
    both = draw(rng, [*probe_counts, *counts], words, alike)
    split = len(probe_counts)
    probe, gallery = cut(both, 0, split), cut(both, split, len(both))
    candidates = rng.integers(0, len(gallery), 7 * split)
    expected = similarity.best(probe, gallery, candidates, gate)
    got = cuda(similarity.best, probe, gallery, candidates, gate)
    for a, b in zip(expected, got, strict=True):
        np.testing.assert_array_equal(a, b[: len(a)])
        assert not b[len(a) :].any()
    paired = pairing.pairs(*expected, most)
    for a, b in zip(paired, cuda(pairing.pairs, *expected, most), strict=True):
        np.testing.assert_array_equal(a, b)
    score, kept = relaxation.relax(probe, gallery, candidates, paired, HOW)
    got_score, got_kept = cuda(relaxation.relax, probe, gallery, candidates, paired, HOW)
    np.testing.assert_allclose(kept, got_kept, atol=1e-5)
    np.testing.assert_allclose(score, got_score, atol=1e-5)


@given(
    probe_counts=st.lists(st.sampled_from([0, 1, 3, 40, 64]), min_size=1, max_size=9),
    counts=COUNTS,
    words=st.integers(1, 4),
    gate=st.sampled_from([0, 64, 127]),
    alike=st.sampled_from([0.0, 0.9, 1.0]),
    listed=st.booleans(),
    most=st.sampled_from([1, 5, 100]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=100, deadline=None)
def test_cuda_text_votes_and_selects_as_the_reference(
    cuda, probe_counts, counts, words, gate, alike, listed, most, seed
):
    rng = np.random.default_rng(seed)
    both = draw(rng, [*probe_counts, *counts], alike=alike)
    split = len(probe_counts)
    probes, gallery = cut(both, 0, split), cut(both, split, len(both))
    candidates = rng.integers(0, len(gallery), 300) if listed else range(len(gallery))
    weight = rng.integers(0, voting.MOST_WEIGHT + 1, 32 * words).astype(np.uint16)
    weight[0] = 0
    task = probes, gallery, candidates, voting.Voting(words, gate, weight)
    votes = voting.vote(*task)
    np.testing.assert_array_equal(votes, cuda(voting.vote, *task))
    chosen = selection.select(votes, most, 7)
    np.testing.assert_array_equal(chosen, cuda(selection.select, votes, most, 7))


@given(
    probe_counts=st.lists(st.sampled_from([0, 1, 3, 40, 64]), min_size=1, max_size=70),
    counts=COUNTS,
    words=st.integers(1, 4),
    gate=st.sampled_from([0, 64, 127]),
    alike=st.sampled_from([0.0, 0.9, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=100, deadline=None)
def test_both_forms_of_voting_agree_on_a_device(probe_counts, counts, words, gate, alike, seed):
    on_device.require()
    rng = np.random.default_rng(seed)
    both = draw(rng, [*probe_counts, *counts], alike=alike)
    split = len(probe_counts)
    probes, gallery = cut(both, 0, split), cut(both, split, len(both))
    candidates = rng.integers(0, len(gallery), 300)
    weight = rng.integers(0, voting.MOST_WEIGHT + 1, 32 * words).astype(np.uint16)
    weight[0] = 0
    for form in voting.FORMS:
        task = probes, gallery, candidates, voting.Voting(words, gate, weight, form)
        np.testing.assert_array_equal(voting.vote(*task), on_device.run(voting.vote, *task))


@given(
    shape=st.sampled_from([(1, 1), (2, 65), (3, 8192), (1, 70_000), (2, 0), (0, 4)]),
    most=st.sampled_from([1, 63, 500, 100_000]),
    levels=st.sampled_from([1, 2, 30, voting.LEVELS]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_cuda_text_selects_as_the_reference(cuda, shape, most, levels, seed):
    votes = np.random.default_rng(seed).integers(0, levels, shape).astype(np.uint16)
    expected = selection.select(votes, most)
    np.testing.assert_array_equal(expected, cuda(selection.select, votes, most))


def like(rng, probe, kind):
    """A print to lay the probe on, and the probe's minutiae that its first are taken for: a moved,
    noisy, thinned copy of it, a stranger, or nothing."""
    n = len(probe[0])
    if kind != "copy":
        return scatter(rng, {"stranger": 45, "nothing": 0}[kind]), rng.permutation(n)
    x, y, angle = moved(probe, rng.uniform(0, 6), dx=rng.uniform(0, 200), dy=rng.uniform(0, 200))
    kept = np.flatnonzero(rng.random(n) < 0.85)
    noise = rng.normal(0, [[2], [2], [0.1]], (3, len(kept)))
    return (x[kept] + noise[0], y[kept] + noise[1], angle[kept] + noise[2]), kept


def pair(made, candidates, most):
    """What `pairing.pairs` might have found."""
    paired = tuple(np.zeros((most, len(candidates)), np.uint8) for _ in range(3))
    for b, candidate in enumerate(candidates):
        print_, mine = made[candidate]
        n = min(most, len(print_[0]), len(mine))
        for part, values in zip(paired, (mine[:n], np.arange(n), 100), strict=True):
            part[:n, b] = values
    return paired


@given(
    probe_count=st.sampled_from([0, 1, 2, 40, 64]),
    kinds=st.lists(st.sampled_from(["copy", "stranger", "nothing"]), min_size=1, max_size=5),
    most=st.sampled_from([2, 12, 32]),
    tolerance=st.sampled_from([FITTING.tolerance, (3.0,), (100.0, 30.0)]),
    shape=st.sampled_from([(0, 0), (1, 1), (3, 40), (25, 30), (40, 40)]),
    how=st.sampled_from([ridges.Comparing(5, 4), ridges.Comparing(1, 1), ridges.Comparing(9, 7)]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_cuda_text_agrees_where_prints_lie_on_each_other(
    cuda, probe_count, kinds, most, tolerance, shape, how, seed
):
    rng = np.random.default_rng(seed)
    drawn = scatter(rng, probe_count)
    made = [like(rng, drawn, kind) for kind in kinds]
    probe, gallery = minutiae(drawn), minutiae(*(print_ for print_, _ in made))
    for prints in (probe, gallery):
        prints.codes[:] = rng.integers(0, 2**64, prints.codes.shape, dtype=np.uint64)
    candidates = rng.integers(0, len(gallery), 9)
    paired = pair(made, candidates, most)
    kept = rng.random(paired[0].shape, np.float32)
    task = probe, gallery, candidates, paired, kept, replace(FITTING, tolerance=tolerance)
    lie, got = deformation.fit(*task), cuda(deformation.fit, *task)
    changed = lie.partner != got.partner
    assert changed.sum() <= 2
    same = ~changed.any(axis=0)
    x, y = lie.x[:, None], lie.y[:, None]
    at, got_at = (np.stack(deformation.place(each.affine, x, y)) for each in (lie, got))
    np.testing.assert_allclose(at[:, :, same], got_at[:, :, same], atol=0.05)
    np.testing.assert_allclose(lie.rest[:, :, same], got.rest[:, :, same], atol=0.05)
    np.testing.assert_allclose(lie.weight[:, same], got.weight[:, same], atol=0.02)

    beside = replace(lie, affine=lie.affine + np.float32([[0], [0], [0], [0], [400], [0]]))
    for where in (lie, beside):
        task = probe, gallery, candidates, where, 16
        apart = agreement.count(*task) - cuda(agreement.count, *task)
        assert (apart[[0, 3]] == 0).all()
        assert np.abs(apart).sum() <= 2  # on the edge of a box

    own, *others = (
        rng.integers(0, 2**16, size).astype(np.uint16)
        for size in [shape, *rng.integers(1, 40, (len(kinds), 2))]
    )
    task = cells(own, left=3), cells(*others, top=-2), candidates, lie, how
    sums = ridges.compare(*task)
    apart = np.abs(sums - cuda(ridges.compare, *task))
    assert (apart > 1e-3 * np.maximum(sums[0], 1)).any(axis=0).sum() <= 1  # on a cell's border
    assert (apart <= 1).all()


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_cuda_text_compiles_to_ptx(tmp_path, name, arch):
    source = backend.SOURCES / f"{name}.cu"
    target = tmp_path / f"{name}.ptx"
    subprocess.run(
        ["nvcc", "-ptx", f"-arch={arch}", "-std=c++17", str(source), "-o", str(target)], check=True
    )
    assert f".entry {name}" in target.read_text()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_cuda_text_compiles_as_on_a_device(name, arch):
    nvrtc.compile_text(name, arch)


def test_text_that_does_not_compile_is_told(tmp_path, monkeypatch):
    (tmp_path / "wrong.cu").write_text('extern "C" __global__ void wrong() { int x = nothing; }')
    monkeypatch.setattr(backend, "SOURCES", tmp_path)
    with pytest.raises(AssertionError, match="nothing"):
        nvrtc.compile_text("wrong", "sm_90")
