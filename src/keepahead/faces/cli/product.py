"""`keepahead product`: products by ASIN or by code."""

from typing import Annotated, Any, cast

import typer

from keepahead.faces.cli import options, output
from keepahead.faces.cli.product_table import put_products
from keepahead.faces.cli.results import put_json
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import listed
from keepahead.faces.documents import raws
from keepahead.faces.product_rows import FIELDS, rows_of
from keepahead.keepa import plans
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.domains import domain_id
from keepahead.keepa.objects import Product
from keepahead.keepa.plans import ProductOptions


def product(
    *,
    asins: Annotated[list[str] | None, typer.Argument(help="ASINs: 10 characters, A-Z and 0-9.")] = None,
    file: Annotated[str | None, typer.Option("--file", help="A file with an ASIN in each line; - is stdin.")] = None,
    code: Annotated[list[str] | None, typer.Option("--code", help="UPC, EAN or ISBN-13 instead; repeatable.")] = None,
    code_limit: Annotated[
        int | None, typer.Option("--code-limit", help="At most so many products per code; bounds the cost.")
    ] = None,
    domain: options.Domain = "US",
    stats: options.Stats = None,
    days: Annotated[int | None, typer.Option("--days", help="Histories of the last so many days only; free.")] = None,
    no_history: options.NoHistory = False,
    rating: options.Rating = False,
    buybox: Annotated[bool, typer.Option("--buybox", help="Add the Buy Box; 2 tokens more per product.")] = False,
    offers: Annotated[
        int | None, typer.Option("--offers", help="Collect 20 to 100 live offers; 6 tokens for each 10 found.")
    ] = None,
    only_live_offers: Annotated[
        bool, typer.Option("--only-live-offers", help="Leave out former offers; needs --offers.")
    ] = False,
    stock: Annotated[bool, typer.Option("--stock", help="Add stock; needs --offers, 2 tokens more, slow.")] = False,
    variations: Annotated[
        bool, typer.Option("--variations", help="Add former variations; up to 1 token more per product.")
    ] = False,
    update: Annotated[
        int | None,
        typer.Option("--update", help="Refresh what is older than so many hours; 0 may cost 1 more, -1 never."),
    ] = None,
    aplus: Annotated[bool, typer.Option("--aplus", help="Add A+ content; free.")] = False,
    videos: Annotated[bool, typer.Option("--videos", help="Add videos; free.")] = False,
    allow_unbounded: Annotated[
        bool, typer.Option("--allow-unbounded", help="Send codes without --code-limit; needs --max-tokens.")
    ] = False,
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
    """Show products by ASIN, or by UPC, EAN or ISBN.

    1 token for each, and what the options add. Nothing is sent unless all of it can be paid for.
    """
    wanted = listed(asins, file)
    if bool(wanted) == bool(code):
        raise typer.BadParameter("give ASINs (as words or with --file), or --code", param_hint="'ASINS'")
    number = domain_id(domain)
    chosen = cast(
        "ProductOptions",
        options.given(
            stats=stats,
            days=days,
            history=0 if no_history else None,
            rating=rating,
            buybox=buybox,
            offers=offers,
            only_live_offers=only_live_offers,
            stock=stock,
            historical_variations=variations,
            update=update,
            aplus=aplus,
            videos=videos,
        ),
    )
    plan = plans.products_by_code(code, code_limit, number, chosen) if code else plans.products(wanted, number, chosen)
    written = output.output_to(to_file, force=force)
    chosen |= options.limits(max_tokens, max_age, on_refusal)
    chosen["allow_unbounded"] = allow_unbounded

    async def work(keepa: AsyncKeepa) -> list[Product]:
        if code:
            return await keepa.products_by_code(code, code_limit=code_limit, domain=number, **chosen)
        return await keepa.products(wanted, domain=number, **chosen)

    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    outcome = spend(terms, work, plan.result, items=len(set(code or wanted)))
    had = {each.asin for each in outcome.result}
    missing = [asin for asin in dict.fromkeys(wanted) if asin not in had]
    if json:
        put_json(
            {
                "products": raws(outcome.result),
                "missing": missing,
                "origin": {each.asin: _origin(each) for each in outcome.result},
                "account": outcome.account,
            }
        )
    else:
        put_products(outcome.result, number)
        if missing and outcome.failure is None:
            say(f"Keepa has nothing for {', '.join(missing)}")
    if written:
        written.write(FIELDS, rows_of(outcome.result))
    outcome.finish()


def _origin(each: Product) -> dict[str, Any]:
    """Return when Keepa gave a product, and whether it was paid for now."""
    return {"fetched_at": each.fetched_at, "paid_now": each.paid_now, "is_stale": each.is_stale}
