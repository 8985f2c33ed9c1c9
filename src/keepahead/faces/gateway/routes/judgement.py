"""What a product is worth buying for, and whether it is still what it was: analysis, verification."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from keepahead.faces.gateway.problems import invalid
from keepahead.faces.gateway.respond import json_response
from keepahead.faces.gateway.routes.answers import KEEPAS, TEXT, WHOLE, answers, listed, origin, shape
from keepahead.faces.gateway.routes.errand import Errand, Spending
from keepahead.faces.gateway.routes.parameters import AsinPath, Site, Whole, Yes, price
from keepahead.faces.gateway.routes.products import look_up, origin_json
from keepahead.faces.saved import expected_in
from keepahead.work.analysis.analyse import analyse, options_for
from keepahead.work.analysis.verify import Expected, verify

_MONEY_MAX = 10**12

router = APIRouter(prefix="/api/v1", tags=["analysis"], default_response_class=Response)

BuyBox = Annotated[Yes, Query(description="With the Buy Box: Amazon's share of it; 2 tokens more.")]
BuyingPrice = Annotated[
    str | None,
    Query(max_length=20, description="What one costs you, in the marketplace's currency.", examples=["6.50"]),
]
_JUDGED = {"type": "object", "description": "Money is in the smallest unit (cents, yen), shares are fractions."}
_ANALYSED = {
    "asin": "B0D8W1YVBX",
    "domain": 1,
    "fetched_at": "2026-11-22T20:00:00.000Z",
    "archived": False,
    "stale": False,
    "analysis": {"asin": "B0D8W1YVBX", "currency": "USD", "recommendation": {"action": "BUY"}},
}
_VERIFIED = {
    **{name: value for name, value in _ANALYSED.items() if name != "analysis"},
    "verification": {"outcome": "CHANGED", "differences": [{"what": "price", "was": 1499, "now": 1299}]},
}


@router.get(
    "/products/{asin}/analysis",
    summary="A product judged",
    responses=answers(origin(asin=TEXT, domain=WHOLE, analysis=_JUDGED), _ANALYSED, missing="unknown-product"),
)
async def get_analysis(
    *,
    errand: Spending,
    asin: AsinPath,
    domain: Site,
    buying_price: BuyingPrice = None,
    buybox: BuyBox = True,
) -> Response:
    """Judge price, rank, rivals, fees, return, velocity and risk, and recommend: 3 tokens, 1 without the Buy Box."""
    paid = price("buying_price", buying_price, domain)
    product = await look_up(errand, asin, domain, options_for(buybox=buybox))
    judge = partial(analyse, buying_price=paid, now=errand.now, thresholds=errand.gateway.usual.analysis)
    found = await asyncio.to_thread(judge, product)
    return json_response({"asin": asin, "domain": domain, **origin_json(product), "analysis": found})


class ExpectedBody(BaseModel):
    """What a product was. Money is in the smallest unit (cents, yen)."""

    model_config = ConfigDict(strict=True, extra="forbid")

    price: Annotated[int | None, Field(ge=0, le=_MONEY_MAX, examples=[1499])] = None
    price_source: Annotated[str | None, Field(max_length=40, description="Its series, such as NEW.")] = None
    rank: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    offers: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None
    amazon_in_stock: bool | None = None
    amazon_box_share: Annotated[float | None, Field(ge=0, le=1, allow_inf_nan=False)] = None
    buying_price: Annotated[int | None, Field(ge=0, le=_MONEY_MAX)] = None
    saved_at: Annotated[AwareDatetime | None, Field(strict=False)] = None


class VerifyBody(BaseModel):
    """What was saved of the product: either what is expected, or a whole analysis."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"expected": {"price": 1499, "rank": 1200, "amazon_in_stock": False}}]},
    )

    expected: ExpectedBody | None = None
    analysis: Annotated[
        dict[str, Any] | None, Field(description="What `…/analysis` answered as `analysis`, in place of `expected`.")
    ] = None


_VERIFY = answers(
    origin(asin=TEXT, domain=WHOLE, verification=shape(outcome=TEXT, differences=listed(KEEPAS))),
    _VERIFIED,
    missing="unknown-product",
)


@router.post("/products/{asin}/verify", summary="Is a product still what it was?", responses=_VERIFY)
async def post_verify(
    *,
    errand: Spending,
    asin: AsinPath,
    domain: Site,
    body: VerifyBody,
    buybox: BuyBox = True,
) -> Response:
    """Compare with what was saved: OK, CHANGED or AVOID. Asks Keepa unless `max_age` says otherwise; 3 tokens."""
    expected = _expected(body, asin, domain)
    return await _verified(errand, asin, domain, expected, buybox=buybox)


@router.get("/products/{asin}/verify", summary="Is a product still as expected?", responses=_VERIFY)
async def get_verify(
    *,
    errand: Spending,
    asin: AsinPath,
    domain: Site,
    was_price: Annotated[
        str | None, Query(alias="price", max_length=20, description="The price that it had.", examples=["14.99"])
    ] = None,
    rank: Annotated[Whole | None, Query(ge=1, le=2**31 - 1, description="The sales rank that it had.")] = None,
    offers: Annotated[Whole | None, Query(ge=0, le=2**31 - 1, description="How many new offers there were.")] = None,
    amazon: Annotated[Yes | None, Query(description="Whether Amazon sold it.")] = None,
    buying_price: BuyingPrice = None,
    buybox: BuyBox = True,
) -> Response:
    """Compare with simple expectations: OK, CHANGED or AVOID. Asks Keepa unless `max_age` says otherwise; 3 tokens."""
    expected = Expected(
        price=price("price", was_price, domain),
        rank=rank,
        offers=offers,
        amazon_in_stock=amazon,
        buying_price=price("buying_price", buying_price, domain),
    )
    return await _verified(errand, asin, domain, expected, buybox=buybox)


def _expected(body: VerifyBody, asin: str, domain: int) -> Expected:
    if (body.expected is None) == (body.analysis is None):
        raise invalid("give either expected or analysis", "nothing_expected", "expected")
    if body.expected is not None:
        told: dict[str, Any] = {name: getattr(body.expected, name) for name in ExpectedBody.model_fields}
        return Expected(**told)
    try:
        return expected_in(body.analysis or {}, asin, domain)
    except ValueError as error:
        raise invalid(f"analysis: {error}", "invalid_analysis", "analysis") from None


async def _verified(errand: Errand, asin: str, domain: int, expected: Expected, *, buybox: bool) -> Response:
    if expected.is_empty:
        raise invalid("say what was expected: a price, a rank, a number of offers, or Amazon", "nothing_expected", None)
    if errand.wish.max_age is None:
        errand = errand.with_terms(max_age=timedelta())
    product = await look_up(errand, asin, domain, options_for(buybox=buybox))
    compare = partial(verify, expected=expected, now=errand.now, thresholds=errand.gateway.usual.analysis)
    seen = await asyncio.to_thread(compare, product)
    return json_response({"asin": asin, "domain": domain, **origin_json(product), "verification": seen})
