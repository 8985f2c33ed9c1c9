"""One product, looked at from all sides. Pure: the present is an argument; what is not known is said, not made up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.domains import DOMAINS
from keepahead.keepa.objects import Product
from keepahead.keepa.plans import ProductOptions
from keepahead.keepa.series import Series
from keepahead.work.analysis.competition import SHARE_DAYS, BoxShares, Competition, box_shares, competition_of
from keepahead.work.analysis.fees import Fees, Returns, fees_of, returns_of
from keepahead.work.analysis.figures import WINDOWS, Figures, figures_of, times_out
from keepahead.work.analysis.recommendation import Recommendation, recommend
from keepahead.work.analysis.risk import Evidence, risk_of
from keepahead.work.analysis.sales import Sales, sales_of
from keepahead.work.analysis.score import Score
from keepahead.work.analysis.season import Season, season_of
from keepahead.work.analysis.thresholds import Thresholds
from keepahead.work.analysis.velocity import velocity_of

PRICES = (CsvType.BUY_BOX_SHIPPING, CsvType.NEW, CsvType.AMAZON)
"""Where the price is looked for, the best first."""

STATS_DAYS = 90

_LANDED_PRICES = (datetime.fromisoformat("2026-02-01T00:00Z"), datetime.fromisoformat("2026-03-01T00:00Z"))
"""When NEW went over from listing prices to prices with shipping (product-object.md, section 1)."""

_PARENT, _IN_STOCK = 5, 0
_PERCENT = 100
_MOST = 10**12  # what is above is no count and no price
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Volatility:
    """Standard deviation over the mean of 90 days: of the price, and of the rank."""

    price: float | None
    rank: float | None


@dataclass(frozen=True, slots=True)
class StockOuts:
    """How often in 90 days the price, and Amazon's own offer, went away, and for which share of the time."""

    times: int | None
    share: float | None
    amazon_times: int | None
    amazon_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """All there is to say of one product. Money is in the smallest unit of `currency`, shares and `roi` are fractions.

    Everything counts back from `as_of`: the moment asked for, or Keepa's last look at the product if that is older.
    `missing` names what is not known, `notes` what to bear in mind.
    """

    asin: str
    domain: int
    currency: str
    title: str
    as_of: datetime
    asked_at: datetime
    age_days: float
    tracked_days: float | None
    price: Figures
    rank: Figures
    offers: Figures
    volatility: Volatility
    season: Season
    stock_outs: StockOuts
    sales: Sales
    competition: Competition
    fees: Fees | None
    returns: Returns | None
    own_sales: float | None
    own_profit: float | None
    velocity: Score
    risk: Score
    recommendation: Recommendation
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def options_for(*, buybox: bool) -> ProductOptions:
    """Return what an analysis needs of a product: histories, statistics, and the Buy Box if it is wanted."""
    return {"stats": STATS_DAYS, "buybox": True} if buybox else {"stats": STATS_DAYS}


def analyse(
    product: Product, *, now: datetime, buying_price: int | None = None, thresholds: Thresholds | None = None
) -> Analysis:
    """Analyse a product. `buying_price` is in the smallest unit; without it one is assumed, and that is said."""
    rules = thresholds or Thresholds()
    seen = _Seen(product, min(now, product.last_update or now), now)
    price, rank, offers = seen.price(), seen.figures(CsvType.SALES), seen.figures(CsvType.COUNT_NEW)
    sales = sales_of(_sane(product.monthly_sold), seen.drops(), rules)
    competition = seen.competition(offers)
    selling_price = _selling_price(price)
    fees = seen.fees(selling_price, rules) if selling_price else None
    returns = returns_of(fees, buying_price, rules) if fees else None
    season = season_of(seen.series(CsvType.SALES), until=seen.as_of, thresholds=rules)
    missing = _missing(price, rank, offers, sales, competition)
    velocity = velocity_of(sales, rank, rules)
    evidence = Evidence(
        price=price,
        rank=rank,
        offers=offers,
        competition=competition,
        season=season,
        tracked_days=seen.tracked_days(),
        age_days=seen.age_days,
        return_rate=product.return_rate,
        missing=missing,
        as_of=seen.as_of,
    )
    risk = risk_of(evidence, rules)
    own_sales = _own_sales(sales, competition, rules) if fees else None
    return Analysis(
        asin=product.asin,
        domain=product.domain,
        currency=DOMAINS[product.domain].currency if product.domain in DOMAINS else "",
        title=product.title,
        as_of=seen.as_of,
        asked_at=now,
        age_days=seen.age_days,
        tracked_days=evidence.tracked_days,
        price=price,
        rank=rank,
        offers=offers,
        volatility=Volatility(price.volatility(90), rank.volatility(90)),
        season=season,
        stock_outs=seen.stock_outs(price),
        sales=sales,
        competition=competition,
        fees=fees,
        returns=returns,
        own_sales=own_sales,
        own_profit=None if own_sales is None or returns is None else own_sales * returns.profit,
        velocity=velocity,
        risk=risk,
        recommendation=recommend(returns, velocity, risk, is_stale=seen.age_days > rules.stale_days, thresholds=rules),
        missing=missing,
        notes=tuple(_notes(seen, price, season, rules)),
    )


