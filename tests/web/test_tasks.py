"""Callbacks: what was accepted is done and delivered, whatever happens in between."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import KeysError, StoreError, UnavailableError
from engine.service.tasks import TaskList, TaskRow
from engine.service.tenprint import Tenprint
from engine.store import tasks as rows
from engine.web.calls import Call
from engine.web.desk import Desk
from engine.web.limits import Limits
from tests.web.serving import (
    CALLBACK,
    Client,
    FakePoster,
    Issuer,
    Serving,
    encounter,
    identify,
    image,
    item,
)
from tests.web.test_persons import PATH, found, put

FAST = Limits(
    look_again=0.02,
    work_threads=2,
    read_threads=2,
    task_threads=1,
    deliver_threads=1,
    deliver_first=timedelta(seconds=0.01),
    deliver_attempts=3,
)


def state(client: Client, task: str, wanted: str = "") -> str:
    """Where a task stands; waits until that is as wanted."""
    for _ in range(500):
        found = client("GET", f"/v1/tasks/{task}/status").json()
        if not wanted or found == wanted:
            return str(found)
        time.sleep(0.01)
    raise AssertionError(f"{found}, not {wanted}")


def ask(client: Client, method: str, path: str, body: Any = None, **query: Any) -> str:
    response = client(method, path, body, callback=CALLBACK, **query)
    assert response.status_code == 202, response.text
    assert set(response.json()) == {"taskId"}
    return str(response.json()["taskId"])


def test_results_are_posted_with_transaction_and_task(client: Client, poster: FakePoster) -> None:
    task = ask(client, "POST", PATH.format("P1", "E1"), encounter(item(1)), transactionId="T7")
    ((url, content, kind),) = poster.wait(1)
    assert content == {"personId": "P1", "encounterId": "E1"}
    assert kind == "application/json"
    assert str(url).startswith(CALLBACK)
    assert dict(url.params) == {"transactionId": "T7", "taskId": task}
    assert state(client, task, "COMPLETED") == "COMPLETED"
    assert found(client, 1) == ["P1"]


def test_every_operation_can_be_answered_by_a_callback(client: Client, poster: FakePoster) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P2", "E2", item(2))
    put(client, "P3", "E3", item(3))
    probe = {"biometricData": [item(1, seed=1)]}
    both = {"biometricData1": [item(1)], "biometricData2": [item(1, seed=1)]}
    calls: list[tuple[str, str, Any, dict[str, Any], Any]] = [
        ("POST", "/v1/persons", encounter(item(4)), {}, dict),
        ("POST", "/v1/persons/P4/encounters", encounter(item(5)), {}, dict),
        ("GET", "/v1/persons/P1/encounters", None, {}, list),
        ("GET", PATH.format("P1", "E1"), None, {}, dict),
        ("PUT", PATH.format("P1", "E1"), encounter(item(1)), {}, dict),
        ("GET", PATH.format("P1", "E1") + "/templates", None, {}, list),
        ("PUT", PATH.format("P1", "E1") + "/status", None, {"status": "ACTIVE"}, "OK"),
        ("PUT", PATH.format("P1", "E1") + "/galleries", ["criminal"], {}, "OK"),
        ("POST", "/v1/identify/criminal", identify(item(1, seed=1)), {}, list),
        ("POST", "/v1/identify/criminal/P1", None, {}, list),
        ("POST", "/v1/identify/criminal/P1/encounters/E1", None, {}, list),
        ("POST", "/v1/verify/criminal/P1", probe, {}, dict),
        ("POST", "/v1/verify", both, {}, dict),
        ("GET", "/v1/galleries", None, {}, list),
        ("GET", "/v1/galleries/criminal", None, {}, list),
        ("POST", "/v1/persons/P1/move/P2/encounters/E2", None, {}, "OK"),
        ("POST", "/v1/persons/P1/merge/P3", None, {}, "OK"),
        ("DELETE", PATH.format("P1", "E1"), None, {}, "OK"),
        ("DELETE", "/v1/persons/P1", None, {}, "OK"),
    ]
    for number, (method, path, body, query, wanted) in enumerate(calls, start=1):
        ask(client, method, path, body, **query)
        content, kind = poster.wait(number)[-1][1:]
        assert kind == "application/json", (path, content)
        assert content == wanted if isinstance(wanted, str) else isinstance(content, wanted)


def test_an_error_is_posted_as_an_error(client: Client, poster: FakePoster) -> None:
    ask(client, "GET", "/v1/persons/P9/encounters")
    ((_, content, kind),) = poster.wait(1)
    assert kind == "application/error+json"
    assert content == {"code": 404, "message": "there is no person 'P9'"}


def test_what_is_wrong_with_a_request_is_told_at_once(client: Client) -> None:
    for body, query in (
        (encounter(item(1)) | {"unknown": 1}, {"callback": CALLBACK}),
        (encounter(item(1)), {"callback": CALLBACK, "priority": 10}),
        (encounter(item(1)), {"callback": "https://elsewhere.example/"}),
        (encounter(item(1)), {"callback": "http://client.example/"}),
        (encounter(item(1)), {"callback": "https://client.example:444/"}),
        (encounter(item(1)), {"callback": "https://client.example@evil.example/"}),
        (encounter(item(1)), {"callback": "file:///etc/passwd"}),
        (encounter(item(1)), {"callback": ""}),
        (encounter(item(1)), {"callback": "https://[::"}),
    ):
        assert client("POST", "/v1/persons", body, **query).status_code == 400, query


def test_delivery_is_tried_again_then_given_up_then_asked_for(
    serving: Serving, poster: FakePoster
) -> None:
    poster.statuses = [500, 0, 302]
    with serving(FAST) as client:
        task = ask(client, "GET", "/v1/galleries")
        poster.wait(3)
        assert state(client, task, "RESPONSE_ERROR")
        time.sleep(0.1)
        assert len(poster.posted) == 3
        poster.statuses = [204]
        assert client("POST", f"/v1/tasks/{task}/redeliver").status_code == 204
        assert poster.wait(4)[3][1] == []
        assert state(client, task, "COMPLETED")
        again = client("POST", f"/v1/tasks/{task}/redeliver")
        assert again.status_code == 404
        assert "is not kept" in again.json()["message"]
        assert client("POST", "/v1/tasks/none/redeliver").status_code == 404
        assert client("GET", "/v1/tasks/none/status").status_code == 404
        assert client("GET", f"/v1/tasks/{task}/status", transactionId=None).status_code == 400


def test_what_was_read_for_a_task_does_not_outlive_the_person(
    serving: Serving, poster: FakePoster, tenprint: Tenprint
) -> None:
    poster.statuses = [500]
    with serving(FAST) as client:
        put(client, "P1", "E1", item(1))
        task = ask(client, "GET", PATH.format("P1", "E1"))
        assert poster.wait(3)[2][1]["biometricData"][0]["image"] == image(1)
        assert state(client, task, "RESPONSE_ERROR")
        with tenprint._database.read() as connection:
            kept = rows.find(connection, task)
        assert image(1).encode() not in kept.request + (kept.result or b"")
        assert client("DELETE", "/v1/persons/P1").status_code == 204
        poster.statuses = [204]
        assert client("POST", f"/v1/tasks/{task}/redeliver").status_code == 204
        _, content, kind = poster.wait(4)[3]
        assert (kind, content["code"]) == ("application/error+json", 404)
        assert state(client, task, "COMPLETED")
        with tenprint._database.read() as connection:
            kept = rows.find(connection, task)
        assert (kept.request, kept.result) == (b"", None)


def test_a_task_is_its_clients(client: Client, issuer: Issuer, poster: FakePoster) -> None:
    task = ask(client, "GET", "/v1/galleries")
    poster.wait(1)
    other = issuer.token(sub="other")
    assert client("GET", f"/v1/tasks/{task}/status", token=other).status_code == 404
    assert client("POST", f"/v1/tasks/{task}/redeliver", token=other).status_code == 404


def test_higher_priorities_overtake(
    serving: Serving, poster: FakePoster, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, done = threading.Event(), []
    usual = Desk.perform

    def perform(desk: Desk, asked: Call, **options: Any) -> Any:
        done.append(asked.transaction)
        gate.wait(20)
        return usual(desk, asked, **options)

    monkeypatch.setattr(Desk, "perform", perform)
    with serving(FAST) as client:
        ask(client, "DELETE", "/v1/persons/P1", transactionId="first")
        while not done:
            time.sleep(0.01)
        for name, priority in (("low", 0), ("usual", None), ("high", 9), ("later", 9)):
            task = ask(client, "DELETE", "/v1/persons/P1", transactionId=name, priority=priority)
        assert state(client, task) == "PENDING"
        assert client("POST", f"/v1/tasks/{task}/redeliver").status_code == 204
        gate.set()
        poster.wait(5)
    assert done == ["first", "high", "later", "usual", "low"]


def test_tasks_survive_the_process(
    serving: Serving, poster: FakePoster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process accepts and does nothing; what it accepted is done by the next."""
    with monkeypatch.context() as patched:
        patched.setattr("engine.service.tasks.TaskList.next_to_do", lambda *_: None)
        with serving(FAST) as client:
            tasks = [ask(client, "POST", "/v1/persons", encounter(item(n))) for n in (1, 2)]
    assert poster.posted == []
    with serving(FAST) as client:
        posted = poster.wait(2)
        assert {url.params["taskId"] for url, _, _ in posted} == set(tasks)
        persons = {content["personId"] for _, content, _ in posted}
        assert {*found(client, 1), *found(client, 2)} == persons


