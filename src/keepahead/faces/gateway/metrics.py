"""What `/metrics` shows: the account's standing as gauges, the ledger's entries as counters and histograms.

Through OpenTelemetry, with a provider and a registry of this gateway's own: several in one process share nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.types import Scope

from keepahead.faces.gateway.alert_counts import AlertCounts
from keepahead.faces.gateway.alerting import Alerting
from keepahead.faces.gateway.books import Books
from keepahead.faces.gateway.counts import SUMS, Counts, Histograms
from keepahead.faces.gateway.entrance import DOOR, is_under
from keepahead.faces.gateway.follower import Follower
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.standing import GAUGES, Gauge, Value, standing_of

WAITED_SECONDS: Final = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Whoever waits for less than about the first is not seen to wait: so often the queue is looked at."""

TOOK_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
CHARGED: Final = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0)
REQUEST_SECONDS: Final = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)

_MEANINGS: Mapping[str, tuple[str, str, str]] = {
    "reserved": ("keepahead.tokens.reserved", "{token}", "Set aside before calls were sent."),
    "released": ("keepahead.tokens.released", "{token}", "Given back, because nothing was sent."),
    "consumed": ("keepahead.tokens.consumed", "{token}", "Charged by Keepa."),
    "saved": ("keepahead.tokens.saved", "{token}", "Saved by the archive."),
    "overage": ("keepahead.tokens.overage", "{token}", "Charged beyond what had been set aside."),
    "hits": ("keepahead.archive.hits", "{call}", "Calls, or parts of them, that the archive answered."),
}
_UNROUTED = "none"
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Metrics:
    """One for each gateway. `readers` take the same metrics elsewhere."""

    def __init__(
        self,
        gateway: Gateway,
        books: Books,
        alerting: Alerting,
        resource: Resource,
        readers: Sequence[MetricReader] = (),
    ) -> None:
        self._gateway = gateway
        self._watch = alerting.watch
        self._registry = CollectorRegistry()
        self._scraping = asyncio.Lock()
        self._provider = MeterProvider(
            [PrometheusMetricReader(registry=self._registry, scope_info_enabled=False), *readers],
            resource,
            exemplar_filter=AlwaysOffExemplarFilter(),
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter("keepahead")
        self._counts = Counts(_histograms(meter))
        self._alerts = AlertCounts(alerting.alarms, alerting.outbox)
        self._follower = Follower(gateway, books, self._counts, self._alerts)
        self._books = books
        self._requests = meter.create_histogram(
            "http.server.request.duration",
            "s",
            "How long requests to the gateway took.",
            explicit_bucket_boundaries_advisory=REQUEST_SECONDS,
        )
        self._show(meter)

    async def start(self) -> None:
        """Begin to count."""
        await self._follower.start()

    async def stop(self) -> None:
        """End it. What counts goes on in memory: it may be asked for until `close`."""
        await self._follower.stop()

    def close(self) -> None:
        """Send what is still to be sent, and end the readers. Blocks."""
        self._provider.shutdown()

    async def scrape(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics in the form that the scraper takes, and its media type.

        It takes some milliseconds of a thread, and of one only however many ask: others work in threads as well.
        """
        encode, media_type = choose_encoder(accept)
        async with self._scraping:
            return await asyncio.to_thread(encode, self._registry), media_type

    def take_request(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one request of the gateway."""
        method = scope["method"]
        labels = {
            "http.request.method": method if method in _METHODS else "_OTHER",
            "http.route": _route_of(scope),
            "http.response.status_code": status,
        }
        self._requests.record(max(0.0, seconds), labels)

    def _show(self, meter: Meter) -> None:
        for gauge in GAUGES:
            meter.create_observable_gauge(gauge.name, [self._read_gauge(gauge)], gauge.unit, gauge.meaning)
        for name in SUMS:
            meter.create_observable_counter(_MEANINGS[name][0], [self._read_groups(name)], *_MEANINGS[name][1:])
        counts = self._counts
        for name, unit, meaning, read in (
            ("keepahead.tokens.external", "{token}", "Spent by somebody else on the same key.", self._external),
            (
                "keepahead.calls",
                "{call}",
                "Calls that ended: settled, released (nothing was sent), lost (no answer).",
                lambda: _labelled(counts.calls, ("endpoint", "lane", "outcome")),
            ),
            (
                "keepahead.refusals",
                "{call}",
                "Calls that were refused.",
                lambda: _labelled(counts.refusals, ("endpoint", "lane", "reason")),
            ),
            (
                "keepahead.alert.deliveries",
                "{letter}",
                "Letters of alerts that were delivered, or given up.",
                lambda: _labelled(self._alerts.ended, ("channel", "outcome")),
            ),
        ):
            meter.create_observable_counter(name, [self._observing(read)], unit, meaning)
        for name, unit, meaning, read in (
            (
                "keepahead.alert.deliveries.waiting",
                "{letter}",
                "Letters of alerts that are still to be delivered.",
                lambda: [(count, {"channel": channel}) for channel, count in self._alerts.waiting.items()],
            ),
            (
                "keepahead.alerts.firing",
                "{alert}",
                "How many alerts of a rule fire.",
                lambda: [(count, {"rule": rule}) for rule, count in self._alerts.firing.items()],
            ),
        ):
            meter.create_observable_gauge(name, [self._observing(read)], unit, meaning)

    def _read_gauge(self, gauge: Gauge) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def read() -> Iterable[Value]:
            gateway, account = self._gateway, self._books.account
            if gauge.needs_meter and account.meter is None:
                return ()
            now = gateway.clock.now()
            return gauge.read(standing_of(account, gateway.lanes, self._watch.facts, now, gateway.pulse.read_at))

        return self._observing(read)

    def _read_groups(self, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return self._observing(lambda: [(sums[name], group._asdict()) for group, sums in self._counts.groups.items()])

    def _external(self) -> Iterable[Value]:
        return ((self._counts.external, {}),)

    def _observing(self, read: Callable[[], Iterable[Value]]) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            with self._follower.counting:
                return [Observation(value, labels) for value, labels in read()]

        return observe


def _labelled(counts: Mapping[tuple[str, ...], int], names: tuple[str, ...]) -> Iterable[Value]:
    return [(count, dict(zip(names, labels, strict=True))) for labels, count in counts.items()]


def _histograms(meter: Meter) -> Histograms:
    def histogram(name: str, unit: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        return meter.create_histogram(name, unit, meaning, explicit_bucket_boundaries_advisory=buckets)

    return Histograms(
        waited=histogram(
            "keepahead.wait", "s", "How long granted calls waited for tokens; 0: not at all.", WAITED_SECONDS
        ).record,
        took=histogram("keepahead.call.duration", "s", "How long Keepa took to answer.", TOOK_SECONDS).record,
        charged=histogram(
            "keepahead.charged.ratio", "", "What Keepa charged, by what had been set aside.", CHARGED
        ).record,
    )


def _route_of(scope: Scope) -> str:
    """Return the template of a request's path: never what was asked for, which nobody bounds."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    if path is not None:
        return path
    return f"{DOOR}/{{path}}" if is_under(scope["path"], DOOR) else _UNROUTED
