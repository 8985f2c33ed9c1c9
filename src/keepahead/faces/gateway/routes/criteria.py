"""What somebody wants to discover, as a JSON body or as a query, and the criteria that it makes."""

from dataclasses import fields
from typing import Annotated, Any, cast

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from keepahead.faces.gateway.routes.parameters import (
    TEXT_MAX,
    Site,
    Whole,
    prices,
    range_query,
    ranged,
    stars,
)
from keepahead.keepa.terms import MOST_TOKENS
from keepahead.work.discovery.criteria import RESULTS_MAX, Criteria, Sort
from keepahead.work.discovery.niches import NICHES_MAX, SAMPLE_MAX
from keepahead.work.discovery.roads import RoadName

_NODE_MAX = 2**63 - 1
_BRANDS_MAX, _BRAND_MAX = 50, 100

_End = Annotated[int, Field(ge=-1_000_000, le=2**31 - 1)]
Ends = Annotated[list[_End | None], Field(min_length=2, max_length=2, examples=[[10, None]])] | None
"""[from, to], ends included, null: open. Money is in the smallest unit (cents, yen), ratings are stars times ten."""

_Node = Annotated[int, Field(ge=1, le=_NODE_MAX)] | None
_Brands = Annotated[list[Annotated[str, Field(min_length=1, max_length=_BRAND_MAX)]], Field(max_length=_BRANDS_MAX)]


class CriteriaBody(BaseModel):
    """What a product must be; what is left out is any.

    Ranges are [from, to], ends included, null for an open end. Money is in the smallest unit of the marketplace (cents,
    yen), ratings are stars times ten.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    domain: Annotated[
        Annotated[int, Field(ge=1, le=12)] | Annotated[str, Field(max_length=20)],
        Field(description='The marketplace: Keepa\'s number or a name, such as "DE".'),
    ] = 1
    category: Annotated[_Node, Field(description="A root category, all below it.", examples=[283155])] = None
    branch: Annotated[_Node, Field(description="Any category, all below it.")] = None
    rank: Ends = None
    amazon_price: Ends = None
    new_price: Ends = None
    used_price: Ends = None
    buy_box_price: Ends = None
    fba_price: Ends = None
    rating: Ends = None
    reviews: Ends = None
    new_offers: Ends = None
    used_offers: Ends = None
    fba_offers: Ends = None
    rank_drops_30: Ends = None
    rank_drops_90: Ends = None
    rank_drops_180: Ends = None
    sold: Ends = None
    price_drop: Ends = None
    changed_within_hours: Annotated[int | None, Field(ge=1, le=24 * 365)] = None
    amazon_in_stock: bool | None = None
    brands: _Brands = []
    brands_excluded: _Brands = []
    title: Annotated[str | None, Field(max_length=TEXT_MAX, description="Words; -word must not be in it.")] = None
    max_tokens: Annotated[int | None, Field(ge=0, le=MOST_TOKENS, description="As the parameter of that name.")] = None
    plan_only: Annotated[bool, Field(description="Say what it would cost, and send nothing.")] = False


class DiscoverBody(CriteriaBody):
    """What to discover."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"domain": "US", "rank": [1, 20_000], "rating": [40, None], "max_results": 5}]}
    )

    subcategory: Annotated[_Node, Field(description="Only what is listed directly in it.")] = None
    sort: Annotated[Sort, Field(description="What comes first; any: what is cheapest to find.")] = "rank"
    max_results: Annotated[int, Field(ge=1, le=RESULTS_MAX)] = 20
    with_rating: Annotated[bool, Field(description="With ratings; up to 1 token more per product.")] = True
    with_history: Annotated[bool, Field(description="With the price histories; costs the same.")] = False
    road: Annotated[RoadName | None, Field(description="Take this road, not the cheapest that answers.")] = None


class NichesBody(CriteriaBody):
    """Below which category to look for niches, and which products count."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"category": 283155, "rating": [40, None], "max_niches": 1, "sample": 2}]}
    )

    max_niches: Annotated[int, Field(ge=1, le=NICHES_MAX, description="Look into so many sub-categories.")] = 5
    sample: Annotated[int, Field(ge=1, le=SAMPLE_MAX, description="Look up so many products of each.")] = 5


async def simple_criteria(  # noqa: PLR0917 - see terms.wish
    domain: Site,
    category: Annotated[Whole | None, Query(ge=1, le=_NODE_MAX, examples=[283155])] = None,
    rank: Annotated[str | None, range_query("1..20000")] = None,
    price: Annotated[str | None, range_query("10..50")] = None,
    rating: Annotated[str | None, range_query("4.2..5", name="stars")] = None,
    offers: Annotated[str | None, range_query("2..10")] = None,
    brand: Annotated[
        list[Annotated[str, Query(min_length=1, max_length=_BRAND_MAX)]] | None,
        Query(max_length=_BRANDS_MAX, description="Only these; repeatable."),
    ] = None,
    title: Annotated[str | None, Query(max_length=TEXT_MAX, description="Words; -word must not be in it.")] = None,
    max_results: Annotated[Whole, Query(ge=1, le=RESULTS_MAX)] = 20,
    sort: Annotated[Sort, Query(description="What comes first; any: what is cheapest to find.")] = "rank",
) -> Criteria:
    """Return the criteria that a query names, ranges as 10..50, prices in the currency. Raises Problem."""
    return Criteria(
        domain=domain,
        category=category,
        rank=ranged("rank", rank),
        new_price=prices("price", price, domain),
        rating=stars("stars", rating),
        new_offers=ranged("offers", offers),
        brands=tuple(brand or ()),
        title=title,
        max_results=max_results,
        sort=sort,
    )


SimpleCriteria = Annotated[Criteria, Depends(simple_criteria)]


def criteria_of(body: CriteriaBody) -> Criteria:
    """Return the criteria that a body names. Raises InvalidCallError."""
    known = {field.name for field in fields(Criteria)}
    given: dict[str, Any] = {"domain": body.domain}
    for name in body.model_fields_set & known:
        value: Any = getattr(body, name)
        if value is not None:
            given[name] = tuple(cast("list[Any]", value)) if isinstance(value, list) else value
    return Criteria(**given)
