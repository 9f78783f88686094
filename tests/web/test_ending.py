"""A service that is told to end while clients call it loses nothing that it took in."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from pathlib import Path

import httpx

from engine.service.auditing import Filter
from engine.service.tenprint import Tenprint
from tests.web.serving import encounter
from tests.web.test_server import PATIENCE, Client, print_of, process

CALLERS = 6
MOST = 100  # calls of each
BEFORE_THE_END = 12  # acknowledged enrolments


class Load:
    """Clients that enrol one print after another, every other one by a task, until they cannot."""

    def __init__(self, http: httpx.Client, callback: str) -> None:
        self._http = http
        self._callback = callback
        self._numbers = itertools.count(1)
        self.persons: set[str] = set()
        self.tasks: dict[str, str] = {}
        self.others: list[int] = []
        self.enough = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads)

    def _call(self) -> None:
        for _ in range(MOST):
            number = next(self._numbers)
            person = f"P{number}"
            back = {"callback": self._callback} if number % 2 else {}
            try:
                response = self._http.post(
                    f"/v1/persons/{person}/encounters", json=encounter(print_of(number)),
                    params=back,
                )  # fmt: skip
            except httpx.TransportError:  # nothing was acknowledged, and nobody listens any more
                return
            if response.status_code == 202:
                self.tasks[response.json()["taskId"]] = person
            elif response.status_code == 200:
                self.persons.add(response.json()["personId"])
            else:
                self.others.append(response.status_code)
            if len(self.persons) + len(self.tasks) >= BEFORE_THE_END:
                self.enough.set()


def test_the_end_under_load_loses_nothing(tmp_path: Path) -> None:
    client, home = Client(), tmp_path / "home"
    try:
        with process(home, client.origin) as (running, http):
            load = Load(http, client.origin)
            assert load.enough.wait(PATIENCE)
            running.send_signal(signal.SIGTERM)
            assert running.wait(PATIENCE) == 0
            load.join()
        assert load.persons and load.tasks
        with Tenprint(home) as tenprint:
            assert tenprint.audit.verify().broken is None
            log = [each.fields for each in tenprint.audit.show(Filter(), 10_000)]
        looking = {each["submission"] for each in log if each["verb"] == "audit"}
        begun, ended = (
            {each["submission"] for each in log if each["event"] == event} - looking
            for event in ("begin", "end")
        )
        assert begun == ended != set()  # no use was cut off
        assert set(load.others) <= {429, 503}  # refused, and said so
        with process(home, client.origin) as (_, http):
            deadline = time.monotonic() + PATIENCE
            while len(client.got) < len(load.tasks) and time.monotonic() < deadline:
                time.sleep(0.1)
            content = http.get("/v1/galleries/criminal").json()
            kept = {each["personId"] for each in content}
            assert set(load.tasks) <= set(client.got)
            told = {task: client.got[task]["personId"] for task in load.tasks}
            assert told == load.tasks
            assert load.persons | set(load.tasks.values()) <= kept
            assert len(content) == len(kept)  # and nobody is there twice
    finally:
        client.close()
