"""What a call would cost, and when it could run: asked of the account as it stands. Sends and writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from keepahead.budget import decide
from keepahead.budget.account import Account
from keepahead.budget.ask import Ask
from keepahead.budget.cost import Cost
from keepahead.budget.entry import Label
from keepahead.budget.lane import Lane
from keepahead.budget.verdict import Granted, Later, Reason, Refused
from keepahead.errors import InvalidCallError, RefusedError
from keepahead.faces.words import span, tokens
from keepahead.keepa.calls import Call, parse_call
from keepahead.keepa.flow import hold_for
from keepahead.keepa.refusal import refusal
from keepahead.keepa.shares import shape_of, shares_of
from keepahead.keepa.terms import Terms


@dataclass(frozen=True, slots=True)
class Prospect:
    """When a call could run. `verdict` is now, later, in_parts, never, unbounded or unknown (no meter is known yet)."""

    verdict: str
    why: str
    wait_seconds: float | None = None


def call_of(method: str, request: str, body: Any = None, query: Mapping[str, str | int] | None = None) -> Call:
    """Return the call of a raw request: a path, or a whole URL, with its query in it or beside it.

    A key in it is dropped. Raises InvalidCallError.
    """
    try:
        parts = urlsplit(request)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        message = 'this is no request; write "/product?domain=1&asin=B0D8W1YVBX"'
        raise InvalidCallError("invalid_request", message, parameter="request") from None
    every: list[tuple[str, str | int]] = [*pairs, *(query or {}).items()]
    names = [name for name, _ in every]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidCallError("given_twice", "a parameter stands there twice; give it once", parameter="request")
    return parse_call(method, parts.path, {name: value for name, value in every if name.lower() != "key"}, body)


def prospect(call: Call, cost: Cost, account: Account, lane: Lane, now: datetime) -> Prospect:
    """Return when the call could run in that lane, if it were asked for now."""
    try:
        hold = hold_for(call, cost, Terms(lane=lane, caller="estimate"))
    except RefusedError as error:
        return Prospect("unbounded", f"never as it stands: {error}")
    if not hold:
        return Prospect("now", "now: it is free", 0.0)
    if account.meter is None:
        return Prospect("unknown", "nobody knows: the bucket was never seen; keepahead status asks for free")
    match _decide(call, hold, 1, account, lane, now=now):
        case Granted():
            return Prospect("now", "now", 0.0)
        case Later() as later:
            return Prospect("later", f"in about {span(later.wait_seconds)}", round(later.wait_seconds, 1))
        case Refused(reason=Reason.NEVER_FITS) as whole:
            parts = shares_of(call, hold)
            if parts > 1 and not isinstance(_decide(call, hold, parts, account, lane, now=now), Refused):
                return Prospect("in_parts", f"in parts: no more than {tokens(whole.largest)} can be spent at once")
            return Prospect("never", f"never as it stands: {refusal(call, whole, 'estimate')}")
        case Refused() as refused:
            return Prospect("never", f"refused: {refusal(call, refused, 'estimate')}")


def call_json(call: Call) -> dict[str, Any]:
    """Return a call: how it would be sent, without a key, and what it asks in words."""
    return {"method": call.method, "path": call.path, "query": call.query(), "asks": shape_of(call)}


def leaves(cost: Cost, free: int) -> dict[str, int | None]:
    """Return what a cost leaves of the free tokens: likely, and at least (None: nobody can say)."""
    most = cost.tokens_max
    return {"likely": free - cost.tokens_likely, "least": None if most is None else free - most}


def _decide(
    call: Call, hold: int, items: int, account: Account, lane: Lane, *, now: datetime
) -> Granted | Later | Refused:
    label = Label("estimate", call.endpoint, lane.name, "estimate")
    ask = Ask(label=label, lane=lane, shape=shape_of(call), tokens_max=hold, opened_at=now, items=items)
    return decide.reserve(account, ask, now).verdict
