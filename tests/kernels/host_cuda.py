"""Runs a kernel's CUDA text on the host: parity, and a look for races, without a GPU.

g++ reads the text through a small header that stands for CUDA. A block is one thread or several,
real ones with real barriers and atomics, and a grid is a few blocks, one after the other, so that
strides over the block and over the grid are walked. Lanes of a warp exchange values through memory,
and each works out its part of a tensor core's product. `launcher` compares results; `racecheck` has
ThreadSanitizer watch the same text for two threads at one place with no barrier in between. What
this cannot show is a race of blocks with each other, what a warp does in step, an out-of-bounds
read on the device, or speed: that is what scripts/check-gpu is for.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels import backend

BLOCKS = 3  # of a grid, at most: enough to stride over it
SHIM = r"""
#include <atomic>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <thread>
#include <tuple>
#include <vector>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#define __global__
#define __device__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
// one section, so that `run` finds all that a block shares
#define __shared__ static __attribute__((section("of_the_block")))

struct uint3 { unsigned x, y, z; };
static thread_local uint3 threadIdx, blockIdx;
static uint3 blockDim = {1, 1, 1}, gridDim = {1, 1, 1};

namespace host {
// As std::barrier, which would hide races: libstdc++ has counters that barriers share, so that
// ThreadSanitizer takes warps that wait each for itself to be in order; and with a lock, a thread
// that wakes up late would come after what others did since. Here it comes after who arrived.
class Barrier {
    std::atomic<int> expected, missing;
    std::atomic<unsigned> phase = 0;

