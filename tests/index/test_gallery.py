"""The gallery: what goes in is found, what is removed is gone, what is damaged is not used."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import GalleryError, MakerMismatchError, SettingsError
from engine.index.gallery import BIG, Entry, Gallery
from engine.index.packing import pack_cells
from engine.types import NO_CELLS, RidgeCells, Template
from tests.kernels import fake_gpu
from tests.kernels.fake_gpu import OnHost
from tests.templates import draw_templates


def with_ridges(template: Template, i: int) -> Template:
    """The drawn template with cells of its own, every fourth one without."""
    if i % 4 == 0:
        return replace(template, cells=NO_CELLS)
    values = np.random.default_rng(i).integers(0, 2**16, (3 + i, 17 - i), np.uint16)
    return replace(template, cells=RidgeCells(values, i, 20 - i))


DRAWN = draw_templates(12, 1, seed=8)
MADE = [with_ridges(finger[0], i) for i, finger in enumerate(DRAWN)]


def entries(numbers):
    return [Entry(100 + i, f"P{i // 2}", MADE[i]) for i in numbers]


@pytest.fixture
def gallery():
    made = Gallery("test")
    made.add(entries(range(5)))
    made.add(entries(range(5, 12)))
    made.sequence, made.stamp = 77, "when and what"
    return made


def holds(gallery, numbers):
    """Checks that exactly these prints are in, whole and in this order."""
    assert gallery.template_ids.tolist() == [100 + i for i in numbers]
    assert [gallery.person(k) for k in gallery.owner] == [f"P{i // 2}" for i in numbers]
    packed = gallery.minutiae
    for place, i in enumerate(numbers):
        a, b = packed.start[place], packed.start[place + 1]
        np.testing.assert_array_equal(packed.codes[:, a:b].T, MADE[i].codes)
        np.testing.assert_array_equal(packed.x[a:b], np.rint(MADE[i].minutiae.x))
        assert gallery.nearest(MADE[i].embedding, 1).tolist() == [place]
    cells = gallery.cells
    assert len(cells) == len(packed)
    for place, i in enumerate(numbers):
        own = MADE[i].cells
        values = cells.values[cells.start[place] : cells.start[place + 1]]
        assert (cells.left[place], cells.top[place]) == (own.left, own.top)
        assert cells.width[place] == own.values.shape[1]
        np.testing.assert_array_equal(values, own.values.ravel())


def test_prints_added_in_parts_are_all_there(gallery):
    holds(gallery, range(12))
    assert gallery.person_count == 6
    assert gallery.maker == MADE[0].maker


def test_removed_prints_leave_nothing(gallery):
    gallery.remove([101, 104, 105, 111, 999])
    holds(gallery, [0, 2, 3, 6, 7, 8, 9, 10])
    assert "P2" not in gallery.persons
    gallery.add(entries([4]))
    holds(gallery, [0, 2, 3, 6, 7, 8, 9, 10, 4])


def test_a_probe_is_packed_as_it_is_enrolled(gallery):
    cells, probe = gallery.cells, pack_cells(MADE[5])
    assert len(probe) == 1
    np.testing.assert_array_equal(probe.values, cells.values[cells.start[5] : cells.start[6]])
    assert (probe.width[0], probe.left[0], probe.top[0]) == (12, 5, 15)
    assert len(pack_cells()) == 0
    assert pack_cells(MADE[0]).start.tolist() == [0, 0]


def test_prints_are_where_they_are_asked_for(gallery, monkeypatch):
    minutiae, cells, there = gallery.prints_on("cpu", np.array([5, 2]))
    np.testing.assert_array_equal(minutiae.start, gallery.minutiae.start)
    np.testing.assert_array_equal(cells.values, gallery.cells.values)
    assert there.tolist() == [5, 2]
    assert gallery.blocks_on("cpu") is None
    monkeypatch.setattr("kernels.backend.gpu_name", lambda: None)
    assert gallery.blocks_on("auto") is None
    for ask in (lambda: gallery.blocks_on("gpu"), lambda: gallery.prints_on("gpu", there)):
        with pytest.raises(SettingsError, match=r"tenprint\[gpu\]"):
            ask()


def test_a_gpu_is_given_the_prints_that_it_compares_and_blocks_of_all(gallery, monkeypatch):
    device = fake_gpu.Device()
    monkeypatch.setattr("kernels.backend.resolve", lambda name: np if name == "cpu" else OnHost)
    monkeypatch.setattr("kernels.backend.devices", lambda: (device,))
    with fake_gpu.computing():
        minutiae, cells, there = gallery.prints_on("gpu", np.array([5, 2, 5]))
        held = gallery.blocks_on("gpu")
    assert there.tolist() == [0, 1, 2]
    for i, k in enumerate([5, 2, 5]):
        for whole, some in ((gallery.minutiae, minutiae), (gallery.cells, cells)):
            own, here = (slice(*(each.start[j : j + 2])) for each, j in ((whole, k), (some, i)))
            mine, its = (getattr(each, "codes", None) for each in (whole, some))
            if mine is None:
                mine, its = whole.values, some.values
            np.testing.assert_array_equal(mine[..., own], its[..., here])
        assert cells.left[i] == gallery.cells.left[k]
    assert gallery.blocks_on("gpu") is held
    gallery.remove([int(gallery.template_ids[0])])
    with fake_gpu.computing():
        assert gallery.blocks_on("gpu") is not held


def test_an_emptied_gallery_takes_any_maker(gallery):
    gallery.remove(gallery.template_ids.tolist())
    assert len(gallery) == gallery.person_count == 0
    other = replace(MADE[0], maker=replace(MADE[0].maker, extractor="gabor"))
    gallery.add([Entry(1, "P", other)])
    assert gallery.maker == other.maker


def test_makers_do_not_mix_and_nothing_of_the_batch_is_in(gallery):
    other = replace(MADE[3], maker=replace(MADE[3].maker, settings="00000000"))
    with pytest.raises(MakerMismatchError, match="00000000"):
        gallery.add([Entry(1, "P", MADE[2]), Entry(2, "P", other)])
    holds(gallery, range(12))


def test_saved_and_loaded_is_the_same(gallery, tmp_path):
    path = tmp_path / "new" / "index"
    gallery.save(path)
    loaded = Gallery.load(path)
    holds(loaded, range(12))
    assert (loaded.name, loaded.sequence, loaded.maker) == ("test", 77, MADE[0].maker)
    assert loaded.stamp == "when and what"
    loaded.remove([100])
    loaded.add(entries([0]))
    holds(loaded, [*range(1, 12), 0])
    assert [each.name for each in path.parent.iterdir()] == ["index"]


def test_a_mapped_gallery_is_the_same(gallery, tmp_path):
    path = tmp_path / "index"
    gallery.save(path)
    mapped, loaded = Gallery.load(path, mapped=True), Gallery.load(path)
    holds(mapped, range(12))
    for name, column in mapped._columns().items():
        mine, other = column.view(), loaded._columns()[name].view()
        np.testing.assert_array_equal(mine, other)
        assert mine.flags.aligned
        assert mine.flags.writeable == (name not in BIG)
        assert mine.ctypes.data % 64 == 0 or name not in BIG
    assert (mapped.sequence, mapped.stamp, mapped.maker) == (77, "when and what", MADE[0].maker)


def test_a_mapped_gallery_can_change_and_its_file_does_not(gallery, tmp_path):
    path = tmp_path / "index"
    gallery.save(path)
    whole = path.read_bytes()
    mapped = Gallery.load(path, mapped=True)
    blank = replace(MADE[3], cells=NO_CELLS)
    mapped.add([Entry(7, "P", blank)])  # nothing is added to the cells
    mapped.remove([7])
    holds(mapped, range(12))
    mapped.remove([101, 104])
    mapped.add(entries([4]))
    holds(mapped, [0, 2, 3, *range(5, 12), 4])
    assert path.read_bytes() == whole
    again = Gallery.load(path, mapped=True)
    mapped.save(path)
    holds(again, range(12))  # what is mapped stays until it is let go
    holds(Gallery.load(path, mapped=True), [0, 2, 3, *range(5, 12), 4])


def test_what_cannot_be_mapped_is_read(gallery, tmp_path):
    path = tmp_path / "index"
    gallery.save(path)
    with np.load(path) as stored:
        np.savez(tmp_path / "other.npz", **stored)  # where arrays begin, nobody knows
        np.savez_compressed(tmp_path / "small.npz", **stored)
    for name in ("other.npz", "small.npz"):
        holds(Gallery.load(tmp_path / name, mapped=True), range(12))
    Gallery("empty").save(path)
    assert len(Gallery.load(path, mapped=True)) == 0
    for damage in (path.read_bytes()[:-30], b""):
        path.write_bytes(damage)
        with pytest.raises(GalleryError, match="cannot be used"):
            Gallery.load(path, mapped=True)


@pytest.mark.parametrize("order", [range(12), [3, 0, 11, 7, 1, 2, 4, 10, 9, 8, 5, 6]])
def test_the_prints_of_persons_are_found_in_whatever_order_they_came(order):
    made = Gallery("test")
    for i in order:
        made.add(entries([i]))
    for numbers in ([], [2], [5, 0, 3], [4, 4, 1], range(6)):
        found = made.prints_of(np.array(numbers, np.int64))
        expected = np.flatnonzero(np.isin(made.owner, numbers))
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.int64
    made.remove([103])
    made.add([Entry(1, "new", MADE[0])])
    newest = made.person_count - 1
    assert made.prints_of(np.array([newest])).tolist() == [11]


@pytest.mark.parametrize(
    "change",
    [
        {"width": np.full(12, 5, np.int16)},  # the cells of some print are no rows of that
        {"cell_start": np.zeros(13, np.int64)},
        {"cells": np.zeros(3, np.uint16)},
        {"left": np.zeros(11, np.int16)},
        {"top": np.zeros(12, np.int64)},
        {"start": np.zeros(0, np.int64)},
        {"y": np.zeros(5, np.int16)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_parts_that_do_not_fit_are_refused(gallery, tmp_path, change):
    path = tmp_path / "index"
    gallery.save(path)
    with np.load(path) as stored:
        np.savez(tmp_path / "other.npz", **{**stored, **change})
    with pytest.raises(GalleryError, match="cannot be used"):
        Gallery.load(tmp_path / "other.npz")


def test_an_index_of_another_format_is_refused(gallery, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.index.snapshot.FORMAT", 2)
    gallery.save(tmp_path / "index")
    monkeypatch.undo()
    with pytest.raises(GalleryError, match="format 2"):
        Gallery.load(tmp_path / "index")


def test_an_empty_gallery_is_saved_too(tmp_path):
    Gallery("empty").save(tmp_path / "index")
    assert len(Gallery.load(tmp_path / "index")) == 0


def test_any_damage_is_found(gallery, tmp_path):
    path = tmp_path / "index"
    gallery.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(4)
    harmless = 0
    for position in rng.integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            holds(Gallery.load(path), range(12))
            harmless += 1  # a bit of the zip directory that says nothing about the arrays
        except GalleryError:
            pass
    assert harmless < 15
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(GalleryError):
            Gallery.load(path)
    header = whole.index(b"{'descr'")
    directory = whole.index(b"PK\x01\x02")
    for spot, byte in ((header, b"("), (directory + 6, b"\xff"), (directory + 10, b"\x63")):
        path.write_bytes(whole[:spot] + byte + whole[spot + 1 :])
        with pytest.raises(GalleryError):
            Gallery.load(path)
    with pytest.raises(GalleryError):
        Gallery.load(tmp_path / "missing")


def test_what_a_killed_save_left_is_swept(gallery, tmp_path):
    old, new = tmp_path / "index.abc.saving", tmp_path / "index.def.saving"
    for path in (old, new):
        path.write_bytes(b"templates")
    os.utime(old, (0, 0))
    gallery.save(tmp_path / "index")
    assert not old.exists()
    assert new.exists()  # another process may be at it
