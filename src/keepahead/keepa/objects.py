"""Bodies -> products, deals, sellers … Each keeps its raw bytes and decodes what is asked for, when it is asked for."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from keepahead.errors import BadAnswerError
from keepahead.keepa.times import from_keepa_minutes
from keepahead.keepa.wire import Answer

S = TypeVar("S")

_NULL = msgspec.Raw(b"null")


class KeepaObject(Mapping[str, Any]):
    """One object of Keepa's: a read-only mapping under Keepa's own field names.

    `raw` is what was paid for, byte for byte. The first look at a field decodes the object, once.
    """

    __slots__ = ("_fields", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._fields: Mapping[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self.raw)} bytes>"

    def __hash__(self) -> int:
        return hash(self.raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeepaObject) and self.raw == other.raw

    def _all(self) -> Mapping[str, Any]:
        if self._fields is None:
            self._fields = _decode(self.raw, dict[str, Any])
        return self._fields


class Product(KeepaObject):
    """A product (product-object.md, section 2)."""

    __slots__ = ("asin",)

    def __init__(self, raw: bytes, asin: str = "") -> None:
        super().__init__(raw)
        self.asin = asin

    def __repr__(self) -> str:
        return f"<Product {self.asin}, {len(self.raw)} bytes>"

    @property
    def title(self) -> str:
        """The title; empty if Keepa has none."""
        return str(self.get("title") or "")

    @property
    def domain(self) -> int:
        """Keepa's number of the marketplace."""
        return int(self.get("domainId") or 0)

    def current(self, csv_type: int) -> int | None:
        """Return the newest value of a series by its csv index: money in the smallest unit, a rank, or a count.

        None where there is none. Triples (7, 18 to 29, 32) give the price with its shipping (product-object.md, 1).
        Without the series (history=0) the statistics answer, if they were asked for.
        """
        series = self._series(csv_type)
        if not series:
            return self._statistic(csv_type)
        triple = csv_type in _TRIPLES
        value = series[-2] + max(0, series[-1]) if triple and series[-2] >= 0 else series[-2 if triple else -1]
        return value if value >= 0 else None

    def _series(self, csv_type: int) -> Sequence[int]:
        every = self.get("csv") or ()
        return (every[csv_type] or ()) if csv_type < len(every) else ()

    def _statistic(self, csv_type: int) -> int | None:
        statistics: Mapping[str, Any] = self.get("stats") or {}
        every: Sequence[int | None] = statistics.get("current") or ()
        value = every[csv_type] if csv_type < len(every) else None
        return value if value is not None and value >= 0 else None


_TRIPLES = frozenset((7, *range(18, 30), 32))


class Deal(KeepaObject):
    """A deal (product-object.md, section 7)."""

    __slots__ = ()


class Seller(KeepaObject):
    """A seller (product-object.md, section 6)."""

    __slots__ = ()


class Category(KeepaObject):
    """A category node (product-object.md, section 5)."""

    __slots__ = ()


class LightningDeal(KeepaObject):
    """A lightning deal (product-object.md, section 9)."""

    __slots__ = ()


class Tracking(KeepaObject):
    """A stored tracking (product-object.md, section 10)."""

    __slots__ = ()


