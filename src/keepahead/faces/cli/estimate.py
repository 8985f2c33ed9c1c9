"""`keepahead estimate`: what a raw Keepa request would cost, and when it could run. Sends nothing."""

from typing import Annotated

import typer

from keepahead.budget.cost import Cost
from keepahead.clock import SystemClock
from keepahead.faces.cli import options
from keepahead.faces.cli.account import ledger_account, say_if_simulated
from keepahead.faces.cli.results import Cell, put_facts, put_json
from keepahead.faces.cli.values import json_of
from keepahead.faces.ledger_documents import account_json
from keepahead.faces.prospect import call_json, call_of, leaves, prospect
from keepahead.faces.settings import read_settings
from keepahead.faces.words import tokens
from keepahead.keepa.costs import quote
from keepahead.keepa.shares import shape_of


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
    call = call_of(method, request, None if body is None else json_of(body, "--body"))
    cost = quote(call)
    settings = read_settings()
    say_if_simulated(settings)
    account, spender, status = ledger_account(settings, lane)
    now = SystemClock().now()
    runs = prospect(call, cost, account, spender, now)
    left = leaves(cost, status.free) if status else None
    if json:
        told = account_json(status, now) if status else None
        put_json({"call": call_json(call), "cost": cost, "leaves": left, "runs": runs, "account": told})
        return
    facts: list[tuple[str, Cell]] = [
        ("call", shape_of(call)),
        ("cost", _cost_words(cost)),
        *(("because" if not number else "", reason) for number, reason in enumerate(cost.because)),
    ]
    if status and left:
        most = "unbounded" if left["least"] is None else f"{left['least']:,} if it costs the most"
        facts.append(("free", tokens(status.free)))
        facts.append(("leaves", f"{left['likely']:,} likely, {most}; the floor is {status.floor}"))
    facts.append(("runs", runs.why))
    put_facts(facts)


def _cost_words(cost: Cost) -> str:
    if cost.tokens_min == cost.tokens_max:
        return tokens(cost.tokens_min)
    most = "no upper bound" if cost.tokens_max is None else f"at most {cost.tokens_max:,}"
    return f"{cost.tokens_likely:,} likely, at least {cost.tokens_min:,}, {most}"
