"""Telemetry: a request is a span with its stages as children, and tells nothing of anybody."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from engine.errors import SettingsError
from engine.web import telemetry
from engine.web.telemetry import OpenTelemetry, Telemetry
from tests.web.serving import CALLBACK, QUICK, Client, FakePoster, encounter, identify, item

pytest.importorskip("opentelemetry.sdk", reason="the extra tenprint[telemetry] is not installed")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
KNOWN = {"http.request.method", "http.route", "http.response.status_code"}


class Spans:
    """What was exported."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.telemetry = OpenTelemetry(provider)

    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.all() if span.name == name]
        return found

    def below(self, span: ReadableSpan) -> list[ReadableSpan]:
        return [
            each
            for each in self.all()
            if each.parent and each.parent.span_id == span.context.span_id
        ]


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
def client(serving: Callable[..., object], spans: Spans) -> Iterator[Client]:
    with serving(QUICK, spans.telemetry) as made:  # type: ignore[attr-defined]
        yield made


def test_a_request_is_a_span_with_its_stages(client: Client, spans: Spans) -> None:
    client("POST", "/v1/persons/P1/encounters/E1", encounter(item(1)))
    client("POST", "/v1/identify/criminal", identify(item(1, seed=1)))
    span = spans.named("identify")
    assert span.kind == SpanKind.SERVER
    assert span.parent is None
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/v1/identify/{galleryId}",
        "http.response.status_code": 200,
    }
    stages = spans.below(span)
    assert [each.name for each in stages] == [
        "receive",
        "wait_work", "decode", "extract", "wait_search", "catch_up", "compare", "keep", "place",
        "answer",
    ]  # fmt: skip
    for before, after in pairwise(stages):
        assert span.start_time <= before.start_time <= before.end_time <= after.start_time
    assert stages[-1].end_time <= span.end_time


def test_the_callers_trace_is_continued(client: Client, spans: Spans) -> None:
    client("GET", "/v1/galleries", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    span = spans.named("readGalleries")
    assert span.context.trace_id == int(TRACE, 16)
    assert span.parent is not None
    assert span.parent.span_id == int(PARENT, 16)


@pytest.mark.parametrize("header", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01"])
def test_a_header_that_is_none_begins_a_trace(client: Client, spans: Spans, header: str) -> None:
    client("GET", "/v1/galleries", headers={"traceparent": header})
    assert spans.named("readGalleries").parent is None


def test_a_callers_sampling_is_heeded(client: Client, spans: Spans) -> None:
    client("GET", "/v1/galleries", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert spans.all() == ()


def test_faults_are_told_by_status(client: Client, spans: Spans) -> None:
    client("GET", "/v1/persons/P9/encounters")
    span = spans.named("readAllEncounters")
    assert (span.attributes or {})["http.response.status_code"] == 404
    assert span.status.status_code == StatusCode.UNSET


def test_what_the_service_gets_wrong_is_an_error(
    client: Client, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.service.encounters.Encounters.names", lambda _: 1 / 0)
    client("GET", "/v1/galleries")
    span = spans.named("readGalleries")
    assert (span.attributes or {})["http.response.status_code"] == 500
    assert span.status.status_code == StatusCode.ERROR


def test_a_task_is_a_span_of_its_own(client: Client, spans: Spans, poster: FakePoster) -> None:
    client("GET", "/v1/galleries", callback=CALLBACK)
    poster.wait(1)
    span = spans.named("task readGalleries")
    assert span.kind == SpanKind.INTERNAL
    assert [each.name for each in spans.below(span)] == ["answer"]


def test_nothing_is_told_of_anybody(client: Client, spans: Spans) -> None:
    for path, body in (
        ("/v1/persons/P-SECRET/encounters/E-SECRET", encounter(item(1))),
        ("/v1/identify/criminal", identify(item(1, seed=1))),
        ("/v1/identify/criminal/P-SECRET", None),
        ("/v1/verify/criminal/P-SECRET", {"biometricData": [item(1, seed=1)]}),
        ("/v1/identify/SECRET", identify(item(1))),
    ):
        client("POST", path, body, transactionId="T-SECRET")
    assert len(spans.all()) > 20
    for span in spans.all():
        assert "SECRET" not in span.to_json()
        assert set(span.attributes or {}) <= KNOWN
        assert span.events == ()


def test_without_a_collector_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in telemetry.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    assert type(telemetry.from_environment()) is Telemetry


@pytest.mark.parametrize("name", telemetry.ENDPOINTS)
def test_a_collector_is_named_by_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    made = telemetry.from_environment()
    assert isinstance(made, OpenTelemetry)
    made.close()


def test_a_collector_without_the_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(telemetry.ENDPOINTS[0], "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match=r"tenprint\[telemetry\]"):
        telemetry.from_environment()
