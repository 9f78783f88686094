"""The stand-in for CUDA: blocks of any size compute the same, and a missing barrier is found. Every
kernel there is goes through it."""

from __future__ import annotations

import shutil
from dataclasses import astuple, replace

import numpy as np
import pytest

from kernels import (
    agreement,
    deformation,
    oriented,
    pairing,
    relaxation,
    ridges,
    selection,
    similarity,
    voting,
)
from tests.kernels import fake_gpu, host_cuda
from tests.kernels.prints import cells, minutiae, scatter
from tests.kernels.test_oriented import pictures
from tests.kernels.test_parity import FITTING, HOW, NAMES, like, pair

EXACT = {"voting", "voting_tensor", "selection", "similarity", "pairing"}  # integers, none rounded
WHOLE_WARPS = {"voting_tensor"}  # lanes exchange values: blocks must be of whole warps
VOTING = voting.Voting(2, 64, np.minimum(np.arange(64), voting.MOST_WEIGHT).astype(np.uint16))

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="no g++ to compile the CUDA text for the host"
)

# Turns rows around in shared memory and adds them up. `sound` tells what it does right: 1 to wait
# before it reads what others wrote, 2 to wait before it writes what others read, 4 to add as one.
TURN = r"""
extern "C" __global__ void __launch_bounds__(128) turn(
    const int* __restrict__ rows, int batch, int count, int sound, int* __restrict__ turned,
    float* __restrict__ total)
{
    __shared__ int held[64];
    for (int b = blockIdx.x; b < batch; b += gridDim.x) {
        #pragma unroll 4
        for (int i = threadIdx.x; i < count; i += blockDim.x) held[i] = __ldg(rows + b * count + i);
        if (sound & 1) __syncthreads();
        for (int i = threadIdx.x; i < count; i += blockDim.x) {
            turned[b * count + i] = held[count - 1 - i];
            if (sound & 4) atomicAdd(&total[b], held[i]);
            else total[b] += held[i];
        }
        if (sound & 2) __syncthreads();
    }
}
"""
# Threads beyond the count leave at once; each warp has its own sum, and its first thread tells it.
WARPS = r"""
extern "C" __global__ void warps(int count, int* __restrict__ sums, int* __restrict__ waited)
{
    __shared__ int sum[4], most;
    const int i = threadIdx.x, warp = i / 32;
    if (i >= count) return;
    if (i % 32 == 0) sum[warp] = 0;
    if (i == 0) most = 0;
    __syncwarp();
    if (warp == 0) __syncwarp();
    atomicAdd(&sum[warp], i);
    __syncthreads();
    atomicMax(&most, i);
    __syncthreads();
    if (i % 32 == 0) sums[warp] = sum[warp];
    waited[i] = most;
}
"""
# Lanes exchange what they have, twice with no barrier in between; warps do so independently.
SHUFFLE = r"""
extern "C" __global__ void shuffle(
    int lanes, const int* __restrict__ given, int* __restrict__ got, double* __restrict__ most)
{
    const int i = threadIdx.x;
    got[i] = __shfl_xor_sync(~0u, given[i], lanes);
    double best = given[i] + 0.5;
    for (int apart = 16; apart > i / 32; apart /= 2)
        best = max(best, __shfl_xor_sync(~0u, best, apart));
    most[i] = best;
}
"""
# Each warp waits for itself, some times, and reads what the other has written.
ACROSS = r"""
extern "C" __global__ void across(int sound, int* __restrict__ got)
{
    __shared__ int held[64];
    held[threadIdx.x] = threadIdx.x;
    if (sound) __syncthreads();
    for (int time = 0; time < 4; ++time) __syncwarp();
    got[threadIdx.x] = held[63 - threadIdx.x];
}
"""
NUMBERS = r"""
extern "C" __global__ void numbers(float* __restrict__ out)
{
    __shared__ unsigned int low;
    __shared__ float never;
    low = 7u;
    out[0] = atomicMin(&low, 3) + low;
    out[1] = min(2, 3) + max(0.5f, NAN) + fminf(1.0f, fmaxf(0.25f, 0.0f));
    out[2] = __float2int_rn(2.5f) + rintf(3.5f);
    out[3] = __popc(0xffu) + __popcll(~0ull);
    out[4] = threadIdx.x - 1 > 0;
    out[5] = never;
}
"""


