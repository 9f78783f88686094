"""The prints, on the processor and the device, and how tasks run on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devices.machines import Machine
from devices.prints import MINUTIAE, draw
from devices.roofline import Cost, Shape
from devices.sizes import Sizes
from devices.timing import Case, turns
from kernels import backend
from kernels.deformation import Deformation
from kernels.packed import Packed, alone, move

SEED = 5
ALL = slice(None)


class Data:
    """Probes, one of them alone, and the gallery; on_..: the same on the device. usual: what is
    known of comparisons without any."""

    def __init__(self, machine: Machine, sizes: Sizes) -> None:
        self.machine, self.sizes = machine, sizes
        self.device, self.xp = machine.device, machine.device.xp
        self.rng = np.random.default_rng(SEED)
        self.probes, self.gallery = draw(self.rng, sizes.prints)
        self.one = alone(self.probes, 0)
        self.usual = Shape(MINUTIAE, self.gallery.codes.shape[1] / sizes.prints)
        with self.device.use():
            self.on_probes, self.on_gallery, self.on_one = (
                move(each, self.xp) for each in (self.probes, self.gallery, self.one)
            )

    def voters(self, probes: int) -> tuple[Packed, Packed]:
        """One probe or all of them, on the processor and the device."""
        return (self.one, self.on_one) if probes == 1 else (self.probes, self.on_probes)

    def turns(self, size: float, most: int) -> int:
        """How many inputs of `size` bytes take turns."""
        return turns(self.machine.properties.cache, size, most)

    def draw_lists(self, size: int, least: float) -> np.ndarray:
        """Lists of candidates that take turns, int64 (lists, size) ascending. least: bytes that a
        kernel reads and writes for a candidate."""
        count = self.turns(size * least, self.sizes.prints // size)
        lists = self.rng.permutation(self.sizes.prints)[: count * size].reshape(count, size)
        lists.sort(axis=1)
        return lists

    def run(self, work: Callable[[int], Any], i: int) -> Any:
        """One launch."""
        with self.device.use():
            return work(i)

    def back(self, result: Any, pick: slice = ALL) -> Any:
        """Columns of what a kernel's function returned, on the processor."""
        if isinstance(result, tuple):
            return tuple(self.back(each, pick) for each in result)
        if isinstance(result, Deformation):
            both = self.back((result.x, result.y))
            rest = self.back((result.affine, result.partner, result.weight, result.rest), pick)
            return Deformation(*both, *rest, result.reach, result.held)
        with self.device.use():
            return backend.move(result[..., pick], np)

    def case(
        self,
        name: str,
        columns: int,
        count: int,
        cost: Cost,
        work: Callable[[int], Any],
        check: Callable[[int, slice], None],
        rows: int = 1,
    ) -> Case:
        """A case of which some columns of the first and of the last turn are checked. rows: pieces
        of a column."""
        pick = slice(None, None, columns // self.sizes.sample | 1)  # odd: mates and others

        def check_all() -> None:
            for i in (0, count - 1):
                check(i, pick)

        return Case(name, rows * columns, count, cost, work, check_all, self.sizes.repeats)
