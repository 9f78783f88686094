"""Index files in parts: sealed or not, what is removed leaves them, and nobody writes too much."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.index import snapshot
from engine.service import rotation
from engine.service.results import Probe
from engine.service.tenprint import Tenprint
from tests.prints_at_no_cost import Row
from tests.service.offices import search


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.service.index_files.PART_PRINTS", 4)


@pytest.fixture(params=["plain", "sealed"])
def filled(
    request: pytest.FixtureRequest,
    tenprint: Tenprint,
    make_row: Row,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Tenprint]:
    """P0 .. P13 in the gallery default, its index saved in three parts and a file."""
    if request.param == "sealed":
        rotation.make_key(tmp_path / "keys")
        monkeypatch.setenv("TENPRINT_KEYS", str(tmp_path / "keys"))
    with Tenprint(tenprint.home.folder) as opened:
        opened.enrol([make_row(f"P{number}", number) for number in range(14)])
        opened.rebuild("default")
        yield opened


def files(tenprint: Tenprint) -> dict[str, int]:
    """The files of the index and when each was written."""
    path = tenprint.info("default").index_path
    return {each.name: each.stat().st_mtime_ns for each in (path, *snapshot.parts_of(path))}


def test_another_process_reads_them(filled: Tenprint, make_row: Row, caplog) -> None:
    assert len(files(filled)) == 4
    assert filled.info("default").index_bytes == sum(
        filled.info("default").index_path.with_name(name).stat().st_size for name in files(filled)
    )
    with Tenprint(filled.home.folder) as other:
        for number in (1, 6, 13):
            assert search(other, make_row("probe", number))[0] == [f"P{number}"]
    assert "making" not in caplog.text


def test_a_removal_writes_one_part_and_who_follows_writes_nothing(
    filled: Tenprint, make_row: Row
) -> None:
    with Tenprint(filled.home.folder) as other:
        assert search(other, make_row("probe", 5))[0] == ["P5"]
        before = files(filled)
        filled.remove_person("P5")
        after = files(filled)
        assert len(after) == 4
        assert len(before.items() & after.items()) == 2  # of the three parts; the file is new
        other.catch_up()
        assert files(filled) == after
        assert search(other, make_row("probe", 5))[0] == []
        other.remove_person("P6")  # in the part that the first one wrote
    assert search(filled, make_row("probe", 6))[0] == []
    with Tenprint(filled.home.folder) as third:
        assert search(third, make_row("probe", 7))[0] == ["P7"]
        assert search(third, make_row("probe", 5))[0] == []


@pytest.mark.sqlite  # the proof looks into files
def test_a_removal_is_proved_in_parts(filled: Tenprint, make_row: Row) -> None:
    proof = filled.remove_with_proof("P2")
    assert proof.clean, proof.document["faults"]
    names = {Path(each["file"]).name for each in proof.document["files"]}
    assert set(files(filled)) <= names
    assert proof.document["in_indexes"] == {"1-default.npz": 0}


def test_an_index_that_has_more_than_it_should_is_told_by_its_ids(filled: Tenprint) -> None:
    ids = filled._indexes.count_saved([1, 7, 14, 99])
    assert ids == {filled.info("default").index_path.name: 3}


def test_parts_that_no_file_tells_of_are_deleted_at_the_start(filled: Tenprint) -> None:
    path = filled.info("default").index_path
    part = snapshot.parts_of(path)[0]
    left, gone = path.with_name(snapshot.name_part(path)), path.with_name("99-gone.npz")
    for each in (left, gone, gone.with_name(snapshot.name_part(gone))):
        each.write_bytes(part.read_bytes())
    Tenprint(filled.home.folder).close()
    assert set(files(filled)) == {each.name for each in path.parent.iterdir()}
    assert len(files(filled)) == 4


def test_a_damaged_part_is_made_again(filled: Tenprint, make_row: Row, caplog) -> None:
    part = snapshot.parts_of(filled.info("default").index_path)[1]
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    with Tenprint(filled.home.folder) as other:
        assert search(other, make_row("probe", 5))[0] == ["P5"]
    assert "making the index again" in caplog.text


@pytest.mark.parametrize("searchers", [0, 2])
def test_searches_find_the_same_with_processes_that_compare(
    filled: Tenprint, make_row: Row, searchers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.matching.rescoring.fitting", lambda threads=1: 3)  # several chunks
    rows = [make_row("probe", number) for number in (2, 9, 40)]

    def found(tenprint: Tenprint):
        searches = tenprint.identify([Probe(row.path.stem, (row,)) for row in rows]).searches
        return [
            [
                (c.person, c.rank, c.score, c.llr, c.gap, c.over_threshold,
                 [(e.score, e.met, e.pairs.tolist()) for e in c.evidence])
                for c in each.search.candidates
            ]
            for each in searches
        ]  # fmt: skip

    expected = found(filled)
    with Tenprint(filled.home.folder, searchers=searchers) as other:
        assert found(other) == expected
        other.enrol([make_row("NEW", 40)])
        other.remove_person("P9")
        assert found(other) == found(filled)
        assert found(other)[2][0][0] == "NEW"
