"""Telemetry: requests and their stages as OpenTelemetry spans, where a collector is named.

On by the standard variable OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
the SDK reads the other standard ones. A span says which operation, how long and with which status:
nothing of a person, a gallery, a client or a print.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from engine import stages
from engine.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NAME = "tenprint"


class Span(Protocol):
    """A request or task at work; its stages are its children."""

    def took(self, stage: str, began: int, ended: int) -> None:
        """A listener of `engine.stages`."""

    def end(self, status: int) -> None:
        """It was answered with this status."""


class Telemetry:
    """Tells nobody."""

    def begin(self, name: str, headers: Mapping[str, str] | None = None, **facts: str) -> Span:
        """A span. headers: of a request, which may say (traceparent) what it belongs to; None for
        work that no request waits for."""
        return _SILENT

    def close(self) -> None:
        """Sends what was not sent yet."""


class _SilentSpan:
    def took(self, stage: str, began: int, ended: int) -> None:
        pass

    def end(self, status: int) -> None:
        pass


_SILENT = _SilentSpan()


class OpenTelemetry(Telemetry):
    """Tells a provider of tracers."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer(NAME)
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, name: str, headers: Mapping[str, str] | None = None, **facts: str) -> Span:
        from opentelemetry.trace import SpanKind

        kind = SpanKind.INTERNAL if headers is None else SpanKind.SERVER
        above = self._propagator.extract(headers or {})
        span = self._tracer.start_span(name, above, kind, attributes=facts)
        return _OpenSpan(self._tracer, span)

    def close(self) -> None:
        self._provider.shutdown()


class _OpenSpan:
    def __init__(self, tracer: Any, span: Any) -> None:
        from opentelemetry.trace import set_span_in_context

        self._tracer = tracer
        self._span = span
        self._within = set_span_in_context(span)
        self._epoch = time.time_ns() - stages.clock()  # the stages' clock has none of its own

    def took(self, stage: str, began: int, ended: int) -> None:
        child = self._tracer.start_span(stage, self._within, start_time=self._epoch + began)
        child.end(self._epoch + ended)

    def end(self, status: int) -> None:
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def from_environment() -> Telemetry:
    """What the environment asks for. SettingsError where it cannot be done."""
    named = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if named is None:
        return Telemetry()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(
            f"{named} asks for traces: pip install 'tenprint[telemetry]', or unset it"
        ) from error
    name = os.environ.get("OTEL_SERVICE_NAME", NAME)
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetry(provider)
