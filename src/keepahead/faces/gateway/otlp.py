"""OTLP by its standard environment variables: where metrics and traces are sent besides. Off unless they name a place.

The variables are OpenTelemetry's own, for all programs alike, and its exporters read the rest of them themselves.
"""

import os
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from keepahead import __version__
from keepahead.errors import SettingsError

Signal = Literal["METRICS", "TRACES"]

_PROTOCOL = "http/protobuf"


def resource() -> Resource:
    """Return who tells: keepahead, unless the environment says otherwise."""
    ours = Resource({"service.name": "keepahead", "service.version": __version__})
    return Resource.create().merge(ours).merge(OTELResourceDetector().detect())


def metric_readers() -> Sequence[MetricReader]:
    """Return what sends metrics. Raises SettingsError."""
    return (PeriodicExportingMetricReader(OTLPMetricExporter()),) if _is_wanted("METRICS") else ()


def span_processor() -> SpanProcessor | None:
    """Return what sends traces. Raises SettingsError."""
    return BatchSpanProcessor(OTLPSpanExporter()) if _is_wanted("TRACES") else None


def _is_wanted(signal: Signal) -> bool:
    names = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    name = next((name for name in names if os.environ.get(name)), None)
    is_off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if name is None or is_off or os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip() == "none":
        return False
    place = urlsplit(os.environ[name])
    if place.scheme not in {"http", "https"} or not place.hostname:
        raise SettingsError(name, f"{name} must be an http or https URL, such as http://127.0.0.1:4318")
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if os.environ.get(name, _PROTOCOL) != _PROTOCOL:
            raise SettingsError(name, f"{name} must be {_PROTOCOL}: keepahead speaks no other")
    return True