def test_what_ends_each_process_is_given_up(
    serving: Serving, poster: FakePoster, tenprint: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each beginning here is one of a process that was killed by the task."""
    limits = replace(FAST, task_runs=2)
    with monkeypatch.context() as patched:
        patched.setattr("engine.service.tasks.TaskList.next_to_do", lambda *_: None)
        with serving(limits) as client:
            ask(client, "POST", "/v1/persons", encounter(item(1)), transactionId="kills")
            ask(client, "POST", "/v1/persons", encounter(item(2)), transactionId="good")
    tasks, short = tenprint.task_list(), timedelta()
    for begun in (1, 2):
        task = tasks.next_to_do(short)
        assert task is not None and (task.transaction_name, task.runs) == ("kills", begun)
        time.sleep(0.01)
    with serving(limits) as client:
        told = {
            url.params["transactionId"]: (kind, content) for url, content, kind in poster.wait(2)
        }
        assert found(client, 1) == []
        assert found(client, 2) == [told["good"][1]["personId"]]
    kind, content = told["kills"]
    assert (kind, content["code"]) == ("application/error+json", 500)
    assert "given up" in content["message"]


@pytest.mark.parametrize("missing", [KeysError("not here"), UnavailableError("too many")])
def test_what_is_no_fault_of_the_task_is_tried_for_ever(
    serving: Serving, poster: FakePoster, monkeypatch: pytest.MonkeyPatch, missing: StoreError
) -> None:
    tried, usual = [], TaskList.request_of

    def request_of(tasks: TaskList, task: TaskRow) -> bytes:
        tried.append(task.runs)
        if len(tried) <= 3:
            raise missing
        return usual(tasks, task)

    monkeypatch.setattr(TaskList, "request_of", request_of)
    monkeypatch.setattr("engine.web.runner.AFTER_TROUBLE", 0.01)
    with serving(replace(FAST, task_runs=1, hold=timedelta(seconds=0.05))) as client:
        ask(client, "POST", "/v1/persons", encounter(item(1)))
        ((_, content, _),) = poster.wait(1)
        assert found(client, 1) == [content["personId"]]
    assert tried == [1, 1, 1, 1]


def test_too_many_tasks_are_refused(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.service.tasks.TaskList.next_to_do", lambda *_: None)
    with serving(Limits(look_again=0.02, tasks=1)) as client:
        ask(client, "GET", "/v1/galleries")
        response = client("GET", "/v1/galleries", callback=CALLBACK)
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) >= 1
    with serving(Limits(look_again=0.02, tasks_bytes=500)) as client:
        response = client("POST", "/v1/persons", encounter(item(1)), callback=CALLBACK)
        assert response.status_code == 429
