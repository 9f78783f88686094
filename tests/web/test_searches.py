"""Searches over HTTP: candidates by score alone, with the severity of what is on record beside."""

from __future__ import annotations

from typing import Any

import pytest

from engine.service.tenprint import Tenprint
from engine.types import OffenseRecord
from tests.web.serving import Client, identify, item
from tests.web.test_persons import found, put

MURDER = OffenseRecord("R1", ncic="0907", charge="MURDER", disposition="CONVICTED")


@pytest.fixture
def filled(client: Client) -> Client:
    for finger in range(1, 6):
        put(client, f"P{finger}", "E1", item(finger, instance=f"{finger}"))
    put(client, "P6", "E1", item(6), galleries=["immigration"])
    return client


def test_a_mate_is_the_candidate(filled: Client) -> None:
    (best,) = filled("POST", "/v1/identify/criminal", identify(item(3, seed=5))).json()
    assert (best["personId"], best["rank"]) == ("P3", 1)
    (score,) = best["scores"]
    assert score["encounterId"] == "E1"
    assert score["galleries"] == ["criminal"]
    assert (score["biometricSubType"], score["instance"]) == ("RIGHT_INDEX", "3")
    others = best["others"]
    assert others["overThreshold"] is True
    assert best["score"] >= others["threshold"]
    assert others["case"] == "1/P3"
    assert others["severity"]["state"] == "no-record"
    assert found(filled, 99) == []


def test_severity_stands_beside_and_changes_nothing(filled: Client, tenprint: Tenprint) -> None:
    body = identify(item(3, seed=5))
    (plain,) = filled("POST", "/v1/identify/criminal", body).json()
    tenprint.attach_records([("P3", MURDER)], gallery="criminal")
    everyone = filled("POST", "/v1/identify/criminal", body, threshold=-100).json()
    best = everyone[0]
    assert (best["personId"], best["score"]) == ("P3", plain["score"])
    assert [each["rank"] for each in everyone] == [1, 2, 3, 4, 5]
    severity = best["others"]["severity"]
    assert (severity["policy"], severity["tier"]) == ("sc-2010-conviction", "Level 1")
    assert (severity["level"], severity["recordId"]) == (1, "R1")
    assert severity["rule"]
    assert severity["reason"]
    assert [item.hit.person for item in tenprint.queue().queue] == ["P3", "P3"]


def test_all_stands_for_every_gallery(filled: Client) -> None:
    assert found(filled, 6) == []
    assert found(filled, 6, "ALL") == ["P6"]
    (best,) = filled("POST", "/v1/identify/ALL", identify(item(6))).json()
    assert best["scores"][0]["galleries"] == ["immigration"]


def test_the_list_is_as_long_as_asked(filled: Client) -> None:
    assert len(found(filled, 3, threshold=-100, maxNbCand=2)) == 2
    assert found(filled, 3, threshold=10_000) == []
    for wrong in ({"maxNbCand": 0}, {"maxNbCand": 1001}, {"threshold": "nan"},
                  {"accuracyLevel": "best"}, {"serviceLevel": "x"}):  # fmt: skip
        response = filled("POST", "/v1/identify/criminal", identify(item(3)), **wrong)
        assert response.status_code == 400, wrong
    for point in ("fast", "thorough"):
        assert found(filled, 3, accuracyLevel=point, serviceLevel=1) == ["P3"]


def test_a_filter_that_cannot_be_heeded_is_refused(filled: Client) -> None:
    for good in ({}, {"biometricType": ["FINGER", "IRIS"]}):
        body = identify(item(3)) | {"filter": good}
        assert filled("POST", "/v1/identify/criminal", body).status_code == 200
    for bad in ({"dateOfBirthMin": "1980-01-01"}, {"biometricType": ["IRIS"]},
                {"biometricType": "FINGER"}):  # fmt: skip
        body = identify(item(3)) | {"filter": bad}
        response = filled("POST", "/v1/identify/criminal", body)
        assert response.status_code == 400
        assert "filter" in response.json()["message"]
    assert filled("POST", "/v1/identify/criminal", {"biometricData": []}).status_code == 400
    assert filled("POST", "/v1/identify/criminal", identify()).status_code == 400
    assert filled("POST", "/v1/identify/criminal/P1", {"gender": "M"}).status_code == 400


