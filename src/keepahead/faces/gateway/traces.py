"""A span for each request, sent by OTLP where that is set up; no key in any of its attributes."""

from collections.abc import MutableMapping
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider

from keepahead.faces.gateway.entrance import is_under
from keepahead.faces.gateway.visit import Visit
from keepahead.faces.redaction import redacted

_UNTRACED = ("/health", "/metrics")
"""Asked again and again by programs that only look."""


class Traces:
    """One for each gateway; without anything that sends them there are none, and they cost nothing."""

    def __init__(self, resource: Resource, sends: SpanProcessor | None) -> None:
        self._provider: TracerProvider | None = None
        if sends is not None:
            self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            self._provider.add_span_processor(_Redacting())
            self._provider.add_span_processor(sends)

    @property
    def config(self) -> TelemetryConfig:
        """What FastAPI is to do by itself: spans of requests, and nothing else.

        Its metrics take as long as a seventh of an answer from memory, and its logs hold what was sent.
        """
        return {
            "tracing": self._provider is not None,
            "tracer_provider": self._provider,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
            "exclude": _is_untraced,
        }

    def mark(self, visit: Visit) -> None:
        """Write on the span of the request under way whose it is and what it cost so far."""
        if self._provider is None:
            return
        span = trace.get_current_span()
        span.set_attribute("keepahead.request_id", redacted(visit.request_id))
        span.set_attribute("keepahead.tokens.consumed", visit.tally.consumed)
        span.set_attribute("keepahead.tokens.saved", visit.tally.saved)
        if visit.visitor is not None:
            span.set_attribute("keepahead.caller", redacted(visit.visitor.name))

    def close(self) -> None:
        """Send what is still to be sent. Blocks."""
        if self._provider is not None:
            self._provider.shutdown()


class _Redacting(SpanProcessor):
    """Blots out keys before anybody sees a span: FastAPI puts the whole URL into it."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        _ = parent_context
        for name, value in (span.attributes or {}).items():
            if isinstance(value, str):
                span.set_attribute(name, redacted(value))


def _is_untraced(scope: MutableMapping[str, Any]) -> bool:
    return is_under(scope.get("path", ""), *_UNTRACED)
