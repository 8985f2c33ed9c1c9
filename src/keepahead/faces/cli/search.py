"""`keepahead search`: products by words."""

from typing import Annotated, cast

import typer

from keepahead.faces.cli import options
from keepahead.faces.cli.product_table import put_products
from keepahead.faces.cli.results import put_json
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.documents import raws
from keepahead.keepa import plans
from keepahead.keepa.domains import domain_id
from keepahead.keepa.plans import SearchOptions


def search(
    *,
    words: Annotated[list[str], typer.Argument(help="What to search for.")],
    domain: options.Domain = "US",
    page: Annotated[int, typer.Option("--page", help="Page of 10 results, from 0 to 9.")] = 0,
    asins_only: Annotated[bool, typer.Option("--asins-only", help="ASINs alone; costs the same.")] = False,
    stats: options.Stats = None,
    no_history: options.NoHistory = False,
    rating: options.Rating = False,
    max_tokens: options.MaxTokens = None,
    max_wait: options.MaxWait = None,
    max_age: options.MaxAge = None,
    on_refusal: options.WhenRefused = "raise",
    lane: options.Lane = "live",
    caller: options.Caller = None,
    json: options.Json = False,
) -> None:
    """Search products by words, in Amazon's order; 10 tokens a page."""
    number, term = domain_id(domain), " ".join(words)
    chosen = cast(
        "SearchOptions",
        options.given(page=page, asins_only=asins_only, stats=stats, history=0 if no_history else None, rating=rating),
    )
    plan = plans.search(term, number, chosen)
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    chosen |= options.limits(max_tokens, max_age, on_refusal)
    outcome = spend(terms, lambda keepa: keepa.search(term, domain=number, **chosen), plan.result)
    if json:
        put_json({"products": raws(outcome.result), "account": outcome.account})
    else:
        put_products(outcome.result, number)
    outcome.finish()
