"""Logs: no line of a whole session says of whom it is, or what a client sent."""

from __future__ import annotations

import base64
import json
import logging
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.errors import StoreError
from engine.service.workers import make_pool
from engine.web.logs import JsonLines
from tests.web.serving import Client, encounter, identify, image, item
from tests.web.test_server import PATIENCE, print_of, process
from tests.web.test_server import Client as Receiver

MARK = "SECRET"  # in every id, and in everything else that a client says
KNOWN = {
    "time", "level", "logger", "event", "operation", "status", "ms", "caller", "error", "where",
    "host", "port", "workers", "tenants", "client",  # the address of who was locked
}  # fmt: skip
PERSON, ENCOUNTER, TRANSACTION = f"P-{MARK}-1", f"E-{MARK}-1", f"T-{MARK}-1"
PATH = f"/v1/persons/{PERSON}/encounters/{ENCOUNTER}"
GALLERY = f"g-{MARK.lower()}"


def marked(*prints: Any) -> dict[str, Any]:
    """An encounter whose every text is marked."""
    return encounter(
        *prints,
        galleries=[GALLERY],
        encounterType=f"type {MARK}",
        clientData=base64.b64encode(MARK.encode()).decode(),
        contextualData={"note": MARK},
        biographicData={"lastName": f"Name {MARK}"},
    )


def session(http: httpx.Client, receiver: Receiver) -> list[int]:
    """Enrols, searches, errs, leaves tasks, and asks for what is not there: the statuses."""
    found = identify(print_of(1))
    damaged = base64.b64encode(b"\x89PNG\r\n\x1a\n" + MARK.encode() * 9).decode()
    alien = {"Authorization": f"Bearer {MARK}"}
    later = {"callback": f"{receiver.origin}/{MARK}"}
    asked: list[tuple[str, str, Any, dict[str, Any]]] = [
        ("PUT", PATH, marked(print_of(1)), {}),
        ("POST", PATH, marked(print_of(1)), {}),
        ("POST", PATH, marked(print_of(1)), {}),
        ("GET", PATH, None, {}),
        ("POST", f"/v1/persons/{PERSON}/encounters", marked(item(2)), {}),
        ("POST", f"/v1/persons/{PERSON}/encounters", marked({**item(3), "image": damaged}), {}),
        ("POST", f"/v1/identify/{GALLERY}", found, {}),
        ("POST", f"/v1/identify/{GALLERY}/{PERSON}", None, {}),
        ("POST", f"/v1/verify/{GALLERY}/{PERSON}", found, {}),
        ("POST", f"/v1/verify/{GALLERY}/other-{MARK}", found, {}),
        ("POST", f"/v1/identify/other-{MARK}", found, {}),
        ("POST", f"/v1/identify/{GALLERY}", {"filter": {MARK: 1}, "biometricData": [MARK]}, {}),
        ("POST", f"/v1/persons/{PERSON}/encounters", marked(print_of(2)), later),
        ("GET", f"/v1/persons/{PERSON}/encounters", None, later),
        ("GET", f"/v1/tasks/{MARK}/status", None, {}),
        ("POST", f"/v1/tasks/{MARK}/redeliver", None, {}),
        ("GET", f"/cases/1/{PERSON}?note={MARK}", None, {}),
        ("PATCH", PATH, None, {}),
        ("DELETE", f"/v1/persons/{PERSON}", None, {}),
    ]
    statuses = []
    for method, path, body, query in asked:
        query = {"transactionId": TRANSACTION, **query}
        statuses.append(http.request(method, path, json=body, params=query).status_code)
        outside = http.request(method, path, json=body, params=query, headers=alien)
        statuses.append(outside.status_code)
    deadline = time.monotonic() + PATIENCE
    while len(receiver.got) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    return statuses


def test_no_line_of_a_session_tells_of_whom_it_was(tmp_path: Path) -> None:
    receiver = Receiver()
    try:
        with process(tmp_path / "home", receiver.origin) as (running, http):
            statuses = session(http, receiver)
            running.send_signal(signal.SIGTERM)
            assert running.wait(PATIENCE) == 0
    finally:
        receiver.close()
    assert {200, 202, 204, 400, 401, 404, 405, 409} <= set(statuses)
    assert len(receiver.got) == 2
    (log,) = tmp_path.glob("log-*")
    text = log.read_text()
    assert MARK.lower() not in text.lower()
    for part in (image(2)[40:80], print_of(1)["template"][40:80]):
        assert part not in text
    for task in receiver.got:
        assert task not in text
    lines = [json.loads(line) for line in text.splitlines()]  # every line is one of JSON
    assert sum(line["event"] == "request" for line in lines) >= len(statuses) - 4
    assert {name for line in lines for name in line} <= KNOWN


def test_what_goes_wrong_inside_is_logged_without_its_words(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (StoreError(f"Key (reference)=({PERSON}) exists"), RuntimeError(PERSON)):
        caplog.clear()

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr("engine.service.encounters.Encounters.read", fail)
        assert client("GET", f"/v1/persons/{PERSON}/encounters").status_code == 500
        lines = [JsonLines().format(record) for record in caplog.records]
        assert any(json.loads(line).get("error") == type(error).__name__ for line in lines)
        assert not any(MARK in line for line in lines)


def test_only_the_first_line_of_an_event_is_told() -> None:
    words = f"Task exception was never retrieved\nfuture: <Task exception=KeyError('{PERSON}')>"
    record = logging.LogRecord("asyncio", logging.ERROR, "x.py", 1, words, (), None)
    assert json.loads(JsonLines().format(record))["event"] == "Task exception was never retrieved"


def test_workers_log_in_the_same_form(capfd: pytest.CaptureFixture[str]) -> None:
    pool = make_pool(1, JsonLines())
    try:
        pool.submit(logging.getLogger("engine.x").error, f"complained\n{PERSON}").result()
    finally:
        pool.shutdown()
    (line,) = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (line["logger"], line["event"]) == ("engine.x", "complained")
    assert MARK not in json.dumps(line)
