"""Histories of a product: decoded series, and a picture of price and rank."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from keepahead.faces.drawing import drawn
from keepahead.faces.gateway.lines import lines_response, wants_lines
from keepahead.faces.gateway.problems import invalid, problem
from keepahead.faces.gateway.respond import json_response
from keepahead.faces.gateway.routes.answers import MOMENT, NUMBER, TEXT, WHOLE, answers, listed, origin, pictures
from keepahead.faces.gateway.routes.errand import Errand, Spending
from keepahead.faces.gateway.routes.parameters import AsinPath, Site, Whole, Yes, currency, moment_of, pattern
from keepahead.faces.gateway.routes.products import look_up, origin_json
from keepahead.faces.words import meant
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.money import Money
from keepahead.keepa.objects import Product
from keepahead.keepa.plans import ProductOptions
from keepahead.keepa.series import Series
from keepahead.work.analysis.pictures import picture_of

DAYS_MAX = 20_000
_NAMES = f"({'|'.join(CsvType.__members__)})"

router = APIRouter(prefix="/api/v1", tags=["products"], default_response_class=Response)

_POINT = {"type": "array", "items": {"anyOf": [MOMENT, NUMBER, {"type": "null"}]}, "minItems": 2, "maxItems": 3}
_SERIES = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["unit", "points"],
        "properties": {"unit": TEXT, "points": listed(_POINT)},
    },
}
_EXAMPLE = {
    "asin": "B0D8W1YVBX",
    "domain": 1,
    "fetched_at": "2026-11-22T20:00:00.000Z",
    "archived": False,
    "stale": False,
    "currency": "USD",
    "series": {"NEW": {"unit": "money", "points": [["2026-11-20T08:00:00Z", 14.99], ["2026-11-21T10:30:00Z", None]]}},
}

Kinds = Annotated[
    str | None,
    Query(
        max_length=600,
        json_schema_extra=pattern(rf"^{_NAMES}(,{_NAMES}){{0,3}}$"),
        description="Which, by the names of Keepa's types; all without it.",
        examples=["NEW,SALES"],
    ),
]
Since = Annotated[
    str | None,
    Query(
        max_length=40, description="From this day or moment on; what held then comes first.", examples=["2026-01-01"]
    ),
]


@router.get(
    "/products/{asin}/series",
    summary="Decoded histories",
    responses=answers(
        origin(asin=TEXT, domain=WHOLE, currency=TEXT, series=_SERIES),
        _EXAMPLE,
        lines="A line for each point: `{kind, at, value}`, with `shipping` where Keepa tells it.",
        missing="unknown-product",
    ),
)
async def get_series(
    *,
    errand: Spending,
    asin: AsinPath,
    domain: Site,
    kinds: Kinds = None,
    since: Since = None,
    form: Annotated[Literal["json", "ndjson"] | None, Query(description="As the Accept header says.")] = None,
) -> Response:
    """Give histories as points in time: money in the currency's main unit, stars in stars, null in gaps; 1 token."""
    wanted, start = _kinds(kinds), moment_of("since", since)
    product = await look_up(errand, asin, domain, {})
    told = await asyncio.to_thread(_told, product, wanted, start)
    if form == "ndjson" or (form is None and wants_lines(errand.request)):
        return await asyncio.to_thread(lambda: lines_response(_lines(told)))
    head = {"asin": asin, "domain": domain, **origin_json(product), "currency": currency(domain)}
    return await asyncio.to_thread(json_response, {**head, "series": told})


Days = Annotated[Whole | None, Query(ge=1, le=DAYS_MAX, description="The last so many days; all without it.")]
BuyBox = Annotated[Yes, Query(description="With the Buy Box price; 2 tokens more.")]


@router.get("/products/{asin}/chart.png", summary="A picture of price and rank", responses=pictures("image/png"))
async def get_chart(
    *,
    errand: Spending,
    asin: AsinPath,
    domain: Site,
    days: Days = None,
    buybox: BuyBox = False,
) -> Response:
    """Draw price and sales rank, the best rank on top, gaps in grey: 1 token, 3 with the Buy Box."""
    return Response(await _picture(errand, asin, domain, days, ".png", buybox=buybox), media_type="image/png")


@router.get("/products/{asin}/chart.svg", summary="The same as a drawing", responses=pictures("image/svg+xml"))
async def get_drawing(
    *,
    errand: Spending,
    asin: AsinPath,
    domain: Site,
    days: Days = None,
    buybox: BuyBox = False,
) -> Response:
    """Draw price and sales rank, the best rank on top, gaps in grey: 1 token, 3 with the Buy Box."""
    made = await _picture(errand, asin, domain, days, ".svg", buybox=buybox)
    return Response(made, media_type="image/svg+xml")


async def _picture(
    errand: Errand,
    asin: str,
    domain: int,
    days: int | None,
    ending: str,
    *,
    buybox: bool,
) -> bytes:
    options: ProductOptions = {"buybox": True} if buybox else {}
    product = await look_up(errand, asin, domain, options)
    made = await asyncio.to_thread(_drawn, product, errand.now, days, ending)
    if made is None:
        raise problem("nothing-to-draw", f"Keepa has neither a price nor a rank of {asin} for this time")
    return made


def _drawn(product: Product, now: datetime, days: int | None, ending: str) -> bytes | None:
    picture = picture_of(product, now=now, days=days)
    return None if picture.is_empty else drawn(picture, ending)


def _kinds(text: str | None) -> Sequence[CsvType]:
    if text is None:
        return tuple(CsvType)
    names = dict.fromkeys(text.split(","))
    for name in names:
        if name not in CsvType.__members__:
            raise invalid(f"kinds: {name} is not known; {meant(name, CsvType.__members__)}", "unknown_kind", "kinds")
    return [CsvType[name] for name in names]


def _told(product: Product, kinds: Sequence[CsvType], since: datetime | None) -> dict[str, Any]:
    every = product.every_series()
    return {
        kind.name: {"unit": kind.unit, "points": list(_points(every[kind], since))} for kind in kinds if kind in every
    }


def _points(series: Series, since: datetime | None) -> Iterator[list[Any]]:
    """Yield time, value and, where Keepa tells it, shipping; first what held at `since`."""
    points = list(series)
    if since is not None:
        first = sum(point.at <= since for point in points)
        points = points[max(0, first - 1) :]
    for point in points:
        told = [f"{point.at:%Y-%m-%dT%H:%M:%SZ}", _value(series, point.value)]
        yield [*told, _value(series, point.shipping)] if series.width == 3 else told


def _value(series: Series, value: int | None) -> float | int | None:
    if value is None or series.csv_type is None:
        return value
    if series.csv_type.unit == "money":
        return float(Money(value, series.domain))
    return value / 10 if series.csv_type.unit == "rating" else value


def _lines(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind, each in told.items():
        for at, value, *shipping in each["points"]:
            yield {"kind": kind, "at": at, "value": value, **({"shipping": shipping[0]} if shipping else {})}
