"""Chaos: kill -9 under load, again and again; what was acknowledged must be there afterwards."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import gevent
from gevent.pywsgi import WSGIServer
from rich.console import Console
from sqlalchemy import create_engine, text

from loading import ledger, payloads
from loading.arrivals import Client
from loading.ledger import Ledger
from loading.mixing import enrol, identify, remove
from loading.serving import Service

AS_TASK = 0.25  # of the enrolments: answered 202, done later
BY_PICTURE = 0.5  # of the searches, where there are pictures
REMOVED = 0.2  # of the turns
SERVICE, WORKER, CONNECTIONS, SERVER = "service", "worker", "connections", "server"
PATIENCE = 60.0  # seconds, until tasks are done


class Crowd:
    """Clients that enrol, search and remove, each as soon as it is answered."""

    def __init__(
        self,
        client: Client,
        book: Ledger,
        callback: str,
        count: int,
        as_task: float,
        pictures: Sequence[payloads.Probe] = (),
    ) -> None:
        """as_task: share of the enrolments that are answered 202 and done later. pictures: to
        search with too, so that the worker processes are at work."""
        self._client = client
        self._book = book
        self._callback = callback
        self._as_task = as_task
        self._pictures = pictures
        self._rng = random.Random(1)
        self._newcomers = payloads.Newcomers(1, f"chaos-{os.getpid()}")
        self._numbers = itertools.count()
        self.unexpected: Counter[str] = Counter()
        self._going = [gevent.spawn(self._live) for _ in range(count)]

    def stop(self) -> None:
        """Lets each client end what it does. One that ended before, or does not end, is told: it
        asked for less than the run claims."""
        going, self._going = self._going, []
        gevent.joinall(going, timeout=PATIENCE)
        for each in going:
            if not each.ready():
                self.unexpected["a client does not end"] += 1
            elif not each.successful():
                self.unexpected[f"a client failed: {each.exception!r}"] += 1
        gevent.killall(going)

    def _live(self) -> None:
        while self._going:
            chance = self._rng.random()
            if chance < REMOVED and self._book.enrolled:
                self._remove()
            elif chance < 2 * REMOVED and self._book.enrolled:
                status, content = self._client.send(identify(self._probe()))
                if status not in (0, 200, 429, 503):
                    self.unexpected[f"a search is answered {status}: {content}"] += 1
            else:
                self._enrol()
            if status_of(self._client) in (0, 429, 503):
                gevent.sleep(0.05)  # nobody is there: do not spin

    def _probe(self) -> payloads.Probe:
        if self._pictures and self._rng.random() < BY_PICTURE:
            return self._rng.choice(self._pictures)
        return self._rng.choice(list(self._book.enrolled.values())).probe

    def _enrol(self) -> None:
        newcomer = next(self._newcomers)
        request = enrol(newcomer)
        if self._rng.random() < self._as_task:
            request = replace(request, path=f"{request.path}&callback={self._callback}")
        status, content = self._client.send(request)
        self._note(self._book.note_enrolled(newcomer, status, content))

    def _remove(self) -> None:
        person = self._rng.choice(list(self._book.enrolled))
        newcomer = self._book.enrolled.pop(person)  # nobody else removes it meanwhile
        if newcomer in self._book.tasks.values():
            self._book.enrolled[person] = newcomer  # it may not be there yet
            return
        asked_before = False
        while True:  # until it is answered: else nobody could say whether the person must be there
            status, content = self._client.send(remove(person))
            if status not in (0, 429, 503) or not self._going:
                break
            asked_before |= status in (0, 503)  # it may have been done all the same
            gevent.sleep(0.05)
        if status == 404 and asked_before:
            status = 204  # done, though that was never answered
        self._note(self._book.note_removed(newcomer, status, content))

    def _note(self, words: str) -> None:
        if words:
            self.unexpected[words] += 1


def status_of(client: Client) -> int:
    """The status of the last answer."""
    return client.answers[-1].status if client.answers else 200


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Kills as often as asked, then looks for what was acknowledged."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_postgres()) if arguments.postgres else None
        database = server.database if server else arguments.database or ""
        if server:
            from loading.command import make_home

            work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            make_home(work / "home", work / "drawn", arguments.fingers, database)
            arguments.home = work / "home"
        told = Told()
        listener = WSGIServer(("127.0.0.1", 0), told, log=None)
        listener.start()
        stack.callback(listener.stop)
        callback = f"http://127.0.0.1:{listener.server_port}"
        service = Service(
            arguments.home, arguments.log, [*arguments.entrance, "--callback", callback], database
        )
        stack.callback(service.stop)
        service.start()
        client, book = Client([service.url], arguments.token), Ledger()
        crowd = Crowd(client, book, callback, arguments.clients, arguments.tasks, arguments.shown)
        killed: Counter[str] = Counter()
        acknowledged = book.acknowledged
        for number in range(arguments.kills):
            gevent.sleep(arguments.between * (0.5 + random.Random(number).random()))
            _wait_for_work(book, acknowledged)
            acknowledged = book.acknowledged
            kind = _kind(number, server is not None)
            killed[kind] += _kill(kind, service, server)
            console.print(f"kill {number + 1} of {arguments.kills}: {kind}; "
                          f"{acknowledged} acknowledged")  # fmt: skip
            if kind == SERVICE:
                service.start()
        gevent.sleep(arguments.between)
        crowd.stop()
        pending = _wait_for_tasks(client, book)
        found = ledger.look(client, book)
        entries = _verify_log(arguments.home, database)
        console.print(
            f"{sum(killed.values())} kills; {found.enrolled} enrolments and {found.removed} "
            f"removals acknowledged, {len(book.tasks)} of them as tasks; {book.unanswered} "
            f"requests not answered; lost {len(found.lost)}, double {len(found.double)}, back "
            f"{len(found.back)}, hidden {len(found.hidden)}"
        )
        for task, words in told.failed.items():
            crowd.unexpected[f"a task ends as {words}"] += 1
            console.print(f"task of {book.tasks[task].person if task in book.tasks else task}")
        console.print(f"lost: {found.lost}")
        for words, count in crowd.unexpected.items():
            console.print(f"{count} times: {words}")
        if not arguments.made:
            for person in (*book.enrolled, *book.open):
                client.send(remove(person))
        service.stop()
    return {
        "mode": "chaos",
        "killed": dict(killed),
        "acknowledged": found.enrolled + found.removed,
        "tasks": len(book.tasks),
        "unanswered": book.unanswered,
        "found": asdict(found),
        "unexpected": dict(crowd.unexpected),
        "verdicts": {
            "every kill met something": sum(killed.values()) == arguments.kills,
            "there was something to lose": found.enrolled > 0,
            "nothing acknowledged is lost": not found.lost and not pending,
            "nothing is there twice": not found.double,
            "what was removed stays away": not found.back,
            "all is found by a search": not found.hidden,
            "no answer was unexpected": not crowd.unexpected,
            "the audit log is whole": entries,
        },
    }


class Postgres:
    """A PostgreSQL of this run's own, that survives kill -9 of its server."""

    def __init__(self, server: Any, database: str) -> None:
        self.server = server
        self.database = database

    def drop_connections(self) -> None:
        """Ends every connection to the database but this one."""
        engine = create_engine(self.database, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        engine.dispose()


@contextlib.contextmanager
def _postgres() -> Iterator[Postgres]:
    from tests import postgres

    server = postgres.start(durable=True)
    try:
        yield Postgres(server, server.create(empty=True))
    finally:
        server.stop()


def _kind(number: int, on_postgres: bool) -> str:
    """Which kill comes next."""
    if on_postgres and number % 10 == 6:
        return SERVER
    if on_postgres and number % 4 == 2:
        return CONNECTIONS
    return WORKER if number % 4 == 3 else SERVICE


def _kill(kind: str, service: Service, server: Postgres | None) -> bool:
    """Whether there was what was to be killed."""
    if kind == WORKER:
        return service.kill_worker()
    if kind == SERVICE:
        service.kill_itself()
    elif server and kind == CONNECTIONS:
        server.drop_connections()
    elif server:
        server.server.kill()
    return True


def _wait_for_work(book: Ledger, before: int) -> None:
    """Until something was acknowledged since the last kill: one that meets nobody shows nothing."""
    with gevent.Timeout(PATIENCE, RuntimeError("the service acknowledges nothing any more")):
        while book.acknowledged == before:
            gevent.sleep(0.05)


def _wait_for_tasks(client: Client, book: Ledger) -> list[str]:
    """The tasks that are not done after a while."""
    left = list(book.tasks)
    deadline = PATIENCE
    while left and deadline > 0:
        left = [
            name for name in left if client.send(replace(_status(name)))[1] not in ("COMPLETED",)
        ]
        gevent.sleep(0.5)
        deadline -= 0.5
    return left


def _status(name: str) -> Any:
    from loading.arrivals import Request

    return Request("task", "GET", f"/v1/tasks/{name}/status?transactionId=chaos")


def _verify_log(home: Path, database: str) -> bool:
    words = ["--database", database] if database else []
    done = subprocess.run(
        [sys.executable, "-m", "engine", "--home", str(home), *words, "audit", "verify"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0


class Told:
    """A client that takes every result, and keeps those that are errors, by task."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}

    def __call__(self, environment: Any, start_response: Any) -> list[bytes]:
        body = environment["wsgi.input"].read()
        if "error" in environment.get("CONTENT_TYPE", ""):
            (task,) = parse_qs(environment["QUERY_STRING"]).get("taskId", [""])
            self.failed[task] = body.decode(errors="replace")
        start_response("204 No Content", [])
        return [b""]
