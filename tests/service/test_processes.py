"""Several processes on one database: what one acknowledged all others see, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from engine.index.gallery import Gallery
from engine.service.tenprint import Tenprint
from engine.store import galleries, prints
from engine.store.database import Database
from engine.store.schema import changes, persons, templates
from tests.prints_at_no_cost import Row
from tests.service.offices import enrol, enrol_each, office, rebuild, remove_each, search


def held(tenprint: Tenprint) -> tuple[int, int, int]:
    """Persons, prints and changes, as the database has them."""
    database = Database(tenprint.home.database)
    with database.read() as connection:
        found = [
            int(connection.execute(select(func.count()).select_from(table)).scalar_one())
            for table in (persons, templates, changes)
        ]
    database.close()
    return found[0], found[1], found[2]


def test_what_one_process_acknowledged_the_other_finds_at_once(
    tenprint: Tenprint, make_row: Row
) -> None:
    tenprint.enrol([make_row("P0", 0)])
    with office(tenprint.home.folder) as other:
        last = 0
        for finger in range(1, 9):
            row, probe = make_row(f"P{finger}", finger), make_row("probe", finger)
            here, there = finger % 2 == 0, finger % 2 == 1
            assert (enrol(tenprint, [row]) if here else other.ask(enrol, [row])) == (1, 0)
            found, seen = search(tenprint, probe) if there else other.ask(search, probe)
            assert found == [f"P{finger}"]
            assert seen == {"default": finger + 1}
            assert seen["default"] > last
            last = seen["default"]
        other.ask(Tenprint.remove_person, "P3")
        assert search(tenprint, make_row("probe", 3)) == ([], {"default": 10})


def test_processes_that_enrol_the_same_people_enrol_each_once(
    tenprint: Tenprint, make_row: Row
) -> None:
    rows = [make_row(f"P{number // 2}", number) for number in range(60)]
    with office(tenprint.home.folder) as one, office(tenprint.home.folder) as other:
        one.tell(enrol, rows)
        other.tell(enrol, rows[20:] + rows[:20])
        reports = [one.hear(), other.hear()]
    assert sum(new for new, _ in reports) == len(rows)
    assert all(new + already == len(rows) for new, already in reports)
    assert held(tenprint) == (30, 60, 60)
    assert tenprint.info("default").contents.images == 60


def test_who_searches_while_another_enrols_finds_all_that_was_acknowledged(
    tenprint: Tenprint, make_row: Row
) -> None:
    rows = [make_row(f"P{number}", number) for number in range(40)]
    probes = {row.person: make_row("probe", number) for number, row in enumerate(rows)}
    tenprint.enrol([make_row("FIRST", 200)])
    with office(tenprint.home.folder) as other:
        other.tell(enrol_each, rows)
        last, acknowledged, during = 0, 0, 0
        while (person := other.hear()) is not None:
            acknowledged += 1
            during += acknowledged < len(rows) and not other.has_said_something()
            found, seen = search(tenprint, probes[person])
            assert found == [person]
            assert seen["default"] >= max(last, acknowledged + 1)
            last = seen["default"]
    assert (acknowledged, last) == (40, 41)
    assert during  # it did search while the other was at work
    assert held(tenprint) == (41, 41, 41)


def test_who_searches_while_another_removes_never_finds_who_is_gone(
    tenprint: Tenprint, make_row: Row
) -> None:
    rows = [make_row(f"P{number}", number) for number in range(24)]
    tenprint.enrol(rows)
    probes = [make_row("probe", number) for number in range(24)]
    assert search(tenprint, probes[5])[0] == ["P5"]
    gone: set[str] = set()
    with office(tenprint.home.folder) as other:
        other.tell(remove_each, [row.person for row in rows[:20]])
        while (person := other.hear()) is not None:
            gone.add(person)
            number = int(person[1:])
            assert search(tenprint, probes[number])[0] == []
            assert search(tenprint, probes[20 + number % 4])[0] == [f"P{20 + number % 4}"]
        assert len(gone) == 20
        path = tenprint.info("default").index_path
        assert not [name for name in gone if f'"{name}"'.encode() in path.read_bytes()]
    assert held(tenprint) == (4, 4, 44)
    assert [left.name for left in path.parent.iterdir()] == [path.name]
    assert len(Gallery.load(path)) == 4


def test_two_writers_of_one_file_never_damage_it(tenprint: Tenprint, make_row: Row) -> None:
    tenprint.enrol([make_row(f"P{number}", number) for number in range(30)])
    path = tenprint.rebuild("default").index_path
    with office(tenprint.home.folder) as one, office(tenprint.home.folder) as other:
        for each in (one, other):
            each.tell(rebuild, 15)
        read = 0
        while not (one.has_said_something() and other.has_said_something()):
            assert len(Gallery.load(path)) == 30
            read += 1
        assert (one.hear(), other.hear()) == (None, None)
    assert read > 3
    assert [left.name for left in path.parent.iterdir()] == [path.name]


def test_a_removed_gallery_leaves_nothing_though_another_process_has_it(
    tenprint: Tenprint, make_row: Row
) -> None:
    tenprint.enrol([make_row(f"P{number}", number) for number in range(6)], gallery="gone")
    tenprint.enrol([make_row("STAYS", 40)])
    with office(tenprint.home.folder) as other:
        assert other.ask(search, make_row("probe", 3))[0] == ["P3"]
        path = tenprint.info("gone").index_path
        assert path.exists()
        tenprint.remove_gallery("gone")
        assert not path.exists()
        assert other.ask(Tenprint.catch_up) == {"default": 13}
        assert other.ask(search, make_row("probe", 3)) == ([], {"default": 13})
    assert not path.exists()


def test_a_gallery_can_be_removed_while_others_enrol_into_it(
    tenprint: Tenprint, make_row: Row
) -> None:
    rows = [make_row(f"P{number}", number) for number in range(30)]
    tenprint.enrol(rows[:2])
    with office(tenprint.home.folder) as other:
        other.tell(enrol_each, rows)
        while other.hear() not in ("P4", None):
            pass
        tenprint.remove_gallery("default")
        while other.hear() is not None:
            pass
    database = Database(tenprint.home.database)
    with database.read() as connection:
        left = galleries.listing(connection)
        counted = sum(prints.count(connection, row) for row in left)
        assert counted == connection.execute(select(func.count()).select_from(templates)).scalar()
    database.close()
    for number, row in enumerate(rows):
        if left:
            found = search(tenprint, make_row("probe", number))[0]
            assert found in ([], [row.person])


@pytest.mark.parametrize("closed", [False, True])
def test_what_is_removed_leaves_the_homes_of_other_machines(
    tenprint: Tenprint, make_row: Row, tmp_path: Path, closed: bool
) -> None:
    tenprint.enrol([make_row(f"P{number}", number) for number in range(6)])
    target = tenprint.home.database
    url = target if isinstance(target, str) else f"sqlite:///{target}"
    with Tenprint(tmp_path / "elsewhere", database=url) as other:
        path = other.rebuild("default").index_path
        assert b'"P3"' in path.read_bytes()
        tenprint.remove_person("P3")
        assert b'"P3"' in path.read_bytes()
        if not closed:
            assert other.catch_up() == {"default": 7}
            assert b'"P3"' not in path.read_bytes()
    assert b'"P3"' not in path.read_bytes()
