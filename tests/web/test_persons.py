"""Encounters over HTTP: kept, read, changed, moved and removed as the interface says."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select

from engine.service.tenprint import Tenprint
from engine.store import holds, purposes, submissions
from engine.store.schema import probe_prints
from engine.types import OffenseRecord
from tests.web.serving import Client, encounter, identify, image, item

PATH = "/v1/persons/{}/encounters/{}"
ROBBERY = OffenseRecord("R1", ncic="1299", charge="ROBBERY", disposition="CONVICTED")


def found(client: Client, finger: int, gallery: str = "criminal", **query: Any) -> list[str]:
    """The persons whom a search for a finger gives."""
    response = client("POST", f"/v1/identify/{gallery}", identify(item(finger, seed=9)), **query)
    assert response.status_code == 200, response.text
    return [each["personId"] for each in response.json()]


def put(client: Client, person: str, name: str, *items: Any, **more: Any) -> None:
    response = client("POST", PATH.format(person, name), encounter(*items, **more))
    assert response.status_code == 200, response.text


def test_ids_are_made_where_none_are_given(client: Client) -> None:
    first = client("POST", "/v1/persons", encounter(item(1)))
    assert first.status_code == 200
    assert set(first.json()) == {"personId", "encounterId"}
    person = first.json()["personId"]
    second = client("POST", f"/v1/persons/{person}/encounters", encounter(item(1)))
    assert second.json()["personId"] == person
    assert second.json()["encounterId"] != first.json()["encounterId"]
    third = client("POST", "/v1/persons/NEW/encounters", encounter(item(2)))
    assert third.json()["personId"] == "NEW"
    assert found(client, 2) == ["NEW"]


def test_an_encounter_is_given_back_as_it_came(client: Client) -> None:
    details = {
        "instance": "1",
        "captureDate": "2019-05-21T12:00:00+01:00",
        "captureDevice": "scanner",
        "impressionType": "LIVE_SCAN_ROLLED",
        "width": 100,
        "height": 120,
        "bitdepth": 8,
        "mimeType": "image/png",
        "resolution": 500,
        "compression": "PNG",
        "missing": [{"biometricSubType": "LEFT_INDEX", "presence": "BANDAGED"}],
        "metadata": "m",
        "comment": "c",
        "quality": 61,
        "qualityFormat": "NFIQ2",
        "algorithm": "a",
        "vendor": "v",
    }
    sent = encounter(
        item(1, "LEFT_RING", **details),
        galleries=["immigration", "criminal"],
        clientData=base64.b64encode(b"mine").decode(),
        contextualData={"enrollmentDate": "2019-01-11"},
        biographicData={"dateOfBirth": "1985-11-30"},
        createdDate="2019-05-21T12:00:00Z",
    )
    response = client("POST", PATH.format("P1", "E1"), sent)
    assert response.json()["others"] == {"notKept": ["biographicData", "createdDate"]}
    kept = client("GET", PATH.format("P1", "E1")).json()
    assert "biographicData" not in kept
    assert kept["biometricData"] == [item(1, "LEFT_RING", **details) | {"encounterId": "E1"}]
    for name in ("status", "encounterType", "clientData", "contextualData"):
        assert kept[name] == sent[name]
    assert (kept["encounterId"], kept["galleries"]) == ("E1", ["criminal", "immigration"])
    assert kept["createdDate"].endswith("Z")
    assert client("GET", "/v1/persons/P1/encounters").json() == [kept]


def test_a_second_encounter_of_the_same_id_is_a_conflict(client: Client) -> None:
    put(client, "P1", "E1", item(1))
    again = client("POST", PATH.format("P1", "E1"), encounter(item(1)))
    assert again.status_code == 409
    assert again.json() == {"code": 409, "message": "person 'P1' has an encounter 'E1' already"}
    put(client, "P1", "E2", item(1))  # the same print again is kept


def test_what_is_not_there_is_not_found(client: Client) -> None:
    put(client, "P1", "E1", item(1))
    body = encounter(item(1))
    for method, path, sent in (
        ("GET", "/v1/persons/P9/encounters", None),
        ("GET", PATH.format("P1", "E9"), None),
        ("PUT", PATH.format("P1", "E9"), body),
        ("DELETE", PATH.format("P1", "E9"), None),
        ("DELETE", "/v1/persons/P9", None),
        ("GET", PATH.format("P9", "E1") + "/templates", None),
        ("POST", "/v1/persons/P1/merge/P9", None),
        ("POST", "/v1/persons/P9/merge/P1", None),
        ("POST", "/v1/persons/P1/move/P9/encounters/E1", None),
        ("POST", "/v1/persons/P9/move/P1/encounters/E1", None),
        ("GET", "/v1/galleries/none", None),
        ("POST", "/v1/identify/none", identify(item(1))),
        ("POST", "/v1/identify/none/P1", None),
        ("POST", "/v1/identify/criminal/P9", None),
        ("POST", "/v1/identify/criminal/P1/encounters/E9", None),
        ("POST", "/v1/verify/criminal/P9", {"biometricData": [item(1)]}),
        ("POST", "/v1/verify/none/P1", {"biometricData": [item(1)]}),
    ):
        response = client(method, path, sent)
        assert (response.status_code, response.json()["code"]) == (404, 404), (method, path)
    # the interface has no 404 here
    assert client("PUT", PATH.format("P9", "E1") + "/status", status="ACTIVE").status_code == 400
    assert client("PUT", PATH.format("P9", "E1") + "/galleries", ["a"]).status_code == 400


def test_an_update_replaces_everything(client: Client) -> None:
    put(client, "P1", "E1", item(1), galleries=["criminal", "immigration"], clientData="YQ==")
    put(client, "P2", "E1", item(2))
    body = encounter(item(3), encounterType="visa", galleries=["immigration"])
    response = client("PUT", PATH.format("P1", "E1"), body)
    assert response.json() == {"personId": "P1", "encounterId": "E1"}
    kept = client("GET", PATH.format("P1", "E1")).json()
    assert (kept["encounterType"], kept["galleries"]) == ("visa", ["immigration"])
    assert "clientData" not in kept
    assert found(client, 1) == found(client, 3) == []
    assert found(client, 3, "immigration") == ["P1"]
    assert found(client, 1, "ALL") == []


def test_inactive_encounters_are_kept_and_not_searched(client: Client) -> None:
    put(client, "P1", "E1", item(1), status="INACTIVE")
    put(client, "P2", "E1", item(2))
    assert (found(client, 1), found(client, 2)) == ([], ["P2"])
    status = PATH.format("P1", "E1") + "/status"
    assert client("PUT", status, status="ACTIVE").status_code == 204
    assert found(client, 1) == ["P1"]
    assert client("PUT", status, status="INACTIVE").status_code == 204
    assert found(client, 1) == []
    assert client("GET", PATH.format("P1", "E1")).json()["status"] == "INACTIVE"
    assert client("PUT", status, status="SLEEPING").status_code == 400
    assert client("PUT", status).status_code == 400
    assert client("POST", "/v1/identify/criminal/P1").status_code == 400
    by_encounter = client("POST", "/v1/identify/criminal/P1/encounters/E1")
    assert by_encounter.json() == []


def test_an_encounter_goes_from_gallery_to_gallery(client: Client) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P2", "E1", item(2))
    path = PATH.format("P1", "E1") + "/galleries"
    assert client("PUT", path, ["vip", "criminal"]).status_code == 204
    assert found(client, 1) == found(client, 1, "vip") == ["P1"]
    assert client("PUT", path, ["vip"]).status_code == 204
    assert found(client, 1) == []
    for wrong in ([], ["a", "a"], ["ALL"], ["a b"], "vip", [1], {}):
        assert client("PUT", path, wrong).status_code == 400, wrong
    assert client("GET", "/v1/galleries").json() == ["criminal", "vip"]


def test_persons_are_merged(client: Client, tenprint: Tenprint) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P2", "E2", item(2))
    tenprint.attach_records([("P2", ROBBERY)], gallery="criminal")
    assert found(client, 2) == ["P2"]
    assert client("POST", "/v1/persons/P1/merge/P2").status_code == 204
    ids = [each["encounterId"] for each in client("GET", "/v1/persons/P1/encounters").json()]
    assert sorted(ids) == ["E1", "E2"]
    assert client("GET", "/v1/persons/P2/encounters").status_code == 404
    assert found(client, 1) == found(client, 2) == ["P1"]
    assert [item.hit.person for item in tenprint.queue().queue[:1]] == ["P1"]  # with the record
    put(client, "P3", "E1", item(3))
    assert client("POST", "/v1/persons/P1/merge/P3").status_code == 409
    assert found(client, 3) == ["P3"]
    assert client("POST", "/v1/persons/P1/merge/P1").status_code == 400


def test_an_encounter_is_moved(client: Client) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P2", "E1", item(2))
    put(client, "P2", "E2", item(3))
    assert client("POST", "/v1/persons/P1/move/P2/encounters/E1").status_code == 409
    assert client("POST", "/v1/persons/P1/move/P2/encounters/E2").status_code == 204
    assert (found(client, 2), found(client, 3)) == (["P2"], ["P1"])
    put(client, "P3", "E3", item(4))
    assert client("POST", "/v1/persons/P3/move/P2/encounters/E1").status_code == 204
    assert client("GET", "/v1/persons/P2/encounters").status_code == 404  # the last one went
    assert found(client, 2) == ["P3"]


def test_what_is_deleted_is_gone(client: Client) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P1", "E2", item(2))
    put(client, "P2", "E1", item(3))
    assert client("DELETE", PATH.format("P1", "E1")).status_code == 204
    assert (found(client, 1), found(client, 2)) == ([], ["P1"])
    assert client("DELETE", PATH.format("P1", "E2")).status_code == 204
    assert client("GET", "/v1/persons/P1/encounters").status_code == 404
    assert client("DELETE", "/v1/persons/P2").status_code == 204
    assert client("GET", "/v1/galleries/criminal").json() == []
    assert client("DELETE", "/v1/persons/P2").status_code == 404


def test_templates_are_read_in_several_formats(client: Client) -> None:
    put(client, "P1", "E1", item(1), item(2, "LEFT_INDEX", instance="7"))
    path = PATH.format("P1", "E1") + "/templates"
    both = client("GET", path).json()
    assert [each["biometricSubType"] for each in both] == ["RIGHT_INDEX", "LEFT_INDEX"]
    assert (both[0]["templateFormat"], both[0]["quality"]) == ("TENPRINT", 80)
    (left,) = client("GET", path, biometricSubType="LEFT_INDEX").json()
    assert left["instance"] == "7"
    assert client("GET", path, instance="7").json() == [left]
    for form in ("ISO_19794_2", "ANSI_378", "TENPRINT"):
        (one,) = client("GET", path, biometricSubType="LEFT_INDEX", templateFormat=form).json()
        assert one["templateFormat"] == form
        del one["biometricSubType"]
        probe = {
            "biometricType": "FINGER",
            "template": one["template"],
            "templateFormat": form,
        }
        response = client("POST", "/v1/identify/criminal", identify(probe), threshold=-100)
        assert response.json()[0]["personId"] == "P1"
    assert "quality" not in client("GET", path, qualityFormat="NFIQ2").json()[0]
    assert client("GET", path, biometricType="IRIS").status_code == 404
    assert client("GET", path, biometricSubType="LEFT_THUMB").status_code == 404
    assert client("GET", path, biometricSubType="NOSE").status_code == 400
    assert client("GET", path, templateFormat="OTHER").status_code == 400
    put(client, "P2", "E1")
    assert client("GET", PATH.format("P2", "E1") + "/templates").json() == []


def test_a_template_can_be_enrolled_and_is_given_back(client: Client) -> None:
    put(client, "P1", "E1", item(1))
    path = PATH.format("P1", "E1") + "/templates"
    (own,) = client("GET", path, templateFormat="ISO_19794_2").json()
    sent = {
        "biometricType": "FINGER",
        "biometricSubType": "RIGHT_INDEX",
        "template": own["template"],
        "templateFormat": "ISO_19794_2",
    }
    put(client, "P2", "E1", sent)
    (kept,) = client("GET", PATH.format("P2", "E1")).json()["biometricData"]
    assert kept["templateFormat"] == "ISO_19794_2"
    assert kept["template"] == own["template"]
    assert "image" not in kept


def test_the_content_of_a_gallery_comes_in_pages(client: Client) -> None:
    for number in range(5):
        put(client, f"P{number}", "E,1", item(number + 1))
    put(client, "P0", "E2", item(1), galleries=["other"], status="INACTIVE")
    pages = [
        client("GET", "/v1/galleries/criminal", offset=offset, limit=2).json()
        for offset in (0, 2, 4, 6)
    ]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert pages[0][0] == {"personId": "P0", "encounterId": "E,1"}
    assert len(client("GET", "/v1/galleries/ALL").json()) == 6
    table = client("GET", "/v1/galleries/other", headers={"Accept": "text/csv"})
    assert table.text == "PersonId,encounterId\nP0,E2\n"
    assert table.headers["content-type"].startswith("text/csv")
    quoted = client("GET", "/v1/galleries/criminal", limit=1, headers={"Accept": "text/csv"})
    assert quoted.text.splitlines()[1] == 'P0,"E,1"'
    for wrong in ({"offset": -1}, {"limit": -1}, {"limit": "x"}, {"limit": 10**6}):
        assert client("GET", "/v1/galleries/criminal", **wrong).status_code == 400


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"status": "SLEEPING"}, "status"),
        ({"galleries": []}, "galleries"),
        ({"galleries": ["a", "a"]}, "galleries"),
        ({"galleries": ["ALL"]}, "ALL"),
        ({"galleries": ["../up"]}, "name"),
        ({"encounterType": 5}, "encounterType"),
        ({"encounterType": "a\0b"}, "encounterType"),
        ({"unknown": 1}, "unknown"),
        ({"encounterId": "E9"}, "encounterId"),
        ({"clientData": "***"}, "clientData"),
        ({"createdDate": "yesterday"}, "createdDate"),
        ({"encryption": {"type": "JWE", "scope": "$"}}, "encryption"),
        ({"integrity": [{"scope": "$", "alg": "SHA256", "hash": "x"}]}, "integrity"),
        ({"biometricData": [{"biometricType": "FACE", "image": "YQ=="}]}, "FINGER alone"),
        ({"biometricData": [item(1, "PLAIN_THUMBS")]}, "single fingers"),
        ({"biometricData": [item(255)]}, "too little"),
        ({"biometricData": [item(1, image="YQ==")]}, "not an image"),
        ({"biometricData": [item(1, image="#")]}, "base64"),
        ({"biometricData": [item(1), item(1)]}, "same print"),
        ({"biometricData": [item(1)] * 21}, "20 items"),
        ({"biometricData": [item(1, imageRef="http://x/")]}, "references"),
        ({"biometricData": [{"biometricType": "FINGER"}]}, "image or a template"),
        ({"biometricData": [{"biometricType": "FINGER", "template": "YQ=="}]}, "which format"),
        (
            {"biometricData": [{"biometricType": "FINGER", "template": "YQ==",
             "templateFormat": "X"}]},
            "is not read",
        ),
        (
            {"biometricData": [{"biometricType": "FINGER", "template": "YQ==",
             "templateFormat": "ISO_19794_2"}]},
            "no minutiae record",
        ),
        ({"contextualData": "x" * 70_000}, "contextualData"),
        ({"biometricData": [item(1, comment="x" * 5000)]}, "comment"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_kept(
    client: Client, change: dict[str, Any], word: str
) -> None:
    response = client("POST", PATH.format("P1", "E1"), encounter(item(1)) | change)
    assert response.status_code == 400
    assert set(response.json()) == {"code", "message"}
    assert word in response.json()["message"].replace("of which", "which")
    assert client("GET", "/v1/persons/P1/encounters").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'"\\ud800"', b"[" * 5000])
def test_bodies_that_are_no_encounter_are_refused(client: Client, body: bytes) -> None:
    response = client.http.post(
        "/v1/persons?transactionId=1",
        content=body,
        headers={"Authorization": f"Bearer {client.token}"},
    )
    assert response.status_code == 400
    assert response.json()["code"] == 400


@pytest.mark.parametrize("form", ["PNG", "JPEG", "JPEG2000", "WSQ", "TIFF", "BMP"])
def test_images_of_every_format_are_read(client: Client, form: str) -> None:
    response = client("POST", "/v1/persons", encounter(item(128, image=image(128, form=form))))
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "query",
    [
        {"transactionId": None},
        {"transactionId": "x" * 201},
        {"transactionId": "a\nb"},
        {"priority": 10},
        {"priority": -1},
        {"priority": "high"},
        {"priority": ["1", "2"]},
    ],
)
def test_every_call_needs_a_transaction_and_a_good_priority(
    client: Client, query: dict[str, Any]
) -> None:
    for method, path, body in (
        ("GET", "/v1/galleries", None),
        ("GET", "/v1/persons/P1/encounters", None),
        ("POST", "/v1/persons", encounter(item(1))),
    ):
        assert client(method, path, body, **query).status_code == 400


@pytest.mark.parametrize("name", ["x" * 201, "a%0Ab", "a%00b"])
def test_names_that_cannot_be_kept_are_refused(client: Client, name: str) -> None:
    assert client("POST", PATH.format(name, "E1"), encounter(item(1))).status_code == 400
    assert client("GET", PATH.format("P1", name)).status_code == 400


def test_creating_searches_for_nobody(client: Client, tenprint: Tenprint) -> None:
    put(client, "P1", "E1", item(1))
    put(client, "P2", "E1", item(1, seed=1))
    assert tenprint.queue().queue == ()


@pytest.mark.parametrize("path", [PATH.format("P1", "E1"), "/v1/persons/P1"])
def test_what_is_kept_of_a_hit_goes_with_the_person(
    client: Client, tenprint: Tenprint, path: str
) -> None:
    """The probe may be the person's print too."""
    put(client, "P1", "E1", item(1))
    put(client, "P2", "E2", item(2))
    assert (found(client, 1), found(client, 2)) == (["P1"], ["P2"])
    assert len(probes_kept(tenprint)) == 2
    assert client("DELETE", path).status_code == 204
    assert len(probes_kept(tenprint)) == 1