class Notification(KeepaObject):
    """What a tracking told (product-object.md, section 11)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class BestSellers:
    """A best-seller list, best first. `category` is 0 when a group name was asked."""

    domain: int
    category: int
    asins: tuple[str, ...]
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """What the product finder found: one page of ASINs, and Keepa's estimate of all matches.

    `insights` is None unless `stats` was asked for.
    """

    asins: tuple[str, ...]
    total: int
    insights: KeepaObject | None


@dataclass(frozen=True, slots=True)
class Deals:
    """One page of deals, and how many there are in each root category, filters on categories aside."""

    deals: tuple[Deal, ...]
    category_counts: Mapping[int, int]
    category_names: Mapping[int, str]


class _Id(msgspec.Struct):
    asin: str | None = None


class _BestSellersList(msgspec.Struct, rename="camel"):
    asin_list: list[str] | None = None
    category_id: int | None = None
    domain_id: int | None = None
    last_update: int | None = None


class _DealPage(msgspec.Struct, rename="camel"):
    dr: list[msgspec.Raw] | None = None
    category_ids: list[int] | None = None
    category_names: list[str] | None = None
    category_count: list[int] | None = None


class _Payload(msgspec.Struct, rename="camel"):
    """Every payload that an answer can carry; those of other endpoints stay None."""

    products: list[msgspec.Raw] | None = None
    asin_list: list[str] | None = None
    total_results: int | None = None
    search_insights: msgspec.Raw = msgspec.Raw()
    best_sellers_list: _BestSellersList | None = None
    deals: _DealPage | None = None
    categories: dict[str, msgspec.Raw] | None = None
    sellers: dict[str, msgspec.Raw] | None = None
    seller_id_list: list[str] | None = None
    lightning_deals: list[msgspec.Raw] | None = None
    trackings: list[msgspec.Raw] | None = None
    tracking_list_names: list[str] | None = None
    notifications: list[msgspec.Raw] | None = None


def products(answers: Sequence[Answer], asked: Sequence[str] = ()) -> list[Product]:
    """Return the products, in the order `asked`; those that Keepa did not deliver are left out."""
    delivered = [Product(raw, asin) for answer in answers for asin, raw in _products(answer)]
    if not asked:
        return delivered
    by_asin = {product.asin: product for product in delivered}
    return [by_asin[asin] for asin in asked if asin in by_asin]


def best_sellers(answers: Sequence[Answer]) -> BestSellers:
    """Return the list, empty if there is none; it may lie at the top level (open-questions 1.28)."""
    payload = _payload(answers[0])
    listed = payload.best_sellers_list or _BestSellersList(asin_list=payload.asin_list)
    return BestSellers(
        domain=listed.domain_id or int(answers[0].call.query().get("domain", 0)),
        category=listed.category_id or 0,
        asins=tuple(listed.asin_list or ()),
        updated_at=_moment(listed.last_update),
    )


def deals(answers: Sequence[Answer]) -> Deals:
    """Return one page of deals."""
    page = _payload(answers[0]).deals or _DealPage()
    ids = page.category_ids or []
    return Deals(
        deals=tuple(map(Deal, _given(page.dr))),
        category_counts=dict(zip(ids, page.category_count or (), strict=False)),
        category_names=dict(zip(ids, page.category_names or (), strict=False)),
    )


def found(answers: Sequence[Answer]) -> Found:
    """Return one page of the product finder."""
    payload = _payload(answers[0])
    insights = bytes(payload.search_insights)
    asins = tuple(payload.asin_list or ())
    told = None if insights in {b"", b"null"} else KeepaObject(insights)
    return Found(asins, payload.total_results or len(asins), told)


def searched(answers: Sequence[Answer]) -> list[Product]:
    """Return what a product search found, in Amazon's order; with asins_only the products hold nothing but the ASIN."""
    payload = _payload(answers[0])
    bare = [Product(msgspec.json.encode({"asin": asin}), asin) for asin in payload.asin_list or ()]
    return products(answers) or bare


def categories(answers: Sequence[Answer]) -> dict[int, Category]:
    """Return the category nodes by their ids; unknown ids are missing."""
    return {
        int(number): Category(bytes(raw))
        for answer in answers
        for number, raw in (_payload(answer).categories or {}).items()
        if raw != _NULL and number.removeprefix("-").isdecimal()
    }


def sellers(answers: Sequence[Answer]) -> dict[str, Seller]:
    """Return the sellers by their ids; unknown ones are missing."""
    return {
        name: Seller(bytes(raw))
        for answer in answers
        for name, raw in (_payload(answer).sellers or {}).items()
        if raw != _NULL
    }


def seller_ids(answers: Sequence[Answer]) -> list[str]:
    """Return a list of seller ids."""
    return list(_payload(answers[0]).seller_id_list or ())


def lightning_deals(answers: Sequence[Answer]) -> list[LightningDeal]:
    """Return lightning deals."""
    return list(map(LightningDeal, _given(_payload(answers[0]).lightning_deals)))


def trackings(answers: Sequence[Answer]) -> list[Tracking]:
    """Return trackings as Keepa keeps them."""
    return [Tracking(raw) for answer in answers for raw in _given(_payload(answer).trackings)]


def notifications(answers: Sequence[Answer]) -> list[Notification]:
    """Return notifications, newest first."""
    return list(map(Notification, _given(_payload(answers[0]).notifications)))


def tracking_list_names(answers: Sequence[Answer]) -> list[str]:
    """Return the names of the tracking lists."""
    return list(_payload(answers[0]).tracking_list_names or ())


def image(answers: Sequence[Answer]) -> bytes:
    """Return the PNG of a graph."""
    return answers[0].body


def nothing(answers: Sequence[Answer]) -> None:
    """Return nothing: the call was for its effect."""


def _given(objects: Iterable[msgspec.Raw] | None) -> Iterator[bytes]:
    """Return the objects of a list; Keepa may put null for what it has not."""
    return (bytes(raw) for raw in objects or () if raw != _NULL)


def _moment(minutes: int | None) -> datetime | None:
    try:
        return from_keepa_minutes(minutes) if minutes else None
    except ValueError:
        return None


def _products(answer: Answer) -> list[tuple[str, bytes]]:
    with _blamed_on(answer):
        return [(_decode(raw, _Id).asin or "", raw) for raw in _given(_decode(answer.body, _Payload).products)]


def _payload(answer: Answer) -> _Payload:
    with _blamed_on(answer):
        return _decode(answer.body, _Payload)


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


def _decode(raw: bytes | msgspec.Raw, into: type[S]) -> S:
    try:
        return msgspec.json.decode(raw, type=into)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadAnswerError("an object of Keepa's cannot be read", status=200, body=bytes(raw)) from None