def turn(sound, run):
    rows = np.arange(5 * 50, dtype=np.int32).reshape(5, 50) % 91
    turned, total = np.zeros_like(rows), np.zeros(5, np.float32)
    run("turn", 5, rows, np.int32(5), np.int32(50), np.int32(sound), turned, total)
    return rows, turned, total


@pytest.mark.parametrize("threads", [1, 8, 37, 128])
def test_a_block_waits_and_adds_as_one(threads):
    for _ in range(10):
        rows, turned, total = turn(7, host_cuda.launcher(threads, TURN))
        np.testing.assert_array_equal(turned, rows[:, ::-1])
        np.testing.assert_array_equal(total, rows.sum(axis=1))


def race(name, count, *args):
    host_cuda.racecheck(name, count, *args, text=TURN)


def test_a_sound_kernel_passes_the_racecheck():
    turn(7, race)


@pytest.mark.parametrize(
    ("sound", "where"),
    [(6, r"turned\[.*\] = held"), (5, r"held\[i\] = __ldg"), (3, r"total\[b\] \+= held")],
)
def test_a_race_is_found_and_its_line_told(sound, where):
    with pytest.raises(AssertionError, match=rf"(?s)data race.*turn\.cu:\d+: [^\n]*{where}"):
        turn(sound, race)