def probes_kept(tenprint: Tenprint) -> set[int]:
    with tenprint._database.read() as connection:
        return set(connection.execute(select(probe_prints.c.search_id)).scalars())


def test_a_hold_stops_what_deletes(client: Client, tenprint: Tenprint) -> None:
    put(client, "H1", "E1", item(1))
    with tenprint._database.write() as writer:
        holds.place(writer, "H1", "a court's order", submissions.begin(writer, "hold"))
    assert client("DELETE", PATH.format("H1", "E1")).status_code == 409
    assert client("DELETE", "/v1/persons/H1").status_code == 409


def test_a_site_that_allows_some_purposes_refuses_others(
    client: Client, tenprint: Tenprint
) -> None:
    put(client, "H1", "E1", item(1))
    with tenprint._database.write() as writer:
        purposes.put(writer, ["booking"], submissions.begin(writer, "purposes"))
    assert client("POST", PATH.format("H1", "E2"), encounter(item(2))).status_code == 403
    assert client("GET", PATH.format("H1", "E1")).status_code == 403


def test_every_change_needs_a_purpose_where_some_are_allowed(
    client: Client, tenprint: Tenprint
) -> None:
    """This service was started without one. To delete needs none: nothing should be in its way."""
    put(client, "P1", "E1", item(1))
    put(client, "P2", "E2", item(2))
    tenprint.audit.allow(["booking"])
    path = PATH.format("P1", "E1")
    for method, where, body, query in (
        ("GET", path, None, {}),
        ("PUT", path, encounter(item(1)), {}),
        ("PUT", path + "/status", None, {"status": "INACTIVE"}),
        ("PUT", path + "/galleries", ["border"], {}),
        ("POST", "/v1/persons/P1/merge/P2", None, {}),
        ("POST", "/v1/persons/P1/move/P2/encounters/E2", None, {}),
        ("POST", "/v1/persons", encounter(item(3)), {}),
        ("POST", "/v1/identify/criminal", identify(item(1)), {}),
    ):
        response = client(method, where, body, **query)
        assert (response.status_code, "purpose" in response.text) == (403, True), where
    tenprint.audit.allow([])
    assert found(client, 1) == ["P1"]
    tenprint.audit.allow(["booking"])
    assert client("DELETE", "/v1/persons/P1").status_code == 204
