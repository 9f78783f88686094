"""The server: refuses to start unsafely, and loses nothing when it is killed."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from engine import pipeline
from engine.cli.app import app
from engine.errors import PolicyError, SettingsError
from engine.formats import template as template_format
from engine.service.tenprint import Tenprint
from engine.types import FingerPosition, Minutiae
from engine.web.server import Options, check, make
from tests.web.serving import Issuer, encounter, identify

GOOD = {"issuer": "https://id.example", "jwks": "keys.json"}
DESK = {"sign_in_client": "desk", "public_address": "https://prints.example"}
PATIENCE = 60.0  # seconds, for a process to start on a busy machine


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "who may call"),
        ({"issuer": "https://id.example"}, "who may call"),
        ({"jwks": "keys.json"}, "who may call"),
        ({**GOOD, "host": "0.0.0.0"}, "--plain-http"),
        ({**GOOD, "host": "::"}, "--plain-http"),
        ({**GOOD, "host": "db.example"}, "--plain-http"),
        ({**GOOD, "certificate": Path("c.pem")}, "go together"),
        ({**GOOD, "certificate": Path("c.pem"), "key": Path("k.pem")}, "will not do"),
        ({"development_key": True, "host": "0.0.0.0"}, "this machine alone"),
        ({"development_key": True, **GOOD}, "goes with neither"),
        ({"development_key": True, "sign_in_client": "x"}, "sign-in of its own"),
        ({"development_key": True, "trusted_proxies": ["10.0.0.1"]}, "--trusted-proxy"),
        ({**GOOD, "trusted_proxies": ["proxy.example"]}, "write an address"),
        ({**GOOD, "trusted_proxies": ["*"]}, "write an address"),
        ({**GOOD, "trusted_proxies": ["10.0.0.1/8"]}, "write an address"),
        ({**GOOD, "sign_in_client": "x"}, "needs --public-address"),
        ({**GOOD, "sign_in_secret": "x"}, "give --sign-in-client"),
        ({**GOOD, "issuer": "id", **DESK}, "begins with https"),
        *(
            ({**GOOD, **DESK, "public_address": address}, "write what browsers have")
            for address in (
                "prints.example",
                "http://prints.example",
                "https://prints.example/",
                "https://prints.example/path",
                "https://me@prints.example",
                "https://",
                "ftp://localhost",
            )
        ),
    ],
)
def test_what_is_not_safe_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check(Options(**options))


def test_what_is_safe_is_not_refused() -> None:
    for options in (
        GOOD,
        {**GOOD, "host": "localhost"},
        {**GOOD, "host": "::1"},
        {**GOOD, "host": "0.0.0.0", "plain_http": True},
        {"development_key": True},
        {**GOOD, **DESK, "sign_in_secret": "x"},
        {**GOOD, **DESK, "public_address": "http://localhost:8443"},
        {**GOOD, "trusted_proxies": ["10.0.0.1", "10.1.0.0/16", "2001:db8::/32"]},
    ):
        check(Options(**options))  # type: ignore[arg-type]


def test_options_are_told_before_a_port_is_opened(
    tenprint: Tenprint, issuer: Issuer, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(issuer.jwks)
    good = {"issuer": "https://id.example", "jwks": str(path), "workers": 1}
    with pytest.raises(PolicyError):
        make(tenprint, Options(**good, policy="none"))  # type: ignore[arg-type]
    for callback in ("client.example", "ftp://client.example", "https://client.example/path"):
        with pytest.raises(SettingsError, match="--callback"):
            make(tenprint, Options(**good, callbacks=[callback]))  # type: ignore[arg-type]
    made, token = make(tenprint, Options(**good))  # type: ignore[arg-type]
    assert token == ""
    made.state.desk.close()


def test_the_verb_tells_what_is_missing(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["serve", "--home", str(tmp_path / "home")])
    assert shown.exit_code == 5
    assert "--issuer" in shown.output


def test_the_clients_secret_is_no_value_of_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Options] = []
    monkeypatch.setattr("engine.web.server.serve", lambda tenprint, options: given.append(options))
    words = ["serve", "--home", str(tmp_path / "home"), "--sign-in-client", "desk"]
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    monkeypatch.setenv("TENPRINT_SIGN_IN_SECRET", "from outside")
    assert CliRunner().invoke(app, words).exit_code == 0
    assert CliRunner().invoke(app, [*words, "--sign-in-secret", str(file)]).exit_code == 0
    assert [each.sign_in_secret for each in given] == ["from outside", "from a file"]
    assert "from" not in repr(given)
    file.write_text("\n")
    for bad, told in ((file, "is empty"), (tmp_path / "absent", "cannot be read")):
        shown = CliRunner().invoke(app, [*words, "--sign-in-secret", str(bad)])
        assert shown.exit_code == 5
        assert told in shown.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("options", "secure"),
    [
        ({"development_key": True}, False),
        ({"development_key": True, "plain_http": True}, False),
        ({**GOOD, "plain_http": True}, True),
        ({**GOOD, **DESK}, True),
        ({**GOOD, "certificate": Path("c.pem")}, True),
        ({**GOOD, **DESK, "public_address": "http://localhost:8443"}, False),
    ],
)
def test_cookies_are_for_https_wherever_there_is_any(options: dict[str, Any], secure: bool) -> None:
    assert Options(**options).entrance.secure is secure


def print_of(finger: int) -> dict[str, Any]:
    """A print as a template, so that no process has to extract."""
    rng = np.random.default_rng(finger)
    x, y, angle = rng.uniform(size=(3, 40)) * [[280], [380], [2 * np.pi]]
    minutiae = Minutiae(
        *(values.astype(np.float32) for values in (x, y, angle)),
        np.ones(40, np.uint8),
        np.full(40, 80, np.uint8),
    )
    made = pipeline.describe(minutiae, quality=80, size=(300, 400), position=FingerPosition(2))
    return {
        "biometricType": "FINGER",
        "biometricSubType": "RIGHT_INDEX",
        "template": base64.b64encode(template_format.encode(made)).decode(),
        "templateFormat": "TENPRINT",
    }


class Client:
    """A real client: gets results at an address of its own."""

    def __init__(self) -> None:
        self.got: dict[str, Any] = {}
        client = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                task = parse_qs(urlsplit(self.path).query)["taskId"][0]
                client.got[task] = json.loads(body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def process(home: Path, callback: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A process that serves, and a client with its token."""
    words = ["-m", "engine", "serve", "--home", str(home), "--port", "0", "--workers", "1",
             "--insecure-development-key", "--callback", callback]  # fmt: skip
    log = home.parent / f"log-{time.monotonic_ns()}"
    with log.open("w") as errors:
        running = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, stderr=errors, text=True,
            cwd=Path(__file__).parents[2], env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    try:
        assert running.stdout is not None
        token = next(line.strip() for line in running.stdout if line.startswith("ey"))
        deadline = time.monotonic() + PATIENCE
        while '"listening"' not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        port = next(line["port"] for line in lines if line["event"] == "listening")
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"},
            params={"transactionId": "T"},
            timeout=PATIENCE,
        ) as http:
            yield running, http
    finally:
        if running.poll() is None:
            running.kill()
        running.wait()


