"""Every endpoint, without a token, with a wrong one, and with one that allows something else."""

from __future__ import annotations

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from engine.errors import SettingsError
from engine.web import keys
from engine.web.auth import Guard
from engine.web.faults import Fault
from engine.web.keys import FetchedKeys, FixedKeys, open_keys
from engine.web.operations import OPERATIONS, SCOPES, TASK_OPERATIONS
from engine.web.server import ALL_SCOPES
from tests.web.serving import AUDIENCE, ISSUER, Client, Issuer

ALL = (*OPERATIONS, *TASK_OPERATIONS)
ENDPOINTS = [(each.method.value, each.path, each.scope) for each in ALL]
ENDPOINTS.append(("GET", "/metrics", "tenprint.metrics"))


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def bad_tokens(issuer: Issuer) -> dict[str, str]:
    """Tokens that must not be taken, by what is wrong with them."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": time.time() + 300}
    claims["scope"] = " ".join(SCOPES)
    stranger = ec.generate_private_key(ec.SECP256R1())
    good = issuer.token()
    head, body, signature = good.split(".")
    public = issuer.ec.public_key()
    numbers = public.public_numbers().x.to_bytes(32, "big")
    return {
        "empty": "",
        "no token": "abc",
        "expired": issuer.token(exp=time.time() - 120),
        "not yet": issuer.token(nbf=time.time() + 300),
        "wrong audience": issuer.token(aud="other"),
        "wrong issuer": issuer.token(iss="https://evil.example"),
        "no expiry": issuer.token(exp=None),
        "no audience": issuer.token(aud=None),
        "no subject": issuer.token(sub=None),
        "subject of another, and more": issuer.token(sub="x" * 201),
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}.",
        "alg none, signed": f"{part({'alg': 'none', 'kid': 'e'})}.{body}.{signature}",
        "HS256 with the public key": jwt.encode(claims, numbers, "HS256", {"kid": "e"}),
        "HS256 with nothing": jwt.encode(claims, "0" * 32, "HS256"),
        "key of a stranger": jwt.encode(claims, stranger, "ES256", {"kid": "e"}),
        "unknown key": jwt.encode(claims, stranger, "ES256", {"kid": "other"}),
        "without key id": jwt.encode(claims, issuer.ec, "ES256"),
        "key of the other kind": jwt.encode(claims, issuer.ec, "ES256", {"kid": "r"}),
        "changed": f"{head}.{part(claims | {'sub': 'admin'})}.{signature}",
        "no signature": f"{head}.{body}.",
        "too long": good + "x" * 9000,
        "huge claims": issuer.token(more="x" * 9000),
        "deep header": f"{base64.urlsafe_b64encode(b'[' * 6000).decode()}.{body}.{signature}",
        "deep claims": f"{head}.{base64.urlsafe_b64encode(b'[' * 6000).decode()}.{signature}",
        "no parts": "abc",
    }


def unlock(client: Client) -> None:
    """Forgets all failures, so that what is refused next is refused for what it is."""
    place = client.http.app.state.house.first  # type: ignore[attr-defined]
    place.tenprint.access.unlock(None, None)
    place.locks.look()


@pytest.fixture(scope="module")
def bad(issuer: Issuer) -> dict[str, str]:
    return bad_tokens(issuer)


@pytest.mark.parametrize(("method", "path", "scope"), ENDPOINTS)
def test_every_endpoint_refuses(
    client: Client, issuer: Issuer, bad: dict[str, str], method: str, path: str, scope: str
) -> None:
    path = path.replace("{", "").replace("}", "")
    none = client.http.request(method, path, params={"transactionId": "T"})
    assert none.status_code == 401
    assert none.headers["WWW-Authenticate"] == "Bearer"
    for what, token in bad.items():
        unlock(client)
        response = client(method, path, token=token)
        assert response.status_code == 401, what
        assert set(response.json()) == {"code", "message"}
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    others = [each for each in ALL_SCOPES if each != scope]
    for wrong in (others, *([each] for each in others)):
        refused = client(method, path, token=issuer.token(*wrong))
        assert refused.status_code == 403, wrong
        assert scope in refused.json()["message"]
    assert client(method, path, token=issuer.token(scope + "s", scope=None)).status_code == 403
    right = client(method, path, token=issuer.token(scope))
    assert right.status_code not in (401, 403)


def test_scopes_are_read_in_every_form(client: Client, issuer: Issuer) -> None:
    for form in (
        issuer.token("abis.gallery.read", key="r"),
        issuer.token(scope=None, scp=["abis.gallery.read"]),
        issuer.token(scope=None, scp="a abis.gallery.read"),
        issuer.token(aud=["other", AUDIENCE]),
    ):
        assert client("GET", "/v1/galleries", token=form).status_code == 200
    for form in (issuer.token(scope=7), issuer.token(scope=None, scp=[7])):
        assert client("GET", "/v1/galleries", token=form).status_code == 403
    for header in ("Basic abc", "Bearer", "bearer  ", f"Token {issuer.token()}"):
        response = client("GET", "/v1/galleries", headers={"Authorization": header})
        assert response.status_code == 401, header


def test_health_is_told_to_anyone(client: Client) -> None:
    assert client.http.get("/health").json() == {"status": "alive"}
    deadline = time.monotonic() + 60
    while (ready := client.http.get("/ready")).status_code == 503 and time.monotonic() < deadline:
        assert "being loaded" in ready.json()["message"]
    assert ready.json() == {"status": "ready"}


def test_the_scopes_are_those_of_the_interface() -> None:
    assert {each.scope for each in ALL} == set(SCOPES)


def test_keys_come_from_a_file(tmp_path: Path, issuer: Issuer) -> None:
    path = tmp_path / "keys.json"
    path.write_text(issuer.jwks)
    guard = Guard(ISSUER, AUDIENCE, open_keys(str(path), 1))
    assert guard.check(f"Bearer {issuer.token()}", SCOPES[0]).subject == "client"
    for text in (
        "",
        "{}",
        '{"keys": []}',
        '{"keys": [{"kty": "oct", "k": "YQ"}]}',
        '{"keys": [7]}',
    ):
        path.write_text(text)
        with pytest.raises(SettingsError, match=r"keys\.json"):
            open_keys(str(path), 1)
    with pytest.raises(SettingsError, match="cannot be read"):
        open_keys(str(tmp_path / "absent"), 1)


def test_weak_and_foreign_keys_are_not_used(issuer: Issuer) -> None:
    weak = jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key())
    other = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key())
    private = jwt.algorithms.ECAlgorithm.to_jwk(issuer.ec)
    good = jwt.algorithms.ECAlgorithm.to_jwk(issuer.ec.public_key())
    for each in (weak, other, private, json.dumps(json.loads(good) | {"use": "enc"})):
        with pytest.raises(SettingsError, match="no key for RS256 or ES256"):
            FixedKeys(json.dumps({"keys": [json.loads(each)]}), "test")
    only = FixedKeys(json.dumps({"keys": [json.loads(good)]}), "test")
    assert only.find(None) is not None
    assert only.find("x") is None


def test_keys_at_an_address_are_read_anew_but_not_too_often(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    clock = [0.0]

    def fetch(url: str) -> str:
        asked.append(url)
        if len(asked) == 2:
            raise SettingsError("down")
        return issuer.jwks

    monkeypatch.setattr(keys, "_fetch", fetch)
    monkeypatch.setattr(keys.time, "monotonic", lambda: clock[0])
    found = FetchedKeys("https://id.example/keys", 30)
    for _ in range(5):
        assert found.find("e") is not None
        assert found.find("unknown") is None
    assert len(asked) == 1
    clock[0] = 31
    guard = Guard(ISSUER, AUDIENCE, found)
    stranger = jwt.encode({}, issuer.ec, "ES256", {"kid": "new"})
    with pytest.raises(Fault) as refused:  # the keys cannot be read now
        guard.check(f"Bearer {stranger}", SCOPES[0])
    assert refused.value.status == 503
    assert guard.check(f"Bearer {issuer.token()}", SCOPES[0]).subject == "client"
    with pytest.raises(SettingsError, match="https only"):
        open_keys("http://id.example/keys", 30)


def test_nobody_waits_for_keys_that_another_asks_for(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or tokens that name unknown keys would stop every thread while the issuer hangs."""
    answer, asked = threading.Event(), threading.Event()

    def fetch(_: str) -> str:
        if asked.is_set():
            answer.wait(20)
        return issuer.jwks

    monkeypatch.setattr(keys, "_fetch", fetch)
    found = FetchedKeys("https://id.example/keys", 0)
    assert found.find("e") is not None
    asked.set()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(found.find, "unknown")
        while not found._lock.locked():
            time.sleep(0.001)
        second = pool.submit(found.find, "unknown too")
        try:
            assert second.result(10) is None
            assert not first.done()
        finally:
            answer.set()
    assert first.result() is None


def test_until_keys_were_read_tokens_cannot_be_checked(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(url: str) -> str:
        raise SettingsError(url)

    monkeypatch.setattr(keys, "_fetch", fail)
    guard = Guard(ISSUER, AUDIENCE, FetchedKeys("https://id.example/keys", 30))
    for _ in range(2):  # the second does not ask again, and must not be told that its key is wrong
        with pytest.raises(Fault) as refused:
            guard.check(f"Bearer {issuer.token()}", SCOPES[0])
        assert refused.value.status == 503
