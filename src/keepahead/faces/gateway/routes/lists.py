"""What Keepa lists: best sellers, deals, categories, sellers, and products found by words."""

import re
from typing import Annotated, Any, cast

from fastapi import APIRouter, Body, Path, Query
from starlette.responses import Response

from keepahead.faces.deal_selection import PriceType, Span, deal_selection
from keepahead.faces.documents import deal_counts_json, raw_of, raws
from keepahead.faces.gateway.lines import lines_response, wants_lines
from keepahead.faces.gateway.problems import invalid, problem
from keepahead.faces.gateway.respond import json_response, origin_of
from keepahead.faces.gateway.routes.answers import KEEPAS, MOMENT, TEXT, WHOLE, answers, listed, maybe, origin
from keepahead.faces.gateway.routes.errand import Errand, Spending
from keepahead.faces.gateway.routes.parameters import (
    TEXT_MAX,
    Site,
    Whole,
    Yes,
    given,
    pattern,
    prices,
    range_query,
    ranged,
)
from keepahead.keepa.plans import BestSellersOptions, SearchOptions

PAGES_MAX = 66
_IDS = re.compile(r"[0-9]{1,19}(,[0-9]{1,19}){0,99}")
_AT = {"fetched_at": "2026-11-22T20:00:00.000Z", "archived": False, "stale": False}

router = APIRouter(prefix="/api/v1", tags=["lists"], default_response_class=Response)

Term = Annotated[str, Query(min_length=1, max_length=TEXT_MAX, description="Words.", examples=["instant coffee"])]


@router.get(
    "/bestsellers/{category}",
    summary="The best-seller list of a category",
    responses=answers(
        origin(domain=WHOLE, category=TEXT, updated_at=maybe(MOMENT), asins=listed(TEXT)),
        {**_AT, "domain": 1, "category": "283155", "updated_at": "2026-11-22T19:00:00Z", "asins": ["B0D8W1YVBX"]},
        lines="The first line is the answer without its ASINs; then `{place, asin}` for each.",
    ),
)
async def get_best_sellers(
    *,
    errand: Spending,
    domain: Site,
    category: Annotated[
        str,
        Path(
            min_length=1,
            max_length=100,
            description="A category id, or the name of a product group.",
            examples=["283155"],
        ),
    ],
    days: Annotated[
        Whole | None, Query(alias="range", ge=0, le=180, description="Rank over 0 (now), 30, 90 or 180 days.")
    ] = None,
    month: Annotated[Whole | None, Query(ge=1, le=12, description="The list of a former month; with year.")] = None,
    year: Annotated[Whole | None, Query(ge=2000, le=2200, description="The year of month.")] = None,
    variations: Annotated[Yes, Query(description="All variations, not one of each.")] = False,
    sublist: Annotated[Yes, Query(description="By the rank in the sub-category.")] = False,
) -> Response:
    """Give the ASINs, the best first; 50 tokens, nothing if there is no list."""
    options = given(range_days=days or None, month=month, year=year, variations=variations, sublist=sublist)
    chosen = cast("BestSellersOptions", options)
    found = await errand.spend(lambda keepa: keepa.best_sellers(category, domain=domain, **chosen))
    head = {"domain": domain, "category": category, "updated_at": found.updated_at, **origin_of(errand.request)}
    if wants_lines(errand.request):
        return lines_response([head, *({"place": place, "asin": asin} for place, asin in enumerate(found.asins, 1))])
    return json_response({**head, "asins": found.asins})


_DEALS = answers(
    origin(deals=listed(KEEPAS), categories=listed(KEEPAS)),
    {**_AT, "deals": [{"asin": "B0D8W1YVBX"}], "categories": [{"id": 283155, "name": "Books", "deals": 150}]},
    lines="Keepa's object of each deal; the last line is the answer without its deals.",
)


@router.post("/deals", summary="Deals for Keepa's selection", responses=_DEALS)
async def post_deals(
    *,
    errand: Spending,
    selection: Annotated[
        dict[str, Any],
        Body(
            description="Keepa's deal selection, as its documentation has it.",
            examples=[{"page": 0, "domainId": 1, "priceTypes": [1], "dateRange": 0}],
        ),
    ],
) -> Response:
    """Give one page of up to 150 products whose price has just changed; 5 tokens."""
    return await _deals(errand, selection)