    unsigned arrive() {  // the phase that this ends
        const unsigned now = phase.load(std::memory_order_relaxed);
        if (missing.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            missing.store(expected.load(std::memory_order_relaxed), std::memory_order_relaxed);
            phase.store(now + 1, std::memory_order_release);
#ifdef __linux__
            syscall(SYS_futex, &phase, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
#endif
        }
        return now;
    }

public:
    explicit Barrier(int threads) : expected(threads), missing(threads) {}
    void arrive_and_wait() {
        const unsigned now = arrive();
        while (phase.load(std::memory_order_acquire) == now)
#ifdef __linux__
            syscall(SYS_futex, &phase, FUTEX_WAIT_PRIVATE, now, nullptr, nullptr, 0);
#else
            std::this_thread::yield();
#endif
    }
    void arrive_and_drop() {
        expected.fetch_sub(1, std::memory_order_relaxed);
        arrive();
    }
};

struct Warp {
    Barrier all;
    alignas(8) unsigned char given[2][32 * 32];  // by its lanes; two, for one may still be read
    explicit Warp(int threads) : all(threads) {}
};
static thread_local Barrier* block;
static thread_local Warp* warp;
static thread_local int turn;

// What each lane of a whole warp gives, until the time after next.
template <class T> static const T* gather(const T& mine) {
    static_assert(sizeof(T) <= 32);
    if (blockDim.x % 32) {
        std::fputs("lanes that exchange something must be of whole warps\n", stderr);
        std::abort();
    }
    turn = 1 - turn;
    T* const given = (T*)warp->given[turn];
    given[threadIdx.x % 32] = mine;
    warp->all.arrive_and_wait();
    return given;
}

// sum += a * b, of 16 rows and 8 columns of 32 signed bytes, in the fragments of the PTX ISA for
// mma.m16n8k32.
static inline void mma_m16n8k32(int (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    struct Fragments { unsigned a[4], b[2]; };
    const Fragments* lane = gather(Fragments{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}});
    for (int i = 0; i < 4; ++i) {
        const int row = threadIdx.x % 32 / 4 + i / 2 * 8, column = threadIdx.x % 4 * 2 + i % 2;
        for (int k = 0; k < 32; ++k) {
            const int fourth = k % 16 / 4, up = 8 * (k % 4);
            const unsigned left = lane[row % 8 * 4 + fourth].a[row / 8 + k / 16 * 2] >> up;
            const unsigned right = lane[column * 4 + fourth].b[k / 16] >> up;
            sum[i] += (signed char)left * (signed char)right;
        }
    }
}
}
static inline void __syncthreads() { host::block->arrive_and_wait(); }
static inline void __syncwarp(unsigned = ~0u) { host::warp->all.arrive_and_wait(); }
template <class T> static inline T __shfl_xor_sync(unsigned, T value, int lanes) {
    return host::gather(value)[threadIdx.x % 32 ^ lanes]; }

// Relaxed, as in CUDA: an atomic alone does not order what is around it, and must not hide a race.
template <class T, class Better>
static inline T host_replace(T* at, T value, Better better) {
    std::atomic_ref<T> there(*at);
    T old = there.load(std::memory_order_relaxed);
    while (better(value, old)
           && !there.compare_exchange_weak(old, value, std::memory_order_relaxed)) {}
    return old;
}
template <class T> static inline T atomicMax(T* at, std::type_identity_t<T> value) {
    return host_replace(at, value, [](T a, T b) { return a > b; }); }
template <class T> static inline T atomicMin(T* at, std::type_identity_t<T> value) {
    return host_replace(at, value, [](T a, T b) { return a < b; }); }
template <class T> static inline T atomicAdd(T* at, std::type_identity_t<T> value) {
    return std::atomic_ref<T>(*at).fetch_add(value, std::memory_order_relaxed); }

template <class A, class B> static inline auto min(A a, B b) {
    using T = std::common_type_t<A, B>;
    if constexpr (std::is_floating_point_v<T>) return std::fmin(T(a), T(b));  // not the NaN
    else return T(a) < T(b) ? T(a) : T(b); }
template <class A, class B> static inline auto max(A a, B b) {
    using T = std::common_type_t<A, B>;
    if constexpr (std::is_floating_point_v<T>) return std::fmax(T(a), T(b));
    else return T(a) > T(b) ? T(a) : T(b); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __float2int_rn(float x) { return (int)rintf(x); }
template <class T> static inline T __ldg(const T* at) { return *at; }

namespace host {
extern "C" {  // the linker's; weak, for a kernel may share nothing
__attribute__((weak, visibility("hidden"))) extern char __start_of_the_block, __stop_of_the_block;
}

// The next bytes of what `racecheck` has written: each array after its size.
static void* take(void* at, std::size_t size) {
    if (std::fread(at, 1, size, stdin) != size) std::abort();
    return at;
}
template <class T> static T take() {
    if constexpr (std::is_pointer_v<T>) {
        const auto size = take<unsigned long long>();
        return (T)take(std::malloc(size), size);
    } else {
        T value;
        take(&value, sizeof value);
        return value;
    }
}

template <auto kernel> struct Kernel;
template <class... Args, void (*kernel)(Args...)> struct Kernel<kernel> {
    static void run(unsigned threads, unsigned blocks, Args... args) {
        blockDim.x = threads;
        gridDim.x = blocks;
        for (unsigned b = 0; b < blocks; ++b) {
            // what another block has left there is nothing to read: NaN, or -1
            std::memset(&__start_of_the_block, 0xff, &__stop_of_the_block - &__start_of_the_block);
            Barrier all(threads);
            std::deque<Warp> warps;
            for (unsigned t = 0; t < threads; t += 32) warps.emplace_back(min(32u, threads - t));
            const auto work = [&](unsigned t) {
                threadIdx.x = t;
                blockIdx.x = b;
                block = &all;
                warp = &warps[t / 32];
                kernel(args...);
                warp->all.arrive_and_drop();  // nobody waits for a thread that has returned
                block->arrive_and_drop();
            };
            std::vector<std::jthread> others;
            for (unsigned t = 1; t < threads; ++t) others.emplace_back(work, t);
            work(0);
        }
    }

    // The parameters, each as NumPy writes its type, after a star where it is a pointer.
    struct Parameter { char star, kind, size; };
    template <class T> static constexpr Parameter parameter() {
        using Plain = std::remove_pointer_t<T>;
        return {std::is_pointer_v<T> ? '*' : ' ',
                std::is_floating_point_v<Plain> ? 'f' : std::is_signed_v<Plain> ? 'i' : 'u',
                '0' + sizeof(Plain)};
    }
    static constexpr Parameter signature[] = {parameter<Args>()..., {}};

    static void run_what_is_given() {
        std::apply(run, std::tuple<unsigned, unsigned, Args...>{
            take<unsigned>(), take<unsigned>(), take<Args>()...});
    }
};
}
"""
LIBRARY = """
auto host_run = &host::Kernel<{name}>::run;  // variables: their names are not mangled
auto host_signature = host::Kernel<{name}>::signature;
"""
PROGRAM = "int main() {{ host::Kernel<{name}>::run_what_is_given(); }}"
# C++20 for barriers. -Wno: CUDA's indices are unsigned and compared with int everywhere, and
# #pragma unroll is nvcc's.
GXX = "g++ -std=c++20 -O1 -ffp-contract=off -pthread -Wall -Wno-sign-compare -Wno-unknown-pragmas"

Launch = Callable[..., None]


def launcher(threads: int = 1, text: str | None = None) -> Launch:
    """What stands for kernels.backend.launch, for NumPy arrays, with blocks of so many threads.

    With a `text` it starts the kernel of that text instead of the one in kernels/.
    """
    assert 1 <= threads <= backend.THREADS

    def launch(name: str, count: int, *args: Any) -> None:
        _checked(name, text, args)(threads, _blocks(count), *map(_as_c, args))

    return launch


launch = launcher()


def racecheck(name: str, count: int, *args: Any, threads: int = 8, text: str | None = None) -> None:
    """Runs the kernel under ThreadSanitizer, on copies of the arrays: nothing comes back.

    Raises AssertionError with the report of the first race, or of a crash. Skips the test where
    ThreadSanitizer does not work. Each call starts a program, ten times slower than `launch`: for
    small sizes.
    """
    _checked(name, text, args)
    assert all(value.flags.c_contiguous for value in args)
    sizes = np.array([threads, _blocks(count)], np.uint32)
    run = subprocess.run(
        [*_sanitizer(), _program(name, text)],
        input=b"".join([sizes.tobytes(), *map(_as_bytes, args)]),
        capture_output=True,
        env={**os.environ, "TSAN_OPTIONS": "halt_on_error=1"},
    )
    if run.returncode:
        lines = (text or backend.source(name)).splitlines()
        report = re.sub(
            rf"{name}\.cu:(\d+)",
            lambda place: f"{place[0]}: {lines[int(place[1]) - 1].strip()}",
            run.stderr.decode(),
        )
        raise AssertionError(f"{name} with {threads} threads, status {run.returncode}:\n{report}")


def _blocks(count: int) -> int:
    return max(1, min(count, BLOCKS))


def _as_c(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    return np.ctypeslib.as_ctypes_type(value.dtype)(value.item())


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        return np.uint64(value.nbytes).tobytes() + value.tobytes()
    return value.tobytes()


def _checked(name: str, text: str | None, args: tuple[Any, ...]) -> Callable[..., None]:
    """The kernel as a function of threads, blocks and its own arguments, which fit: a wrong one
    would be read as something else, not refused."""
    function, expected = _host_function(name, text)
    arrays = [isinstance(value, np.ndarray) for value in args]
    given = [" *"[star] + value.dtype.str[1:] for star, value in zip(arrays, args, strict=True)]
    assert given == expected, f"{name} takes {expected}, not {given}"
    # of codes the rows: they may lie apart, and the kernel knows how far
    rows = [value[0] if value.ndim == 2 and len(value) else value for value in args]
    assert all(row.flags.c_contiguous for row in rows)
    return function


@functools.cache
def _host_function(name: str, text: str | None) -> tuple[Callable[..., None], list[str]]:
    library = ctypes.CDLL(_compiled(name, text, LIBRARY, "-shared", "-fPIC"))
    run = ctypes.CFUNCTYPE(None)(ctypes.c_void_p.in_dll(library, "host_run").value)
    signature = ctypes.c_char_p.in_dll(library, "host_signature").value.decode()
    return run, [signature[i : i + 3] for i in range(0, len(signature), 3)]


@functools.cache
def _program(name: str, text: str | None) -> str:
    return _compiled(name, text, PROGRAM, "-fsanitize=thread", "-g")


def _compiled(name: str, text: str | None, end: str, *how: str) -> str:
    out = Path(tempfile.mkdtemp()) / name
    lines = f'#line 1 "{name}.cu"', '#line 1 "host"'  # of the kernel's text, then of the rest
    parts = SHIM, lines[0], text or backend.source(name), lines[1], end.format(name=name)
    command = [*GXX.split(), *how, "-x", "c++", "-", "-o", str(out)]
    subprocess.run(command, input="\n".join(parts), text=True, check=True)
    return str(out)


@functools.cache
def _sanitizer() -> tuple[str, ...]:
    """What to start a program with so that ThreadSanitizer works: it does not bear every address
    that the system draws at random, hence setarch first."""
    program = str(Path(tempfile.mkdtemp()) / "nothing")
    command = ["g++", "-fsanitize=thread", "-x", "c++", "-", "-o", program]
    made = subprocess.run(command, input="int main() {}", text=True, capture_output=True)
    for start in (("setarch", "-R"), ()):
        known = not start or shutil.which(start[0])
        if made.returncode == 0 and known and subprocess.run([*start, program]).returncode == 0:
            return start
    pytest.skip("ThreadSanitizer does not work here")