class _Seen(NamedTuple):
    """A product as it was at a moment."""

    product: Product
    as_of: datetime
    now: datetime

    @property
    def age_days(self) -> float:
        return max(0.0, (self.now - self.as_of) / _A_DAY)

    def series(self, csv_type: CsvType) -> Series:
        return self.product.series(csv_type)

    def tracked_days(self) -> float | None:
        """Return for how long Keepa has watched it."""
        since = self.product.tracking_since
        return max(0.0, (self.as_of - since) / _A_DAY) if since else None

    def figures(self, csv_type: CsvType) -> Figures:
        stats = self.product.stats
        means = {days: _mean(self.product, days, csv_type) for days in WINDOWS}
        current = stats.current[csv_type] if stats else None
        return figures_of(self.series(csv_type), current, means, until=self.as_of)

    def price(self) -> Figures:
        """Return the first price that there is now; if there is none now, the first that there was this year."""
        every = [self.figures(csv_type) for csv_type in PRICES]
        offered = [each for each in every if each.current is not None]
        known = [each for each in every if each.mean(90) is not None or each.mean(365) is not None]
        return next(iter((*offered, *known)), every[0])

    def drops(self) -> dict[int, int | None]:
        """Return Keepa's own counts of rank drops, and for those that are missing the falls in the series."""
        stats, rank = self.product.stats, self.series(CsvType.SALES)
        told = {} if stats is None else {days: getattr(stats, f"sales_rank_drops{days}") for days in WINDOWS}
        counted = {days: rank.drops(days, until=self.as_of) if len(rank) else None for days in WINDOWS}
        return {days: counted[days] if told.get(days) is None else told[days] for days in WINDOWS}

    def stock_outs(self, price: Figures) -> StockOuts:
        amazon = self.series(CsvType.AMAZON)
        leading = next((each for each in PRICES if each.name == price.source), None)
        times = times_out(self.series(leading), SHARE_DAYS, until=self.as_of) if leading is not None else None
        return StockOuts(
            times=times,
            share=price.days[SHARE_DAYS].gap_share,
            amazon_times=times_out(amazon, SHARE_DAYS, until=self.as_of),
            amazon_share=amazon.gap_share(SHARE_DAYS, until=self.as_of) if len(amazon) else None,
        )

    def competition(self, offers: Figures) -> Competition:
        amazon = self.figures(CsvType.AMAZON)
        availability, watched = self.product.availability_amazon, len(self.series(CsvType.AMAZON)) > 0
        told = (False if watched else None) if availability is None else availability == _IN_STOCK
        out = amazon.days[SHARE_DAYS].gap_share
        return competition_of(
            domain=self.product.domain,
            offers_new=offers.current,
            shipped=self._shipped(),
            amazon_in_stock=True if amazon.current is not None else told,
            amazon_offer_share=None if out is None else 1 - out,
            shares=self._box_shares(),
        )

    def _shipped(self) -> tuple[int, int, str] | None:
        """Return the new offers by FBA and by the merchant, from the best place that has both."""
        fba, fbm = (self.figures(place).current for place in (CsvType.COUNT_NEW_FBA, CsvType.COUNT_NEW_FBM))
        if fba is not None or fbm is not None:
            return fba or 0, fbm or 0, "COUNT_NEW_FBA"
        match self.product.buy_box_eligible_offer_counts:
            case (int(fba), int(fbm), *_) if min(fba, fbm) >= 0:
                return fba, fbm, "buyBoxEligibleOfferCounts"
            case _:
                return None

    def _box_shares(self) -> BoxShares | None:
        holders = [(holder.at, holder.seller_id) for holder in self.product.buy_box_sellers]
        if shares := box_shares(holders, until=self.as_of):
            return shares
        stats = self.product.stats
        won = {seller: each.percentage_won for seller, each in stats.buy_box_stats.items()} if stats else {}
        known = {seller: percent for seller, percent in won.items() if percent is not None and 0 <= percent <= _PERCENT}
        total = sum(known.values())
        return BoxShares("buyBoxStats", {seller: part / total for seller, part in known.items()}) if total else None

    def fees(self, selling_price: int, rules: Thresholds) -> Fees:
        product = self.product
        percent = product.referral_fee_percentage
        return fees_of(
            selling_price,
            referral_percent=percent if percent is not None and 0 <= percent <= _PERCENT else None,
            pick_and_pack=_sane(product.fba_fees.pick_and_pack_fee) if product.fba_fees else None,
            closing=_sane(product.variable_closing_fee),
            thresholds=rules,
        )


