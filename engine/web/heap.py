"""The heap: what a service that runs for months gives back to the system."""

from __future__ import annotations

import ctypes
import sys

M_ARENA_MAX = -8  # of glibc's malloc.h
ARENAS = 2  # heaps that threads share; one for each thread keeps what its busiest hour needed


def settle() -> None:
    """Has threads share few heaps, where the C library is glibc; call it before there are any."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(M_ARENA_MAX, ARENAS)


def trim() -> None:
    """Gives free memory back, likewise."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