def test_who_is_enrolled_twice_is_found_by_what_is_enrolled(
    filled: Client, tenprint: Tenprint
) -> None:
    put(filled, "TWIN", "E1", item(2, seed=3))
    put(filled, "TWIN", "E2", item(3, seed=3))
    by_person = filled("POST", "/v1/identify/criminal/TWIN", threshold=0.5).json()
    assert {each["personId"] for each in by_person} <= {"P2", "P3"}
    by_encounter = filled("POST", "/v1/identify/criminal/TWIN/encounters/E2").json()
    assert [each["personId"] for each in by_encounter] == ["P3"]
    assert by_encounter[0]["rank"] == 1
    assert by_encounter[0]["others"]["gap"] > 5  # to the next, not to oneself
    again = filled("POST", "/v1/identify/criminal/TWIN/encounters/E2", {}).json()
    assert again[0]["score"] == by_encounter[0]["score"]
    assert filled("POST", "/v1/identify/immigration/P6").json() == []
    persons = {item.hit.person for item in tenprint.queue().queue}
    assert "TWIN" not in persons  # nobody is a hit of oneself


def test_several_fingers_are_fused(filled: Client) -> None:
    put(filled, "TEN", "E1", item(7, "RIGHT_THUMB"), item(8, "LEFT_THUMB"))
    one = filled("POST", "/v1/identify/criminal", identify(item(7, "RIGHT_THUMB", 1))).json()
    body = identify(item(7, "RIGHT_THUMB", 1), item(8, "LEFT_THUMB", 1))
    both = filled("POST", "/v1/identify/criminal", body).json()
    assert both[0]["personId"] == one[0]["personId"] == "TEN"
    assert both[0]["score"] > one[0]["score"]
    assert len(both[0]["scores"]) == 2
    twice = identify(item(7, "RIGHT_THUMB", 1), item(7, "RIGHT_THUMB", 1))
    again = filled("POST", "/v1/identify/criminal", twice).json()
    assert again[0]["score"] == one[0]["score"]  # the same print is one witness


def test_a_person_is_verified_in_a_gallery(filled: Client) -> None:
    put(filled, "P1", "E2", item(9), status="INACTIVE")
    path = "/v1/verify/criminal/P1"

    def decide(finger: int, path: str = path, **query: Any) -> bool:
        body = {"biometricData": [item(finger, seed=4)]}
        response = filled("POST", path, body, **query)
        assert response.status_code == 200, response.text
        assert set(response.json()) == {"decision", "scores"}
        return bool(response.json()["decision"])

    assert decide(1)
    assert not decide(2)
    assert not decide(9)
    assert not decide(1, threshold=10_000)
    assert decide(1, "/v1/verify/ALL/P1")
    body = {"biometricData": [item(1)]}
    assert filled("POST", "/v1/verify/immigration/P1", body).status_code == 404
    assert filled("POST", path, {"biometricData": []}).status_code == 400


def test_two_sets_of_prints_are_verified(client: Client) -> None:
    def decide(*fingers: int) -> Any:
        body = {
            "biometricData1": [item(fingers[0])],
            "biometricData2": [item(finger, seed=2) for finger in fingers[1:]],
        }
        response = client("POST", "/v1/verify", body)
        assert response.status_code == 200, response.text
        return response.json()

    same, other = decide(1, 1), decide(1, 2)
    assert (same["decision"], other["decision"]) == (True, False)
    assert same["scores"][0]["others"]["fused"] is True
    assert len(same["scores"]) == 2
    assert decide(1, 2, 1)["decision"] is True
    assert client("POST", "/v1/verify", {"biometricData1": []}).status_code == 400


def test_an_empty_gallery_has_no_candidate(client: Client) -> None:
    put(client, "P1", "E1")
    assert found(client, 1) == []
    assert client("POST", "/v1/identify/ALL", identify(item(1))).json() == []


def test_a_new_encounter_is_found_by_another_process_at_once(
    client: Client, tenprint: Tenprint
) -> None:
    put(client, "P1", "E1", item(1))
    assert found(client, 1) == ["P1"]
    with Tenprint(tenprint.home.folder) as other:
        other.remove_person("P1")
    assert found(client, 1) == []
