"""Passes for a GPU: kernels' CUDA text on the host, memory that is full, copies that are late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.lib.array_utils import byte_bounds

from kernels import backend
from tests.kernels import host_cuda


class OnHost:
    """Passes for the CuPy module: NumPy arrays, but never the NumPy path."""

    zeros = staticmethod(np.zeros)
    full = staticmethod(np.full)
    empty = staticmethod(np.empty)
    asarray = staticmethod(np.asarray)
    cumsum = staticmethod(np.cumsum)
    take_along_axis = staticmethod(np.take_along_axis)


@contextmanager
def computing(launch: Callable[..., None] = host_cuda.launch) -> Iterator[None]:
    """In here every array counts as one of the GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "launch", launch)
        patch.setattr(backend, "where", lambda *arrays: OnHost)
        patch.setattr(backend, "constant", lambda table, xp: table)
        patch.setattr(backend, "array_module", lambda array: OnHost)
        patch.setattr(backend, "move", lambda array, xp: array.copy())
        yield


class Memory(OnHost):
    """Passes for the CuPy module where arrays are made that stay. taken: their bytes."""

    def __init__(self) -> None:
        self.taken = 0

    def empty(self, shape: Any, dtype: Any) -> np.ndarray:
        """An array more."""
        array = np.empty(shape, dtype)
        self.taken += array.nbytes
        return array


class Device:
    """Stands for backend.Device. What is sent arrives when it is waited for, not before; what is
    written over while it may still be read is an error. A kernel takes the threads it is given.

    xp.taken: bytes of what was made to stay there. beside: how often something was sent while the
    device might compute: what it computes last is not waited for, and all that is sent is pinned.
    """

    def __init__(self, room: int = 2**40, threads: int = 1) -> None:
        self.xp = Memory()
        self._room = room
        self._launch = host_cuda.launcher(threads)
        self._marks = self._last = 0  # of all, and of what it computes
        self._late: dict[int, list[tuple[Any, np.ndarray]]] = {}
        self._read: dict[int, int] = {}  # buffers by the mark that must come before they are filled
        self.beside = 0
        self.pinned: list[range] = []
        self.settled = 0

    @contextmanager
    def use(self) -> Iterator[None]:
        """The kernels in here run on the host."""
        with computing(self._launch):
            yield

    def room(self) -> int:
        """Bytes that are free."""
        return self._room

    def send(self, arrays: Any, after: int | None) -> int:
        """Copies later: what stands in the buffer until then is of no use to anyone."""
        pairs = list(arrays)
        buffer = pairs[0][0].ctypes.data
        needed = self._read.get(buffer)
        assert needed is None or (after is not None and after >= needed), "still being read"
        for target, source in pairs:
            assert (target.dtype, target.shape) == (source.dtype, source.shape)
            assert target.flags.c_contiguous and source.flags.c_contiguous
        pinned = all(self._is_pinned(source) for _, source in pairs)
        self.beside += pinned and after is not None and after < self._last
        self._marks += 1
        self._late[self._marks] = pairs
        self._read[buffer] = self._marks + 1
        return self._marks

    def wait(self, sent: int) -> None:
        """Now it has arrived."""
        for target, source in self._late.pop(sent):
            target[:] = source

    def mark(self) -> int:
        """Behind all so far."""
        self._marks += 1
        self._last = self._marks
        return self._marks

    def settle(self) -> None:
        """What is late arrives; nothing is read any more."""
        for sent in list(self._late):
            self.wait(sent)
        self.settled += 1

    def pin(self, arrays: Any) -> list[range]:
        """Notes where they lie."""
        pinned = [range(*byte_bounds(array)) for array in arrays]
        self.pinned += pinned
        return pinned

    def unpin(self, pinned: list[range]) -> None:
        """Forgets them."""
        for each in pinned:
            self.pinned.remove(each)

    def _is_pinned(self, array: np.ndarray) -> bool:
        first, end = byte_bounds(array)
        return any(each.start <= first and end <= each.stop for each in self.pinned)
