"""What goes to a device and back: the arrays, whatever holds them, and nothing else."""

from __future__ import annotations

import numpy as np

from kernels import backend, voting
from kernels.deformation import Deformation
from kernels.packed import Packed
from tests.kernels import on_device
from tests.kernels.prints import IDENTITY, draw, lie
from tests.kernels.test_parity import HOW


class There(np.ndarray):
    """Passes for an array of a device."""


def test_arrays_move_and_settings_stay(monkeypatch):
    monkeypatch.setattr(backend, "move", lambda array, xp: array.view(xp))
    rule = voting.Voting(1, 64, np.zeros(32, np.uint16))
    task = draw(np.random.default_rng(1), [3, 4]), range(2), 64, rule, HOW, np.float32(1)
    prints, *rest = on_device.moved(task, There)
    assert isinstance(prints, Packed)
    assert all(isinstance(each, There) for each in (prints.codes, prints.x, prints.start))
    assert all(one is other for one, other in zip(rest, task[1:], strict=True))
    (listed, pair), laid = on_device.moved(
        ((np.arange(3), (np.zeros(2),)), lie(IDENTITY, x=[1], y=[2])), There
    )
    assert isinstance(listed, There)
    assert isinstance(pair[0], There)
    assert isinstance(laid, Deformation)
    assert isinstance(laid.rest, There)
    assert laid.reach == 50.0
    back = on_device.moved((prints, laid), np.ndarray)
    assert type(back[0].codes) is type(back[1].affine) is np.ndarray
