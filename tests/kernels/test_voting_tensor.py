"""Votes on tensor cores, on the host: fragments of a product, and the integers of the reference."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import backend
from kernels.voting import FORMS, MOST_WEIGHT, Voting, vote
from tests.kernels import fake_gpu, host_cuda
from tests.kernels.prints import cut, draw

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="no g++ to compile the CUDA text for the host"
)

# Two products one after the other, with the fragments that the PTX ISA has for mma.m16n8k32: for
# byte i of those that a lane has of A and B, and for its sum i, where in the matrix it is.
PRODUCT = r"""
extern "C" __global__ void product(
    const signed char* __restrict__ a, const signed char* __restrict__ b, int* __restrict__ c)
{
    const int group = threadIdx.x % 32 >> 2, in_group = threadIdx.x % 4;
    const int warp = threadIdx.x / 32;
    int sum[4];
    for (int i = 0; i < 4; ++i) {
        const int row = i < 2 ? group : group + 8, column = in_group * 2 + (i & 1);
        sum[i] = c[(warp * 16 + row) * 8 + column];
    }
    for (int part = 0; part < 2; ++part) {
        unsigned left[4] = {}, right[2] = {};
        for (int i = 0; i < 16; ++i) {
            const int row = i < 4 || (8 <= i && i < 12) ? group : group + 8;
            const int k = in_group * 4 + (i & 3) + (i < 8 ? 0 : 16);
            const unsigned char byte = a[((warp * 2 + part) * 16 + row) * 32 + k];
            left[i / 4] |= (unsigned)byte << 8 * (i & 3);
        }
        for (int i = 0; i < 8; ++i) {
            const int k = in_group * 4 + (i & 3) + (i < 4 ? 0 : 16), column = group;
            const unsigned char byte = b[((warp * 2 + part) * 32 + k) * 8 + column];
            right[i / 4] |= (unsigned)byte << 8 * (i & 3);
        }
        multiply(sum, left, right);
    }
    for (int i = 0; i < 4; ++i) {
        const int row = i < 2 ? group : group + 8, column = in_group * 2 + (i & 1);
        c[(warp * 16 + row) * 8 + column] = sum[i];
    }
}
"""


@pytest.mark.parametrize("warps", [1, 4])
def test_a_product_is_that_of_matrices(warps):
    rng = np.random.default_rng(1)
    a = rng.integers(-128, 128, (warps, 2, 16, 32)).astype(np.int8)
    b = rng.integers(-128, 128, (warps, 2, 32, 8)).astype(np.int8)
    c = rng.integers(-1000, 1000, (warps, 16, 8)).astype(np.int32)
    expected = c + (a.astype(np.int32) @ b).sum(axis=1)
    launch = host_cuda.launcher(32 * warps, backend.source("voting_tensor") + PRODUCT)
    launch("product", 1, a.ravel(), b.ravel(), sums := c.ravel())
    np.testing.assert_array_equal(sums.reshape(c.shape), expected)


def rule(words, gate=64, seed=1):
    """A rule of the tensor form with weights at random."""
    weight = np.random.default_rng(seed).integers(0, MOST_WEIGHT + 1, 32 * words)
    weight[0] = 0
    return Voting(words, gate, weight.astype(np.uint16), "tensor")


def agrees(threads, *task):
    """Whether the kernel, in blocks of so many threads, gives the integers of the reference."""
    with fake_gpu.computing(host_cuda.launcher(threads)):
        got = vote(*task)
    expected = vote(*task)
    np.testing.assert_array_equal(got, expected)
    return expected.any()


CASES = given(
    probes=st.lists(st.sampled_from([0, 1, 17, 33, 64]), min_size=1, max_size=4),
    counts=st.lists(st.sampled_from([0, 1, 7, 8, 9, 64]), min_size=1, max_size=4),
    words=st.integers(1, 4),
    gate=st.sampled_from([0, 64, 127]),
    alike=st.sampled_from([0.0, 0.9, 1.0]),
    listed=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)


def agree_in_blocks_of(threads, probes, counts, words, gate, alike, listed, seed):
    rng = np.random.default_rng(seed)
    both = draw(rng, [*probes, *counts], alike=alike)
    mine, gallery = cut(both, 0, len(probes)), cut(both, len(probes), len(both))
    candidates = rng.integers(0, len(gallery), 7) if listed else range(len(gallery))
    agrees(threads, mine, gallery, candidates, rule(words, gate, seed))


@CASES
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_warp_votes_as_the_reference(probes, counts, words, gate, alike, listed, seed):
    agree_in_blocks_of(32, probes, counts, words, gate, alike, listed, seed)


@CASES
@settings(max_examples=20, deadline=None, derandomize=True)
def test_four_warps_vote_as_the_reference(probes, counts, words, gate, alike, listed, seed):
    agree_in_blocks_of(128, probes, counts, words, gate, alike, listed, seed)


@pytest.mark.parametrize("words", [1, 2, 3, 4])
def test_any_likeness_counts_from_one_bit_more_than_half(words):
    """A code with ever more bits turned over, from none to all, for each bit to be seen."""
    rng = np.random.default_rng(2)
    code = rng.integers(0, 2, 64 * words)
    turned = [code ^ (rng.permutation(64 * words) < n) for n in range(0, 64 * words + 1, words)]
    gallery = draw(rng, [1] * 65, words)
    probe = draw(rng, [1], words)
    for minutia, bits in [(probe, [code]), (gallery, turned)]:
        packed = np.packbits(np.array(bits, np.uint8), axis=1, bitorder="little")
        minutia.codes[:] = packed.view(np.uint64).T
        minutia.angle[:] = 7
    weight = np.arange(32 * words) * MOST_WEIGHT // (32 * words - 1)
    how = Voting(words, 0, weight.astype(np.uint16), "tensor")
    assert agrees(32, probe, gallery, range(65), how)


def test_more_probes_than_a_launch_takes():
    both = draw(np.random.default_rng(3), [*([1, 0, 2] * 22), 9, 64], alike=0.9)
    mine, gallery = cut(both, 0, 66), cut(both, 66, 68)
    assert agrees(128, mine, gallery, range(2), rule(1))


def test_no_warps_race():
    both = draw(np.random.default_rng(4), [20, 20, 9, 0, 12, 5, 17, 3, 8], alike=0.9)
    mine, gallery = cut(both, 0, 2), cut(both, 2, len(both))

    def launch(*task):
        host_cuda.racecheck(*task, threads=64)

    with fake_gpu.computing(launch):
        vote(mine, gallery, range(len(gallery)), rule(1))


def test_each_form_has_its_kernel_and_no_other_is_taken():
    some, started = draw(np.random.default_rng(5), [3, 3]), []
    with fake_gpu.computing(lambda name, *args: started.append(name)):
        for form in FORMS:
            vote(some, some, range(2), replace(rule(4), form=form))
    assert started == ["voting", "voting_tensor"]
    with pytest.raises(ValueError, match="form is 'float'"):
        replace(rule(4), form="float")


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_it_is_compiled_to_products_of_tensor_cores(tmp_path, arch):
    target = tmp_path / "voting_tensor.ptx"
    text = str(backend.SOURCES / "voting_tensor.cu")
    command = ["nvcc", "-ptx", f"-arch={arch}", "-std=c++17", text, "-o", str(target)]
    subprocess.run(command, check=True)
    assert "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32" in target.read_text()
