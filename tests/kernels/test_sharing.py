"""Arrays in shared memory: found again where they lie, whatever view of them is sent."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

from kernels import sharing
from kernels.sharing import Memory

pytestmark = pytest.mark.skipif(not sharing.can_share(), reason="this system has no memfd")


def packed(value: object) -> tuple[bytes, list[Memory]]:
    found: list[Memory] = []
    return sharing.pack(value, found.append), found


def test_an_array_is_zeros_until_it_is_written_to() -> None:
    made = sharing.empty((3, 5), np.uint16)
    assert made.shape == (3, 5) and made.dtype == np.uint16 and not made.any()
    assert sharing.empty(0, np.int64).shape == (0,)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a[1:3],
        lambda a: a[:, 2:7],
        lambda a: a[::-2, ::3],
        lambda a: a.T,
        lambda a: a[2],
        lambda a: a[1:1],
        lambda a: a.view(np.uint8),
        lambda a: a[1:][2:][:, 1:],
    ],
)
def test_a_view_is_sent_as_its_place(view) -> None:
    made = sharing.empty((6, 40), np.int32)
    made[:] = np.arange(240).reshape(6, 40)
    sent = view(made)
    data, memories = packed({"array": sent, "other": np.arange(3)})
    assert [memory.number for memory in memories] == [sharing.memory_of(made).number]
    assert len(data) < 900  # nothing of its content
    there = pickle.loads(data)["array"]
    np.testing.assert_array_equal(there, sent)
    if there.size:
        before = made.copy()
        there[...] = 7
        assert not np.array_equal(made, before)  # the same memory


def test_other_arrays_are_sent_by_their_content() -> None:
    data, memories = packed([np.arange(5), np.zeros(0)])
    assert memories == []
    np.testing.assert_array_equal(pickle.loads(data)[0], np.arange(5))


def test_the_maker_of_the_memory_is_told_of_all_its_views_alone() -> None:
    made = sharing.empty(10, np.int64, owner="us")
    assert sharing.owner_of(made[2:5]) == "us"
    assert sharing.owner_of(made[2:5].copy()) is None
    assert sharing.owner_of(np.zeros(3)) is None


def test_memory_goes_with_its_last_array() -> None:
    made = sharing.empty(10, np.int64)
    memory = sharing.memory_of(made)
    assert memory is not None
    number, file, place = memory.number, memory.file, sharing.place_of(made[3:])
    assert place is not None
    np.testing.assert_array_equal(sharing.find(place), made[3:])
    view = made[4:6]
    del made, memory
    os.fstat(file)  # the view keeps it
    del view
    with pytest.raises(OSError):
        os.fstat(file)
    with pytest.raises(KeyError):
        sharing.find(place._replace(memory=number))


def test_attached_memory_is_the_same_memory() -> None:
    made = sharing.empty(4, np.int64)
    memory = sharing.memory_of(made)
    assert memory is not None
    again = sharing.attach(-1, os.dup(memory.file))
    np.ndarray(4, np.int64, again)[:] = [1, 2, 3, 4]
    assert made.tolist() == [1, 2, 3, 4]
