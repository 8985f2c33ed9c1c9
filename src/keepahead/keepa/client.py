"""Keepa and AsyncKeepa: two short drivers of the one flow, over an httpx2 transport each.

The async driver runs every step that touches the ledger in a worker thread. The key is added to a request in the last
moment before the transport, so that no log or error of the layers above ever sees it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from keepahead.budget.cost import Cost
from keepahead.budget.status import Status, status_of
from keepahead.clock import Clock
from keepahead.errors import BadAnswerError, KeepaheadError, PartialResultError
from keepahead.keepa import flow, plans
from keepahead.keepa.async_methods import AsyncMethods
from keepahead.keepa.calls import Call
from keepahead.keepa.costs import quote
from keepahead.keepa.flow import Enter, Got, Leave, NoAnswer, NothingSent, Pace, Send, Step, Steps, Terms, Wait
from keepahead.keepa.line import Line, Place
from keepahead.keepa.methods import Methods
from keepahead.keepa.plans import Plan
from keepahead.keepa.rhythm import Rhythm
from keepahead.keepa.shares import items_of
from keepahead.keepa.wire import Answer, Inbound, unpack, without_key
from keepahead.store.ledger import Ledger

R = TypeVar("R")

CONNECT_SECONDS = 30.0
READ_SECONDS = 120.0
"""Keepa's own client waits so long (protocol sheet, section 1); calls with offers can take 20 s, with stock minutes."""

CALL_SECONDS = 300.0
"""No call takes longer than this altogether; well below decide.CALL_LIMIT."""

_TIMEOUT = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
_NOTHING_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)
_NO_ANSWER = (httpx2.HTTPError, httpx2.StreamError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a client is made of. `transport` is one of httpx2's; `watch` sees every step, for progress bars."""

    key: str
    upstream_url: str
    ledger: Ledger
    clock: Clock
    terms: Terms
    transport: Any
    max_concurrency: int = 8
    calls_per_minute: int | None = None
    watch: Callable[[Step], None] | None = None
    close: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"Parts(upstream_url={self.upstream_url!r}, account={self.ledger.fingerprint})"


class _KeyTransport(httpx2.AsyncBaseTransport, httpx2.BaseTransport):
    """Adds the key to a copy of each request, below everything that logs or raises with the request in hand."""

    def __init__(self, inner: Any, key: str) -> None:
        self._inner = inner
        self._key = key

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._inner.handle_request(self._keyed(request))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._inner.handle_async_request(self._keyed(request))

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _keyed(self, request: httpx2.Request) -> httpx2.Request:
        return httpx2.Request(
            request.method,
            request.url.copy_merge_params({"key": self._key}),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )


class _Client:
    """What both clients do alike: everything but waiting and sending."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._rhythm = Rhythm(parts.calls_per_minute)
        self._closed = False

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
            raise flow.too_dear(plan.calls, sum(holds), terms.max_tokens)
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
        parts = self._parts
        return status_of(parts.ledger.account(), parts.terms.lane, parts.clock.now())


class AsyncKeepa(_Client, AsyncMethods):
    """Keepa within its budget, for asyncio. Use it as an async context manager."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._http = httpx2.AsyncClient(transport=_KeyTransport(parts.transport, parts.key), timeout=_TIMEOUT)
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="keepahead")
        self._places = asyncio.Semaphore(_places(parts))
        self._line = Line(parts.clock.sleep_async)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections and the ledger. Calls under way end: what is not sent yet is not sent any more."""
        self._closed = True
        self._line.nudge()
        with suppress(RuntimeError):  # its event loop is gone, and its connections with it
            await self._http.aclose()
        self._threads.shutdown()
        self._parts.close()

    async def status(self) -> Status:
        """Return the account as it stands; asks Keepa's free /token only if nothing is known yet."""
        self._demand_home()
        parts = self._parts
        await self._drive(flow.first_meter(parts.ledger, parts.clock, parts.terms), [])
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._status)

    def _demand_home(self) -> None:
        self._demand_open()
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise RuntimeError("this Keepa client belongs to another event loop; nothing was sent. Make one for each")

    async def _run(self, plan: Plan[R], options: Mapping[str, Any]) -> R:
        self._demand_home()
        terms = self._terms(options)
        spends = self._spends(plan, terms)
        if ahead := self._foresight(plan, terms):
            await self._drive(ahead, [])
        answers: list[list[Answer]] = [[] for _ in spends]
        failures: list[KeepaheadError] = []
        waiting = iter(enumerate(spends))

        async def work() -> None:
            for number, steps in waiting:
                try:
                    await self._drive(steps, answers[number])
                except KeepaheadError as error:
                    failures.append(error)
                if failures:
                    return

        if len(spends) == 1:
            await work()
        else:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(len(spends), self._parts.max_concurrency)):
                    group.create_task(work())
        return self._result(plan, [each for some in answers for each in some], failures[0] if failures else None)

    async def _drive(self, steps: Steps, answers: list[Answer]) -> None:
        inside = sent = False
        place: Place | None = None
        try:
            step = await self._advance(steps, None)
            while step is not None:
                self._see(step)
                value: object = None
                try:
                    match step:
                        case Enter():
                            await self._places.acquire()
                            inside = True
                        case Leave():
                            self._places.release()
                            inside = False
                            if sent:  # what it settled for may have left tokens for others
                                self._line.nudge()
                            sent = False
                        case Pace():
                            self._line.leave(place)
                            await self._sleep(self._rhythm.take(self._parts.clock.now()))
                        case Wait():
                            if place != step.place:
                                self._line.leave(place)
                            place = step.place
                            await self._line.wait(place, step.seconds, step.deadline_seconds)
                        case Send():
                            value = await self._exchange(step)
                            sent = True
                        case Got():
                            answers.append(step.answer)
                except BaseException as error:  # noqa: BLE001 - the flow decides what it means, then it goes on its way
                    step = _throw(steps, error)
                else:
                    step = await self._advance(steps, value)
        finally:
            self._line.leave(place)
            if inside:
                self._places.release()
            steps.close()  # its ledger is put right now, not when it is collected

    async def _advance(self, steps: Steps, value: object) -> Step | None:
        """Run the flow to its next step, in a thread; cancellation waits for the ledger, then ends the flow rightly."""
        self._demand_open()
        work = asyncio.get_running_loop().run_in_executor(self._threads, _next, steps, value)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError as cancelled:
            while not work.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([work])
            if work.exception() is None and (step := work.result()) is not None:
                _end(steps, step, cancelled)
            raise

    async def _exchange(self, send: Send) -> Inbound:
        if self._closed:
            raise NothingSent("the client was closed")
        asked_at = self._parts.clock.now()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self._http.send(self._request(self._http, send))
        except _NOTHING_SENT as error:
            raise NothingSent(self._told(error)) from None
        except _NO_ANSWER as error:
            raise NoAnswer(self._told(error)) from None
        return self._inbound(response, asked_at)

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self._parts.clock.sleep_async(seconds)


