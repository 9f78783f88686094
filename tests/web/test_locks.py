"""Who fails five times to show who it is, is kept out for a while; nobody else is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request

from engine.errors import StoreError
from engine.service.access import Access
from engine.service.auditing import Filter
from engine.service.tenprint import Tenprint
from engine.store import failures
from engine.web import locks, tokens
from engine.web.auth import Guard
from engine.web.door import Door
from engine.web.faults import Fault
from engine.web.house import Place
from engine.web.locks import Locks, client_of
from engine.web.metrics import Metrics
from tests.web.serving import AUDIENCE, ISSUER, Client, Issuer, Serving

STRANGER = ec.generate_private_key(ec.SECP256R1())


def forged(subject: str) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "exp": 2**33}
    return jwt.encode(claims, STRANGER, "ES256", {"kid": "e"})


def ask(client: Client, token: str) -> httpx.Response:
    return client("GET", "/v1/galleries", token=token)


def place_of(client: Client) -> Place:
    place: Place = client.http.app.state.house.first  # type: ignore[attr-defined]
    return place


def audited(tenprint: Tenprint) -> list[dict[str, Any]]:
    found = tenprint.audit.show(Filter(verb="access"), 100)
    return [json.loads(each.entry) for each in found]


def test_five_forged_tokens_lock_their_subject_and_nobody_else(
    client: Client, issuer: Issuer, tenprint: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [ask(client, forged("booking")).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    locked = ask(client, issuer.token(sub="booking"))  # the true one, too
    assert locked.status_code == 429
    assert 890 <= int(locked.headers["Retry-After"]) <= 900
    assert set(locked.json()) == {"code", "message"}
    assert ask(client, issuer.token(sub="other")).status_code == 200
    figures = client("GET", "/metrics").text
    assert "tenprint_failed_authentications_total 5.0" in figures
    assert 'tenprint_locks_total{event="locked"} 1.0' in figures
    (told,) = audited(tenprint)
    assert (told["event"], told["subject"], told["failures"]) == ("locked", "booking", 5)

    def decode(*_: Any, **__: Any) -> None:
        raise AssertionError("a locked caller's token is not looked at")

    monkeypatch.setattr(tokens.jwt, "decode", decode)
    assert ask(client, issuer.token(sub="booking")).status_code == 429


def test_a_lock_ends_by_hand_or_by_time(
    client: Client, issuer: Issuer, tenprint: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        ask(client, forged("booking"))
        ask(client, forged("kiosk"))
    tenprint.access.unlock("booking", None)  # as the verb does, in another process
    place_of(client).locks.look()
    assert ask(client, issuer.token(sub="booking")).status_code == 200
    assert ask(client, issuer.token(sub="kiosk")).status_code == 429
    later = datetime.now(UTC) + timedelta(minutes=16)
    monkeypatch.setattr(failures, "now", lambda: later)
    monkeypatch.setattr("engine.service.access.now", lambda: later)
    place_of(client).locks.look()
    assert ask(client, issuer.token(sub="kiosk")).status_code == 200
    assert tenprint.access.failing() == []
    events = [(each["event"], each["subject"], each.get("why")) for each in audited(tenprint)]
    assert sorted(events[:2]) == [("locked", "booking", None), ("locked", "kiosk", None)]
    assert events[2:] == [
        ("unlocked", "booking", "by hand"), ("unlocked", "kiosk", "its time is over")
    ]  # fmt: skip


def test_a_good_call_makes_up_for_bad_ones(
    client: Client, issuer: Issuer, tenprint: Tenprint
) -> None:
    for _ in range(3):
        assert [ask(client, forged("booking")).status_code for _ in range(4)] == [401] * 4
        assert ask(client, issuer.token(sub="booking")).status_code == 200
    assert tenprint.access.failing() == []


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"nbf": 2**33}, {"scope": "none"}],
    ids=["expired", "not good yet", "another scope"],
)
def test_what_the_issuer_made_for_us_is_no_failure(
    client: Client, issuer: Issuer, tenprint: Tenprint, claims: dict[str, Any]
) -> None:
    for _ in range(7):
        assert ask(client, issuer.token(**claims)).status_code in (401, 403)
    assert tenprint.access.failing() == []
    assert ask(client, issuer.token()).status_code == 200


def test_no_token_at_all_is_no_failure(client: Client, issuer: Issuer, tenprint: Tenprint) -> None:
    for _ in range(7):
        assert client.http.get("/v1/galleries").status_code == 401
    assert tenprint.access.failing() == []


@pytest.mark.parametrize("claims", [{"aud": "other"}, {"iss": "https://evil.example"}])
def test_tokens_for_others_are_failures(
    client: Client, issuer: Issuer, claims: dict[str, Any]
) -> None:
    codes = [ask(client, issuer.token(**claims)).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]


def test_tokens_that_claim_nobody_lock_nobody(client: Client, issuer: Issuer) -> None:
    for token in ("abc", "a.b.c", forged(""), forged("two\nlines"), "x" * 9000):
        assert ask(client, token).status_code == 401
    assert ask(client, "more of it").status_code == 429
    assert ask(client, issuer.token()).status_code == 200


def test_other_processes_know_of_a_lock(serving: Serving, issuer: Issuer) -> None:
    with serving() as first, serving() as second:
        for number in range(5):
            ask((first, second)[number % 2], forged("booking"))
        for client in (first, second):
            place_of(client).locks.look()
            assert ask(client, issuer.token(sub="booking")).status_code == 429


def test_a_key_that_may_be_new_is_no_failure(tenprint: Tenprint, issuer: Issuer) -> None:
    class Unsure:
        def find(self, kid: str | None) -> None:
            return None

        def is_sure(self) -> bool:
            return False

    door = Door(Guard(ISSUER, AUDIENCE, Unsure()), {"": Locks(tenprint.access, Metrics())})
    for _ in range(7):
        with pytest.raises(Fault) as refused:
            door.enter(issuer.token(), "192.0.2.1")
        assert refused.value.status == 401
    assert tenprint.access.failing() == []


def test_a_flood_does_not_keep_the_database_busy(
    client: Client, tenprint: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "WRITES", 3)
    monkeypatch.setattr(locks.time, "monotonic", lambda: 7.5)
    for number in range(6):
        assert ask(client, forged(f"s{number}")).status_code == 401
    assert len(tenprint.access.failing()) == 3
    monkeypatch.setattr(locks.time, "monotonic", lambda: 8.5)
    assert ask(client, forged("s7")).status_code == 401
    assert len(tenprint.access.failing()) == 4


def test_a_database_that_is_away_makes_no_other_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise StoreError("away")

    monkeypatch.setattr(Access, "fail", fail)
    assert ask(client, forged("x")).status_code == 401


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("x" * 100, "x" * 64),
        ("a\nb", ""),
        ("", ""),
    ],
)
def test_addresses_are_counted_by_their_network(host: str, counted: str) -> None:
    assert client_of(Request({"type": "http", "client": (host, 1)})) == counted
