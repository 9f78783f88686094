"""Where arrays live and how a kernel starts: the only importer of CuPy.

The array decides where the work runs: NumPy arrays on the CPU, CuPy arrays on the GPU; mixing
the two is an error, never a silent copy.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

try:  # the optional extra tenprint[gpu]
    import cupy
except ImportError:
    cupy = None

SOURCES = Path(__file__).parent
THREADS = 128  # of a block, for every kernel here


@functools.cache
def gpu_name() -> str | None:
    """The name of the first CUDA device, or None where there is no CuPy or no device."""
    if cupy is None:
        return None
    try:
        return cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    except cupy.cuda.runtime.CUDARuntimeError:
        return None


def resolve(device: str) -> ModuleType:
    """The array module for a device setting "auto", "cpu" or "gpu".

    Raises RuntimeError for "gpu" without a GPU: an explicit wish is never dropped in silence.
    """
    if device == "cpu" or (device == "auto" and gpu_name() is None):
        return np
    if device in ("auto", "gpu"):
        if gpu_name() is None:
            raise RuntimeError(
                "device is 'gpu', but no CUDA device answers: install tenprint[gpu] on a machine "
                "with an NVIDIA driver, or set device to 'auto' or 'cpu'"
            )
        return cupy
    raise RuntimeError(f"device is {device!r}; it must be 'auto', 'cpu' or 'gpu'")


def array_module(array: Any) -> ModuleType:
    """numpy for a NumPy array, cupy for a CuPy array."""
    return np if isinstance(array, np.ndarray) else cupy


def move(array: Any, xp: ModuleType) -> Any:
    """`array` as an array of `xp`, numpy or cupy; C-contiguous where it had to be copied."""
    if array_module(array) is xp:
        return array
    return cupy.asnumpy(array) if xp is np else xp.asarray(np.ascontiguousarray(array))


def where(*arrays: Any) -> ModuleType:
    """The one array module that all `arrays` belong to. Raises ValueError when they mix."""
    modules = {array_module(array) for array in arrays}
    if len(modules) != 1:
        raise ValueError("arrays of the CPU and of the GPU are mixed: move them to one device")
    return modules.pop()


def require(name: str, array: Any, dtype: Any, ndim: int) -> None:
    """Raises ValueError unless `array` has this dtype and dimension and is C-contiguous."""
    if array.dtype != dtype or array.ndim != ndim or not array.flags.c_contiguous:
        raise ValueError(
            f"{name} must be a C-contiguous {np.dtype(dtype).name} array of {ndim} dimensions, "
            f"not {array.dtype} {array.shape}"
        )


def source(name: str) -> str:
    """The text of kernel `name` with what it includes: a changed text is compiled again."""
    text = (SOURCES / f"{name}.cu").read_text(encoding="utf-8")
    return re.sub(
        r'#include "(.+)"', lambda file: (SOURCES / file[1]).read_text(encoding="utf-8"), text
    )


@functools.cache
def _compiled(name: str) -> Any:
    module = cupy.RawModule(code=source(name), options=("-std=c++17",))
    return module.get_function(name)


def launch(name: str, count: int, *args: Any) -> None:
    """Starts kernel `name` of `name`.cu with one block for each of `count` pieces of work.

    The kernels stride over the grid, so any grid is right; scalars are NumPy scalars of the
    kernel's own types. Returns before the work is done, in the current stream.
    """
    _compiled(name)((max(1, min(count, 2**20)),), (THREADS,), args)
