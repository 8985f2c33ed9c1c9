"""OTLP by its standard variables: a real gateway sends metrics and traces to a real collector, and no key in any."""

import signal
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.faces.gateway.served_gateway import ServedGateway
from tests.gateway_house import GatewayHouse
from tests.house import KEY, run
from tests.sink import Sink, sink

from keepahead.errors import SettingsError

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def spans(collector: Sink) -> list[Span]:
    """Return all spans that came."""
    requests = [ExportTraceServiceRequest.FromString(body) for body in collector.bodies("/v1/traces")]
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes(span: Span) -> dict[str, str]:
    """Return the attributes of a span as text."""
    return {each.key: each.value.string_value or str(each.value.int_value) for each in span.attributes}


def walk(folder: Path, **settings: str) -> str:
    """Ask a served gateway, with keys wherever one may stand; end it, and return its key."""
    with ServedGateway(folder, "--rate", "100", **settings) as gateway, gateway.client() as client:
        asin = gateway.some(1)[0]
        parent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        assert client.get(f"/api/v1/products/{asin}", headers=parent).status_code == 200
        assert httpx2.get(f"{gateway.url}/product?domain=1&asin={asin}&key={gateway.key}").status_code == 200
        assert client.get(f"/no/{gateway.key}?k%65y=short&x={gateway.key}").status_code == 404
        assert client.get("/api/v1/budget", headers={"X-Request-ID": gateway.key}).status_code == 200
        assert client.get("/metrics").status_code == 200
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(20) == 0
        return gateway.key


def test_metrics_and_spans_arrive_without_keys(tmp_path):
    """What /metrics shows is sent at the end at the latest; each request has a span with its route, cost and caller."""
    with sink() as collector:
        key = walk(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_SERVICE_NAME="budget")
        told = spans(collector)
        everything = collector.everything
        metrics = ExportMetricsServiceRequest.FromString(collector.bodies("/v1/metrics")[-1])

    assert key.encode() not in everything
    assert KEY.encode() not in everything
    assert b"short" not in everything
    by_route = {span.name: span for span in told}
    product = by_route["GET /api/v1/products/{asin}"]
    found = attributes(product)
    assert product.trace_id.hex() == TRACE
    assert (found["http.response.status_code"], found["keepahead.tokens.consumed"]) == ("200", "1")
    assert found["keepahead.caller"] == "admin"
    assert "/metrics" not in {attributes(span)["url.path"] for span in told}
    (door,) = (span for span in told if attributes(span)["url.path"] == "/keepa/product")
    assert attributes(door)["url.query"].endswith("key=[key]")
    (resource,) = metrics.resource_metrics
    assert {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"] == "budget"
    names = {metric.name for scope in resource.scope_metrics for metric in scope.metrics}
    assert {"keepahead.tokens.balance", "keepahead.tokens.consumed", "http.server.request.duration"} <= names


def test_it_is_off_unless_a_place_is_named(tmp_path, monkeypatch):
    """Without an endpoint, or switched off by the standard variables, nothing is sent and no request has a span."""
    with sink() as collector:
        for name in ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"):
            monkeypatch.setenv(name, "none")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)

        async def main():
            async with GatewayHouse(tmp_path).opened() as house, house.client("read") as client:
                await client.get("/api/v1/budget")
                return house.app._native_telemetry.enabled()

        assert run(main()) is False
        assert collector.sent == []


def test_switched_off_it_is_empty(tmp_path, monkeypatch):
    """OTEL_SDK_DISABLED switches all of OpenTelemetry off: /metrics answers, and shows nothing of the account."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("read") as client:
            return await client.get("/metrics")

    answer = run(main())
    assert answer.status_code == 200
    assert "keepahead_" not in answer.text


def test_a_collector_that_is_away_holds_nothing_up(tmp_path):
    """With a collector that cannot be reached requests are answered, and the gateway ends in time."""
    walk(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://collector"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ],
)
def test_a_place_that_cannot_be_used_is_said_at_once(tmp_path, monkeypatch, name, value):
    """A wrong endpoint or protocol is an error at the start that names the variable."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    if name == "OTEL_EXPORTER_OTLP_ENDPOINT":
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

    async def main():
        async with GatewayHouse(tmp_path).opened():
            pass

    with pytest.raises(SettingsError, match=name):
        run(main())
