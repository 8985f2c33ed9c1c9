"""`keepahead niches`: sub-categories below one category, ranked. The work is work/discovery's."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from keepahead.clock import SystemClock
from keepahead.faces.cli import criteria_options as wanted
from keepahead.faces.cli import options, output
from keepahead.faces.cli.criteria_options import category_id
from keepahead.faces.cli.planned import put_plan
from keepahead.faces.cli.results import Cell, Column, put_json, put_table, title
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import price_range, stars_range, whole_range
from keepahead.faces.documents import niche_plan_json, niches_json
from keepahead.faces.plan_words import criteria_words, step_lines
from keepahead.faces.settings import read_settings
from keepahead.faces.words import currency, money, tokens
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.domains import DOMAINS, domain_id
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.niches import (
    Niche,
    NichePlan,
    Niches,
    check_niche_tokens,
    gather_niches,
    plan_niches,
)
from keepahead.work.discovery.niches import niches as run_niches


def niches(
    *,
    category: wanted.Category = None,
    branch: wanted.Branch = None,
    rank: wanted.Rank = None,
    price: wanted.Price = None,
    stars: wanted.Stars = None,
    reviews: wanted.Reviews = None,
    offers: wanted.NewOffers = None,
    drops_30: wanted.Drops30 = None,
    sold: wanted.Sold = None,
    amazon: wanted.AmazonInStock = None,
    brand: wanted.Brand = None,
    not_brand: wanted.NotBrand = None,
    words: wanted.TitleWords = None,
    max_niches: Annotated[int, typer.Option("--max-niches", help="Look into so many sub-categories, up to 50.")] = 5,
    sample: Annotated[int, typer.Option("--sample", help="Look up so many products of each, up to 50.")] = 5,
    plan_only: wanted.PlanOnly = False,
    domain: options.Domain = "US",
    to_file: output.File = None,
    force: output.Force = False,
    max_tokens: options.MaxTokens = None,
    max_wait: options.MaxWait = None,
    max_age: options.MaxAge = None,
    lane: options.Lane = "live",
    caller: options.Caller = None,
    json: options.Json = False,
) -> None:
    """Rank the sub-categories below a category by demand, competition, margin and stability.

    Only products that meet the criteria count. Scores are 0 to 100, the more the better (competition: the less there
    is). Nothing is sent unless all of it can be paid for within --max-wait and --max-tokens.
    """
    number = domain_id(domain)
    criteria = Criteria(
        domain=number,
        category=category_id(category, "--category"),
        branch=category_id(branch, "--branch"),
        rank=whole_range(rank, "--rank"),
        new_price=price_range(price, "--price", number),
        rating=stars_range(stars, "--stars"),
        reviews=whole_range(reviews, "--reviews"),
        new_offers=whole_range(offers, "--offers"),
        rank_drops_30=whole_range(drops_30, "--drops-30"),
        sold=whole_range(sold, "--sold"),
        amazon_in_stock=amazon,
        brands=tuple(brand or ()),
        brands_excluded=tuple(not_brand or ()),
        title=words,
        max_tokens=max_tokens,
    )
    plan = plan_niches(criteria, now=SystemClock().now(), max_niches=max_niches, sample=sample)
    check_niche_tokens(plan)
    if plan_only:
        put_plan(_plan_lines(plan), niche_plan_json(plan), plan.cost, lane, json=json)
        return
    written = output.output_to(to_file, force=force)
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    _run(plan, terms, options.accepted_age(max_age), written, json=json)


def _run(
    plan: NichePlan, terms: Terms, max_age: timedelta | None, written: output.Output | None, *, json: bool
) -> None:
    """Carry the plan out and show what it found."""
    if not json:
        for line in _plan_lines(plan):
            say(line)
    settings = read_settings()
    wait = settings.max_wait_seconds if terms.max_wait_seconds is None else terms.max_wait_seconds

    async def work(keepa: AsyncKeepa) -> Niches:
        return await run_niches(
            keepa,
            plan,
            SystemClock(),
            max_wait_seconds=wait,
            max_age=max_age,
            details_max_age=settings.discovery_max_age,
        )

    outcome = spend(terms, work, lambda answers: gather_niches(plan, answers))
    found = outcome.result
    if json:
        document = {
            "plan": niche_plan_json(plan),
            **niches_json(found),
            "account": outcome.account,
        }
        put_json(document)
    else:
        _put_niches(found.niches, plan.criteria.site)
        for why in sorted(set(found.skipped.values())):
            count = sum(1 for each in found.skipped.values() if each == why)
            say(f"{count:,} more sub-categor{'y' if count == 1 else 'ies'}: {why}")
    if written:
        written.write(_FIELDS, [_line(each, plan.criteria.site) for each in found.niches])
    outcome.finish()


def _put_niches(found: Sequence[Niche], domain: int) -> None:
    columns = (
        Column("niche", flexible=True),
        Column("id", right=True),
        Column("products", right=True),
        *(Column(name, right=True) for name in ("score", "demand", "competition", "margin", "stability")),
        Column(f"mean {currency(domain)}", right=True),
        Column("offers", right=True),
        Column("Amazon", right=True),
    )
    put_table(columns, [_row(each, domain) for each in found])


def _row(each: Niche, domain: int) -> Sequence[Cell]:
    scores, insights = each.scores, each.insights
    five = (scores.total, scores.demand, scores.competition, scores.margin, scores.stability)
    offers, amazon = insights.get("avgOfferCountNew"), insights.get("soldByAmazonPercent")
    return (
        title(each.name),
        str(each.category),
        each.products,
        *(None if score is None else f"{score:.0f}" for score in five),
        money(insights.get("avgBuyBox"), domain),
        None if offers is None else f"{offers:.1f}",
        None if amazon is None else f"{amazon:.0f}%",
    )


_FIELDS = (
    output.Field("niche", str),
    output.Field("category", int),
    output.Field("domain", str),
    output.Field("products", int),
    *(output.Field(name, float, 1) for name in ("score", "demand", "competition", "margin", "stability")),
    output.Field("currency", str),
    output.Field("mean_buy_box", float),
    output.Field("mean_offers", float, 1),
    output.Field("amazon_percent", float, 1),
)


def _line(each: Niche, domain: int) -> list[output.Value]:
    """Return the values of _FIELDS; money in the main unit."""
    scores, insights, place = each.scores, each.insights, DOMAINS[domain]
    price = insights.get("avgBuyBox")
    return [
        title(each.name),
        each.category,
        place.site,
        each.products,
        *(scores.total, scores.demand, scores.competition, scores.margin, scores.stability),
        place.currency,
        None if price is None or price < 0 else price / 10**place.decimals,
        insights.get("avgOfferCountNew"),
        insights.get("soldByAmazonPercent"),
    ]


def _plan_lines(plan: NichePlan) -> list[str]:
    site = DOMAINS[plan.criteria.site].site
    return [
        f"plan: up to {plan.max_niches} niches on {site}, {criteria_words(plan.criteria)}",
        *step_lines(plan.steps),
        f"together at most {tokens(plan.tokens_max)}, {plan.cost.tokens_likely:,} likely",
    ]
