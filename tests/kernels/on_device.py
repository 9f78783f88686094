"""Runs kernels on a real GPU: what they take goes there, what they return comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from kernels import backend
from kernels.deformation import Deformation
from kernels.packed import Packed
from kernels.ridges import Cells

HOLDING = (Packed, Cells, Deformation)  # arrays; the tables of settings stay on the CPU


def moved(value: Any, xp: Any) -> Any:
    """`value` with its arrays as those of `xp`; settings, ranges and numbers as they are."""
    if isinstance(value, tuple):
        return tuple(moved(each, xp) for each in value)
    if isinstance(value, HOLDING):
        return type(value)(*(moved(getattr(value, each.name), xp) for each in fields(value)))
    if hasattr(value, "dtype") and hasattr(value, "flags") and not isinstance(value, np.generic):
        return backend.move(value, xp)
    return value


def run(function: Callable[..., Any], *args: Any) -> Any:
    """What a kernel's function returns for these arguments, on the device, as NumPy arrays."""
    return moved(function(*moved(args, backend.resolve("gpu"))), np)


def require() -> None:
    """Skips the test where there is none."""
    if not backend.device_count():
        pytest.skip("no CUDA device answers CuPy: scripts/check-gpu runs this where one does")
