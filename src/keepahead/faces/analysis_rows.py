"""An analysis as one line of a file. Money is in the currency's main unit, shares and returns are fractions."""

from datetime import datetime

from keepahead.faces.sheet import Field, Value
from keepahead.keepa.domains import DOMAINS
from keepahead.work.analysis.analyse import Analysis
from keepahead.work.analysis.figures import WINDOWS

FIELDS = (
    Field("asin", str),
    Field("domain", str),
    Field("title", str),
    Field("recommendation", str),
    Field("velocity", float, 1),
    Field("risk", float, 1),
    Field("roi", float, 3),
    Field("currency", str),
    Field("price", float),
    *(Field(f"price_mean_{days}", float) for days in WINDOWS),
    Field("price_volatility", float, 3),
    Field("rank", int),
    *(Field(f"rank_mean_{days}", float, 0) for days in WINDOWS),
    Field("offers", int),
    Field("offers_fba", int),
    Field("fba_share", float),
    Field("amazon_in_stock", bool),
    Field("amazon_box_share", float),
    Field("leader_share", float),
    Field("sales_month", float, 0),
    Field("sales_source", str),
    Field("own_sales_month", float, 0),
    Field("own_profit_month", float),
    Field("selling_price", float),
    Field("referral_fee", float),
    Field("pick_and_pack_fee", float),
    Field("fees", float),
    Field("buying_price", float),
    Field("buying_price_source", str),
    Field("profit", float),
    Field("target_price", float),
    Field("is_seasonal", bool),
    Field("reasons", str),
    Field("missing", str),
    Field("notes", str),
    Field("as_of", datetime),
    Field("asked_at", datetime),
)


def row_of(seen: Analysis) -> list[Value]:
    """Return the values of FIELDS."""
    fees, returns, rivals = seen.fees, seen.returns, seen.competition

    def money(amount: float | None) -> float | None:
        decimals = DOMAINS[seen.domain].decimals if seen.domain in DOMAINS else 2
        return None if amount is None else round(amount / 10**decimals, 4)

    return [
        seen.asin,
        DOMAINS[seen.domain].site if seen.domain in DOMAINS else str(seen.domain),
        seen.title,
        seen.recommendation.verdict.value,
        seen.velocity.value,
        seen.risk.value,
        returns.roi if returns else None,
        seen.currency,
        money(seen.price.current),
        *(money(seen.price.mean(days)) for days in WINDOWS),
        seen.volatility.price,
        seen.rank.current,
        *(seen.rank.mean(days) for days in WINDOWS),
        seen.offers.current,
        rivals.offers_fba,
        rivals.fba_share,
        rivals.amazon_in_stock,
        rivals.amazon_box_share,
        rivals.leader_share,
        seen.sales.likely,
        seen.sales.source,
        seen.own_sales,
        money(seen.own_profit),
        money(fees.selling_price) if fees else None,
        money(fees.referral_fee) if fees else None,
        money(fees.pick_and_pack_fee) if fees else None,
        money(fees.total) if fees else None,
        money(returns.buying_price) if returns else None,
        returns.buying_price_source if returns else None,
        money(returns.profit) if returns else None,
        money(returns.target_price) if returns else None,
        seen.season.is_seasonal,
        "; ".join(seen.recommendation.reasons),
        ", ".join(seen.missing),
        "; ".join(seen.notes),
        seen.as_of,
        seen.asked_at,
    ]
