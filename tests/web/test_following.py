"""Several servers on one database: each follows what the others change, also when nobody asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.service.tenprint import Tenprint
from tests.web.serving import Client, FakePoster, Serving, encounter, item
from tests.web.test_persons import PATH, found, put
from tests.web.test_tasks import ask, state

PATIENCE = 20.0  # seconds


@pytest.fixture
def other(tenprint: Tenprint, tmp_path: Path) -> Iterator[Tenprint]:
    """The installation as another process has it open."""
    with Tenprint(tmp_path / "home") as opened:
        yield opened


def test_a_server_that_nobody_asks_follows_and_outlives_an_error(
    serving: Serving, tenprint: Tenprint, other: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another removed leaves its memory, though the first look failed."""
    looks: list[dict[str, int]] = []
    looked, failed = threading.Condition(), threading.Event()
    usual: Callable[[Tenprint], dict[str, int]] = Tenprint.catch_up

    def catch_up(self: Tenprint) -> dict[str, int]:
        if not failed.is_set():
            failed.set()
            raise StoreError("the database does not answer")
        with looked:
            looks.append(usual(self))
            looked.notify_all()
        return looks[-1]

    with serving() as client:
        put(client, "P1", "E1", item(1))
        assert found(client, 1) == ["P1"]  # from here on the gallery is in memory
        monkeypatch.setattr(Tenprint, "catch_up", catch_up)
        assert failed.wait(PATIENCE)
        other.remove_person("P1")
        seen = usual(other) | {"criminal": 2}
        with looked:
            assert looked.wait_for(lambda: looks[-1:] == [seen], PATIENCE), looks


def test_two_servers_are_one_to_their_clients(serving: Serving, other: Tenprint) -> None:
    """Each finds at once what the other enrolled, and no more what it deleted."""
    with serving() as first, serving(tenprint=other) as second:
        put(first, "P1", "E1", item(1))
        assert found(second, 1) == ["P1"]
        put(second, "P2", "E1", item(2))
        assert found(first, 2) == ["P2"]
        assert second("DELETE", "/v1/persons/P1").status_code == 204
        assert found(first, 1) == []
        assert first("GET", PATH.format("P1", "E1")).status_code == 404
        assert second("PUT", PATH.format("P2", "E1") + "/status", status="INACTIVE").is_success
        assert found(first, 2) == []


def test_a_task_is_done_by_one_of_two_servers(
    serving: Serving, other: Tenprint, poster: FakePoster
) -> None:
    with serving() as first, serving(tenprint=other) as second:
        servers: list[Client] = [first, second]
        tasks = [
            ask(servers[number % 2], "POST", "/v1/persons", encounter(item(number + 1)))
            for number in range(12)
        ]
        posted = poster.wait(len(tasks))
        assert [state(second, task, "COMPLETED") for task in tasks] == ["COMPLETED"] * len(tasks)
        assert sorted(url.params["taskId"] for url, _, _ in posted) == sorted(tasks)
        assert len(first("GET", "/v1/galleries/criminal").json()) == len(tasks)
