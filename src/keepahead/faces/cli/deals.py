"""`keepahead deals`: products whose price has just changed."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from keepahead.faces.cli import options, output
from keepahead.faces.cli.results import Cell, Column, currency, money, put_json, put_table, raws, title
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import Range, price_range, whole_range
from keepahead.keepa import plans
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.domains import DOMAINS, domain_id
from keepahead.keepa.money import Money
from keepahead.keepa.objects import Deal

_LARGEST = 2**31 - 1


class PriceType(StrEnum):
    """The price whose change makes a deal."""

    AMAZON = "amazon"
    NEW = "new"
    USED = "used"
    WAREHOUSE = "warehouse"
    BUYBOX = "buybox"


class Span(StrEnum):
    """What the price is compared with."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


_CSV = {PriceType.AMAZON: 0, PriceType.NEW: 1, PriceType.USED: 2, PriceType.WAREHOUSE: 9, PriceType.BUYBOX: 18}
_SPANS = tuple(Span)


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
    ranges = {
        "currentRange": _ends(price_range(price, "--price", number), 0, _LARGEST),
        "deltaPercentRange": _ends(whole_range(percent, "--percent"), 10, 100),
        "salesRankRange": _ends(whole_range(rank, "--rank"), 1, -1),
    }
    selection: dict[str, Any] = {
        "page": page,
        "domainId": number,
        "priceTypes": [_CSV[price_type]],
        "dateRange": _SPANS.index(span),
        **options.given(includeCategories=category, titleSearch=words, **ranges),
        "isRangeEnabled": any(ranges.values()),
        "isFilterEnabled": bool(category or words),
    }
    written = output.output_to(to_file, force=force)
    plan = plans.deals(selection)
    limits = options.limits(max_tokens, max_age, on_refusal)
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    outcome = spend(terms, lambda keepa: keepa.deals(selection, **limits), plan.result)
    found = outcome.result
    if json:
        counts = [
            {"id": node, "name": found.category_names.get(node), "deals": count}
            for node, count in found.category_counts.items()
        ]
        put_json({"deals": raws(found.deals), "categories": counts, "account": outcome.account})
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
        rows = [_row(each, _CSV[price_type], _SPANS.index(span), number, names) for each in found.deals[:limit]]
        put_table(columns, rows)
        if len(found.deals) > limit:
            say(f"{limit} of {len(found.deals)} on this page shown; --limit shows more, --json has all")
    if written:
        place, since, names = _CSV[price_type], _SPANS.index(span), found.category_names
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


def _ends(given: Range, lowest: int, highest: int) -> list[int] | None:
    """Return Keepa's [min, max], None where no end is given; the others stand for an open end."""
    low, high = given
    return None if low is None and high is None else [lowest if low is None else low, highest if high is None else high]


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
        return table[span][place] if len(table) <= len(_SPANS) else table[place][span]
    except (TypeError, IndexError):
        return None
