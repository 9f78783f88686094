"""Where arrays live and how a kernel starts: the only importer of CuPy.

The array decides where the work runs: NumPy arrays on the CPU, CuPy arrays on the GPU; mixing
the two is an error, never a silent copy.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

try:  # the optional extra tenprint[gpu]
    import cupy
except ImportError:
    cupy = None

SOURCES = Path(__file__).parent
THREADS = 128  # of a block, for every kernel here
BUFFER = 512  # elements that NumPy may copy before it computes, see `unbuffered`
_lock = threading.Lock()  # of what follows
_constants: dict[tuple[int, int], tuple[np.ndarray, Any]] = {}  # on devices, by identity and device


@functools.cache
def gpu_name() -> str | None:
    """The name of the first CUDA device, or None where there is no CuPy or no device."""
    if not device_count():
        return None
    return cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()


@functools.cache
def device_count() -> int:
    """How many CUDA devices answer."""
    if cupy is None:
        return 0
    try:
        return int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError:
        return 0


@functools.cache
def _require_compiler() -> None:
    """Raises RuntimeError where CuPy has a device but not NVRTC, which a driver does not bring."""
    try:
        cupy.cuda.nvrtc.getVersion()
    except (RuntimeError, OSError) as error:
        raise RuntimeError(
            f"{gpu_name()} answers, but CuPy finds no compiler for it (NVRTC): install "
            "tenprint[gpu] again, which brings it, or set device to 'cpu'"
        ) from error


class Properties(NamedTuple):
    """What a device can do at most. multiprocessors: how many. clock: Hz, the highest. bandwidth:
    of its memory, bytes a second. cache: bytes, of the second level. capability: of its kind, as
    CUDA counts them."""

    name: str
    multiprocessors: int
    clock: float
    bandwidth: float
    cache: int
    capability: tuple[int, int]


def properties(number: int = 0) -> Properties:
    """Those of a CUDA device."""
    runtime = cupy.cuda.runtime
    # cudaDeviceAttr by number: CUDA 13 took the clocks out of the device's properties
    clock, count, memory, width, cache, major, minor = (
        int(runtime.deviceGetAttribute(each, number)) for each in (13, 16, 36, 37, 38, 75, 76)
    )
    name = runtime.getDeviceProperties(number)["name"].decode()
    bandwidth = 2 * 1e3 * memory * width / 8  # kHz, bits, at both edges of the clock
    return Properties(name, count, 1e3 * clock, bandwidth, cache, (major, minor))


def versions() -> dict[str, str]:
    """Of what stands between Python and the device, by name."""
    runtime = cupy.cuda.runtime

    def dotted(version: int) -> str:
        return f"{version // 1000}.{version % 1000 // 10}"

    return {
        "CuPy": cupy.__version__,
        "CUDA of the driver": dotted(runtime.driverGetVersion()),
        "CUDA runtime": dotted(runtime.runtimeGetVersion()),
        "NVRTC": ".".join(map(str, cupy.cuda.nvrtc.getVersion())),
    }


def time_on_device(work: Callable[[int], object], repeats: int) -> list[float]:
    """Seconds from the end of one of work(0), work(1), .. to the end of the next, by events in the
    current stream. Nobody waits in between: while work is long, what the processor has to do for
    the next is hidden behind it."""
    marks = [cupy.cuda.Event() for _ in range(repeats + 1)]
    marks[0].record()
    for i, mark in enumerate(marks[1:]):
        work(i)
        mark.record()
    marks[-1].synchronize()
    return [cupy.cuda.get_elapsed_time(*both) / 1e3 for both in pairwise(marks)]


def allocate_singly() -> None:
    """From here on every array is an allocation of its own: slow, but a sanitizer sees its end."""
    cupy.cuda.set_allocator(None)


def resolve(device: str) -> ModuleType:
    """The array module for a device setting "auto", "cpu" or "gpu".

    Raises RuntimeError for "gpu" without a GPU: an explicit wish is never dropped in silence; and
    for both where a GPU answers that CuPy has no compiler for, which "cpu" does without.
    """
    if device == "cpu" or (device == "auto" and gpu_name() is None):
        return np
    if device in ("auto", "gpu"):
        if gpu_name() is None:
            raise RuntimeError(
                "device is 'gpu', but no CUDA device answers: install tenprint[gpu] on a machine "
                "with an NVIDIA driver, or set device to 'auto' or 'cpu'"
            )
        _require_compiler()
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
    if not hasattr(array, "flags"):
        raise ValueError(
            f"{name} must be an array of {np.dtype(dtype).name}, not a {type(array).__name__}"
        )
    if array.dtype != dtype or array.ndim != ndim or not array.flags.c_contiguous:
        raise ValueError(
            f"{name} must be a C-contiguous {np.dtype(dtype).name} array of {ndim} dimensions, "
            f"not {array.dtype} {array.shape}"
        )


def beside(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Arrays (n, b) side by side, the lower ones with zeros below: (the largest n, sum of b)."""
    parts = list(parts)
    height = max(len(part) for part in parts)
    return np.concatenate(
        [np.pad(part, ((0, height - len(part)), (0, 0))) for part in parts], axis=1
    )


