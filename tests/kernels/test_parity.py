"""Every kernel's CUDA text against its NumPy reference, on the host: integers bit for bit."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import backend, pairing, relaxation, similarity
from kernels.packed import Packed
from tests.kernels import host_cuda

HOW = relaxation.Relaxation(
    0.5, 5, 8.0, 0.06, 16.0, np.maximum(4, np.arange(65) // 4).astype(np.int32)
)


class OnHost:
    """Passes for the CuPy module: NumPy arrays, but never the NumPy path."""

    zeros = staticmethod(np.zeros)
    asarray = staticmethod(np.asarray)


@pytest.fixture(scope="module")
def cuda():
    """Runs a kernel's CUDA branch with its text compiled for the host."""
    if shutil.which("g++") is None:
        pytest.skip("no g++ to compile the CUDA text for the host")

    def run(function, *args):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(backend, "launch", host_cuda.launch)
            patch.setattr(backend, "where", lambda *arrays: OnHost)
            return function(*args)

    return run


def draw(rng, counts, words=4, alike=0.0):
    """Random prints; a share `alike` of minutiae repeats a few codes, so that ties happen."""
    total = sum(counts)
    codes = rng.integers(0, 2**64, (words, total), dtype=np.uint64)
    few = rng.integers(0, 2**64, (words, 3), dtype=np.uint64)
    same = rng.random(total) < alike
    codes[:, same] = few[:, rng.integers(0, 3, same.sum())]
    return Packed(
        np.ascontiguousarray(codes),
        rng.integers(-50, 800, total).astype(np.int16),
        rng.integers(-50, 800, total).astype(np.int16),
        rng.integers(0, 256, total).astype(np.uint8),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
    )


COUNTS = st.lists(st.sampled_from([0, 1, 2, 5, 31, 63, 64]), min_size=1, max_size=6)


@given(
    probe_count=st.sampled_from([0, 1, 3, 40, 64]),
    counts=COUNTS,
    words=st.sampled_from([2, 4]),
    gate=st.sampled_from([0, 1, 64, 127]),
    alike=st.sampled_from([0.0, 0.9, 1.0]),
    most=st.sampled_from([2, 12, 32]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=150, deadline=None)
def test_cuda_text_agrees_with_the_reference(
    cuda, probe_count, counts, words, gate, alike, most, seed
):
    rng = np.random.default_rng(seed)
    both = draw(rng, [probe_count, *counts], words, alike)
    probe, gallery = cut(both, 0, 1), cut(both, 1, len(both))
    candidates = rng.integers(0, len(gallery), 9)
    expected = similarity.best(probe, gallery, candidates, gate)
    got = cuda(similarity.best, probe, gallery, candidates, gate)
    for a, b in zip(expected, got, strict=True):
        np.testing.assert_array_equal(a, b)
    paired = pairing.pairs(*expected, most)
    for a, b in zip(paired, cuda(pairing.pairs, *expected, most), strict=True):
        np.testing.assert_array_equal(a, b)
    score, kept = relaxation.relax(probe, gallery, candidates, paired, HOW)
    got_score, got_kept = cuda(relaxation.relax, probe, gallery, candidates, paired, HOW)
    np.testing.assert_allclose(kept, got_kept, atol=1e-5)
    np.testing.assert_allclose(score, got_score, atol=1e-5)


def cut(prints, first, last):
    a, b = int(prints.start[first]), int(prints.start[last])
    return Packed(
        np.ascontiguousarray(prints.codes[:, a:b]),
        *(getattr(prints, name)[a:b].copy() for name in ("x", "y", "angle")),
        prints.start[first : last + 1] - a,
    )


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
@pytest.mark.parametrize("name", ["similarity", "pairing", "relaxation"])
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_cuda_text_compiles_to_ptx(tmp_path, name, arch):
    source = backend.SOURCES / f"{name}.cu"
    target = tmp_path / f"{name}.ptx"
    subprocess.run(
        ["nvcc", "-ptx", f"-arch={arch}", "-std=c++17", str(source), "-o", str(target)], check=True
    )
    assert f".entry {name}" in target.read_text()
