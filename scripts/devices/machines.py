"""Where kernels run: a CUDA device, or the processor in its place; how fast copies get there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kernels import backend

WARP = 32  # threads, which tensor cores need


class Machine(NamedTuple):
    """Where it runs. time: seconds of work(0), work(1), .., so many. label: of what are no
    figures."""

    device: Any
    properties: backend.Properties
    time: Callable[[Callable[[int], object], int], list[float]]
    versions: dict[str, str]
    label: str = ""


def find_device() -> Machine:
    """The first CUDA device."""
    if not backend.device_count():
        raise SystemExit("no CUDA device answers CuPy: --host shows that the script works")
    properties = backend.properties()
    return Machine(backend.Device(), properties, backend.time_on_device, backend.versions())


def stand_in() -> Machine:
    """The processor, which runs a block as the threads of one warp."""
    from tests.kernels import fake_gpu

    def clock(work: Callable[[int], object], repeats: int) -> list[float]:
        took = []
        for i in range(repeats):
            begin = time.perf_counter()
            work(i)
            took.append(time.perf_counter() - begin)
        return took

    properties = backend.Properties("host", 1, 1e9, 1e10, 0, (0, 0))
    return Machine(
        fake_gpu.Device(threads=WARP), properties, clock, {}, "host, one warp: not a figure"
    )


class Link(NamedTuple):
    """From the processor's memory to the device. rate: bytes a second. pinned: whether the system
    let that memory be pinned."""

    rate: float
    pinned: bool


def measure_link(machine: Machine, size: int) -> Link:
    """How fast `size` bytes get there."""
    device, source = machine.device, np.zeros(size, np.uint8)
    pinned = device.pin([source])
    with device.use():
        target = device.xp.zeros(size, np.uint8)

        def send(_: int) -> None:
            device.wait(device.send([(target, source)], device.mark()))

        took = float(np.median(machine.time(send, 9)))
    device.unpin(pinned)
    return Link(size / took, bool(pinned))
