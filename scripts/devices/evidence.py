"""Tasks of deformation, agreement and ridges: all the evidence about a candidate."""

from __future__ import annotations

from typing import Any

import numpy as np

from devices import roofline
from devices.lists import COMPARING, FITTING, Chain, Lists
from devices.timing import Case
from engine.settings import ComparisonSettings
from kernels import agreement, deformation, ridges

# Between NumPy and a device, as the kernels' functions state them.
PLACED, WEIGHT, SUMS = 0.05, 0.02, 1e-3
FEW = 0.02  # share of comparisons where a rounding may show

_comparison = ComparisonSettings()


def of_deformation(lists: Lists) -> Case:
    """The pairs of a list."""

    def work(chain: Chain) -> Any:
        return deformation.fit(*chain.task, chain.paired, chain.kept, FITTING)

    def check(chain: Chain, got: Any) -> None:
        lie = deformation.reference(*chain.task, chain.paired, chain.kept, FITTING)
        same = (lie.partner == got.partner).all(axis=0)
        at, got_at = (
            np.stack(deformation.place(each.affine, lie.x[:, None], lie.y[:, None]))
            for each in (lie, got)
        )
        for expected, each, most in (
            (at, got_at, PLACED),
            (lie.rest, got.rest, PLACED),
            (lie.weight, got.weight, WEIGHT),
        ):
            apart = np.abs(each - expected).reshape(-1, len(same))
            same &= (apart <= most).all(axis=0)
        assert (~same).mean() <= FEW, f"{(~same).mean():.1%} have other partners or places"

    return lists.case(roofline.deformation, work, check)


def of_agreement(lists: Lists) -> Case:
    """The deformations of a list."""

    def work(chain: Chain) -> Any:
        return agreement.count(*chain.task, chain.lie, _comparison.margin)

    def check(chain: Chain, got: Any) -> None:
        expected = agreement.reference(*chain.task, chain.lie, _comparison.margin)
        np.testing.assert_array_equal(got[[0, 3]], expected[[0, 3]])
        other = (got != expected).any(axis=0).mean()
        assert other <= FEW, f"{other:.1%} have other counts"

    return lists.case(roofline.agreement, work, check)


def of_ridges(lists: Lists) -> Case:
    """The deformations of a list, with the cells of other prints."""

    def work(chain: Chain) -> Any:
        return ridges.compare(*chain.celled, chain.lie, COMPARING)

    def check(chain: Chain, got: Any) -> None:
        expected = ridges.reference(*chain.celled, chain.lie, COMPARING)
        most = SUMS * np.maximum(expected[0], 1)
        other = (np.abs(got - expected) > most).any(axis=0).mean()
        assert other <= FEW, f"{other:.1%} have other sums"

    return lists.case(roofline.ridges, work, check)
