"""Before buying: is the product still what it was when it was chosen? Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.money import Money
from keepahead.keepa.objects import Product
from keepahead.work.analysis.analyse import Analysis, analyse
from keepahead.work.analysis.fees import GIVEN
from keepahead.work.analysis.score import Number
from keepahead.work.analysis.thresholds import Limits, Thresholds


class Outcome(StrEnum):
    """How a verification ends, best first."""

    OK = "OK"
    CHANGED = "CHANGED"
    AVOID = "AVOID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What was saved of a product; what is None is not compared. Money is in the smallest unit."""

    price: int | None = None
    price_source: str | None = None
    rank: int | None = None
    offers: int | None = None
    amazon_in_stock: bool | None = None
    amazon_box_share: float | None = None
    buying_price: int | None = None
    saved_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to compare with."""
        return all(
            value is None for value in (self.price, self.rank, self.offers, self.amazon_in_stock, self.amazon_box_share)
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing compared: what it was, what it is, the change as a share of what it was, and what that means."""

    what: str
    was: Number | None
    now: Number | None
    change: float | None
    outcome: Outcome
    because: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The worst of its differences; all that were looked at, whether they differ or not, are in `compared`."""

    asin: str
    domain: int
    currency: str
    as_of: datetime
    saved_at: datetime | None
    outcome: Outcome
    differences: tuple[Difference, ...]
    compared: tuple[str, ...]
    analysis: Analysis


def expected_of(analysis: Analysis) -> Expected:
    """Return what an analysis leaves to be compared with later."""
    returns = analysis.returns
    return Expected(
        price=analysis.price.current,
        price_source=analysis.price.source,
        rank=analysis.rank.current,
        offers=analysis.offers.current,
        amazon_in_stock=analysis.competition.amazon_in_stock,
        amazon_box_share=analysis.competition.amazon_box_share,
        buying_price=returns.buying_price if returns and returns.buying_price_source == GIVEN else None,
        saved_at=analysis.as_of,
    )


def verify(
    product: Product, expected: Expected, *, now: datetime, thresholds: Thresholds | None = None
) -> Verification:
    """Compare a product with what was saved of it."""
    rules = thresholds or Thresholds()
    analysis = analyse(product, now=now, buying_price=expected.buying_price, thresholds=rules)
    every = list(_compared(product, expected, analysis, rules))
    worst = max((each.outcome for each in every), key=list(Outcome).index, default=Outcome.OK)
    return Verification(
        asin=analysis.asin,
        domain=analysis.domain,
        currency=analysis.currency,
        as_of=analysis.as_of,
        saved_at=expected.saved_at,
        outcome=worst,
        differences=tuple(each for each in every if each.was != each.now),
        compared=tuple(each.what for each in every),
        analysis=analysis,
    )


def _compared(product: Product, expected: Expected, seen: Analysis, rules: Thresholds) -> Iterator[Difference]:
    if expected.price is not None:
        yield _price(expected.price, _price_now(product, expected, seen), seen.domain, rules)
    if expected.rank is not None:
        yield _rank(expected.rank, seen.rank.current, rules)
    if expected.offers is not None:
        yield _offers(expected.offers, seen.offers.current, rules)
    if expected.amazon_in_stock is not None:
        yield _amazon(expected.amazon_in_stock, now=seen.competition.amazon_in_stock)
    if expected.amazon_box_share is not None:
        yield _amazon_share(expected.amazon_box_share, seen.competition.amazon_box_share, rules)
    if expected.buying_price is not None and seen.returns is not None:
        yield _roi(seen.returns.roi, rules)


def _price_now(product: Product, expected: Expected, seen: Analysis) -> int | None:
    """Return the price of the kind that was saved, or, if that is gone, the price that there is."""
    kind = CsvType.__members__.get(expected.price_source or "")
    same = product.series(kind).at(seen.as_of) if kind is not None else None
    return seen.price.current if same is None else same


def _price(was: int, now: int | None, domain: int, rules: Thresholds) -> Difference:
    if now is None:
        return Difference("price", was, now, None, Outcome.AVOID, "nobody offers it any more")
    change = _change(was, now)
    limits = rules.verify_price_fall if change < 0 else rules.verify_price_rise
    word = "fell" if change < 0 else "rose" if change > 0 else "is the same"
    told = f"the price {word} from {Money(was, domain)} to {Money(now, domain)} ({change:+.0%})" if change else word
    return Difference("price", was, now, change, _judged(abs(change), limits), told)


def _rank(was: int, now: int | None, rules: Thresholds) -> Difference:
    if now is None:
        return Difference("rank", was, now, None, Outcome.CHANGED, "it has no sales rank any more")
    change = _change(was, now)
    word = "worse" if change > 0 else "better" if change < 0 else "the same"
    return Difference(
        "rank", was, now, change, _judged(change, rules.verify_rank_worse), f"the rank is {word}: {was:,} to {now:,}"
    )


def _offers(was: int, now: int | None, rules: Thresholds) -> Difference:
    if now is None:
        return Difference("offers", was, now, None, Outcome.CHANGED, "how many offer it is not known any more")
    change = _change(was, now)
    enough = now - was >= rules.verify_offers_least
    outcome = _judged(change, rules.verify_offers_more) if enough else Outcome.OK
    return Difference("offers", was, now, change, outcome, f"{now:,} offers, and there were {was:,}")


def _amazon(was: bool, *, now: bool | None) -> Difference:
    numbers = int(was), None if now is None else int(now)
    if now is None:
        return Difference("Amazon", *numbers, None, Outcome.CHANGED, "whether Amazon sells it is not known any more")
    if now and not was:
        return Difference("Amazon", *numbers, None, Outcome.AVOID, "Amazon sells it now")
    if was and not now:
        return Difference("Amazon", *numbers, None, Outcome.CHANGED, "Amazon does not sell it any more")
    return Difference(
        "Amazon", *numbers, None, Outcome.OK, "Amazon sells it as before" if now else "no Amazon, as before"
    )


def _amazon_share(was: float, now: float | None, rules: Thresholds) -> Difference:
    if now is None:
        because = "how often Amazon has the Buy Box is not known any more"
        return Difference("Amazon's Buy Box", was, now, None, Outcome.CHANGED, because)
    because = f"Amazon had the Buy Box {now:.0%} of the time, and it was {was:.0%}"
    outcome = _judged(now - was, rules.verify_amazon_share)
    return Difference("Amazon's Buy Box", was, now, now - was, outcome, because)


def _roi(now: float, rules: Thresholds) -> Difference:
    least = rules.consider.roi
    if now < least:
        because = f"at this buying price the return is {now:.0%}, and it must be {least:.0%}"
        return Difference("return", None, now, None, Outcome.AVOID, because)
    return Difference("return", now, now, None, Outcome.OK, f"the return is {now:.0%}")


def _judged(change: float, limits: Limits) -> Outcome:
    if change >= limits.avoid:
        return Outcome.AVOID
    return Outcome.CHANGED if change >= limits.changed else Outcome.OK


def _change(was: int, now: int) -> float:
    """Return the change as a share of what it was; from nothing to something counts as all of it."""
    if was == now:
        return 0.0
    return (now - was) / was if was else 1.0
