"""At its limits the service refuses, and says when to come again; nothing taken in is lost."""

from __future__ import annotations

import base64
import io
import json
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from engine import pipeline
from engine.service.answering import Answer, Asked
from engine.service.results import Use
from engine.service.tenprint import Tenprint
from engine.web import logs
from engine.web.desk import Desk
from engine.web.faults import Fault
from engine.web.limits import Limits
from engine.web.lines import Line, call
from tests.prints_at_no_cost import extract
from tests.web.serving import QUICK, Client, Serving, encounter, identify, item
from tests.web.test_persons import found, put

SECRET = "person-that-no-log-may-name"


def test_a_line_serves_the_highest_priority_first_and_is_bounded() -> None:
    gate, served = threading.Event(), []

    def serve(pieces: Sequence[str]) -> list[str]:
        gate.wait(10)
        served.append(list(pieces))
        return list(pieces)

    line: Line[str] = Line("test", serve, threads=1, waiting=4, batch=2)
    first = line.put("first", 5)
    while len(line):
        time.sleep(0.001)
    rest = [line.put(name, priority) for name, priority in (("a", 0), ("b", 9), ("c", 5), ("d", 9))]
    with pytest.raises(Fault) as refused:
        line.put("one too many", 9)
    assert refused.value.status == 429
    assert int(refused.value.headers["Retry-After"]) >= 1
    rest[2].cancel()
    gate.set()
    line.close()  # what was taken in is served
    assert served == [["first"], ["b", "d"], ["a"]]
    assert (first.result(), rest[0].result()) == ("first", "a")
    with pytest.raises(Fault):
        line.put("late", 9)


def test_what_fails_in_a_line_fails_alone() -> None:
    line: Line[Any] = Line("test", call, threads=1, waiting=9, batch=3)
    bad, good = line.put(lambda: 1 / 0, 5), line.put(lambda: 1, 5)
    with pytest.raises(ZeroDivisionError):
        bad.result()
    assert good.result() == 1
    line.close()
    broken: Line[Any] = Line("test", lambda pieces: 1 / 0, threads=1, waiting=9)  # type: ignore[arg-type, return-value]
    for _ in range(2):  # and the thread lives on
        with pytest.raises(ZeroDivisionError):
            broken.put("x", 5).result()
    broken.close()


