"""Runs a kernel's CUDA source on the host, as one thread: parity without a GPU.

g++ reads the .cu through a small header that stands for CUDA. Grid-stride and block-stride loops
are right for a grid of one thread, so the numbers are the kernel's own; what this cannot show is
a race, an out-of-bounds read on the device, or speed: that is what scripts/check-gpu is for.
"""

from __future__ import annotations

import ctypes
import functools
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from kernels import backend

SHIM = r"""
#include <cmath>
#define __global__
#define __device__
#define __shared__
#define __forceinline__ inline
#define __restrict__
static const struct { int x = 0, y = 0, z = 0; } threadIdx, blockIdx;
static const struct { int x = 1, y = 1, z = 1; } blockDim, gridDim;
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline void __syncthreads() {}
template <class T> static inline T atomicMax(T* at, T value) {
    T old = *at; if (value > old) *at = value; return old; }
template <class T> static inline T atomicMin(T* at, T value) {
    T old = *at; if (value < old) *at = value; return old; }
template <class T> static inline T atomicAdd(T* at, T value) {
    T old = *at; *at += value; return old; }
"""
C_TYPES = {np.int32: ctypes.c_int, np.int64: ctypes.c_longlong, np.float32: ctypes.c_float}


@functools.cache
def host_function(name: str):
    out = Path(tempfile.mkdtemp()) / f"{name}.so"
    command = ["g++", "-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-Wall"]
    text = SHIM + backend.source(name)
    subprocess.run([*command, "-x", "c++", "-", "-o", str(out)], input=text, text=True, check=True)
    return getattr(ctypes.CDLL(str(out)), name)


def launch(name: str, count: int, *args) -> None:
    """Stands for kernels.backend.launch, for NumPy arrays."""

    def as_c(value):
        if isinstance(value, np.ndarray):
            assert value.flags.c_contiguous
            return ctypes.c_void_p(value.ctypes.data)
        return C_TYPES[type(value)](value)

    host_function(name)(*map(as_c, args))
