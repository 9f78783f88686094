"""Metrics: what Prometheus reads after requests, and when the database is gone."""

from __future__ import annotations

import multiprocessing
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from engine.errors import StoreError
from engine.service.drift import bounds
from engine.service.tenprint import Tenprint
from engine.store.schema import now, search_galleries
from engine.web import memory
from engine.web.lookups import Lookups, Sources
from tests.decided_searches import Made, submit
from tests.web.serving import CALLBACK, Client, FakePoster, encounter, identify, item

Labels = tuple[tuple[str, str], ...]


def figures(client: Client) -> dict[str, dict[Labels, float]]:
    """Every sample, by its name and labels."""
    response = client("GET", "/metrics")
    assert response.status_code == 200
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def stages(client: Client) -> dict[str, float]:
    """How often each stage was passed."""
    counts = figures(client).get("tenprint_stage_seconds_count", {})
    return {labels[0][1]: count for labels, count in counts.items()}


def test_every_stage_of_a_search_is_timed_once(client: Client) -> None:
    assert stages(client) == {}
    client("POST", "/v1/persons/P1/encounters/E1", encounter(item(1)))
    enrolled = {"receive": 1, "wait_work": 1, "decode": 1, "extract": 1, "keep": 1, "answer": 1}
    assert stages(client) == enrolled
    assert client("POST", "/v1/identify/criminal", identify(item(1, seed=1))).status_code == 200
    twice = dict.fromkeys(enrolled, 2.0)
    once = {"wait_search": 1, "catch_up": 1, "compare": 1, "place": 1}
    assert stages(client) == twice | once


def test_what_is_refused_is_timed_as_far_as_it_came(client: Client) -> None:
    assert client("POST", "/v1/identify/criminal", identify(item(1))).status_code == 404
    assert stages(client) == {"receive": 1, "wait_work": 1, "decode": 1}
    (request,) = figures(client)["tenprint_request_seconds_count"]
    assert request == (("operation", "identify"), ("status", "404"))


def test_a_task_is_timed_apart_from_its_request(client: Client, poster: FakePoster) -> None:
    client("GET", "/v1/galleries", callback=CALLBACK)
    client("GET", "/v1/persons/P9/encounters", callback=CALLBACK)
    poster.wait(2)
    found = figures(client)
    assert found["tenprint_task_seconds_count"] == {
        (("operation", "readGalleries"), ("outcome", "done")): 1,
        (("operation", "readAllEncounters"), ("outcome", "failed")): 1,
    }
    requests = found["tenprint_request_seconds_count"]
    assert requests[("operation", "readGalleries"), ("status", "202")] == 1


def test_galleries_lines_and_memory_are_told(client: Client) -> None:
    client("POST", "/v1/persons/P1/encounters/E1", encounter(item(1), item(2, "LEFT_THUMB")))
    found = figures(client)
    assert found["tenprint_gallery_templates"] == {(("gallery", "criminal"),): 2}
    lines = {labels[0][1]: count for labels, count in found["tenprint_waiting"].items()}
    assert lines == {"work": 0, "read": 0, "search": 0, "tasks": 0}
    assert found["tenprint_database_up"] == {(): 1}
    assert found["tenprint_workers_bytes"][()] >= 0


def test_workers_are_weighed() -> None:
    before = memory.workers_bytes()
    context = multiprocessing.get_context("spawn")
    gate = context.Event()
    worker = context.Process(target=gate.wait)
    worker.start()
    try:
        if memory.workers_bytes() == 0:
            pytest.skip("there is no /proc here")
        assert memory.workers_bytes() > before
    finally:
        gate.set()
        worker.join()
    assert memory.workers_bytes() == before


def test_drift_is_told_by_gallery(client: Client, tenprint: Tenprint) -> None:
    at = now() - timedelta(days=1)
    false = {"P1": [("exclusion", 1.0), ("exclusion", 2.0)]}
    with tenprint._database.write() as connection:
        submit(
            connection, "", *[Made(at, false)] * 2, *[Made(at, {"P1": []})] * 3, *[Made(at)] * 15
        )
        rows = [{"search_id": n, "gallery": "criminal", "sequence": 1} for n in range(1, 21)]
        connection.execute(insert(search_galleries), rows)
    found = figures(client)
    told = {
        name: found[f"tenprint_fpir_{name}"][(("gallery", "criminal"),)]
        for name in ("searches", "excluded", "open", "promised", "observed", "lower", "upper")
    }
    assert told == pytest.approx(
        {
            "searches": 20,
            "excluded": 2,
            "open": 3,
            "promised": 1e-3,
            "observed": 0.1,
            "lower": bounds(2, 20, 0.95)[0],
            "upper": bounds(5, 20, 0.95)[1],
        }
    )
    assert told["lower"] > told["promised"]  # what the alert asks


def test_a_database_that_does_not_answer_is_told() -> None:
    def gone() -> int:
        raise StoreError("gone")

    sources = Sources(lines=lambda: {"work": 3}, tasks=gone, sizes=dict, drift=list)
    found = {family.name: family.samples for family in Lookups(sources).collect()}
    assert found["tenprint_database_up"][0].value == 0
    assert [(each.labels, each.value) for each in found["tenprint_waiting"]] == [
        ({"line": "work"}, 3)
    ]
    assert "tenprint_gallery_templates" not in found


def test_galleries_are_not_counted_with_every_look() -> None:
    looks: list[int] = []

    def sizes() -> dict[str, int]:
        looks.append(1)
        return {"criminal": len(looks)}

    lookups = Lookups(Sources(lines=dict, tasks=lambda: 0, sizes=sizes, drift=list))
    for _ in range(3):
        families = {family.name: family for family in lookups.collect()}
        assert families["tenprint_gallery_templates"].samples[0].value == 1
    assert looks == [1]