class Keepa(_Client, Methods):
    """Keepa within its budget, blocking. Use it as a context manager; threads may share it."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._http = httpx2.Client(transport=_KeyTransport(parts.transport, parts.key), timeout=_TIMEOUT)
        # Not threading.Semaphore: that is Python, and a Ctrl-C inside it leaves it locked for ever.
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(_places(parts)):
            self._places.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the ledger."""
        self._closed = True
        self._http.close()
        self._parts.close()

    def status(self) -> Status:
        """Return the account as it stands; asks Keepa's free /token only if nothing is known yet."""
        self._demand_open()
        parts = self._parts
        self._drive(flow.first_meter(parts.ledger, parts.clock, parts.terms), [])
        return self._status()

    def _run(self, plan: Plan[R], options: Mapping[str, Any]) -> R:
        self._demand_open()
        answers: list[Answer] = []
        failure: KeepaheadError | None = None
        terms = self._terms(options)
        spends = self._spends(plan, terms)
        if ahead := self._foresight(plan, terms):
            self._drive(ahead, [])
        try:
            for steps in spends:
                self._drive(steps, answers)
        except KeepaheadError as error:
            failure = error
        return self._result(plan, answers, failure)

    def _drive(self, steps: Steps, answers: list[Answer]) -> None:
        inside = False
        try:
            step = _next(steps, None)
            while step is not None:
                self._see(step)
                value: object = None
                try:
                    match step:
                        case Enter():
                            self._places.get()
                            inside = True
                        case Leave():
                            self._places.put(None)
                            inside = False
                        case Pace():
                            self._sleep(self._rhythm.take(self._parts.clock.now()))
                        case Wait():
                            self._sleep(step.seconds)
                        case Send():
                            value = self._exchange(step)
                        case Got():
                            answers.append(step.answer)
                except BaseException as error:  # noqa: BLE001 - the flow decides what it means, then it goes on its way
                    step = _throw(steps, error)
                else:
                    step = _next(steps, value)
        finally:
            if inside:
                self._places.put(None)
            steps.close()  # as above

    def _exchange(self, send: Send) -> Inbound:
        if self._closed:
            raise NothingSent("the client was closed")
        asked_at = self._parts.clock.now()
        try:
            response = self._http.send(self._request(self._http, send))
        except _NOTHING_SENT as error:
            raise NothingSent(self._told(error)) from None
        except _NO_ANSWER as error:
            raise NoAnswer(self._told(error)) from None
        return self._inbound(response, asked_at)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._parts.clock.sleep(seconds)


def _places(parts: Parts) -> int:
    """Return how many calls may be under way: few enough that none waits for its moment too long."""
    return min(parts.max_concurrency, parts.calls_per_minute or parts.max_concurrency)


def _next(steps: Steps, value: object) -> Step | None:
    """Run the flow to its next step; None at its end (StopIteration cannot leave a thread)."""
    try:
        return steps.send(value)
    except StopIteration:
        return None


def _throw(steps: Steps, error: BaseException) -> Step | None:
    """Tell the flow what went wrong; it goes on, or raises what the caller shall see."""
    try:
        return steps.throw(error)
    except StopIteration:
        return None


def _end(steps: Steps, step: Step, cancelled: BaseException) -> None:
    """End a flow that stands at `step` before that step was begun."""
    error = NothingSent("cancelled") if isinstance(step, Send) else cancelled
    with suppress(KeepaheadError, asyncio.CancelledError):
        _throw(steps, error)
