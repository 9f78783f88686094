"""Whom a search finds may be removed, or merged with another, before the search is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.service.answering import Answering
from engine.service.auditing import Filter
from engine.service.extracting import Extractors
from engine.service.results import Use
from engine.service.tenprint import Tenprint
from engine.store import hits, searches
from tests.web.serving import Client, identify, item
from tests.web.test_persons import PATH, found, probes_kept, put

USE = Use(operator="another client")


@pytest.fixture
def meanwhile(tenprint: Tenprint, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[Any], None]]:
    """What happens to the installation's encounters before the next searches are kept."""
    todo: list[Callable[[Any], None]] = []
    usual = Answering._keep

    def keep(self: Answering, *given: Any, **named: Any) -> Any:
        if todo:
            todo.pop(0)(tenprint.encounters(Extractors(0)))
        return usual(self, *given, **named)

    monkeypatch.setattr(Answering, "_keep", keep)
    return todo


def waiting(tenprint: Tenprint) -> list[str]:
    with tenprint._database.read() as connection:
        return [hit.person for hit in hits.waiting(connection)]


def test_who_was_removed_is_not_found_and_nothing_is_kept(
    client: Client, tenprint: Tenprint, meanwhile: list[Callable[[Any], None]]
) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P2", "E2", item(2))
    meanwhile.append(lambda encounters: encounters.remove("P1", None, USE))
    assert found(client, 1) == []
    assert (waiting(tenprint), probes_kept(tenprint)) == ([], set())
    with tenprint._database.read() as connection:
        assert len(searches.read(connection, 9)) == 1  # though it was made twice
    begun = [each.fields["event"] for each in tenprint.audit.show(Filter(verb="identify"), 9)]
    assert begun == ["begin", "searched", "end"]


def test_who_was_merged_is_found_as_the_other(
    client: Client, tenprint: Tenprint, meanwhile: list[Callable[[Any], None]]
) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P2", "E2", item(2))
    meanwhile.append(lambda encounters: encounters.merge("P2", "P1", USE))
    assert found(client, 1) == ["P2"]
    assert waiting(tenprint) == ["P2"]


def test_a_print_that_was_moved_is_found_as_the_others(
    client: Client, tenprint: Tenprint, meanwhile: list[Callable[[Any], None]]
) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P1", "E3", item(3))
    put(client, "P2", "E2", item(2))
    meanwhile.append(lambda encounters: encounters.move("P2", "P1", "E1", USE))
    assert found(client, 1) == ["P2"]
    assert waiting(tenprint) == ["P2"]


def test_who_goes_each_time_is_told_and_not_kept(
    client: Client, tenprint: Tenprint, meanwhile: list[Callable[[Any], None]]
) -> None:
    """A search ends, whatever happens to the gallery."""
    for number, name in enumerate("ABC"):
        put(client, name, "E", item(1, seed=number))
        meanwhile.append(lambda encounters, name=name: encounters.remove(name, None, USE))
    put(client, "Z", "E", item(9))
    assert client("POST", "/v1/identify/criminal", identify(item(1, seed=9))).status_code == 200
    assert not meanwhile
    assert (waiting(tenprint), probes_kept(tenprint)) == ([], set())


@pytest.mark.parametrize("encounter", ["E1", None])
def test_enrolled_prints_that_were_removed_are_no_probe(
    client: Client,
    tenprint: Tenprint,
    meanwhile: list[Callable[[Any], None]],
    encounter: str | None,
) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P1", "E2", item(3))
    put(client, "P2", "E2", item(1, seed=2))
    meanwhile.append(lambda encounters: encounters.remove("P1", encounter, USE))
    response = client("POST", "/v1/identify/criminal/P1/encounters/E1")
    assert response.status_code == 404, response.text
    assert probes_kept(tenprint) == set()
    assert client("GET", PATH.format("P2", "E2")).status_code == 200
