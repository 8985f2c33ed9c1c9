"""The Keepa-compatible door: whoever speaks Keepa's language to it spends within the budget, without noticing.

Plain Starlette, because it must be fast. What Keepa would refuse is refused here, and costs nothing.
"""

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, get_args
from urllib.parse import parse_qsl, quote

from starlette import types
from starlette.datastructures import URLPath
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound

from keepahead.budget.scope import Scope
from keepahead.errors import InsufficientTokensError, InvalidCallError, KeepaheadError, LedgerUnavailableError
from keepahead.faces.gateway.entrance import DOOR, is_under
from keepahead.faces.gateway.gateway import Gateway, Wish
from keepahead.faces.gateway.in_parts import buy_in_parts
from keepahead.faces.gateway.keepa_refusals import EMPTY, KeepaRefusal, refusal_of, refusal_of_problem
from keepahead.faces.gateway.problems import KINDS, Problem, denial, invalid
from keepahead.faces.gateway.terms import LaneName, wish_of
from keepahead.faces.gateway.visit import Visit, visit_of
from keepahead.faces.gateway.visitor import AccessDenied
from keepahead.keepa.calls import Call, ProductCall, TokenCall, TrackingAddCall, TrackingCall, parse_as_keepa
from keepahead.keepa.rejected import status_of
from keepahead.keepa.relay import Envelope, envelope_of, is_whole, relayed_body, told_body
from keepahead.keepa.terms import MOST_TOKENS
from keepahead.keepa.wire import Answer, is_picture

METHODS: Final = ("GET", "POST")
JSON: Final = "application/json;charset=UTF-8"
PNG: Final = "image/png"

_NAMED_MOST = 20  # ignored parameters, in a header
_NAME_LONGEST = 40  # a key has 64
_LOOKS = frozenset(("get", "list", "listNames"))
_TERMS = ("x-keepa-max-age", "x-keepa-max-tokens", "x-keepa-deadline", "x-keepa-lane")
_TERM_NAMES = frozenset(name.encode() for name in _TERMS)
_KEY = re.compile(rb"(?:^|(?<=&))key=[^&]*&?")
_COUNT = re.compile(r"[0-9]{1,10}")


