"""A service to call, on prints that cost nothing, with an issuer of its own."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import numpy as np
import pytest
import wsq  # noqa: F401 (teaches Pillow the format)
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi.testclient import TestClient
from PIL import Image

from engine.service.tenprint import Tenprint
from engine.web.app import METRICS_SCOPE, make_app
from engine.web.auth import Guard
from engine.web.keys import FixedKeys
from engine.web.limits import Limits
from engine.web.operations import SCOPES
from engine.web.telemetry import Telemetry

ISSUER, AUDIENCE = "https://id.example", "tenprint"
CALLBACK = "https://client.example/results"
Json = Any


class Issuer:
    """Who issues tokens: one key of each kind."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwks(self) -> str:
        first = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.rsa.public_key()))
        second = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.ec.public_key()))
        keys = [first | {"kid": "r", "alg": "RS256"}, second | {"kid": "e", "alg": "ES256"}]
        return json.dumps({"keys": keys})

    def token(self, *scopes: str, key: str = "e", **changes: Any) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "client",
            "exp": time.time() + 300,
            "scope": " ".join(scopes or (*SCOPES, METRICS_SCOPE)),
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        algorithm, private = ("ES256", self.ec) if key == "e" else ("RS256", self.rsa)
        return jwt.encode(claims, private, algorithm, {"kid": key})


@dataclass
class FakePoster:
    """What a client gets; answers with one status after the other, the last one for ever."""

    statuses: list[int] = field(default_factory=lambda: [204])
    posted: list[tuple[httpx.URL, bytes, str]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def post(self, url: httpx.URL, *, content: bytes, headers: dict[str, str]) -> httpx.Response:
        with self.arrived:
            self.posted.append((url, content, headers["Content-Type"]))
            self.arrived.notify_all()
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 0:
            raise httpx.ConnectError("nobody there")
        return httpx.Response(status)

    def wait(self, count: int) -> list[tuple[httpx.URL, Json, str]]:
        """Waits until so many were posted, and gives them."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.posted) >= count, 20), self.posted
            return [(url, json.loads(content), kind) for url, content, kind in self.posted]


class Client:
    """Calls the service with a token that allows everything, unless told otherwise."""

    def __init__(self, http: TestClient, token: str) -> None:
        self.http = http
        self.token = token

    def __call__(self, method: str, path: str, body: Json = None, **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {query.pop('token', self.token)}"}
        headers |= query.pop("headers", {})
        query = {"transactionId": "T1"} | query
        return self.http.request(
            method,
            path,
            params={name: value for name, value in query.items() if value is not None},
            content=None if body is None else json.dumps(body),
            headers=headers,
        )


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def poster() -> FakePoster:
    return FakePoster()


Serving = Callable[..., Any]


@pytest.fixture
def serving(tenprint: Tenprint, issuer: Issuer, poster: FakePoster) -> Serving:
    """Serves an installation inside a block, or another one."""
    usual = tenprint

    @contextmanager
    def serve(
        limits: Limits = QUICK, told: Telemetry = SILENT, *, tenprint: Tenprint = usual
    ) -> Iterator[Client]:
        guard = Guard(ISSUER, AUDIENCE, FixedKeys(issuer.jwks, "test"))
        app = make_app(
            tenprint,
            guard,
            workers=0,
            callbacks=["https://client.example"],
            limits=limits,
            poster=poster,
            telemetry=told,
        )
        with TestClient(app, raise_server_exceptions=False) as http:
            yield Client(http, issuer.token())

    return serve


SILENT = Telemetry()
QUICK = Limits(look_again=0.02, work_threads=4, read_threads=2)


@pytest.fixture
def client(serving: Serving) -> Iterator[Client]:
    with serving() as made:
        yield made


def image(finger: int, seed: int = 0, form: str = "PNG") -> str:
    """The picture of a finger, base64."""
    pixels = np.random.default_rng(1000 * seed + finger).integers(0, 256, (120, 100), np.uint8)
    pixels[0, 0] = finger
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, form, **({"dpi": (500, 500)} if form == "PNG" else {}))
    return base64.b64encode(data.getvalue()).decode()


def item(finger: int, sub_type: str = "RIGHT_INDEX", seed: int = 0, **more: Any) -> Json:
    """One print of a request."""
    return {
        "biometricType": "FINGER",
        "biometricSubType": sub_type,
        "image": image(finger, seed),
    } | more


def encounter(*items: Json, **more: Any) -> Json:
    """An encounter of a request."""
    return {
        "status": "ACTIVE",
        "encounterType": "booking",
        "galleries": ["criminal"],
        "biometricData": list(items),
    } | more


def identify(*items: Json, **more: Any) -> Json:
    """A search."""
    return {"filter": {}, "biometricData": list(items)} | more