def test_what_was_acknowledged_survives_kill_and_end(tmp_path: Path) -> None:
    client, home = Client(), tmp_path / "home"
    tasks: dict[str, int] = {}

    def accept(http: httpx.Client, finger: int) -> None:
        body = encounter(print_of(finger))
        if finger % 2:
            response = http.post(f"/v1/persons/P{finger}/encounters/E", json=body)
            assert response.status_code == 200, response.text
        else:
            response = http.post("/v1/persons", json=body, params={"callback": client.origin})
            assert response.status_code == 202, response.text
            tasks[response.json()["taskId"]] = finger

    try:
        with process(home, client.origin) as (running, http):
            for finger in range(1, 7):
                accept(http, finger)
            running.send_signal(signal.SIGKILL)
        with process(home, client.origin) as (running, http):
            for finger in range(7, 11):
                accept(http, finger)
            running.send_signal(signal.SIGTERM)  # ends in order
            assert running.wait(PATIENCE) == 0
        with process(home, client.origin) as (_, http):
            deadline = time.monotonic() + PATIENCE
            while len(client.got) < len(tasks) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert set(client.got) == set(tasks)
            content = http.get("/v1/galleries/criminal").json()
            assert len(content) == 10
            names = {finger: client.got[task]["personId"] for task, finger in tasks.items()}
            names |= {finger: f"P{finger}" for finger in range(1, 11, 2)}
            for finger in (1, 2, 10):
                probe = identify(print_of(finger))
                (best,) = http.post("/v1/identify/criminal", json=probe).json()
                assert best["personId"] == names[finger]
    finally:
        client.close()
