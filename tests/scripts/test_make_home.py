"""A home of drawn fingers is what enrolment would have made: found, audited, added to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import make_home
import pytest
from make_gallery import draw_chunk, write_chunk

from engine.formats import template as template_format
from engine.service.answering import Asked
from engine.service.encounters import Facts, Given
from engine.service.extracting import Extractors
from engine.service.items import Item
from engine.service.results import NOBODY, ProbeFinger
from engine.service.tenprint import Tenprint
from engine.types import FingerPosition, Template

JOB = (5, 0, 24)


@pytest.fixture
def home(tmp_path: Path, target: Path | str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenprint]:
    if isinstance(target, str):
        monkeypatch.setenv("TENPRINT_DATABASE", target)
    (tmp_path / "work").mkdir()
    write_chunk(JOB, tmp_path / "work")
    with Tenprint(tmp_path / "home") as opened:
        for _ in range(2):  # the second time everything is there
            assert make_home.fill(opened._database, "drawn", [JOB], tmp_path / "work", 2) == JOB[2]
        make_home.free_ids(opened._database)
        make_home.make_index(opened, "drawn")
        yield opened


def item(template: Template) -> Item:
    return Item("probe", FingerPosition.UNKNOWN, None, template_format.encode(template), "TENPRINT")


def found(tenprint: Tenprint, template: Template) -> str:
    probe = ProbeFinger(item(template).row, item(template).sha256, template)
    (answer,) = tenprint.answering().answer([Asked((probe,), "drawn", 3, NOBODY)])
    return answer.search.candidates[0].person


def test_it_is_found_and_others_join(home: Tenprint) -> None:
    info = home.info("drawn")
    assert (info.contents.persons, info.contents.templates) == (JOB[2] // 2, JOB[2])
    templates = draw_chunk(JOB)
    assert [found(home, templates[n]) for n in (0, 1, 23)] == ["D0000000", "D0000000", "D0000011"]
    encounters = home.encounters(Extractors(0))
    (kept,) = encounters.read("D0000003", None, NOBODY)
    assert [print_.template for print_ in kept.prints] == [
        template_format.encode(each) for each in templates[6:8]
    ]
    (new,) = draw_chunk((6, 0, 1))
    given = Given(Facts("ACTIVE", "test"), ("drawn",), (item(new),))
    encounters.create("NEW", "1", given, NOBODY)
    assert found(home, new) == "NEW"
    encounters.remove("D0000000", None, NOBODY)
    assert found(home, templates[0]) != "D0000000"
    assert home.audit.verify().broken is None
