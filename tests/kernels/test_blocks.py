"""A gallery in blocks gives what it gives whole, on one device or several, resident or streamed:
devices that pass for one, and a real one where it is there."""

from __future__ import annotations

import gc
from dataclasses import fields

import numpy as np
import pytest

from kernels import backend, pairing, relaxation, selection, similarity, voting
from kernels.blocks import SPARE, Blocks
from tests.kernels import on_device
from tests.kernels.fake_gpu import Device
from tests.kernels.prints import cut, draw
from tests.kernels.test_parity import HOW

RULE = voting.Voting(2, 64, np.minimum(np.arange(64), voting.MOST_WEIGHT).astype(np.uint16))


def compare(probes, prints, candidates):
    """Pairing and relaxation, as a search has it."""
    keys = similarity.best(probes, prints, candidates, 64)
    return relaxation.relax(probes, prints, candidates, pairing.pairs(*keys, 12), HOW)[0]


@pytest.fixture(scope="module")
def prints():
    rng = np.random.default_rng(8)
    gallery = draw(rng, rng.integers(0, 65, 300).tolist(), alike=0.3)
    return gallery, draw(rng, [40, 0, 64], alike=0.3)


@pytest.fixture(scope="module")
def whole(prints):
    gallery, probes = prints
    votes = voting.vote(probes, gallery, range(len(gallery)), RULE)
    chosen = selection.select(votes, 25)
    scores = compare(probes, gallery, chosen.reshape(-1)).reshape(chosen.shape)
    return chosen, np.take_along_axis(votes, chosen, axis=1), scores


@pytest.mark.parametrize("block", [300, 299, 64, 17])
@pytest.mark.parametrize("rooms", [[2**30], [60_000], [0], [2**30, 0, 30_000]])
def test_blocks_and_devices_change_nothing(prints, whole, block, rooms):
    gallery, probes = prints
    blocks = Blocks(gallery, [Device(SPARE + room) for room in rooms], block)
    assert (blocks.streamed > 0) == (min(rooms) < 2**30)  # every device has a share
    for _ in range(2):
        found = blocks.search(probes, RULE, 25, compare)
        for a, b in zip(found[:2], whole[:2], strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(found.scores, whole[2], atol=1e-5)


@pytest.mark.parametrize("block", [300, 64, 17])
@pytest.mark.parametrize("memory", [None, 200_000, 0])
def test_a_real_device_changes_nothing(prints, whole, block, memory):
    on_device.require()
    gallery, probes = prints
    blocks = Blocks(gallery, [backend.Device()], block, memory)
    assert (blocks.streamed > 0) == (memory is not None)
    for _ in range(2):
        found = blocks.search(probes, RULE, 25, compare)
        for a, b in zip(found[:2], whole[:2], strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(found.scores, whole[2], atol=1e-5)


def test_what_streams_is_pinned_and_copied_while_the_device_computes(prints):
    gallery, probes = prints
    device = Device()
    blocks = Blocks(gallery, [device], 20, 2 * 20 * 64 * 40)
    assert 2 < blocks.streamed <= 15
    found = blocks.search(probes, RULE, 5, compare)
    assert found.prints.shape == (3, 5)
    # but for the first, each is copied into one buffer while the other is read
    assert device.beside == blocks.streamed - 1
    del blocks
    gc.collect()
    assert not device.pinned


def nbytes(prints):
    return sum(getattr(prints, field.name).nbytes for field in fields(prints))


@pytest.mark.parametrize("blocks_of_room", [2, 3, 5.5, 10])
def test_what_stays_and_the_buffers_fit_the_room_and_fill_it(prints, blocks_of_room):
    gallery, device = prints[0], Device()
    largest = max(nbytes(cut(gallery, at, at + 20)) for at in range(0, 300, 20))
    room = int(blocks_of_room * largest)
    blocks = Blocks(gallery, [device], 20, room)
    assert blocks.streamed >= 2
    assert room - largest < device.xp.taken <= room


def test_a_gallery_that_just_fits_stays_whole_and_without_buffers(prints):
    gallery = prints[0]
    size = sum(nbytes(cut(gallery, at, at + 20)) for at in range(0, 300, 20))
    for room, streams in ((size, False), (size - 1, True)):
        device = Device()
        assert (Blocks(gallery, [device], 20, room).streamed > 0) is streams
        assert device.xp.taken <= room


def test_nothing_is_found_in_an_empty_gallery(prints):
    found = Blocks(draw(np.random.default_rng(0), []), [Device()]).search(
        prints[1], RULE, 5, compare
    )
    assert [part.shape for part in found] == [(3, 0)] * 3
    assert [part.dtype for part in found] == [np.int64, np.uint16, np.float32]


def test_a_card_without_any_room_is_no_error(prints, whole):
    gallery, probes = prints
    blocks = Blocks(gallery, [Device(2**40), Device(SPARE - 1)])
    assert blocks.streamed == 1
    np.testing.assert_array_equal(blocks.search(probes, RULE, 25, compare).prints, whole[0])
    few = Blocks(cut(gallery, 0, 1), [Device(2**40), Device(0), Device(0)])
    assert few.streamed == 0
    assert few.search(probes, RULE, 25, compare).prints.tolist() == [[0]] * 3


def test_an_error_leaves_the_buffers_fit_for_the_next_search(prints, whole):
    gallery, probes = prints
    device, calls = Device(0), []

    def fail_once(*task):
        calls.append(task)
        if len(calls) == 2:
            raise MemoryError("no room to compare")
        return compare(*task)

    blocks = Blocks(gallery, [device], 64)
    before = device.settled
    with pytest.raises(MemoryError):
        blocks.search(probes, RULE, 25, fail_once)
    assert device.settled == before + 1
    np.testing.assert_array_equal(blocks.search(probes, RULE, 25, fail_once).prints, whole[0])


def test_a_buffer_fits_the_most_prints_and_the_most_minutiae_of_different_blocks():
    minutia, print_ = 4 * 8 + 5, 8  # bytes
    gallery = draw(np.random.default_rng(1), [10] * 12 + [64])
    resident = 40 * minutia + 5 * print_
    both = 2 * (64 * minutia + 5 * print_) + resident  # with two buffers
    for room, streamed in ((both - 1, 4), (both, 3)):
        device = Device()
        assert Blocks(gallery, [device], 4, room).streamed == streamed
        assert device.xp.taken <= room


def test_a_gallery_without_a_device_is_refused(prints):
    with pytest.raises(ValueError, match="needs a device"):
        Blocks(prints[0], [])


def test_prints_of_too_many_minutiae_are_refused(prints):
    gallery, _ = prints
    many = draw(np.random.default_rng(1), [65])
    with pytest.raises(ValueError, match="print has more than 64"):
        Blocks(many, [Device()])
    with pytest.raises(ValueError, match="probe has more than 64"):
        Blocks(gallery, [Device()]).search(many, RULE, 5, compare)
