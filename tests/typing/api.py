"""Never run, only type-checked: every name of the front door as its users write it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, assert_type

import keepahead
from keepahead import (
    Analysis,
    Answer,
    AsyncKeepa,
    BestSellers,
    Call,
    CallerLimitError,
    Category,
    Cost,
    CsvType,
    Deals,
    Expected,
    Found,
    FrozenError,
    InsufficientTokensError,
    InvalidCallError,
    Keepa,
    KeepaRejected,
    LightningDeal,
    Money,
    Offer,
    OutcomeUnknown,
    PartialResultError,
    Product,
    ProductCall,
    SearchInsights,
    Seller,
    Series,
    Stats,
    Status,
    Thresholds,
    TokenCall,
    Tracking,
    Verification,
    analyse,
    expected_of,
    pandas_frame,
    parse_call,
    polars_frame,
    quote,
    verify,
)


async def everything(selection: Mapping[str, Any]) -> None:
    """The async client, method by method."""
    async with AsyncKeepa(
        None,
        upstream_url=None,
        database_url=None,
        floor=None,
        lane="live",
        caller=None,
        max_wait_seconds=None,
        max_concurrency=None,
    ) as keepa:
        assert_type(await keepa.products(["B0D8W1YVBX"], domain=1, stats=90), list[Product])
        assert_type(await keepa.products(["B0D8W1YVBX"], max_age=3600, on_refusal="stale"), list[Product])
        product = (await keepa.products(["B0D8W1YVBX"], max_age=timedelta(hours=6)))[0]
        assert_type((product.fetched_at, product.paid_now, product.is_stale), tuple[datetime | None, bool, bool])
        answer = await keepa.send(TokenCall(), max_age=0)
        assert_type((answer.fetched_at, answer.is_archived, answer.is_stale), tuple[datetime, bool, bool])
        assert_type((await keepa.status()).saved_today, int)
        assert_type(await keepa.products_by_code(["4006381000000"], code_limit=3, max_tokens=5), list[Product])
        assert_type(await keepa.best_sellers(283155, domain="US", range_days=30), BestSellers)
        assert_type(await keepa.deals(selection, max_wait_seconds=0), Deals)
        assert_type(await keepa.find(selection), Found)
        assert_type(await keepa.search("instant coffee"), list[Product])
        assert_type(await keepa.search_categories("books"), dict[int, Category])
        assert_type(await keepa.categories([283155]), dict[int, Category])
        assert_type(await keepa.sellers(["A2L77EE7U53NWQ"]), dict[str, Seller])
        assert_type(await keepa.find_sellers(selection), list[str])
        assert_type(await keepa.top_sellers(domain=1), list[str])
        assert_type(await keepa.lightning_deals("B0D8W1YVBX"), list[LightningDeal])
        assert_type(await keepa.graph_image("B0D8W1YVBX"), bytes)
        assert_type(await keepa.trackings(), list[Tracking])
        assert_type(await keepa.track([selection]), list[Tracking])
        assert_type(await keepa.send(TokenCall()), Answer)
        assert_type(keepa.quote(TokenCall()), Cost)
        assert_type(await keepa.status(), Status)
        await keepa.foresee("this scan", 100, max_wait_seconds=0)


def blocking() -> None:
    """The blocking client has the same methods."""
    with Keepa(floor=-50, lane="jobs", caller="nightly") as keepa:
        assert_type(keepa.products(["B0D8W1YVBX"], offers=20), list[Product])
        status = keepa.status()
        assert_type(status.balance, int)
        assert_type(status.full_at, datetime | None)
        assert_type(keepa.send(ProductCall(asins=["B0D8W1YVBX"], domain="US")).tokens_consumed, int | None)


def values() -> None:
    """Calls, costs and the facts that errors carry."""
    call = parse_call("GET", "/product", {"domain": 1, "asin": "B0D8W1YVBX"})
    assert_type(call, Call)
    assert_type(quote(call).tokens_max, int | None)
    try:
        blocking()
    except InsufficientTokensError as error:
        assert_type((error.balance, error.free, error.tokens_max, error.floor), tuple[int, int, int, int])
        assert_type((error.wait_seconds, error.kept_until), tuple[float | None, datetime | None])
    except FrozenError as error:
        assert_type((error.freeze_id, error.words, error.wait_seconds), tuple[int, str, float | None])
    except CallerLimitError as error:
        assert_type((error.caller, error.window, error.limit, error.spent), tuple[str, str, int, int])
    except PartialResultError as error:
        assert_type(error.missing, tuple[str, ...])
    except OutcomeUnknown as error:
        assert_type(error.call_id, str)
    except KeepaRejected as error:
        assert_type(error.status, int)
    except InvalidCallError as error:
        assert_type(error.nearest, str | None)
    except keepahead.KeepaheadError:
        pass


def objects(products: list[Product], found: Found, now: datetime) -> None:
    """Objects have typed attributes beside Keepa's own names."""
    product = products[0]
    assert_type((product.title, product.brand, product.monthly_sold), tuple[str, str | None, int | None])
    assert_type(product.offers, tuple[Offer, ...])
    assert_type(product.fetched_at, datetime | None)
    assert_type(product.stats, Stats | None)
    if product.stats:
        assert_type(product.stats.avg90.new, int | None)
        assert_type(product.stats.avg90[CsvType.NEW], int | None)
        assert_type(product.stats.is_lowest.new, bool | None)
    series = product.series(CsvType.NEW)
    assert_type(product.every_series(), dict[CsvType, Series])
    assert_type(series.values, list[int | None])
    assert_type(series.mean(90, until=now), float | None)
    assert_type(product.money(CsvType.NEW), Money | None)
    assert_type(found.insights, SearchInsights | None)
    assert len(polars_frame(products)) == len(pandas_frame(products))


def judged(product: Product, now: datetime) -> None:
    """Analyses and verifications, and what people read first of them."""
    seen = analyse(product, now=now, buying_price=650, thresholds=Thresholds(roi_target=0.4))
    assert_type(seen, Analysis)
    assert_type(seen.price.mean(90), float | None)
    assert_type(seen.velocity.value, float | None)
    assert_type(seen.recommendation.reasons, tuple[str, ...])
    assert_type(expected_of(seen), Expected)
    assert_type(verify(product, Expected(price=1499), now=now), Verification)
