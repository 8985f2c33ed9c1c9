"""`keepahead verify`: before buying, whether products are still what they were. The thinking is work/analysis's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from keepahead.clock import SystemClock
from keepahead.faces.cli import options
from keepahead.faces.cli.lookup import look_up, missing_of, say_missing
from keepahead.faces.cli.results import Cell, Column, put_json, put_table
from keepahead.faces.cli.saving import expected_from
from keepahead.faces.cli.spending import Terms
from keepahead.faces.cli.values import listed, price
from keepahead.faces.settings import read_settings
from keepahead.keepa.domains import domain_id
from keepahead.work.analysis.analyse import options_for
from keepahead.work.analysis.verify import Expected, Verification
from keepahead.work.analysis.verify import verify as verify_product


def verify(
    *,
    asins: Annotated[list[str] | None, typer.Argument(help="ASINs. [default: all in --expected]")] = None,
    expected: Annotated[
        str | None, typer.Option("--expected", help="What keepahead analyse --save, or its --json, wrote.")
    ] = None,
    was_price: Annotated[str | None, typer.Option("--price", help="The price that it had, such as 14.99.")] = None,
    rank: Annotated[int | None, typer.Option("--rank", min=1, help="The sales rank that it had.")] = None,
    offers: Annotated[int | None, typer.Option("--offers", min=0, help="How many new offers there were.")] = None,
    amazon: Annotated[bool | None, typer.Option("--amazon/--no-amazon", help="Whether Amazon sold it.")] = None,
    buying_price: Annotated[
        str | None, typer.Option("--buying-price", help="What one costs you: the return is looked at too.")
    ] = None,
    buybox: Annotated[
        bool, typer.Option("--buybox/--no-buybox", help="With the Buy Box: Amazon's share of it; 2 tokens more each.")
    ] = True,
    domain: options.Domain = "US",
    max_tokens: options.MaxTokens = None,
    max_wait: options.MaxWait = None,
    max_age: options.LiveAge = "0",
    on_refusal: options.WhenRefused = "raise",
    lane: options.Lane = "live",
    caller: options.Caller = None,
    json: options.Json = False,
) -> None:
    """Compare price, rank, offers and Amazon with what was saved: OK, CHANGED or AVOID, and the differences.

    3 tokens for each, 1 without the Buy Box. How much may change is a setting (docs/analysis.md).
    """
    number = domain_id(domain)
    given = Expected(
        price=price(was_price, "--price", number),
        rank=rank,
        offers=offers,
        amazon_in_stock=amazon,
        buying_price=price(buying_price, "--buying-price", number),
    )
    wanted, saved = _wanted(listed(asins, None), expected, given, number)
    thresholds = read_settings().analysis
    limits = options.limits(max_tokens, max_age, on_refusal)
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    chosen = options_for(buybox=buybox)
    outcome = look_up(wanted, number, chosen, terms, limits)
    now, missing = SystemClock().now(), missing_of(wanted, outcome)
    found = [verify_product(product, saved[product.asin], now=now, thresholds=thresholds) for product in outcome.result]
    if json:
        put_json({"verifications": found, "missing": missing, "account": outcome.account})
    else:
        if found:
            put_table(_COLUMNS, [row for each in found for row in _rows(each)])
        say_missing(missing, outcome)
    outcome.finish()


_COLUMNS = (Column("ASIN"), Column("outcome"), Column("what"), Column("because"))


def _wanted(
    asins: Sequence[str], file: str | None, given: Expected, domain: int
) -> tuple[Sequence[str], Mapping[str, Expected]]:
    """Return which products to look at, and what to compare each with. Raises BadParameter."""
    if (file is None) == given.is_empty:
        message = "give --expected FILE, or what you expect as --price, --rank, --offers, --amazon"
        raise typer.BadParameter(message, param_hint="'--expected'")
    if file is None:
        return asins, dict.fromkeys(asins, given)
    saved = expected_from(file, domain, "--expected")
    unknown = [asin for asin in asins if asin not in saved]
    if unknown:
        raise typer.BadParameter(f"{file} holds nothing of {', '.join(unknown)}", param_hint="'--expected'")
    if given.buying_price is not None:
        saved = {asin: replace(each, buying_price=given.buying_price) for asin, each in saved.items()}
    return asins or list(saved), saved


def _rows(seen: Verification) -> list[Sequence[Cell]]:
    """Return one line for each difference; where there is none, one that says what was compared."""
    told = [(str(each.outcome), each.what, each.because) for each in seen.differences]
    lines = told or [(str(seen.outcome), ", ".join(seen.compared), "as before")]
    return [(seen.asin, *line) for line in lines]
