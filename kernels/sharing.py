"""Memory that processes share: arrays of it are sent from one to the other as places, not bytes.

A piece of memory is a file without a name (memfd): it is in no folder, and gone with the last
process that has it. Linux has it; elsewhere nothing can be shared.
"""

from __future__ import annotations

import io
import itertools
import mmap
import os
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_numbers = itertools.count(1)
_lock = threading.Lock()
_known: weakref.WeakValueDictionary[int, Memory] = weakref.WeakValueDictionary()


class Place(NamedTuple):
    """An array in shared memory: in which, and where in it."""

    memory: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str


class Memory(mmap.mmap):
    """A piece of shared memory. number: the same in all processes. file: its descriptor, open as
    long as the piece is there. owner: whoever made it. It lives as long as an array does that lies
    in it."""

    number = 0
    file = -1
    owner: Any = None

    def __del__(self) -> None:
        if self.file >= 0:
            os.close(self.file)


def can_share() -> bool:
    """Whether this system has such memory."""
    return hasattr(os, "memfd_create")


def empty(shape: int | tuple[int, ...], dtype: npt.DTypeLike, owner: Any = None) -> Any:
    """A new array in shared memory of its own: zeros, that take no room until they are written to.
    owner: what `owner_of` tells of it."""
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    file = os.memfd_create("tenprint", os.MFD_CLOEXEC)
    os.ftruncate(file, max(size, 1))
    memory = _map(file, next(_numbers))
    memory.owner = owner
    return np.ndarray(shape, kind, memory)


def attach(number: int, file: int) -> Memory:
    """Maps memory that another process made, by its number and an open descriptor of it, which is
    the memory's from then on. Keep it as long as its arrays are to be found."""
    return _map(file, number)


def memory_of(array: np.ndarray) -> Memory | None:
    """The shared memory that an array, or what it is a view of, lies in; None for any other."""
    base = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, Memory) else None


def owner_of(array: np.ndarray) -> Any:
    """Whoever made the memory that the array lies in; None where it is not shared."""
    memory = memory_of(array)
    return memory.owner if memory is not None else None


def place_of(array: np.ndarray) -> Place | None:
    """Where an array lies in shared memory; None where it does not."""
    memory = memory_of(array)
    if memory is None:
        return None
    begin = np.frombuffer(memory, np.uint8, 1).ctypes.data
    offset = array.ctypes.data - begin if array.size else 0
    return Place(memory.number, offset, array.shape, array.strides, array.dtype.str)


def find(place: Place) -> np.ndarray:
    """The array at a place. KeyError where its memory is not attached here."""
    memory = _known[place.memory]
    return np.ndarray(place.shape, place.dtype, memory, place.offset, place.strides)


def pack(value: Any, on_memory: Callable[[Memory], None]) -> bytes:
    """Pickles a value for another process; arrays in shared memory go as their places.
    on_memory: called for each memory that it must have attached."""
    into = io.BytesIO()
    _Pickler(into, on_memory).dump(value)
    return into.getvalue()


class _Pickler(pickle.Pickler):
    def __init__(self, into: io.BytesIO, on_memory: Callable[[Memory], None]) -> None:
        super().__init__(into, pickle.HIGHEST_PROTOCOL)
        self._on_memory = on_memory

    def reducer_override(self, value: Any) -> Any:
        memory = memory_of(value) if isinstance(value, np.ndarray) else None
        if memory is None:
            return NotImplemented
        self._on_memory(memory)
        return find, (place_of(value),)


def _map(file: int, number: int) -> Memory:
    memory = Memory(file, 0)
    memory.file, memory.number = file, number
    with _lock:
        _known[number] = memory
    return memory
