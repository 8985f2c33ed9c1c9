"""`keepahead seller`: sellers by id."""

from collections.abc import Sequence
from typing import Annotated

import typer

from keepahead.faces.cli import options
from keepahead.faces.cli.results import Cell, Column, put_json, put_table, title
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import listed
from keepahead.faces.documents import raws
from keepahead.keepa import plans
from keepahead.keepa.domains import domain_id
from keepahead.keepa.objects import Seller


def seller(
    *,
    sellers: Annotated[list[str] | None, typer.Argument(help="Seller ids: A-Z and 0-9.")] = None,
    file: Annotated[str | None, typer.Option("--file", help="A file with an id in each line; - is stdin.")] = None,
    domain: options.Domain = "US",
    storefront: Annotated[
        bool, typer.Option("--storefront", help="Add what they sell (--json has the ASINs); 10 tokens each.")
    ] = False,
    max_tokens: options.MaxTokens = None,
    max_wait: options.MaxWait = None,
    max_age: options.MaxAge = None,
    on_refusal: options.WhenRefused = "raise",
    lane: options.Lane = "live",
    caller: options.Caller = None,
    json: options.Json = False,
) -> None:
    """Show sellers by id; 1 token for each that is found."""
    number, wanted = domain_id(domain), listed(sellers, file)
    plan = plans.sellers(wanted, number, storefront=storefront)
    limits = options.limits(max_tokens, max_age, on_refusal)
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    outcome = spend(
        terms,
        lambda keepa: keepa.sellers(wanted, domain=number, storefront=storefront, **limits),
        plan.result,
        items=len(set(wanted)),
    )
    missing = [name for name in dict.fromkeys(wanted) if name not in outcome.result]
    if json:
        bodies = dict(zip(outcome.result, raws(outcome.result.values()), strict=True))
        put_json({"sellers": bodies, "missing": missing, "account": outcome.account})
    else:
        columns = (
            Column("seller"),
            Column("name", flexible=True),
            Column("positive", right=True),
            Column("ratings", right=True),
            Column("products", right=True),
        )
        put_table(columns, [_row(name, each) for name, each in outcome.result.items()])
        if missing and outcome.failure is None:
            say(f"Keepa has nothing for {', '.join(missing)}")
    outcome.finish()


def _row(name: str, each: Seller) -> Sequence[Cell]:
    positive, storefront = each.get("currentRating"), each.get("totalStorefrontAsins") or (None,)
    return (
        name,
        title(each.get("sellerName")),
        None if positive is None else f"{positive}%",
        each.get("currentRatingCount"),
        storefront[-1],
    )
