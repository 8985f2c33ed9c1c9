"""Products as Keepa gives them, one or many."""

import re
from collections import deque
from collections.abc import Mapping
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from keepahead.errors import PartialResultError
from keepahead.faces.documents import raw_of
from keepahead.faces.gateway.lines import Put, stream, wants_lines
from keepahead.faces.gateway.problems import invalid, moment, problem
from keepahead.faces.gateway.respond import json_response, partial_json
from keepahead.faces.gateway.routes.answers import KEEPAS, TEXT, WHOLE, answers, listed, origin
from keepahead.faces.gateway.routes.errand import Errand, Spending
from keepahead.faces.gateway.routes.parameters import AsinPath, Site, Whole, Yes, given, pattern
from keepahead.faces.gateway.routes.remembered import RememberedRoute
from keepahead.keepa.objects import Product
from keepahead.keepa.on_behalf import OnBehalf
from keepahead.keepa.plans import ProductOptions

ASINS_MAX = 1_000
_PER_CALL = 100
_INVALID = 4
_UNKNOWN_BYTES_MAX = 4_000
_ASINS = re.compile(r"[A-Z0-9]{10}(,[A-Z0-9]{10}){0,999}")

router = APIRouter(prefix="/api/v1", tags=["products"], default_response_class=Response)
quick = APIRouter(prefix="/api/v1", tags=["products"], default_response_class=Response, route_class=RememberedRoute)


class ProductQuery(BaseModel):
    """Keepa's options for products."""

    stats: Annotated[
        str | None,
        Field(
            max_length=90,
            pattern=r"^([0-9]{1,9}|[0-9TtZz:.+ -]{1,40},[0-9TtZz:.+ -]{1,40})$",
            description="Add statistics over the last so many days, or from,until (ISO 8601); free.",
            examples=["90"],
        ),
    ] = None
    history: Annotated[Yes, Field(description="With the price histories; costs the same.")] = True
    days: Annotated[Whole | None, Field(ge=1, le=100_000, description="Histories of the last so many days only.")] = (
        None
    )
    offers: Annotated[
        Whole | None,
        Field(ge=20, le=100, description="Collect 20 to 100 live offers; 6 tokens for each 10 found."),
    ] = None
    only_live_offers: Annotated[Yes, Field(description="Leave out former offers; needs offers.")] = False
    buybox: Annotated[Yes, Field(description="Add the Buy Box; 2 tokens more.")] = False
    rating: Annotated[Yes, Field(description="Add rating and reviews; up to 1 token more.")] = False
    stock: Annotated[Yes, Field(description="Add stock; needs offers, 2 tokens more, slow.")] = False
    videos: Annotated[Yes, Field(description="Add videos; free.")] = False
    aplus: Annotated[Yes, Field(description="Add A+ content; free.")] = False
    historical_variations: Annotated[Yes, Field(description="Add former variations; up to 1 token more.")] = False
    update: Annotated[
        Whole | None,
        Field(ge=-1, le=1_000_000, description="Refresh what is older than so many hours; 0 may cost 1 more."),
    ] = None


async def product_options(query: Annotated[ProductQuery, Query()]) -> ProductOptions:
    """Return what was asked for, in the core's words."""
    asked = {name: getattr(query, name) for name in query.model_fields_set}
    stats = asked.pop("stats", None)
    if stats is not None:
        asked["stats"] = tuple(stats.split(",")) if "," in stats else int(stats)
    without = {"history": False} if not asked.pop("history", True) else {}
    return cast("ProductOptions", given(**asked) | without)


Options = Annotated[ProductOptions, Depends(product_options)]

_EXAMPLE = {
    "asin": "B0D8W1YVBX",
    "domain": 1,
    "fetched_at": "2026-11-22T20:00:00.000Z",
    "archived": False,
    "stale": False,
    "product": {"asin": "B0D8W1YVBX", "domainId": 1, "title": "Instant coffee, 200 g"},
}
_ONE = origin(asin=TEXT, domain=WHOLE, product=KEEPAS)


@quick.get(
    "/products/{asin}", summary="A product by its ASIN", responses=answers(_ONE, _EXAMPLE, missing="unknown-product")
)
async def get_product(*, errand: Spending, asin: AsinPath, domain: Site, options: Options) -> Response:
    """Give one product as Keepa does: 1 token, and what the options add; nothing from the archive."""
    product = await look_up(errand, asin, domain, options)
    return json_response(document(product, domain))


