"""Answers -> products, deals, sellers … Each keeps its raw bytes and decodes what is asked for, when it is."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from keepahead.errors import BadAnswerError
from keepahead.keepa.archived import product_of
from keepahead.keepa.deals import Deal, Deals, LightningDeal
from keepahead.keepa.fields import PARTS, KeepaObject, raw_items, read, texts, wholes
from keepahead.keepa.market import BestSellers, Category, Found, SearchInsights, Seller
from keepahead.keepa.product import Offer, Product, products_of
from keepahead.keepa.trackings import Notification, Tracking
from keepahead.keepa.wire import Answer

__all__ = [
    "BestSellers",
    "Category",
    "Deal",
    "Deals",
    "Found",
    "KeepaObject",
    "LightningDeal",
    "Notification",
    "Offer",
    "Product",
    "SearchInsights",
    "Seller",
    "Tracking",
]

S = TypeVar("S")

_NULL = msgspec.Raw(b"null")
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_NUMBER = msgspec.json.Decoder(int)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXTS = msgspec.json.Decoder(list[str])


class _DealPage(KeepaObject, frozen=True, eq=False):
    dr = raw_items()
    category_ids = wholes()
    category_names = texts()
    category_count = wholes()


def products(answers: Sequence[Answer], asked: Sequence[str] = ()) -> list[Product]:
    """Return the products, in the order `asked`; those that Keepa did not deliver are left out."""
    delivered = [product for answer in answers for product in _products(answer)]
    if not asked:
        return delivered
    by_asin = {product.asin: product for product in delivered}
    return [by_asin[asin] for asin in asked if asin in by_asin]


def best_sellers(answers: Sequence[Answer]) -> BestSellers:
    """Return the list, empty if there is none; it may lie at the top level (open-questions 1.28)."""
    listed, asked = _part(answers[0], "bestSellersList", _OBJECT), int(answers[0].call.query().get("domain", 0))
    flat = msgspec.json.encode({"asinList": _part(answers[0], "asinList", _TEXTS)})
    return BestSellers(flat if listed is None else msgspec.json.encode(listed), asked)


def deals(answers: Sequence[Answer]) -> Deals:
    """Return one page of deals."""
    page = _DealPage(msgspec.json.encode(_part(answers[0], "deals", _OBJECT) or {}))
    return Deals(
        deals=tuple(map(Deal, _given(page.dr))),
        category_counts=_paired(page.category_ids, page.category_count),
        category_names=_paired(page.category_ids, page.category_names),
    )


def found(answers: Sequence[Answer]) -> Found:
    """Return one page of the product finder."""
    asins = tuple(_part(answers[0], "asinList", _TEXTS) or ())
    insights = _part(answers[0], "searchInsights", _OBJECT)
    told = None if insights is None else SearchInsights(msgspec.json.encode(insights))
    return Found(asins, _part(answers[0], "totalResults", _NUMBER) or len(asins), told)


def searched(answers: Sequence[Answer]) -> list[Product]:
    """Return what a product search found, in Amazon's order; with asins_only the products hold nothing but the ASIN."""
    asins = _part(answers[0], "asinList", _TEXTS) or ()
    bare = [Product(msgspec.json.encode({"asin": asin}), asin) for asin in asins]
    return products(answers) or bare


def categories(answers: Sequence[Answer]) -> dict[int, Category]:
    """Return the category nodes by their ids; unknown ids are missing."""
    return {
        int(number): Category(raw)
        for answer in answers
        for number, raw in (_part(answer, "categories", _OBJECT) or {}).items()
        if raw != _NULL and number.removeprefix("-").isdecimal()
    }


def sellers(answers: Sequence[Answer]) -> dict[str, Seller]:
    """Return the sellers by their ids; unknown ones are missing."""
    return {
        name: Seller(raw)
        for answer in answers
        for name, raw in (_part(answer, "sellers", _OBJECT) or {}).items()
        if raw != _NULL
    }


def seller_ids(answers: Sequence[Answer]) -> list[str]:
    """Return a list of seller ids."""
    return list(_part(answers[0], "sellerIdList", _TEXTS) or ())


def lightning_deals(answers: Sequence[Answer]) -> list[LightningDeal]:
    """Return lightning deals."""
    return list(map(LightningDeal, _given(_part(answers[0], "lightningDeals", _LIST))))


def trackings(answers: Sequence[Answer]) -> list[Tracking]:
    """Return trackings as Keepa keeps them."""
    return [Tracking(raw) for answer in answers for raw in _given(_part(answer, "trackings", _LIST))]


def notifications(answers: Sequence[Answer]) -> list[Notification]:
    """Return notifications, newest first."""
    return list(map(Notification, _given(_part(answers[0], "notifications", _LIST))))


def tracking_list_names(answers: Sequence[Answer]) -> list[str]:
    """Return the names of the tracking lists."""
    return list(_part(answers[0], "trackingListNames", _TEXTS) or ())


def image(answers: Sequence[Answer]) -> bytes:
    """Return the PNG of a graph."""
    return answers[0].body


def nothing(answers: Sequence[Answer]) -> None:
    """Return nothing: the call was for its effect."""


def _given(objects: Iterable[msgspec.Raw] | None) -> Iterator[msgspec.Raw]:
    """Return the objects of a list; Keepa may put null for what it has not."""
    return (raw for raw in objects or () if raw != _NULL)


def _paired(ids: Sequence[int], told: Sequence[S]) -> dict[int, S]:
    """Return what is told by id; nothing if it cannot be said what belongs to which."""
    return dict(zip(ids, told, strict=True)) if len(ids) == len(told) else {}


def _products(answer: Answer) -> list[Product]:
    if known := product_of(answer):
        found = [Product(known[1], known[0])]
    else:
        with _blamed_on(answer):
            found = products_of(answer.body)
    return [
        replace(each, fetched_at=answer.fetched_at, paid_now=not answer.is_archived, is_stale=answer.is_stale)
        for each in found
    ]


def _part(answer: Answer, name: str, decoder: msgspec.json.Decoder[S]) -> S | None:
    """Return one part of the answer; None where it is null or missing. What else Keepa sent does not matter."""
    with _blamed_on(answer):
        part = read(answer.body, PARTS).get(name, _NULL)
        return None if part == _NULL else read(part, decoder)


@contextmanager
def _blamed_on(answer: Answer) -> Generator[None]:
    """Put the whole answer, and what it cost, on the error of a part that cannot be read."""
    try:
        yield
    except BadAnswerError as error:
        raise BadAnswerError(
            "Keepa's answer has another shape than expected; what it cost is counted, the bytes are kept on this error",
            status=answer.status,
            body=answer.body,
            tokens_charged=answer.tokens_consumed or 0,
        ) from error