def _mean(product: Product, days: int, csv_type: CsvType) -> float | None:
    stats = product.stats
    value = getattr(stats, f"avg{days}")[csv_type] if stats else None
    return None if value is None else float(value)


def _sane(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= _MOST else None


def _selling_price(price: Figures) -> int | None:
    """Return what a sale can be expected to bring: now, or the mean of 90 days if that is less."""
    known = [value for value in (price.current, price.mean(90)) if value is not None]
    return int(min(known)) or None if known else None


def _own_sales(sales: Sales, seen: Competition, rules: Thresholds) -> float | None:
    """Return a newcomer's sales a month: an equal share of what Amazon, and a seller who keeps the Buy Box, leave."""
    if sales.likely is None or seen.rivals is None:
        return None
    keeps = seen.leader_share is not None and seen.leader_share >= rules.risk_one_seller.start
    kept = (seen.amazon_box_share or 0.0) + ((seen.leader_share or 0.0) if keeps else 0.0)
    return sales.likely * max(0.0, 1 - kept) / (seen.rivals + 1)


def _missing(price: Figures, rank: Figures, offers: Figures, sales: Sales, competition: Competition) -> tuple[str, ...]:
    checks = (
        ("price", price.current is None),
        ("sales rank", rank.current is None),
        ("number of offers", offers.current is None),
        ("sales", sales.likely is None),
        ("Buy Box holders", competition.box_source is None),
    )
    return tuple(name for name, is_missing in checks if is_missing)


def _notes(seen: _Seen, price: Figures, season: Season, rules: Thresholds) -> Sequence[str]:
    product = seen.product
    landed = price.source == CsvType.NEW.name and seen.as_of - timedelta(days=365) < _LANDED_PRICES[1] <= seen.as_of
    checks = (
        (product.last_update is None, "Keepa does not say when it last looked; all counts back from now"),
        (
            seen.age_days > 1,
            f"all counts back from {seen.as_of:%Y-%m-%d}, when Keepa last looked, {seen.age_days:.0f} days ago",
        ),
        (price.source == "stats", "there is no price history: means are Keepa's statistics"),
        (landed, "new prices include shipping since February 2026, and did not before"),
        (
            price.current is None and price.mean(90) is not None,
            "nobody offers it now: the price is the mean of 90 days",
        ),
        (product.product_type == _PARENT, "this is a parent of variations: only they are sold"),
        (
            season.is_seasonal is None,
            f"a season cannot be told from {season.months} whole months of ranks; it takes {rules.season_months}",
        ),
        (product.domain != 1 and not rules.vat_percent, "VAT is not taken off; analysis.vat_percent does"),
    )
    return [told for is_so, told in checks if is_so]