@router.get("/deals", summary="Deals by simple options", responses=_DEALS)
async def get_deals(
    *,
    errand: Spending,
    domain: Site,
    price_type: Annotated[PriceType, Query(description="The price whose change counts.")] = PriceType.NEW,
    span: Annotated[Span, Query(alias="range", description="Compare with the mean price of this time.")] = Span.DAY,
    category: Annotated[
        list[Annotated[Whole, Query(ge=0, le=2**63 - 1)]] | None,
        Query(max_length=50, description="Only this category; repeatable."),
    ] = None,
    price: Annotated[str | None, range_query("10..50")] = None,
    percent: Annotated[str | None, range_query("20..80")] = None,
    rank: Annotated[str | None, range_query("1..20000")] = None,
    title: Annotated[str | None, Query(min_length=1, max_length=TEXT_MAX, examples=["coffee"])] = None,
    page: Annotated[Whole, Query(ge=0, le=PAGES_MAX, description="A page of 150 deals.")] = 0,
) -> Response:
    """Give one page of up to 150 products whose price has just changed; 5 tokens. Prices are in the currency."""
    selection = deal_selection(
        domain,
        price_type=price_type,
        span=span,
        categories=category or (),
        price=prices("price", price, domain),
        percent=ranged("percent", percent),
        rank=ranged("rank", rank),
        title=title,
        page=page,
    )
    return await _deals(errand, selection)


async def _deals(errand: Errand, selection: dict[str, Any]) -> Response:
    found = await errand.spend(lambda keepa: keepa.deals(selection))
    ends = {"categories": deal_counts_json(found), **origin_of(errand.request)}
    if wants_lines(errand.request):
        return lines_response([*raws(found.deals), ends])
    return json_response({"deals": raws(found.deals), **ends})


_CATEGORIES = answers(
    origin(categories={"type": "object", "additionalProperties": KEEPAS}),
    {**_AT, "categories": {"283155": {"catId": 283155, "name": "Books"}}},
)


@router.get("/categories", summary="Categories by their ids", responses=_CATEGORIES)
async def get_categories(
    *,
    errand: Spending,
    domain: Site,
    ids: Annotated[
        str,
        Query(
            max_length=2_000,
            description="Up to 100 ids, separated by commas; 0: all roots.",
            examples=["0"],
            json_schema_extra=pattern(r"^[0-9]{1,12}(,[0-9]{1,12}){0,99}$"),
        ),
    ],
    parents: Annotated[Yes, Query(description="Ask for their parents too.")] = False,
) -> Response:
    """Give category nodes by id, unknown ones left out; 1 token for every 10."""
    if not _IDS.fullmatch(ids):
        raise invalid("ids: write up to 100 category ids, separated by commas", "invalid_ids", "ids")
    found = await errand.spend(lambda keepa: keepa.categories(ids.split(","), domain=domain, parents=parents))
    told = {str(node): raw_of(each) for node, each in found.items()}
    return json_response({"categories": told, **origin_of(errand.request)})


@router.get("/categories/search", summary="Categories by words", responses=_CATEGORIES)
async def search_categories(*, errand: Spending, domain: Site, term: Term) -> Response:
    """Give up to 50 categories whose names hold all the words, of 3 characters at least; 1 token."""
    found = await errand.spend(lambda keepa: keepa.search_categories(term, domain=domain))
    told = {str(node): raw_of(each) for node, each in found.items()}
    return json_response({"categories": told, **origin_of(errand.request)})


@router.get(
    "/sellers/{seller}",
    summary="A seller by its id",
    responses=answers(
        origin(seller=KEEPAS), {**_AT, "seller": {"sellerId": "A2L77EE7U53NWQ"}}, missing="unknown-seller"
    ),
)
async def get_seller(
    *,
    errand: Spending,
    domain: Site,
    seller: Annotated[
        str, Path(pattern=r"^[A-Z0-9]{1,30}$", max_length=30, description="Its id.", examples=["A2L77EE7U53NWQ"])
    ],
    storefront: Annotated[Yes, Query(description="With what it sells; 10 tokens instead of 1.")] = False,
) -> Response:
    """Give a seller as Keepa does; 1 token."""
    found = await errand.spend(lambda keepa: keepa.sellers([seller], domain=domain, storefront=storefront))
    if seller not in found:
        raise problem("unknown-seller", f"Keepa does not know {seller} on this marketplace", seller=seller)
    return json_response({"seller": raw_of(found[seller]), **origin_of(errand.request)})


@router.get(
    "/search",
    summary="Products by words",
    responses=answers(origin(products=listed(KEEPAS)), {**_AT, "products": [{"asin": "B0D8W1YVBX"}]}),
)
async def search_products(
    *,
    errand: Spending,
    domain: Site,
    term: Term,
    page: Annotated[Whole, Query(ge=0, le=9, description="A page of 10 results.")] = 0,
    asins_only: Annotated[Yes, Query(description="ASINs alone; costs the same.")] = False,
    stats: Annotated[Whole | None, Query(ge=0, le=100_000, description="Statistics over so many days; free.")] = None,
    history: Annotated[Yes, Query(description="With the price histories; costs the same.")] = True,
    rating: Annotated[Yes, Query(description="With rating and reviews; up to 1 token more per product.")] = False,
) -> Response:
    """Give what Amazon finds, in its order; 10 tokens a page."""
    without = {} if history else {"history": False}
    options = given(page=page, asins_only=asins_only, stats=stats, rating=rating) | without
    chosen = cast("SearchOptions", options)
    found = await errand.spend(lambda keepa: keepa.search(term, domain=domain, **chosen))
    return json_response({"products": raws(found), **origin_of(errand.request)})
