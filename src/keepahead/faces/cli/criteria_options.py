"""The options that say which products are wanted, each declared once, and the criteria that they make."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

import typer

from keepahead.faces.cli.values import age

Sort = Literal["rank", "price", "-price", "sold", "any"]

RoadName = Literal["finder", "best-sellers", "deals", "archive"]

_PRICE = "in the marketplace's currency, such as 10..50 or 9.99.. ."

Category = Annotated[str | None, typer.Option("--category", help="Id of a root category, all below it.")]

Subcategory = Annotated[
    str | None, typer.Option("--subcategory", help="Id of a category; only what is listed directly in it.")
]

Branch = Annotated[str | None, typer.Option("--branch", help="Id of any category, all below it.")]

Rank = Annotated[str | None, typer.Option("--rank", help="Sales rank, such as 1..20000.")]

Price = Annotated[str | None, typer.Option("--price", help=f"Lowest new price {_PRICE}")]

AmazonPrice = Annotated[str | None, typer.Option("--amazon-price", help=f"Amazon's own price {_PRICE}")]

UsedPrice = Annotated[str | None, typer.Option("--used-price", help=f"Lowest used price {_PRICE}")]

BuyBoxPrice = Annotated[str | None, typer.Option("--buybox-price", help=f"Buy Box price with shipping {_PRICE}")]

FbaPrice = Annotated[str | None, typer.Option("--fba-price", help=f"Lowest new price with FBA {_PRICE}")]

Stars = Annotated[str | None, typer.Option("--stars", help="Rating in stars, such as 4.2..5.")]

Reviews = Annotated[str | None, typer.Option("--reviews", help="Number of ratings, such as 100.. .")]

NewOffers = Annotated[str | None, typer.Option("--offers", help="Number of new offers, such as 2..10.")]

UsedOffers = Annotated[str | None, typer.Option("--used-offers", help="Number of used offers.")]

FbaOffers = Annotated[str | None, typer.Option("--fba-offers", help="Number of new offers with FBA, Amazon included.")]

Drops30 = Annotated[str | None, typer.Option("--drops-30", help="Rank drops (signs of sales) in 30 days.")]

Drops90 = Annotated[str | None, typer.Option("--drops-90", help="Rank drops in 90 days.")]

Drops180 = Annotated[str | None, typer.Option("--drops-180", help="Rank drops in 180 days.")]

Sold = Annotated[str | None, typer.Option("--sold", help="Bought in the past month, by Amazon's own figure.")]

PriceDrop = Annotated[
    str | None, typer.Option("--price-drop", help="Percent that the new price lies below its mean of 90 days.")
]

ChangedWithin = Annotated[
    str | None, typer.Option("--changed-within", help="The new price has changed within 12h, 2d, 1w.")
]

AmazonInStock = Annotated[
    bool | None, typer.Option("--amazon/--no-amazon", help="Amazon has it in stock, or has not. [default: either]")
]

Brand = Annotated[list[str] | None, typer.Option("--brand", help="Only this brand; repeatable.")]

NotBrand = Annotated[list[str] | None, typer.Option("--not-brand", help="Not this brand; repeatable.")]

TitleWords = Annotated[
    str | None, typer.Option("--title", help='Words that the title must hold; -word must not, "a phrase".')
]

Road = Annotated[RoadName | None, typer.Option("--road", help="Take this road. [default: the cheapest that answers]")]

PlanOnly = Annotated[bool, typer.Option("--plan", help="Show the plan and its cost; send nothing.")]


def category_id(text: str | None, option: str) -> int | None:
    """Read the id of a category."""
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 19:
        hint = f'{text!r} is no category id, a number; keepahead category "{text}" finds it'
        raise typer.BadParameter(hint, param_hint=f"'{option}'")
    return int(text)


def whole_hours(text: str | None, option: str) -> int | None:
    """Read an age of at least an hour; return whole hours."""
    given = age(text, option)
    if given is None:
        return None
    hours = Decimal(int(given.total_seconds())) / int(timedelta(hours=1).total_seconds())
    if hours < 1 or hours != int(hours):
        raise typer.BadParameter(f"{text!r} must be whole hours; write 12h, 2d or 1w", param_hint=f"'{option}'")
    return int(hours)
