"""What a request is for is told by headers, and kept in the audit log."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.datastructures import Headers

from engine.service.auditing import Filter
from engine.service.tenprint import Tenprint
from engine.web.faults import Fault
from engine.web.reasons import reason_of
from tests.web.serving import Client, FakePoster, encounter, identify, item
from tests.web.test_persons import PATH, put
from tests.web.test_tasks import ask

REASON = {"X-Purpose": "investigation", "X-Case-Id": "17-221"}


def begun(tenprint: Tenprint, verb: str) -> list[dict[str, Any]]:
    """The first entry of each use."""
    found = [each.fields for each in tenprint.audit.show(Filter(verb=verb), 100)]
    return [dict(fields) for fields in found if fields["event"] == "begin"]


def test_purpose_and_case_of_each_use_are_in_the_log(client: Client, tenprint: Tenprint) -> None:
    put(client, "P1", "E1", item(1))
    print_of, both = {"biometricData": [item(1, seed=1)]}, {"biometricData1": [item(1)]}
    for verb, method, path, body in (
        ("enrol", "POST", PATH.format("P2", "E2"), encounter(item(2))),
        ("read", "GET", PATH.format("P1", "E1"), None),
        ("identify", "POST", "/v1/identify/criminal", identify(item(1, seed=1))),
        ("identify", "POST", "/v1/identify/criminal/P1", None),
        ("verify", "POST", "/v1/verify/criminal/P1", print_of),
        ("verify", "POST", "/v1/verify", both | {"biometricData2": [item(1, seed=1)]}),
        ("remove", "DELETE", "/v1/persons/P2", None),
    ):
        response = client(method, path, body, headers=REASON)
        assert response.is_success, response.text
        told = begun(tenprint, verb)[-1]
        assert (told["purpose"], told["case"]) == ("investigation", "17-221"), path


def test_a_task_keeps_what_it_is_for(
    client: Client, tenprint: Tenprint, poster: FakePoster
) -> None:
    put(client, "P1", "E1", item(1))
    probe = identify(item(1, seed=1))
    ask(client, "POST", "/v1/identify/criminal", probe, headers=REASON)
    poster.wait(1)
    (told,) = begun(tenprint, "identify")
    assert (told["purpose"], told["case"]) == ("investigation", "17-221")


def test_who_says_an_allowed_purpose_is_served(client: Client, tenprint: Tenprint) -> None:
    """Though the service was started with none."""
    put(client, "P1", "E1", item(1))
    tenprint.audit.allow(["investigation"])
    path = PATH.format("P1", "E1")
    assert client("GET", path).status_code == 403
    assert client("GET", path, headers={"X-Purpose": "curiosity"}).status_code == 403
    assert client("GET", path, headers={"X-Purpose": " "}).status_code == 403
    assert client("GET", path, headers=REASON).status_code == 200


@pytest.mark.parametrize("name", list(REASON))
@pytest.mark.parametrize("value", [b"x" * 201, b"a\tb", "a\u2028b".encode()])
def test_what_cannot_be_kept_is_refused(client: Client, name: str, value: bytes) -> None:
    headers = {name.encode(): value}
    for more in ({}, {"callback": "https://client.example/results"}):
        response = client("GET", "/v1/galleries", headers=headers, **more)
        assert response.status_code == 400
        assert name in response.json()["message"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [([(b"x-purpose", b"\xff")], "UTF-8"), ([(b"x-case-id", b"1"), (b"x-case-id", b"2")], "twice")],
)
def test_heads_that_could_be_read_in_two_ways_are_refused(
    raw: list[tuple[bytes, bytes]], words: str
) -> None:
    with pytest.raises(Fault, match=words):
        reason_of(Headers(raw=raw))


def test_letters_of_any_language_are_kept(client: Client, tenprint: Tenprint) -> None:
    put(client, "P1", "E1", item(1))
    headers = {"X-Case-Id": "Fälle 17/ß".encode()}
    assert client("GET", PATH.format("P1", "E1"), headers=headers).status_code == 200
    assert begun(tenprint, "read")[-1]["case"] == "Fälle 17/ß"
