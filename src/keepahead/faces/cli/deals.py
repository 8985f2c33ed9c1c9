"""`keepahead deals`: products whose price has just changed."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from keepahead.faces.cli import options, output
from keepahead.faces.cli.results import Cell, Column, put_json, put_table, title
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import price_range, whole_range
from keepahead.faces.deal_selection import PriceType, Span, deal_selection
from keepahead.faces.documents import deal_counts_json, raws
from keepahead.faces.words import currency, money
from keepahead.keepa import plans
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.domains import DOMAINS, domain_id
from keepahead.keepa.money import Money
from keepahead.keepa.objects import Deal


def deals(
    *,
    domain: options.Domain = "US",
    price_type: Annotated[
        PriceType, typer.Option("--price-type", help="The price whose change counts.")
    ] = PriceType.NEW,
    span: Annotated[Span, typer.Option("--range", help="Compare with the mean price of this time.")] = Span.DAY,
    category: Annotated[list[int] | None, typer.Option("--category", help="Only this category; repeatable.")] = None,
    price: Annotated[str | None, typer.Option("--price", help="Price now, such as 10..50 or 9.99.. .")] = None,
    percent: Annotated[str | None, typer.Option("--percent", help="Drop in percent, such as 20..80.")] = None,
    rank: Annotated[str | None, typer.Option("--rank", help="Sales rank, such as 1..20000.")] = None,
    words: Annotated[str | None, typer.Option("--title", help="Words that the title must hold.")] = None,
    page: Annotated[int, typer.Option("--page", help="Page of 150 deals, from 0 to 66.")] = 0,
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
    """Show products whose price has changed within 12 hours; 5 tokens a page."""
    number = domain_id(domain)
    selection = deal_selection(
        number,
        price_type=price_type,
        span=span,
        categories=category or (),
        price=price_range(price, "--price", number),
        percent=whole_range(percent, "--percent"),
        rank=whole_range(rank, "--rank"),
        title=words,
        page=page,
    )
    written = output.output_to(to_file, force=force)
    plan = plans.deals(selection)
    limits = options.limits(max_tokens, max_age, on_refusal)
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    outcome = spend(terms, lambda keepa: keepa.deals(selection, **limits), plan.result)
    found = outcome.result
    if json:
        put_json({"deals": raws(found.deals), "categories": deal_counts_json(found), "account": outcome.account})
    else:
        columns = (
            Column("ASIN"),
            Column("title", flexible=True),
            Column(currency(number), right=True),
            Column(f"{span} mean", right=True),
            Column("drop", right=True),
            Column("category"),
        )
        names = found.category_names
        rows = [_row(each, price_type.csv, span.number, number, names) for each in found.deals[:limit]]
        put_table(columns, rows)
        if len(found.deals) > limit:
            say(f"{limit} of {len(found.deals)} on this page shown; --limit shows more, --json has all")
    if written:
        place, since, names = price_type.csv, span.number, found.category_names
        written.write(_FIELDS, [_line(each, place, since, number, names) for each in found.deals])
    outcome.finish()


_FIELDS = (
    output.Field("asin", str),
    output.Field("domain", str),
    output.Field("title", str),
    output.Field("currency", str),
    output.Field("price", float),
    output.Field("mean_price", float),
    output.Field("drop_percent", int),
    output.Field("rank", int),
    output.Field("category", str),
)


def _line(each: Deal, place: int, span: int, domain: int, names: Mapping[int, str]) -> list[output.Value]:
    def price(amount: int | None) -> float | None:
        return None if amount is None or amount < 0 else float(Money(amount, domain))

    current = each.get("current")
    rank = _at([current], 0, CsvType.SALES)
    return [
        each.get("asin"),
        DOMAINS[domain].site,
        title(each.get("title")),
        DOMAINS[domain].currency,
        price(_at([current], 0, place)),
        price(_at(each.get("avg"), span, place)),
        _at(each.get("deltaPercent"), span, place),
        rank if rank is not None and rank > 0 else None,
        names.get(each.get("rootCat") or 0),
    ]


def _row(each: Deal, place: int, span: int, domain: int, names: Mapping[int, str]) -> Sequence[Cell]:
    percent = _at(each.get("deltaPercent"), span, place)
    return (
        each.get("asin"),
        title(each.get("title")),
        money(_at([each.get("current")], 0, place), domain),
        money(_at(each.get("avg"), span, place), domain),
        None if percent is None else f"{percent}%",
        names.get(each.get("rootCat") or 0),
    )


def _at(table: Any, span: int, place: int) -> int | None:
    """Return one number of a table by date range and price type; some sources describe it the other way round."""
    try:
        return table[span][place] if len(table) <= len(Span) else table[place][span]
    except (TypeError, IndexError):
        return None
