"""What others are told of this gateway: metrics, traces and errors, each where it is set up."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Self

from starlette.types import Scope

from keepahead.faces.gateway import otlp
from keepahead.faces.gateway.alerting import Alerting
from keepahead.faces.gateway.books import Books
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.metrics import Metrics
from keepahead.faces.gateway.traces import Traces
from keepahead.faces.gateway.visit import Visit
from keepahead.faces.sentry import tell_fault

CLOSE_SECONDS = 3.0
"""So long what is still to be sent may take at the end: nobody waits longer for a collector that is away."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One for each gateway; several in one process share nothing but Sentry."""

    metrics: Metrics
    traces: Traces

    @classmethod
    def of(cls, gateway: Gateway, books: Books, alerting: Alerting) -> Self:
        """Set up what the environment asks for. Raises SettingsError."""
        resource, readers, sends = otlp.resource(), otlp.metric_readers(), otlp.span_processor()
        return cls(Metrics(gateway, books, alerting, resource, readers), Traces(resource, sends))

    async def start(self) -> None:
        """Begin to count."""
        await self.metrics.start()

    async def stop(self) -> None:
        """Count no more, and send what is still to be sent."""
        await self.metrics.stop()
        closing = threading.Thread(target=self._close, daemon=True)  # no pool waits for it at the end
        closing.start()
        await asyncio.to_thread(closing.join, CLOSE_SECONDS)

    def answering(self, visit: Visit) -> None:
        """Take notice of a request whose answer begins."""
        self.traces.mark(visit)

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Take notice of a request that is over."""
        self.metrics.take_request(scope, status, seconds)

    def failed(self, scope: Scope, visit: Visit, error: BaseException) -> None:
        """Take notice of a fault of ours."""
        tell_fault(error, scope, visit.request_id)

    def _close(self) -> None:
        self.traces.close()
        self.metrics.close()
