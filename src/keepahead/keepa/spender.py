"""What both clients do alike: everything but waiting and sending."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import httpx2

from keepahead.budget.cost import Cost
from keepahead.budget.status import Status, status_of
from keepahead.errors import BadAnswerError, KeepaheadError, PartialResultError
from keepahead.keepa import flow, plans
from keepahead.keepa.calls import Call
from keepahead.keepa.costs import quote
from keepahead.keepa.flow import Send, Step, Steps, Terms
from keepahead.keepa.parts import Parts
from keepahead.keepa.plans import Plan
from keepahead.keepa.refusal import too_dear
from keepahead.keepa.rhythm import Rhythm
from keepahead.keepa.shares import items_of
from keepahead.keepa.wire import Answer, Inbound, unpack, without_key
from keepahead.store.record import Record

R = TypeVar("R")


class Spender:
    """A client without its driver."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._rhythm = Rhythm(parts.calls_per_minute)
        self._closed = False
        self._bell = threading.Lock()
        self._stop_listening: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._parts.upstream_url}, account {self._parts.ledger.fingerprint}>"

    def quote(self, call: Call) -> Cost:
        """Return the bounds of what the call may cost, in tokens. Sends nothing."""
        return quote(call)

    def _terms(self, options: Mapping[str, Any]) -> Terms:
        return replace(self._parts.terms, **{name: options[name] for name in plans.SPENDING & options.keys()})

    def _spends(self, plan: Plan[Any], terms: Terms) -> Sequence[Steps]:
        """Return the flow of each call. Raises UnboundedCostError or MaxTokensError before any of them is begun."""
        holds = [flow.hold_for(call, quote(call), terms) for call in plan.calls]
        if terms.max_tokens is not None and sum(holds) > terms.max_tokens:
            raise too_dear(plan.calls, sum(holds), terms.max_tokens)
        ledger, clock = self._parts.ledger, self._parts.clock
        now = clock.now()
        return [flow.spend(call, ledger, clock, terms, began_at=now, divide=plan.divide) for call in plan.calls]

    def _foresight(self, plan: Plan[Any], terms: Terms) -> Steps | None:
        """Return the flow that looks ahead; None where one call can look after itself, or nobody is in a hurry."""
        if len(plan.calls) == 1 or terms.max_wait_seconds is None:
            return None
        hold = sum(flow.hold_for(call, quote(call), terms) for call in plan.calls)
        return flow.foresee(plan.calls, hold, self._parts.ledger, self._parts.clock, terms)

    def _result(self, plan: Plan[R], answers: Sequence[Answer], failure: KeepaheadError | None) -> R:
        try:
            if failure is None:
                return plan.result(answers)
        except BadAnswerError as misread:  # the others are paid for too
            failure = misread
        answers = [answer for answer in answers if plan.can_read(answer)]
        if not answers:
            raise failure
        had = {item for answer in answers for item in items_of(answer.call)}
        missing = [item for call in plan.calls for item in items_of(call) if item not in had]
        raise PartialResultError(
            f"{len(had)} of {len(had) + len(missing)} were delivered and are kept in `results`; then: {failure}",
            results=plan.result(answers),
            missing=missing,
            cause=failure,
        ) from failure

    def _listen(self) -> None:
        """Begin to listen for tokens that others give back, once somebody waits."""
        with self._bell:
            if self._stop_listening is None:
                self._stop_listening = self._parts.ledger.listen(self._ring)

    def _ring(self) -> None:
        """Wake whoever waits; called from another thread."""
        raise NotImplementedError

    def _end_listening(self) -> None:
        if self._stop_listening is not None:
            self._stop_listening()

    def _demand_open(self) -> None:
        if self._closed:
            raise RuntimeError("this Keepa client is closed; nothing was sent. Make a new one")

    def _see(self, step: Step) -> None:
        if self._parts.watch is not None:
            self._parts.watch(step)

    def _request(self, http: httpx2.Client | httpx2.AsyncClient, send: Send) -> httpx2.Request:
        out = send.outbound
        headers = {"Accept-Encoding": "gzip"}
        if out.body is not None:
            headers["Content-Type"] = "application/json"
        url = self._parts.upstream_url + out.path
        return http.build_request(out.method, url, params=dict(out.query), content=out.body, headers=headers)

    def _inbound(self, response: httpx2.Response, asked_at: Any) -> Inbound:
        body = without_key(unpack(response.content), self._parts.key)
        return Inbound(response.status_code, body, asked_at, self._parts.clock.now())

    def _told(self, error: Exception) -> str:
        """Name what happened; whatever a library put into its text, the key does not get out."""
        text = without_key(str(error).encode(errors="replace"), self._parts.key).decode(errors="replace")
        return f"{type(error).__name__}: {text}" if text else type(error).__name__

    def _status(self) -> Status:
        parts, now = self._parts, self._parts.clock.now()
        today = Record(parts.ledger.database, parts.ledger.fingerprint).today(now)
        status = status_of(parts.ledger.account(), parts.terms.lane, now)
        return replace(status, spent_today=today.charged + today.unknown, external_today=today.external)
