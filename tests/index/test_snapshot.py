"""A gallery in parts: the same as in one file, and a change writes only the parts it is in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import GalleryError
from engine.index import snapshot
from engine.index.gallery import Entry, Gallery
from tests.templates import draw_templates

MADE = [finger[0] for finger in draw_templates(23, 1, seed=9)]
PART = 5


def entries(numbers) -> list[Entry]:
    return [Entry(100 + i, f"P{i // 2}", MADE[i]) for i in numbers]


def gallery_of(numbers) -> Gallery:
    made = Gallery("test")
    made.add(entries(numbers))
    made.sequence, made.stamp = 23, "when and what"
    return made


def same(one: Gallery, other: Gallery) -> bool:
    persons = [[gallery.person(k) for k in gallery.owner] for gallery in (one, other)]
    columns = [
        {name: column.view() for name, column in gallery._columns().items() if name != "owner"}
        for gallery in (one, other)
    ]
    nearest = [
        [gallery.nearest(made.embedding, 3).tolist() for made in MADE] for gallery in (one, other)
    ]
    return (
        persons[0] == persons[1]
        and all(np.array_equal(columns[0][name], columns[1][name]) for name in columns[0])
        and nearest[0] == nearest[1]
        and (one.persons, one.person_count) == (other.persons, other.person_count)
    )


def parts(path: Path) -> dict[str, int]:
    """The parts beside a file and when each was written."""
    return {each.name: each.stat().st_mtime_ns for each in snapshot.parts_of(path)}


def test_it_is_the_same_as_in_one_file(tmp_path: Path) -> None:
    gallery, path = gallery_of(range(23)), tmp_path / "index.npz"
    gallery.save(path, part=PART)
    assert len(parts(path)) == 4
    loaded = Gallery.load(path)
    assert same(loaded, gallery)
    assert (loaded.sequence, loaded.stamp, loaded.maker) == (23, "when and what", MADE[0].maker)
    np.testing.assert_array_equal(Gallery.saved_ids(path), gallery.template_ids)
    gallery.save(path)  # in one file again
    assert parts(path) == {}
    assert same(Gallery.load(path), gallery)


def test_memory_of_another_kind_is_filled_alike(tmp_path: Path) -> None:
    path, made = tmp_path / "index.npz", []

    def make(shape, dtype):
        made.append(np.full(shape, 77, dtype))
        return made[-1]

    gallery = gallery_of(range(23))
    for part in (0, PART):
        gallery.save(path, part=part)
        loaded = Gallery.load(path, make=make)
        assert same(loaded, gallery)
        assert any(np.shares_memory(loaded.minutiae.codes, each) for each in made)


def test_what_is_added_leaves_the_parts_as_they_are(tmp_path: Path) -> None:
    gallery, path = gallery_of(range(12)), tmp_path / "index.npz"
    gallery.save(path, part=PART)
    before = parts(path)
    for other in (gallery, Gallery.load(path)):
        other.add(entries(range(12, 23)))
        other.save(path, part=PART)
        assert before.items() <= parts(path).items()
        assert len(parts(path)) == 4
        assert same(Gallery.load(path), gallery_of(range(23)))
        gallery_of(range(12)).save(path, part=PART)  # for the other one, whose parts are gone
        before = {}


@pytest.mark.parametrize("gone", [[7], [0, 22], [5, 6, 7, 8, 9], [20], list(range(23))])
def test_a_removal_writes_only_the_parts_that_it_is_in(tmp_path: Path, gone: list[int]) -> None:
    path = tmp_path / "index.npz"
    gallery_of(range(23)).save(path, part=PART)
    gallery = Gallery.load(path)
    before, content = parts(path), [each.read_bytes() for each in snapshot.parts_of(path)]
    gallery.remove([100 + i for i in gone])
    gallery.save(path, part=PART)
    touched = {i // PART for i in gone if i < 20}
    assert len(before.items() & parts(path).items()) == 4 - len(touched)
    left = [i for i in range(23) if i not in gone]
    expected = gallery_of(left) if left else Gallery("test")
    assert same(Gallery.load(path), expected)
    codes = [MADE[i].codes[:, 0].tobytes() for i in gone if i < 20]
    now = [each.read_bytes() for each in (path, *snapshot.parts_of(path))]
    assert all(any(code in file for file in content) for code in codes)
    assert not any(code in file for code in codes for file in now)
    gallery.add(entries(gone))  # and they may come again
    gallery.save(path, part=PART)
    again = gallery_of(left) if left else Gallery("test")
    again.add(entries(gone))
    assert same(Gallery.load(path), again)


def test_a_part_that_another_process_replaced_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "index.npz"
    gallery_of(range(23)).save(path, part=PART)
    one, other = Gallery.load(path), Gallery.load(path)
    one.remove([102])
    one.save(path, part=PART)
    other.remove([102])
    other.save(path, part=PART)
    assert same(Gallery.load(path), gallery_of([i for i in range(23) if i != 2]))


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-40], None])
def test_a_part_that_is_no_good_is_told(tmp_path: Path, damage) -> None:
    path = tmp_path / "index.npz"
    gallery_of(range(23)).save(path, part=PART)
    part = snapshot.parts_of(path)[1]
    if damage:
        part.write_bytes(damage(part.read_bytes()))
    else:
        part.unlink()
    with pytest.raises(GalleryError, match="cannot be used"):
        Gallery.load(path)


def test_what_is_missing_for_a_moment_is_read_again(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "index.npz"
    gallery_of(range(23)).save(path, part=PART)
    reading, once = snapshot.read, []

    def read(file: Path, *more, **named):
        if file != path and not once:  # another process replaces a part in between
            once.append(file)
            other = Gallery.load(path)
            other.remove([100])
            other.save(path, part=PART)
            file.unlink(missing_ok=True)
        return reading(file, *more, **named)

    monkeypatch.setattr("engine.index.snapshot.read", read)
    assert len(Gallery.load(path)) == 22
