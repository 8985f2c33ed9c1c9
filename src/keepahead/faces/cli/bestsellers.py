"""`keepahead bestsellers`: the best-seller list of one category."""

from datetime import datetime
from typing import Annotated, cast

import typer

from keepahead.faces.cli import options, output
from keepahead.faces.cli.results import Column, put_json, put_table
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.keepa import plans
from keepahead.keepa.domains import DOMAINS, domain_id
from keepahead.keepa.plans import BestSellersOptions


def bestsellers(
    *,
    category: Annotated[str, typer.Argument(help="A category id, or the name of a product group.")],
    domain: options.Domain = "US",
    days: Annotated[int, typer.Option("--range", help="Rank over 0 (now), 30, 90 or 180 days.")] = 0,
    month: Annotated[int | None, typer.Option("--month", help="The list of a former month; with --year.")] = None,
    year: Annotated[int | None, typer.Option("--year", help="The year of --month.")] = None,
    variations: Annotated[bool, typer.Option("--variations", help="All variations, not one of each.")] = False,
    sublist: Annotated[bool, typer.Option("--sublist", help="By the rank in the sub-category.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows of the table; --json and --output have all.")] = 20,
    to_file: output.File = None,
    force: output.Force = False,
    max_tokens: options.MaxTokens = None,
    max_wait: options.MaxWait = None,
    max_age: options.MaxAge = None,
    on_refusal: options.WhenRefused = "raise",
    lane: options.Lane = "live",
    caller: options.Caller = None,
    json: options.Json = False,
) -> None:
    """Show the best-seller list of a category; 50 tokens, nothing if there is none."""
    number = domain_id(domain)
    chosen = cast(
        "BestSellersOptions",
        options.given(range_days=days or None, month=month, year=year, variations=variations, sublist=sublist),
    )
    plan = plans.best_sellers(category, number, chosen)
    written = output.output_to(to_file, force=force)
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    chosen |= options.limits(max_tokens, max_age, on_refusal)
    outcome = spend(terms, lambda keepa: keepa.best_sellers(category, domain=number, **chosen), plan.result)
    found = outcome.result
    if json:
        listed = {name: getattr(found, name) for name in ("domain", "category", "asins", "updated_at")}
        put_json({"bestsellers": listed, "account": outcome.account})
    else:
        put_table((Column("place", right=True), Column("ASIN")), list(enumerate(found.asins[:limit], 1)))
        if len(found.asins) > limit:
            say(f"{limit} of {len(found.asins):,} shown; --limit shows more, --json has all")
        elif not found.asins:
            say(f'no list for {category}; keepahead category "name" finds the ids of categories')
    if written:
        site = DOMAINS[number].site
        rows = [[place, asin, site, category, found.updated_at] for place, asin in enumerate(found.asins, 1)]
        written.write(_FIELDS, rows)
    outcome.finish()


_FIELDS = (
    output.Field("place", int),
    output.Field("asin", str),
    output.Field("domain", str),
    output.Field("category", str),
    output.Field("updated_at", datetime),
)
