"""`keepahead estimate`: what a raw Keepa request would cost, and when it could run. Sends nothing."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import typer

from keepahead.budget import decide
from keepahead.budget.account import Account
from keepahead.budget.ask import Ask
from keepahead.budget.cost import Cost
from keepahead.budget.entry import Label
from keepahead.budget.lane import Lane
from keepahead.budget.verdict import Granted, Later, Reason, Refused
from keepahead.clock import SystemClock
from keepahead.errors import RefusedError
from keepahead.faces.cli import options
from keepahead.faces.cli.account import account_json, ledger_account, say_if_simulated, span, tokens
from keepahead.faces.cli.results import Cell, put_facts, put_json
from keepahead.faces.cli.values import json_of
from keepahead.faces.settings import read_settings
from keepahead.keepa.calls import Call, parse_call
from keepahead.keepa.costs import quote
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


def estimate(
    *,
    method: Annotated[str, typer.Argument(help="GET or POST.")],
    request: Annotated[str, typer.Argument(help='Path and query, such as "/product?domain=1&asin=B0D8W1YVBX".')],
    body: Annotated[str | None, typer.Option("--body", help="JSON of a POST, or @file.")] = None,
    lane: options.Lane = "live",
    json: options.Json = False,
) -> None:
    """Say what a raw Keepa request costs and when it could run.

    Says what it leaves, too. Sends nothing and spends nothing. A key in the request is dropped.
    """
    call = _call_of(method, request, body)
    cost = quote(call)
    settings = read_settings()
    say_if_simulated(settings)
    account, spender, status = ledger_account(settings, lane)
    prospect = _prospect(call, cost, account, spender)
    if json:
        now = SystemClock().now()
        put_json(
            {
                "call": {"method": call.method, "path": call.path, "query": call.query(), "asks": shape_of(call)},
                "cost": cost,
                "leaves": _leaves(cost, status.free) if status else None,
                "runs": prospect,
                "account": account_json(status, now) if status else None,
            }
        )
        return
    facts: list[tuple[str, Cell]] = [
        ("call", shape_of(call)),
        ("cost", _cost_words(cost)),
        *(("because" if not number else "", reason) for number, reason in enumerate(cost.because)),
    ]
    if status:
        left = _leaves(cost, status.free)
        most = "unbounded" if left["least"] is None else f"{left['least']:,} if it costs the most"
        facts.append(("free", tokens(status.free)))
        facts.append(("leaves", f"{left['likely']:,} likely, {most}; the floor is {status.floor}"))
    facts.append(("runs", prospect.why))
    put_facts(facts)


def _call_of(method: str, request: str, body: str | None) -> Call:
    try:
        parts = urlsplit(request)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        message = 'this is no request; write "/product?domain=1&asin=B0D8W1YVBX"'
        raise typer.BadParameter(message, param_hint="'REQUEST'") from None
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise typer.BadParameter("a parameter stands there twice; give it once", param_hint="'REQUEST'")
    query: dict[str, str | int] = {name: value for name, value in pairs if name.lower() != "key"}
    return parse_call(method, parts.path, query, None if body is None else json_of(body, "--body"))


def _prospect(call: Call, cost: Cost, account: Account, lane: Lane) -> Prospect:
    try:
        hold = hold_for(call, cost, Terms(lane=lane, caller="estimate"))
    except RefusedError as error:
        return Prospect("unbounded", f"never as it stands: {error}")
    if not hold:
        return Prospect("now", "now: it is free", 0.0)
    if account.meter is None:
        return Prospect("unknown", "nobody knows: the bucket was never seen; keepahead status asks for free")
    match _decide(call, hold, 1, account, lane):
        case Granted():
            return Prospect("now", "now", 0.0)
        case Later() as later:
            return Prospect("later", f"in about {span(later.wait_seconds)}", round(later.wait_seconds, 1))
        case Refused(reason=Reason.NEVER_FITS) as whole:
            parts = shares_of(call, hold)
            if parts > 1 and not isinstance(_decide(call, hold, parts, account, lane), Refused):
                return Prospect("in_parts", f"in parts: no more than {tokens(whole.largest)} can be spent at once")
            return Prospect("never", f"never as it stands: {refusal(call, whole, 'estimate')}")
        case Refused() as refused:
            return Prospect("never", f"refused: {refusal(call, refused, 'estimate')}")


def _decide(call: Call, hold: int, items: int, account: Account, lane: Lane) -> Granted | Later | Refused:
    now = SystemClock().now()
    label = Label("estimate", call.endpoint, lane.name, "estimate")
    ask = Ask(label=label, lane=lane, shape=shape_of(call), tokens_max=hold, opened_at=now, items=items)
    return decide.reserve(account, ask, now).verdict


def _leaves(cost: Cost, free: int) -> dict[str, Any]:
    most = cost.tokens_max
    return {"likely": free - cost.tokens_likely, "least": None if most is None else free - most}


def _cost_words(cost: Cost) -> str:
    if cost.tokens_min == cost.tokens_max:
        return tokens(cost.tokens_min)
    most = "no upper bound" if cost.tokens_max is None else f"at most {cost.tokens_max:,}"
    return f"{cost.tokens_likely:,} likely, at least {cost.tokens_min:,}, {most}"
