"""An analysis in words: verdict, figures, market, money. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from keepahead.faces.words import money
from keepahead.work.analysis.analyse import Analysis
from keepahead.work.analysis.fees import ASSUMED
from keepahead.work.analysis.figures import WINDOWS, Figures

Facts = Iterator[tuple[str, str | None]]
"""Names and what there is to say; a name is empty where the line goes on with the one before."""


def verdict_facts(seen: Analysis) -> Facts:
    """Yield the recommendation and its reasons, velocity and risk, and theirs."""
    yield from _listed(seen.recommendation.verdict, seen.recommendation.reasons)
    yield f"velocity {points(seen.velocity.value) or '-'}", "; ".join(seen.velocity.reasons) or None
    yield f"risk {points(seen.risk.value) or '-'}", "; ".join(seen.risk.reasons) or None


def figure_rows(seen: Analysis) -> Sequence[Sequence[str | None]]:
    """Return name, present value and what it was over each of WINDOWS: price, rank and new offers."""

    def price(value: float | None) -> str | None:
        return None if value is None else money(round(value), seen.domain)

    def whole(value: float | None) -> str | None:
        return None if value is None else f"{value:,.0f}"

    def number(value: float | None) -> str | None:
        return None if value is None else f"{value:,.1f}"

    return [
        _means(f"price, {seen.currency}", seen.price, price),
        ["lowest price", None, *(price(seen.price.days[days].low) for days in WINDOWS)],
        ["highest price", None, *(price(seen.price.days[days].high) for days in WINDOWS)],
        ["not offered", None, *(percent(seen.price.days[days].gap_share) for days in WINDOWS)],
        _means("sales rank", seen.rank, whole),
        _means("new offers", seen.offers, number, now=whole),
    ]


def _means(
    name: str,
    figures: Figures,
    shown: Callable[[float | None], str | None],
    now: Callable[[float | None], str | None] | None = None,
) -> Sequence[str | None]:
    return [name, (now or shown)(figures.current), *(shown(figures.mean(days)) for days in WINDOWS)]


def market_facts(seen: Analysis) -> Facts:
    """Yield sales, rivals, volatility, stock-outs and season."""
    sales, rivals, outs = seen.sales, seen.competition, seen.stock_outs
    if sales.likely is not None:
        span = f"{sales.low:,} to {sales.high:,}" if sales.high is not None else f"{sales.low:,} or more"
        yield "sales a month", f"about {sales.likely:,.0f} ({span}, by {sales.source})"
    if seen.own_sales is not None:
        yield (
            "a newcomer's",
            f"about {seen.own_sales:,.0f}: an equal share of what is left, with {_count(rivals.rivals, 'rival')}",
        )
    drops = (sales.drops_30, sales.drops_90, sales.drops_180, sales.drops_365)
    if any(each is not None for each in drops):
        yield "rank drops", ", ".join(f"{_known(drop)} in {days}" for drop, days in zip(drops, WINDOWS, strict=True))
    shipped = f", {rivals.offers_fba} by FBA and {rivals.offers_fbm} by the merchant" if rivals.offers_source else ""
    yield "offers", f"{_known(rivals.offers_new)} new{shipped}"
    yield "Amazon", _amazon(seen)
    if rivals.leader_share is not None:
        winners = _count(rivals.winners, "seller")
        yield "Buy Box", f"{rivals.leader} had it {rivals.leader_share:.0%} of 90 days; {winners} in all"
    yield (
        "volatility",
        f"price {_known(percent(seen.volatility.price))}, rank {_known(percent(seen.volatility.rank))}",
    )
    if outs.times is not None:
        yield "stock-outs", f"{outs.times} in 90 days, {_known(percent(outs.share))} of the time"
    yield "season", _season(seen)


def _amazon(seen: Analysis) -> str:
    rivals = seen.competition
    word = {True: "sells it now", False: "does not sell it now", None: "not known whether it sells it now"}
    offered = "" if rivals.amazon_offer_share is None else f"; offered it {rivals.amazon_offer_share:.0%} of 90 days"
    box = "" if rivals.amazon_box_share is None else f", had the Buy Box {rivals.amazon_box_share:.0%}"
    return f"{word[rivals.amazon_in_stock]}{offered}{box}"


def _season(seen: Analysis) -> str:
    season = seen.season
    if season.is_seasonal is None:
        return "not known"
    if not season.is_seasonal:
        return "none"
    months = ", ".join(f"{date(2000, month, 1):%B}" for month in season.best_months)
    return f"best in {months}; the best month's rank is {season.swing:.1f} times better than the worst's"


def money_facts(seen: Analysis) -> Facts:
    """Yield what a sale brings, what Amazon keeps of it, and what may be paid."""
    fees, returns, domain = seen.fees, seen.returns, seen.domain
    if fees is None or returns is None:
        return
    parts = [
        f"referral {money(fees.referral_fee, domain)} ({fees.referral_percent:.2f}%{_assumed(fees.referral_source)})",
        f"pick and pack {money(fees.pick_and_pack_fee, domain)}{_assumed(fees.pick_and_pack_source, bare=True)}",
        *(
            f"{name} {money(amount, domain)}"
            for name, amount in (("closing", fees.closing_fee), ("VAT", fees.vat), ("other", fees.other_cost))
            if amount
        ),
    ]
    yield "selling price", f"{money(fees.selling_price, domain)} {seen.currency}"
    yield "fees", f"{money(fees.total, domain)}: {', '.join(parts)}"
    bought = f"{money(returns.buying_price, domain)}{_assumed(returns.buying_price_source, bare=True)}"
    profit = f"{'-' if returns.profit < 0 else ''}{money(abs(returns.profit), domain)}"
    yield "buying price", f"{bought}: profit {profit}, return {returns.roi:.0%}"
    target, break_even = money(returns.target_price, domain), money(returns.break_even_price, domain)
    yield "pay at most", f"{target} for the return aimed at; no loss up to {break_even}"


def rest_facts(seen: Analysis) -> Facts:
    """Yield what is not known, and what to bear in mind."""
    if seen.missing:
        yield "not known", ", ".join(seen.missing)
    yield from _listed("note", seen.notes)


def _listed(name: str, lines: Iterable[str]) -> Facts:
    for number, line in enumerate(lines):
        yield ("" if number else name), line


def points(value: float | None) -> str | None:
    """Return a score from 0 to 100."""
    return None if value is None else f"{value:.0f}"


def percent(value: float | None) -> str | None:
    """Return a fraction in percent."""
    if value is None:
        return None
    return "<1%" if 0 < value < 0.005 else f"{value:.0%}"


def _known(value: object) -> object:
    return "unknown" if value is None else value


def _count(number: int | None, noun: str) -> str:
    return f"{number or 0:,} {noun}{'' if number == 1 else 's'}"


def _assumed(source: str, *, bare: bool = False) -> str:
    if source != ASSUMED:
        return ""
    return " (assumed)" if bare else ", assumed"


def star(seen: Analysis) -> str:
    """Return a mark for what was reckoned with an assumed buying price."""
    return "*" if seen.returns and seen.returns.buying_price_source == ASSUMED else ""