def constant(array: np.ndarray, xp: ModuleType) -> Any:
    """A small table that never changes as an array of `xp`: copied to each device but once."""
    if xp is np:
        return array
    key = id(array), xp.cuda.Device().id
    with _lock:
        if key not in _constants:
            copy = xp.asarray(array)
            xp.cuda.get_current_stream().synchronize()  # other streams will read it
            _constants[key] = array, copy  # the array too, so that its identity stays its own
        return _constants[key][1]


@contextmanager
def unbuffered() -> Iterator[None]:
    """NumPy reads operands that broadcast where they lie.

    NumPy 2.3 and later copies them into a buffer first where an array has fewer rows of elements
    than the buffer holds: an exclusive or of p×1 with 1024 words takes four times as long then.
    """
    before = np.setbufsize(BUFFER)
    try:
        yield
    finally:
        np.setbufsize(before)


def source(name: str) -> str:
    """The text of kernel `name` with what it includes: a changed text is compiled again."""
    text = (SOURCES / f"{name}.cu").read_text(encoding="utf-8")
    return re.sub(
        r'#include "(.+)"', lambda file: (SOURCES / file[1]).read_text(encoding="utf-8"), text
    )


@functools.cache
def _compiled(name: str, device: int) -> Any:
    module = cupy.RawModule(code=source(name), options=("-std=c++17",))
    return module.get_function(name)


def launch(name: str, count: int, *args: Any) -> None:
    """Starts kernel `name` of `name`.cu with one block for each of `count` pieces of work.

    The kernels stride over the grid, so any grid is right; scalars are NumPy scalars of the
    kernel's own types. Returns before the work is done, in the current stream.
    """
    _compiled(name, cupy.cuda.Device().id)((max(1, min(count, 2**20)),), (THREADS,), args)


class Device:
    """One GPU with two streams, so that what is copied to it and what it computes overlap.

    Raises RuntimeError where there is no such GPU.
    """

    def __init__(self, number: int = 0) -> None:
        if number >= device_count():
            raise RuntimeError(f"there is no CUDA device {number}: {device_count()} answer")
        self.number = number
        self.xp: ModuleType = cupy
        with cupy.cuda.Device(number):
            self._computing = cupy.cuda.Stream(non_blocking=True)
            self._copying = cupy.cuda.Stream(non_blocking=True)

    @contextmanager
    def use(self) -> Iterator[None]:
        """Arrays made and kernels started in here are this device's, one after the other."""
        with cupy.cuda.Device(self.number), self._computing:
            yield

    def room(self) -> int:
        """Bytes of its memory that are free, with those that CuPy keeps for later; what it keeps of
        the processor's, as large as the largest copy was, it lets go too."""
        with cupy.cuda.Device(self.number):
            cupy.get_default_pinned_memory_pool().free_all_blocks()
            cupy.get_default_memory_pool().free_all_blocks()
            return int(cupy.cuda.runtime.memGetInfo()[0])

    def send(self, arrays: Iterable[tuple[Any, np.ndarray]], after: Any) -> Any:
        """Starts to copy each array of the CPU into one of the device, of its dtype and length,
        but not before the mark `after`. Returns what `wait` takes. Pinned arrays are copied while
        the device computes."""
        with cupy.cuda.Device(self.number):
            if after is not None:
                self._copying.wait_event(after)
            for target, source in arrays:
                target.set(source, stream=self._copying)
            return self._copying.record()

    def wait(self, sent: Any) -> None:
        """What the device computes from here on comes after these copies."""
        self._computing.wait_event(sent)

    def mark(self) -> Any:
        """A mark behind all that the device was told to compute so far."""
        return self._computing.record()

    def settle(self) -> None:
        """Waits until it has done all that it was told."""
        with cupy.cuda.Device(self.number):
            self._copying.synchronize()
            self._computing.synchronize()

    def pin(self, arrays: Iterable[np.ndarray]) -> list[int]:
        """Pins arrays in the memory of the CPU, for `unpin`; rows that lie apart, with what is in
        between. Those that cannot be stay as they are: they are copied too, but the CPU waits."""
        pinned = []
        for array in arrays:
            apart = zip(array.shape, array.strides, strict=True)
            size = array.itemsize + sum((length - 1) * stride for length, stride in apart)
            try:
                cupy.cuda.runtime.hostRegister(array.ctypes.data, size, 1)  # for all devices
            except cupy.cuda.runtime.CUDARuntimeError:
                continue
            pinned.append(array.ctypes.data)
        return pinned

    @staticmethod
    def unpin(pinned: Iterable[int]) -> None:
        """Lets go of what `pin` pinned."""
        for pointer in pinned:
            with suppress(cupy.cuda.runtime.CUDARuntimeError):  # one must not keep the others
                cupy.cuda.runtime.hostUnregister(pointer)


@functools.cache
def devices() -> tuple[Device, ...]:
    """Every CUDA device that answers."""
    return tuple(Device(number) for number in range(device_count()))
