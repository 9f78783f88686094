"""Keys in the service: nothing readable lies in the home, and rotation costs no search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import KeysError
from engine.index.gallery import Gallery
from engine.service import rotation
from engine.service.results import KeyStatus
from engine.service.tenprint import Tenprint
from engine.store import resealing, submissions
from engine.store.keyring import read_keyring
from engine.store.sealed_files import Reader
from engine.store.sealing import Vault
from tests.prints_at_no_cost import Row
from tests.service.offices import enrol_each, office, search

PIXELS = b"IDAT"  # in every image


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rotation.make_key(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def sealed(
    tenprint: Tenprint, make_row: Row, file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tenprint]:
    """P0 .. P5, enrolled with keys; whoever opens the home has them too."""
    monkeypatch.setenv("TENPRINT_KEYS", str(file))
    with Tenprint(tenprint.home.folder) as opened:
        opened.enrol([make_row(f"P{number}", number) for number in range(6)])
        assert search(opened, make_row("probe", 3))[0] == ["P3"]
        yield opened


def files_with(home: Path, words: bytes) -> list[str]:
    return [p.name for p in home.rglob("*") if p.is_file() and words in p.read_bytes()]


def keys_in(status: KeyStatus) -> dict[str, dict[str | None, int]]:
    found: dict[str, dict[str | None, int]] = {}
    for item in status.held:
        found.setdefault(item.table, {})[item.key] = item.count
    return found


def test_index_files_are_sealed_and_read_again(
    sealed: Tenprint, make_row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    path = sealed.info("default").index_path
    sealed.close()
    assert path.exists()
    assert b'"P3"' not in path.read_bytes()
    written = path.stat().st_mtime_ns
    with Tenprint(sealed.home.folder) as again:
        assert search(again, make_row("probe", 3))[0] == ["P3"]
        assert again.key_status().files == ((path, again.key_status().keys[0]),)
    assert path.stat().st_mtime_ns == written  # not made anew
    assert "making the index again" not in caplog.text


def test_nothing_readable_lies_in_the_home(sealed: Tenprint, make_row: Row) -> None:
    sealed.close()
    home = sealed.home.folder
    assert files_with(home, PIXELS) == files_with(home, b"TPT") == []
    with Tenprint(home) as again:
        (kept,) = again.prints_of("default", "P3")
    assert kept.template.startswith(b"TPT")
    assert kept.image is not None and PIXELS in kept.image


@pytest.mark.parametrize("change", ["plain", "damaged", "of another gallery"])
def test_an_index_that_is_not_as_it_was_sealed_is_made_again(
    sealed: Tenprint,
    make_row: Row,
    change: str,
    caplog: pytest.LogCaptureFixture,
    file: Path,
    tmp_path: Path,
) -> None:
    vault, place = Vault(file), "index/1-default.npz"
    sealed.enrol([make_row("OTHER", 30)], gallery="other")
    paths = [sealed.rebuild(name).index_path for name in ("default", "other")]
    plain = tmp_path / "plain.npz"
    Gallery.load(paths[0], unseal=lambda opened, _: Reader(opened, vault, place)).save(plain)
    sealed.close()
    if change == "plain":
        paths[0].write_bytes(plain.read_bytes())
    elif change == "damaged":
        content = bytearray(paths[0].read_bytes())
        content[len(content) // 2] ^= 1
        paths[0].write_bytes(content)
    else:
        paths[0].write_bytes(paths[1].read_bytes())
    with Tenprint(sealed.home.folder) as again:
        assert search(again, make_row("probe", 3))[0] == ["P3"]
    assert "making the index again" in caplog.text


def test_what_is_plain_is_sealed_and_leaves_the_disk(
    tenprint: Tenprint, make_row: Row, file: Path, backend: str
) -> None:
    tenprint.enrol([make_row(f"P{number}", number) for number in range(6)])
    before = search(tenprint, make_row("probe", 3))
    tenprint.close()
    home = tenprint.home.folder
    assert files_with(home, b'"P3"')
    if backend == "sqlite":
        assert files_with(home, PIXELS)
    with Tenprint(home, keys=file) as keyed:
        key = keyed.key_status().keys[0]
        report = keyed.rotate_keys()
        assert (report.key, report.sealed, report.files, report.damaged) == (key, 14, 1, ())
        assert keys_in(keyed.key_status()) == {
            "templates": {key: 6},
            "images": {key: 6},
            "probe_prints": {key: 2},  # of the search with a hit
        }
        assert files_with(home, PIXELS) == []
        assert search(keyed, make_row("probe", 3)) == before
        assert keyed.rotate_keys().sealed == 0
    assert [name for name in files_with(home, b'"P3"') if name.endswith(".npz")] == []
    with pytest.raises(KeysError, match="TENPRINT_KEYS"):
        Tenprint(home)


def test_an_interrupted_rotation_goes_on(
    sealed: Tenprint, make_row: Row, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "BATCH", dict.fromkeys(resealing.BATCH, 2))
    (old,) = (key.id for key in read_keyring(file))
    new = rotation.make_key(file)
    steps: list[tuple[int, int]] = []

    def interrupt(done: int, total: int) -> None:
        steps.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sealed.rotate_keys(on_progress=interrupt)
    assert steps == [(0, 14), (2, 14), (4, 14)]
    assert keys_in(sealed.key_status())["templates"] == {old: 2, new: 4}
    assert search(sealed, make_row("probe", 3))[0] == ["P3"]
    assert sealed.rotate_keys().sealed == 10
    status = sealed.key_status()
    assert keys_in(status) == {
        "templates": {new: 6},
        "images": {new: 6},
        "probe_prints": {new: 4},  # of two searches with a hit
    }
    assert status.keys == (new, old)
    assert all(key == new for _, key in status.files)


def test_after_a_rotation_the_old_key_is_not_needed(
    sealed: Tenprint, make_row: Row, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    new = rotation.make_key(file)
    sealed.rotate_keys()
    sealed.close()
    lines = [line for line in file.read_text().splitlines() if line.startswith(new)]
    file.write_text("\n".join(lines))
    with Tenprint(sealed.home.folder) as again:
        assert search(again, make_row("probe", 3))[0] == ["P3"]
        assert again.key_status().keys == (new,)
    assert "making the index again" not in caplog.text


def test_index_files_of_other_machines_follow_when_they_are_used(
    sealed: Tenprint, make_row: Row, file: Path, tmp_path: Path
) -> None:
    target = sealed.home.database
    url = target if isinstance(target, str) else f"sqlite:///{target}"
    elsewhere = tmp_path / "elsewhere"
    with Tenprint(elsewhere, database=url) as other:
        other.rebuild("default")
        old = other.key_status().files[0][1]
    new = rotation.make_key(file)
    sealed.rotate_keys()
    with Tenprint(elsewhere, database=url) as other:
        assert other.key_status().files[0][1] == old
        assert search(other, make_row("probe", 3))[0] == ["P3"]
        assert other.key_status().files[0][1] == new


def test_a_rotation_without_an_older_key_changes_nothing(sealed: Tenprint, file: Path) -> None:
    (old,) = (key.id for key in read_keyring(file))
    before = keys_in(sealed.key_status())
    file.unlink()
    new = rotation.make_key(file)
    with pytest.raises(KeysError, match=f"key {old} is not in"):
        sealed.rotate_keys()
    assert keys_in(sealed.key_status()) == before
    assert new not in before["templates"]


def test_without_keys_there_is_nothing_to_rotate_with(tenprint: Tenprint) -> None:
    with pytest.raises(KeysError, match="tenprint keys new FILE"):
        tenprint.rotate_keys()


def test_others_enrol_and_search_while_keys_are_rotated(
    sealed: Tenprint, make_row: Row, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "BATCH", dict.fromkeys(resealing.BATCH, 1))
    rows = [make_row(f"Q{number}", 20 + number) for number in range(12)]
    with office(sealed.home.folder) as other:
        assert other.ask(search, make_row("probe", 1))[0] == ["P1"]
        new = rotation.make_key(file)
        other.tell(enrol_each, rows)
        other.hear()
        report = sealed.rotate_keys()
        assert report.damaged == ()
        while other.hear() is not None:
            pass
        assert other.ask(search, make_row("probe", 4))[0] == ["P4"]
        assert other.ask(search, make_row("probe", 31))[0] == ["Q11"]
    sealed.rotate_keys()
    sealed_now = keys_in(sealed.key_status())
    assert (sealed_now["templates"], sealed_now["images"]) == ({new: 18}, {new: 18})
    assert list(sealed_now["probe_prints"]) == [new]
    for number in (0, 5):
        assert search(sealed, make_row("probe", number))[0] == [f"P{number}"]


def test_a_removed_person_leaves_nothing_sealed_either(sealed: Tenprint) -> None:
    path = sealed.info("default").index_path
    before = path.stat().st_mtime_ns
    sealed.remove_person("P3")
    assert keys_in(sealed.key_status())["templates"].popitem()[1] == 5
    assert path.stat().st_mtime_ns != before
    with Tenprint(sealed.home.folder) as again:
        assert again.info("default").contents.images == 5


def test_a_rotation_is_on_record(sealed: Tenprint) -> None:
    sealed.rotate_keys()
    with sealed._database.read() as connection:
        use = submissions.read(connection, 1)[0]
    assert use.verb == "rotate keys"
    assert use.outcome.startswith("0 sealed with key ")