@pytest.mark.parametrize("count", [1, 33, 70, 100])
def test_a_warp_waits_for_itself_and_nobody_for_who_has_left(count):
    sums, waited = np.zeros(4, np.int32), np.zeros(count, np.int32)
    host_cuda.launcher(100, WARPS)("warps", 1, np.int32(count), sums, waited)
    index = np.arange(count)
    np.testing.assert_array_equal(sums, np.bincount(index // 32, index, minlength=4))
    assert (waited == count - 1).all()


@pytest.mark.parametrize("lanes", [0, 1, 2, 31])
@pytest.mark.parametrize("threads", [32, 128])
def test_lanes_get_what_others_of_their_warp_give(threads, lanes):
    given = np.random.default_rng(1).integers(0, 1000, threads).astype(np.int32)
    got, most = np.zeros_like(given), np.zeros(threads)
    args = np.int32(lanes), given, got, most
    host_cuda.launcher(threads, SHUFFLE)("shuffle", 1, *args)
    index = np.arange(threads)
    np.testing.assert_array_equal(got, given[index ^ lanes])
    expected = given + 0.5
    for apart in (16, 8, 4, 2, 1):
        expected = np.where(
            apart > index // 32, np.maximum(expected, expected[index ^ apart]), expected
        )
    np.testing.assert_array_equal(most, expected)
    host_cuda.racecheck("shuffle", 1, *args, threads=threads, text=SHUFFLE)


def test_warps_that_wait_each_for_itself_are_in_no_order():
    def check(sound):
        got = np.zeros(64, np.int32)
        host_cuda.racecheck("across", 1, np.int32(sound), got, threads=64, text=ACROSS)

    check(True)
    with pytest.raises(AssertionError, match="data race"):
        check(False)


def test_numbers_are_those_of_cuda():
    out = np.zeros(6, np.float32)
    host_cuda.launcher(text=NUMBERS)("numbers", 1, out)
    np.testing.assert_array_equal(out, [10, 2.75, 6, 72, 1, np.nan])


@pytest.mark.parametrize("args", [(), (np.zeros(6),), (np.float32(0),), (np.zeros(6, "f4"),) * 2])
def test_arguments_that_the_kernel_does_not_take_are_refused(args):
    with pytest.raises(AssertionError, match=r"numbers takes \['\*f4'\], not"):
        host_cuda.launcher(text=NUMBERS)("numbers", 1, *args)


def work(probe_count, batch, seed):
    """What to do for each kernel, by its name: a public function and what it takes."""
    rng = np.random.default_rng(seed)
    drawn = scatter(rng, probe_count)
    made = [like(rng, drawn, kind) for kind in ("copy", "stranger", "copy", "nothing")]
    probe, gallery = minutiae(drawn), minutiae(*(print_ for print_, _ in made))
    for prints in (probe, gallery):
        prints.codes[:] = rng.integers(0, 2**64, prints.codes.shape, dtype=np.uint64)
    candidates = np.arange(batch) % len(gallery)
    task = probe, gallery, candidates
    paired = pair(made, candidates, 12)
    kept = rng.random(paired[0].shape, np.float32)
    lie = deformation.fit(*task, paired, kept, FITTING)
    own, *others = (
        cells(*(rng.integers(0, 2**16, shape).astype(np.uint16) for shape in shapes), top=-2)
        for shapes in ([(12, 15)], rng.integers(8, 30, (len(made), 2)))
    )
    return {
        "voting": (voting.vote, *task, VOTING),
        "voting_tensor": (voting.vote, *task, replace(VOTING, form="tensor")),
        "selection": (selection.select, rng.integers(0, 9, (4, 700)).astype(np.uint16), 60),
        "similarity": (similarity.best, *task, 64),
        "pairing": (pairing.pairs, *similarity.best(*task, 64), 12),
        "relaxation": (relaxation.relax, *task, paired, HOW),
        "deformation": (deformation.fit, *task, paired, kept, FITTING),
        "agreement": (agreement.count, *task, lie, 16),
        "ridges": (ridges.compare, own, *others, candidates, lie, ridges.Comparing(5, 4)),
        "oriented": (oriented.grow, *pictures(rng, (2, 20, 45)), oriented.Growing(4, 0.5, 3.0, 2)),
    }


def on_host(launch, function, *args):
    with fake_gpu.computing(launch):
        return function(*args)


def arrays(result):
    if isinstance(result, deformation.Deformation):
        result = astuple(result)
    return [np.atleast_1d(each) for each in (result if isinstance(result, tuple) else (result,))]


def test_every_kernel_is_run_here():
    """A kernel's file without an entry in `work` has nobody who compares it, or looks for races."""
    assert sorted(work(1, 1, seed=4)) == NAMES


@pytest.mark.parametrize(
    ("name", "threads"),
    [
        (name, threads)
        for name in NAMES
        for threads in ([32, 128] if name in WHOLE_WARPS else [1, 8, 37])
    ],
)
def test_blocks_of_any_size_agree_with_the_reference(name, threads):
    function, *args = work(40, 9, seed=5)[name]
    expected = arrays(function(*args))
    got = arrays(on_host(host_cuda.launcher(threads), function, *args))
    for a, padded in zip(expected, got, strict=True):
        b = padded[: len(a)]  # a device may keep room for the largest print
        assert not padded[len(a) :].any()
        if name in EXACT:
            np.testing.assert_array_equal(a, b)
        else:  # a rounded float may fall to the other side of an edge
            assert np.isclose(a, b, rtol=1e-3, atol=0.02).mean() > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_no_kernel_races(name):
    function, *args = work(20, 7, seed=6)[name]  # 7: a block has one after the other
    threads, started = 64 if name in WHOLE_WARPS else 8, []

    def launch(*task):
        started.append(task[0])
        host_cuda.racecheck(*task, threads=threads)
        # nothing came back: a function's later kernels need what it wrote
        host_cuda.launcher(threads)(*task)

    on_host(launch, function, *args)
    assert name in started
