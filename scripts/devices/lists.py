"""Lists of candidates of one probe, and what the kernels make of them one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from devices.data import Data
from devices.prints import CELLS, draw_cells
from devices.roofline import Cost, Shape
from devices.timing import Case
from engine.settings import ComparisonSettings, RescoringSettings
from kernels import backend, deformation, pairing, relaxation, ridges, similarity

LEAST = 64  # bytes of a comparison in a list, of any kernel: lists take turns by it

_rescoring, _comparison = RescoringSettings(), ComparisonSettings()
RELAXING = relaxation.Relaxation(
    _rescoring.keep,
    _rescoring.rounds,
    _rescoring.reach,
    _rescoring.stretch,
    _rescoring.turn,
    np.clip(np.arange(65) // 4, _rescoring.scored_least, _rescoring.scored_most).astype(np.int32),
)
FITTING = deformation.Fitting(
    *(getattr(_comparison, field.name) for field in fields(deformation.Fitting))
)
COMPARING = ridges.Comparing(_comparison.window, _comparison.nodes)


class Chain(NamedTuple):
    """A list, and what each kernel takes, on the device or, of some candidates, on the processor.
    task: probe, gallery, candidates. celled: the same of prints with cells, which are others' for
    all that the kernel knows."""

    task: tuple[Any, Any, Any]
    keys: tuple[Any, Any]
    paired: tuple[Any, Any, Any]
    kept: Any
    lie: deformation.Deformation
    celled: tuple[Any, Any, Any]


class Lists:
    """Those that take turns, made when the first is asked for."""

    def __init__(self, data: Data) -> None:
        self.data = data

    @cached_property
    def drawn(self) -> np.ndarray:
        """The candidates, on the processor: int64 (lists, size)."""
        return self.data.draw_lists(self.data.sizes.listed, LEAST)

    @cached_property
    def cells(self) -> tuple[ridges.Cells, ridges.Cells]:
        """Of the probe and of prints, on the processor."""
        cells = draw_cells(self.data.rng, self.data.sizes.celled)
        return draw_cells(self.data.rng, 1), cells

    @cached_property
    def chains(self) -> list[Chain]:
        """All of them, on the device."""
        data, drawn = self.data, self.drawn
        with data.device.use():
            cells = tuple(ridges.move(each, data.xp) for each in self.cells)
            return [self.follow(listed, cells) for listed in drawn]

    def follow(self, drawn: np.ndarray, cells: tuple[ridges.Cells, ...]) -> Chain:
        """One list, on the device."""
        data = self.data
        task = data.on_one, data.on_gallery, backend.move(drawn, data.xp)
        keys = similarity.best(*task, _rescoring.gate)
        paired = pairing.pairs(*keys, _rescoring.pairs)
        kept = relaxation.relax(*task, paired, RELAXING)[1]
        lie = deformation.fit(*task, paired, kept, FITTING)
        celled = *cells, backend.move(drawn % data.sizes.celled, data.xp)
        return Chain(task, keys, paired, kept, lie, celled)

    def fetch(self, i: int, pick: slice) -> Chain:
        """Some candidates of list i, on the processor."""
        data, listed = self.data, self.drawn[i][pick]
        made = data.back(self.chains[i][1:-1], pick)
        celled = *self.cells, listed % data.sizes.celled
        return Chain((data.one, data.gallery, listed), *made, celled)

    @cached_property
    def shape(self) -> Shape:
        """What comparisons of the first list are like."""
        data, first = self.data, self.chains[0]
        sums = data.run(lambda _: ridges.compare(*first.celled, first.lie, COMPARING), 0)
        paired, partner, sums = data.back((first.paired[2], first.lie.partner, sums))
        return data.usual._replace(
            pairs=float((paired > 0).sum(axis=0).mean()),
            met=float((partner != deformation.NONE).sum(axis=0).mean()),
            seen=float((self.cells[0].values & 1).sum()),
            shared=float(sums[0].mean()),
            at=(-(-(CELLS - 1) // COMPARING.nodes) + 1) ** 2,
        )

    def case(
        self,
        kernel: Callable[[Shape], Cost],
        work: Callable[[Chain], Any],
        check: Callable[[Chain, Any], None],
    ) -> Case:
        """A kernel that takes one list after the other. check: of candidates, all on the processor,
        and what the device returned for them."""
        data, chains = self.data, self.chains

        def work_on(i: int) -> Any:
            return work(chains[i % len(chains)])

        def check_one(i: int, pick: slice) -> None:
            check(self.fetch(i, pick), data.back(data.run(work_on, i), pick))

        name, size = kernel.__name__, data.sizes.listed
        return data.case(name, size, len(chains), kernel(self.shape), work_on, check_one)