@router.get(
    "/products",
    summary="Many products by their ASINs",
    responses=answers(
        {
            "type": "object",
            "required": ["products", "missing", "complete"],
            "properties": {"products": listed(_ONE), "missing": listed(TEXT), "complete": {"type": "boolean"}},
        },
        {"products": [_EXAMPLE], "missing": [], "complete": True},
        lines="A line for each product, as it comes; the last one is `{missing, complete}`, or `{problem}`, and "
        "what all of it cost: `{tokens_consumed, tokens_saved}`.",
    ),
)
async def get_products(
    *,
    errand: Spending,
    domain: Site,
    options: Options,
    asins: Annotated[
        str,
        Query(
            min_length=10,
            max_length=11 * ASINS_MAX,
            description=f"Up to {ASINS_MAX:,} ASINs, separated by commas.",
            examples=["B0D8W1YVBX,B0CHX1W1XY"],
            json_schema_extra=pattern(r"^[A-Z0-9]{10}(,[A-Z0-9]{10}){0,999}$"),
        ),
    ],
) -> Response:
    """Give products as Keepa does, in the order asked: 1 token each, and what the options add."""
    wanted = _listed(asins)
    if wants_lines(errand.request):
        return await stream(
            errand.request, errand.gateway.clock, lambda put: _stream_products(errand, wanted, domain, options, put)
        )
    failed: PartialResultError | None = None
    try:
        found = await errand.spend(lambda keepa: keepa.products(wanted, domain=domain, **options))
    except PartialResultError as partial:
        found, failed = cast("list[Product]", partial.results), partial
    known = [each for each in found if not is_unknown(each)]
    ends = {**partial_json(failed, errand.now), "missing": _missing(wanted, known)}
    return json_response({"products": [document(each, domain) for each in known], **ends})


async def look_up(errand: Errand, asin: str, domain: int, options: ProductOptions) -> Product:
    """Return one product. Raises Problem if Keepa does not know it."""
    found = await errand.spend(lambda keepa: keepa.products([asin], domain=domain, **options), is_one_call=True)
    if not found or is_unknown(found[0]):
        raise problem("unknown-product", f"Keepa does not know {asin} on this marketplace", asin=asin)
    return found[0]


def is_unknown(product: Product) -> bool:
    """Tell whether Keepa only says that it does not know it: a small object of type 4 with nothing in it."""
    if len(memoryview(product.view())) > _UNKNOWN_BYTES_MAX:
        return False  # looked at no further: products are large
    return product.product_type == _INVALID and not product.title and not product.every_series()


def document(product: Product, domain: int) -> Mapping[str, Any]:
    """Return a product for a JSON document, with where it comes from; its bytes are neither read nor copied."""
    return {"asin": product.asin, "domain": domain, **origin_json(product), "product": raw_of(product)}


def origin_json(product: Product) -> Mapping[str, Any]:
    """Return where a product comes from."""
    at = product.fetched_at
    return {
        "fetched_at": None if at is None else moment(at),
        "archived": not product.paid_now,
        "stale": product.is_stale,
    }


async def _stream_products(
    errand: Errand,
    asins: list[str],
    domain: int,
    options: ProductOptions,
    put: Put,
) -> Mapping[str, Any]:
    """Put a line for each product, call by call."""
    left = deque(asins[at : at + _PER_CALL] for at in range(0, len(asins), _PER_CALL))
    missing: list[str] = []

    async def work(keepa: OnBehalf) -> None:
        while left:
            found = await keepa.products(left[0], domain=domain, **options)
            known = [each for each in found if not is_unknown(each)]
            for each in known:
                await put(document(each, domain))
            missing.extend(_missing(left.popleft(), known))

    try:
        await errand.spend(work)
    except PartialResultError as partial:
        came = [each for each in cast("list[Product]", partial.results) if not is_unknown(each)]
        for each in came:
            await put(document(each, domain))
        missing += _missing([asin for part in left for asin in part], came)
        return {**partial_json(partial, errand.now), "missing": missing}
    return {"missing": missing, "complete": True}


def _listed(text: str) -> list[str]:
    if not _ASINS.fullmatch(text):
        message = f"asins: write up to {ASINS_MAX:,} ASINs of 10 characters, A-Z and 0-9, separated by commas"
        raise invalid(message, "invalid_asins", "asins")
    return list(dict.fromkeys(text.split(",")))


def _missing(asked: list[str], found: list[Product]) -> list[str]:
    had = {each.asin for each in found}
    return [asin for asin in asked if asin not in had]
