"""Index files: for their owner only, nothing that was removed comes back, nothing is left over."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.errors import GalleryError, StoreError
from engine.index.gallery import Gallery
from engine.index.snapshot import SAVING
from engine.service import removal
from engine.service.home import open_home
from engine.service.tenprint import Tenprint
from engine.store import galleries
from engine.store.galleries import GalleryRow
from tests.prints_at_no_cost import Row
from tests.service.offices import search


@pytest.fixture
def filled(tenprint: Tenprint, make_row: Row) -> Tenprint:
    """P0 .. P5 in the gallery default, its index saved."""
    tenprint.enrol([make_row(f"P{number}", number) for number in range(6)])
    tenprint.rebuild("default")
    return tenprint


def row_of(tenprint: Tenprint, name: str = "default") -> GalleryRow:
    with tenprint._database.read() as connection:
        return galleries.find(connection, name)


def test_who_saves_late_does_not_bring_back_what_another_removed(
    filled: Tenprint, make_row: Row
) -> None:
    path = filled.info("default").index_path
    with Tenprint(filled.home.folder) as other:
        search(other, make_row("probe", 3))
        filled.remove_person("P3")
        assert b'"P3"' not in path.read_bytes()
        other._indexes._save(row_of(other))  # of what it has read before
        assert b'"P3"' not in path.read_bytes()
        assert b'"P4"' in path.read_bytes()


def test_who_saves_late_does_not_bring_back_a_removed_gallery(
    filled: Tenprint, make_row: Row
) -> None:
    row, path = row_of(filled), filled.info("default").index_path
    with Tenprint(filled.home.folder) as other:
        search(other, make_row("probe", 3))
        filled.remove_gallery("default")
        other._indexes._save(row)
        assert not path.exists()


def test_who_saves_while_a_gallery_is_removed_leaves_nothing(
    filled: Tenprint, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "REMOVED_AT_ONCE", 2)
    path = filled.info("default").index_path
    seen = []
    with Tenprint(filled.home.folder) as other:

        def save(done: int, total: int) -> None:
            other.rebuild("default")
            seen.append(path.exists())

        filled.remove_gallery("default", on_progress=save)
        assert seen == [True, True, True]
        assert not path.exists()


def test_changes_that_were_read_half_way_are_read_again(
    filled: Tenprint, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(filled, make_row("probe", 1))
    with Tenprint(filled.home.folder) as other:
        other.enrol([make_row("NEW", 50)])
        other.remove_person("P2")

    def fail(*_: object) -> None:
        raise GalleryError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(Gallery, "remove", fail)
        with pytest.raises(GalleryError, match="cut off"):
            search(filled, make_row("probe", 1))
    assert search(filled, make_row("probe", 50)) == (["NEW"], {"default": 8})
    with filled._indexes.reading([row_of(filled)]) as (index,):
        assert sorted(index.persons) == ["NEW", "P0", "P1", "P3", "P4", "P5"]
        assert len(index) == 6


def test_a_search_with_nothing_new_asks_the_database_little(
    filled: Tenprint, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = make_row("probe", 1)
    search(filled, probe)
    before = search(filled, probe)

    def fail(*_: object) -> None:
        pytest.fail("looked through the gallery")

    monkeypatch.setattr("engine.service.indexes.changes.since", fail)
    monkeypatch.setattr("engine.service.indexes.prints.count", fail)
    with filled._indexes.reading([row_of(filled)]) as (index,):
        assert index.sequence == before[1]["default"] == 6


def test_what_a_killed_save_left_is_deleted_by_the_next(filled: Tenprint) -> None:
    path = filled.info("default").index_path
    left = path.with_name(f"{path.name}.abc{SAVING}")
    left.write_bytes(b"minutiae")
    filled.remove_person("P1")
    assert not left.exists()
    left.write_bytes(b"minutiae")
    Tenprint(filled.home.folder).close()
    assert not left.exists()


def test_files_of_galleries_that_are_gone_are_deleted_at_the_start(filled: Tenprint) -> None:
    path = filled.info("default").index_path
    gone = path.with_name("99-gone.npz")
    gone.write_bytes(path.read_bytes())
    Tenprint(filled.home.folder).close()
    assert path.exists()
    assert not gone.exists()


def test_who_writes_is_waited_for(filled: Tenprint) -> None:
    files = filled._indexes._files
    order: list[str] = []

    def write() -> None:
        with files.alone():
            order.append("second")

    with files.alone() as alone:
        assert alone
        with files.alone(wait=False) as other:
            assert not other
        writer = threading.Thread(target=write)
        writer.start()
        Tenprint(filled.home.folder).close()  # who opens meanwhile does not wait
        order.append("first")
    writer.join()
    assert order == ["first", "second"]


def test_the_home_is_for_its_owner_only(filled: Tenprint, backend: str) -> None:
    home = filled.home
    index = filled.info("default").index_path
    assert home.folder.stat().st_mode & 0o777 == 0o700
    assert index.stat().st_mode & 0o777 == 0o600
    if backend == "sqlite":
        assert isinstance(home.database, Path)
        assert home.database.stat().st_mode & 0o777 == 0o600
    home.index.chmod(0o755)
    Tenprint(home.folder).close()
    assert home.index.stat().st_mode & 0o777 == 0o700


def test_each_database_has_index_files_of_its_own(tmp_path: Path) -> None:
    one, other = "postgresql://u:pass-word@h/a", "postgresql://h/b"
    homes = [open_home(tmp_path / "home", url) for url in (one, other)]
    plain = open_home(tmp_path / "home")
    assert len({home.index for home in (*homes, plain)}) == 3
    assert open_home(tmp_path / "home", "postgresql://w@h/a?sslmode=require").index == (
        homes[0].index
    )
    own = open_home(tmp_path / "home", f"sqlite:///{plain.database}")
    assert own.index == plain.index
    assert "pass-word" not in repr(homes[0])
    with pytest.raises(StoreError, match="cannot be read"):
        open_home(tmp_path / "home", "postgresql://h:x/a")


def test_the_environment_names_database_and_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENPRINT_DATABASE", "postgresql://h/a")
    monkeypatch.setenv("TENPRINT_KEYS", str(tmp_path / "keys"))
    home = open_home(tmp_path / "home")
    assert (home.database, home.keys) == ("postgresql://h/a", tmp_path / "keys")
    asked = open_home(tmp_path / "home", "postgresql://h/b", tmp_path / "others")
    assert (asked.database, asked.keys) == ("postgresql://h/b", tmp_path / "others")