class Door(BaseRoute):
    """Everything below /keepa, as one route: whatever the method, and whatever signs a path is made of."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def matches(self, scope: types.Scope) -> tuple[Match, types.Scope]:
        """Tell whether a request is for the door."""
        return (Match.FULL if scope["type"] == "http" and is_under(scope["path"], DOOR) else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Know no names: nothing links here."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        began = self._gateway.clock.now()
        try:
            response = await self._answer(request, began)
        except Problem as told:
            response = self._refused(refusal_of_problem(told), began, visit_of(request))
        except AccessDenied as denied:
            response = self._refused(refusal_of_problem(denial(denied)), began, visit_of(request))
        except KeepaheadError as error:
            response = self._refused(refusal_of(error), began, visit_of(request))
        await response(scope, receive, send)

    def refuse(self, told: Problem) -> Response:
        """Answer what the layers around the door refuse."""
        return self._refused(refusal_of_problem(told), self._gateway.clock.now(), None)

    async def _answer(self, request: Request, began: datetime) -> Response:
        if request.method not in METHODS:
            raise Problem(
                KINDS["method-not-allowed"], "Keepa takes GET and POST", headers={"Allow": ", ".join(METHODS)}
            )
        path = request.scope["path"].removeprefix(DOOR).strip("/")
        query, keys = _KEY.subn(b"", request.scope["query_string"])  # what is remembered holds no key
        try:
            if request.method == "GET" and keys <= 1:
                call, ignored = _read(path, query, began.date())
            else:
                whole = query if keys <= 1 else request.scope["query_string"]
                call, ignored = _parse(request.method, path, whole, await request.body(), began.date())
        except _RefusedCallError as refused:
            return self._refused(refused.refusal, began, visit_of(request))
        response = await self._carry_out(request, call, began)
        if ignored:
            response.headers["X-Keepa-Ignored"] = ", ".join(_shown(name) for name in ignored[:_NAMED_MOST])
        return response

    async def _carry_out(self, request: Request, call: Call, began: datetime) -> Response:
        visit = visit_of(request)
        if isinstance(call, TokenCall):
            return await self._tell_tokens(request, began)
        _demand_spending(visit, call)
        answers = await self._buy(request, call, self._wish(request))
        if is_whole(answers):
            body = answers[0].body
            return Response(body, 200, media_type=PNG if is_picture(body) else JSON)
        return _json(relayed_body(call, answers, self._envelope(began, visit.tally.consumed)))

    async def _buy(self, request: Request, call: Call, terms: Wish) -> tuple[Answer, ...]:
        """Return the answers to all parts of a call, bought at once where the budget can ever hold so much."""
        gateway = self._gateway
        try:
            return await gateway.spend(request, terms, lambda keepa: keepa.relay(call), is_one_call=True)
        except InsufficientTokensError as error:
            if error.wait_seconds is not None or not isinstance(call, ProductCall) or call.codes:
                raise  # what codes bring is not kept one by one
            never = error

        account = gateway.pulse.account
        return await gateway.spend(request, terms, lambda keepa: buy_in_parts(keepa, call, never, account))

    async def _tell_tokens(self, request: Request, began: datetime) -> Response:
        """Tell the bucket from the ledger; Keepa is asked only if nobody has ever been told."""
        account = self._gateway.pulse.account
        if account is None or account.meter is None:
            await self._gateway.read(request).status()
        if self._gateway.pulse.account is None:
            raise LedgerUnavailableError("the ledger cannot be read")
        return _json(self._envelope(began).head + b"}")

    def _wish(self, request: Request) -> Wish:
        """Return the terms that headers name. Raises Problem."""
        if _TERM_NAMES.isdisjoint(name for name, _ in request.scope["headers"]):
            return _USUAL
        age, tokens, deadline, lane = (request.headers.get(name) for name in _TERMS)
        if tokens is not None and (not _COUNT.fullmatch(tokens) or int(tokens) > MOST_TOKENS):
            raise invalid("X-Keepa-Max-Tokens: write a whole number", "invalid_max_tokens", "max_tokens")
        chosen: LaneName | None = next((name for name in get_args(LaneName) if name == lane), None)
        if lane is not None and chosen is None:
            raise invalid("X-Keepa-Lane: write live or jobs", "invalid_lane", "lane")
        most = None if tokens is None else int(tokens)
        return wish_of(self._gateway, age, most, deadline, chosen)

    def _envelope(self, began: datetime, consumed: int = 0, refill_seconds: float | None = None) -> Envelope:
        gateway = self._gateway
        now = gateway.clock.now()
        return envelope_of(gateway.pulse.account, began, now, consumed=consumed, refill_seconds=refill_seconds)

    def _refused(self, refusal: KeepaRefusal, began: datetime, visit: Visit | None) -> Response:
        if refusal.body is not None:
            return _json(refusal.body, refusal.status)
        if refusal.is_nobodys:
            envelope = Envelope()
        else:
            consumed = max(refusal.charged, visit.tally.consumed if visit else 0)
            envelope = self._envelope(began, consumed, refusal.refill_seconds)
        message = refusal.message
        if refusal.status == EMPTY and envelope.tokens_consumed:
            message = f"a part was bought for {envelope.tokens_consumed} tokens and is kept; of the rest: {message}"
        response = _json(told_body(envelope, refusal.kind, message, refusal.details), refusal.status)
        response.headers.update(refusal.headers)
        if refusal.refill_seconds is not None:
            response.headers["Retry-After"] = str(math.ceil(refusal.refill_seconds))
        return response


_USUAL = Wish()


class _RefusedCallError(Exception):
    """A request that is no call of Keepa's."""

    def __init__(self, refusal: KeepaRefusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@lru_cache(maxsize=1_000)
def _read(path: str, query: bytes, today: date) -> tuple[Call, tuple[str, ...]]:
    """Read a GET without its key; those that come again and again are read once."""
    return _parse("GET", path, query, b"", today)


def _parse(method: str, path: str, query: bytes, body: bytes, today: date) -> tuple[Call, tuple[str, ...]]:
    """Return the call, and the parameters that Keepa would ignore. Raises _RefusedCallError."""
    given, twice = _parameters(query)
    try:
        call, ignored = parse_as_keepa(method, path, given, body, today=today)
        if refused := twice.difference(ignored):
            name = min(refused)
            message = f"{_shown(name)} stands in the query twice: give it once."
            raise InvalidCallError("given_twice", message, parameter=name)  # noqa: TRY301 - as all that is wrong
    except InvalidCallError as error:
        raise _RefusedCallError(
            KeepaRefusal(status_of(error, given), "invalidParameter", str(error), error.code)
        ) from None
    return call, ignored


def _demand_spending(visit: Visit, call: Call) -> None:
    """Keep whoever may only read from what is free but changes the account: trackings and what is told of them."""
    changes = isinstance(call, TrackingAddCall) or (isinstance(call, TrackingCall) and call.type not in _LOOKS)
    if changes and visit.visitor is not None:
        visit.visitor.demand(Scope.SPEND)


def _parameters(query: bytes) -> tuple[Mapping[str, str], set[str]]:
    """Return the parameters of a query, the last of each name, and the names that stand there more than once."""
    given: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in given:
            twice.add(name)
        given[name] = value
    return given, twice


def _shown(name: str) -> str:
    """Return a name that anybody may have made up, fit for a header; a long one could be a key."""
    return quote(name, safe="") if len(name) <= _NAME_LONGEST else "..."


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type=JSON)