def test_a_full_service_says_when_to_come_again(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, began = threading.Event(), threading.Event()

    def slow(*given: Any) -> Any:
        began.set()
        gate.wait(20)
        return extract(*given)

    monkeypatch.setattr(pipeline, "extract", slow)
    limits = Limits(look_again=0.02, work_threads=1, work_waiting=2)
    with serving(limits) as client, ThreadPoolExecutor(8) as crowd:

        def ask(number: int) -> Any:
            return client("POST", f"/v1/persons/P{number}/encounters", encounter(item(1)))

        first = crowd.submit(ask, 0)
        began.wait(10)
        others = [crowd.submit(ask, number) for number in range(1, 7)]
        while sum(each.done() for each in others) < 4:
            time.sleep(0.01)
        gate.set()
        answers = [each.result() for each in (first, *others)]
        codes = sorted(each.status_code for each in answers)
        assert codes == [200, 200, 200, 429, 429, 429, 429]
        refused = next(each for each in answers if each.status_code == 429)
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["code"] == 429
        assert len(client("GET", "/v1/galleries/criminal").json()) == 3
        assert "tenprint_refused_total 4.0" in client("GET", "/metrics").text


def test_large_bodies_are_refused_before_they_are_read(serving: Serving) -> None:
    with serving(Limits(look_again=0.02, body_bytes=1000, bodies_bytes=1500)) as client:
        headers = {"Authorization": f"Bearer {client.token}"}

        def send(body: Any, **more: str) -> Any:
            return client.http.post(
                "/v1/persons?transactionId=1", content=body, headers=headers | more
            )

        assert send(b"x" * 1001).status_code == 413
        assert send(iter([b"x" * 600, b"x" * 600])).status_code == 413  # its length is not told
        assert send(b"{}", **{"Content-Encoding": "gzip"}).status_code == 400
        assert send(b"x" * 999).status_code == 400
    with serving(Limits(look_again=0.02, body_bytes=1000, bodies_bytes=900)) as client:
        headers = {"Authorization": f"Bearer {client.token}"}
        assert send(b"x" * 950).status_code == 429
        for _ in range(3):  # room is given back
            assert send(b"x" * 800).status_code == 400


def test_an_image_of_too_many_pixels_is_refused(client: Client) -> None:
    data = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(data, "PNG")
    bomb = item(1, image=base64.b64encode(data.getvalue()).decode())
    response = client("POST", "/v1/persons", encounter(bomb))
    assert response.status_code == 400
    assert "px are more than" in response.json()["message"]


def test_searches_are_taken_together(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(replace(QUICK, search_threads=1)) as client:
        for finger in range(1, 9):
            put(client, f"P{finger}", "E1", item(finger))
        sizes: list[int] = []
        desk: Desk = client.http.app.state.desk
        usual = desk._search._serve

        def serve(batch: Any) -> Any:
            sizes.append(len(batch))
            time.sleep(0.05)
            return usual(batch)

        monkeypatch.setattr(desk._search, "_serve", serve)
        with ThreadPoolExecutor(8) as crowd:
            answers = list(crowd.map(lambda finger: found(client, finger), range(1, 9)))
    assert answers == [[f"P{finger}"] for finger in range(1, 9)]
    assert max(sizes) > 1
    assert sum(sizes) == 8


def test_a_search_in_a_batch_fails_alone(client: Client, tenprint: Tenprint) -> None:
    put(client, "P1", "E1", item(1))
    answering = tenprint.answering()
    settings = answering.settings_of("criminal")
    (probe,) = (answering.probe_of("P1", "E1", settings),)
    asked = [
        Asked(probe, name, 5, Use(), point)
        for name, point in (("criminal", ""), ("none", ""), ("criminal", "slow"), ("ALL", "fast"))
    ]
    kinds = [type(each).__name__ for each in answering.answer(asked)]
    assert kinds == ["Answer", "NotFoundError", "SettingsError", "Answer"]
    first, last = (answering.answer(asked)[n] for n in (0, 3))
    assert isinstance(first, Answer) and isinstance(last, Answer)
    assert first.search and last.search
    assert last.search.point == "fast"


def test_no_error_tells_how_it_is_made(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(pipeline, "extract", fail)
    monkeypatch.setattr("engine.service.encounters.Encounters.read", fail)
    response = client("GET", "/v1/persons/P1/encounters")
    assert response.status_code == 500
    assert set(response.json()) == {"code", "message"}
    assert SECRET not in response.text
    assert "Traceback" not in response.text
    for path in ("/docs", "/openapi.json", "/redoc", "/v1", "/v1/persons/P1/none"):
        missing = client("GET", path)
        assert missing.status_code in (404, 405)
        assert set(missing.json()) == {"code", "message"}
    wrong = client("PATCH", "/v1/persons")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    assert wrong.headers["X-Content-Type-Options"] == "nosniff"


def test_logs_name_nobody(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    put(client, SECRET, "E1", item(1))
    client("GET", f"/v1/persons/{SECRET}/encounters", transactionId=SECRET)
    client("GET", f"/v1/persons/{SECRET}x/encounters")
    monkeypatch.setattr("engine.service.encounters.Encounters.read", lambda *_: {}[SECRET])
    assert client("GET", f"/v1/persons/{SECRET}/encounters").status_code == 500
    lines = [json.loads(logs.JsonLines().format(record)) for record in caplog.records
             if not record.name.startswith("httpx")]  # fmt: skip
    assert SECRET not in json.dumps(lines)
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in requests] == [200, 200, 404, 500]
    assert requests[0]["operation"] == "createEncounter"
    assert requests[0]["caller"] == "client"
    (failed,) = [line for line in lines if "error" in line]
    assert failed["error"] == "KeyError"


def test_figures_are_told(client: Client) -> None:
    put(client, "P1", "E1", item(1))
    assert found(client, 1) == ["P1"]
    client("POST", "/v1/identify/criminal", identify(item(7)))
    text = client("GET", "/metrics").text
    assert "tenprint_searches_total 2.0" in text
    assert "tenprint_hits_total 1.0" in text
    assert 'tenprint_gallery_templates{gallery="criminal"} 1.0' in text
    assert 'tenprint_waiting{line="search"} 0.0' in text
    assert 'tenprint_request_seconds_count{operation="identify",status="200"} 2.0' in text


def test_one_request_makes_no_more_than_so_many_galleries(client: Client) -> None:
    names = [f"g{number}" for number in range(101)]
    path = "/v1/persons/P1/encounters/E1"
    refused = [client("POST", path, encounter(item(1), galleries=names))]
    assert client("POST", path, encounter(item(1))).status_code == 200
    refused.append(client("PUT", f"{path}/galleries", names))
    for answer in refused:
        assert answer.status_code == 400
        assert "100 at most" in answer.text
    assert client("GET", "/v1/galleries").json() == ["criminal"]
    assert client("PUT", f"{path}/galleries", names[:100]).status_code == 204
