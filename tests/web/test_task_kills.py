"""A process that dies at a task leaves both what the task does and its result, or neither."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import pipeline
from engine.errors import UnavailableError
from engine.service.auditing import Filter
from engine.service.results import Pending
from engine.service.tasks import TaskList
from engine.service.tenprint import Tenprint
from engine.store import tasks as rows
from engine.web import runner
from engine.web.callbacks import Callbacks
from engine.web.calls import Call, unpack
from engine.web.desk import Desk
from engine.web.faults import Fault
from engine.web.persons import Persons
from engine.web.runner import Runner
from tests.prints_at_no_cost import extract
from tests.web.serving import FakePoster, Serving, encounter, identify, item
from tests.web.test_persons import PATH, found, put
from tests.web.test_tasks import FAST, ask

KILLED = 9
SHORT = replace(FAST, hold=timedelta(seconds=0.2))  # what a dead process had, another has soon
BEFORE, WITHIN, AFTER = "before the work", "in its transaction", "before it is noted as done"


def die(*_: Any, **__: Any) -> None:
    os._exit(KILLED)


def work_and_die(home: Path, point: str) -> None:
    """A process that does a task and is killed at a point of it; the kill comes without notice."""
    pipeline.extract = extract  # type: ignore[assignment]
    if point == BEFORE:
        Desk.perform = die  # type: ignore[assignment, method-assign]
    elif point == AFTER:
        TaskList.done = die  # type: ignore[assignment, method-assign]
    else:
        usual = rows.done

        def done(*given: Any, **options: Any) -> None:
            usual(*given, **options)
            os._exit(KILLED)

        rows.done = done  # type: ignore[assignment]
    with Tenprint(home) as tenprint:
        Runner(Desk(tenprint, workers=0, limits=SHORT), Callbacks([], SHORT)).start()
        time.sleep(60)


@pytest.fixture
def killed(tmp_path: Path) -> Callable[[str], None]:
    def kill(point: str) -> None:
        process = multiprocessing.get_context("spawn").Process(
            target=work_and_die, args=(tmp_path / "home", point)
        )
        process.start()
        process.join()
        assert process.exitcode == KILLED

    return kill


def events(tenprint: Tenprint, event: str) -> list[dict[str, Any]]:
    shown = tenprint.audit.show(Filter(), 1000)
    return [each.fields for each in shown if each.fields["event"] == event]


@pytest.mark.parametrize("point", [BEFORE, WITHIN, AFTER])
def test_a_search_is_kept_once_and_told(
    point: str,
    serving: Serving,
    tenprint: Tenprint,
    poster: FakePoster,
    killed: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched, serving(SHORT) as client:
        put(client, "P1", "E1", item(1))
        patched.setattr(TaskList, "next_to_do", lambda *_: None)
        task = ask(client, "POST", "/v1/identify/criminal", identify(item(1, seed=1)))
    killed(point)
    assert len(events(tenprint, "searched")) == (point == AFTER)
    with serving(SHORT):
        ((url, content, kind),) = poster.wait(1)
    assert (url.params["taskId"], kind) == (task, "application/json")
    (best,) = content
    (kept,) = events(tenprint, "searched")
    assert best["personId"] == "P1"
    assert best["others"]["case"] == f"{kept['search']}/P1"


@pytest.mark.parametrize("point", [WITHIN, AFTER])
def test_what_a_task_deletes_is_deleted_once_and_told(
    point: str,
    serving: Serving,
    tenprint: Tenprint,
    poster: FakePoster,
    killed: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched, serving(SHORT) as client:
        put(client, "P1", "E1", item(1))
        patched.setattr(TaskList, "next_to_do", lambda *_: None)
        ask(client, "DELETE", "/v1/persons/P1")
    killed(point)
    with serving(SHORT) as client:
        assert poster.wait(1)[0][1:] == ("OK", "application/json")
        assert found(client, 1) == []
    assert len(events(tenprint, "removed")) == 1


def test_what_another_made_before_a_kill_is_not_taken_for_the_tasks_own(
    serving: Serving,
    poster: FakePoster,
    killed: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The killed process had done nothing yet, and the encounter that is there is another's."""
    path = PATH.format("P1", "E1")
    with monkeypatch.context() as patched, serving(SHORT) as client:
        patched.setattr(TaskList, "next_to_do", lambda *_: None)
        ask(client, "POST", path, encounter(item(2)))
        killed(BEFORE)
        assert client("POST", path, encounter(item(1))).status_code == 200
    with serving(SHORT) as client:
        ((_, content, kind),) = poster.wait(1)
        assert (content["code"], kind) == (409, "application/error+json")
        assert (found(client, 1), found(client, 2)) == (["P1"], [])


@pytest.mark.parametrize("operation", ["identify", "createEncounterNoIds"])
def test_a_slow_process_does_not_do_again_what_another_did(
    tenprint: Tenprint, operation: str
) -> None:
    """It was at the task for so long that another took it."""
    desk = Desk(tenprint, workers=0, limits=FAST)
    query = {"transactionId": "T"}
    first = json.dumps(encounter(item(1))).encode()
    desk.perform(Call("createEncounterNoIds", {}, query, first, "me"))
    body = first if operation != "identify" else json.dumps(identify(item(1, seed=1))).encode()
    asked = Call(operation, {"galleryId": "criminal"}, query, body, "me")
    name = desk.tasks.add(
        operation=operation, transaction="T", operator="me", callback="", priority=5,
        request=asked.pack(),
    )  # fmt: skip
    task = desk.tasks.next_to_do(timedelta())
    assert task is not None
    call = unpack(operation, "me", task.request, Pending(task.id, name))
    told = desk.perform(call)
    with pytest.raises(Fault, match="done by another process"):
        desk.perform(call)
    desk.tasks.done(task, b"what the slow one would tell", failed=True)
    kept = desk.tasks.next_to_deliver(timedelta())
    assert kept is not None
    assert (kept.result, kept.failed) == (told.for_callback(), False)
    event = "searched" if operation == "identify" else "enrolled"
    assert len(events(tenprint, event)) == (1 if operation == "identify" else 2)
    desk.close()


def test_a_task_waits_for_a_database_that_does_not_answer(
    serving: Serving, poster: FakePoster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was accepted is done when it answers again, and no failure is told instead."""
    monkeypatch.setattr(runner, "AFTER_TROUBLE", 0.05)
    usual, failures = Persons.create_encounter, iter([True, True])

    def create(self: Persons, call: Call) -> Any:
        if next(failures, False):
            raise UnavailableError("the server closed the connection")
        return usual(self, call)

    monkeypatch.setattr(Persons, "create_encounter", create)
    with serving(SHORT) as client:
        answered = client("POST", PATH.format("P1", "E1"), encounter(item(1)))
        assert (answered.status_code, answered.headers["Retry-After"]) == (503, "2")
        assert "closed the connection" not in answered.text
        ask(client, "POST", PATH.format("P1", "E1"), encounter(item(1)))
        ((_, told, kind),) = poster.wait(1)
        assert (kind, told["personId"]) == ("application/json", "P1")
        assert found(client, 1) == ["P1"]
