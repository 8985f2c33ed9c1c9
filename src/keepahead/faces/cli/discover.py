"""`keepahead discover`: products that meet criteria, with details. The work is work/discovery's."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from keepahead.clock import SystemClock
from keepahead.faces.cli import criteria_options as wanted
from keepahead.faces.cli import options, output
from keepahead.faces.cli.criteria_options import category_id, whole_hours
from keepahead.faces.cli.planned import put_plan
from keepahead.faces.cli.product_table import put_products
from keepahead.faces.cli.results import put_json
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import price_range, stars_range, whole_range
from keepahead.faces.documents import found_json, plan_json, raws
from keepahead.faces.plan_words import found_lines, plan_lines
from keepahead.faces.product_rows import FIELDS, rows_of
from keepahead.faces.settings import read_settings
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.domains import domain_id
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.harvest import Discovery
from keepahead.work.discovery.plan import DiscoveryPlan, check_tokens, plan_discovery
from keepahead.work.discovery.run import discover as run_discovery
from keepahead.work.discovery.run import gather, known_to_fit


def discover(
    *,
    category: wanted.Category = None,
    subcategory: wanted.Subcategory = None,
    branch: wanted.Branch = None,
    rank: wanted.Rank = None,
    price: wanted.Price = None,
    amazon_price: wanted.AmazonPrice = None,
    used_price: wanted.UsedPrice = None,
    buybox_price: wanted.BuyBoxPrice = None,
    fba_price: wanted.FbaPrice = None,
    stars: wanted.Stars = None,
    reviews: wanted.Reviews = None,
    offers: wanted.NewOffers = None,
    used_offers: wanted.UsedOffers = None,
    fba_offers: wanted.FbaOffers = None,
    drops_30: wanted.Drops30 = None,
    drops_90: wanted.Drops90 = None,
    drops_180: wanted.Drops180 = None,
    sold: wanted.Sold = None,
    price_drop: wanted.PriceDrop = None,
    changed_within: wanted.ChangedWithin = None,
    amazon: wanted.AmazonInStock = None,
    brand: wanted.Brand = None,
    not_brand: wanted.NotBrand = None,
    words: wanted.TitleWords = None,
    sort: Annotated[
        wanted.Sort, typer.Option("--sort", help="What comes first; any: what is cheapest to find.")
    ] = "rank",
    max_results: Annotated[int, typer.Option("--max-results", help="At most so many products, up to 10,000.")] = 20,
    rating: Annotated[
        bool, typer.Option("--rating/--no-rating", help="With ratings; up to 1 token more per product.")
    ] = True,
    history: Annotated[bool, typer.Option("--history", help="With the price histories; costs the same.")] = False,
    road: wanted.Road = None,
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
    """Find products that meet criteria, with details.

    Takes the cheapest road to them (product finder, best sellers, deals) and says why. Nothing is sent unless all of it
    can be paid for within --max-wait and --max-tokens. Ranges include their ends: 10..50, 10.. or ..50.
    """
    number = domain_id(domain)
    criteria = Criteria(
        domain=number,
        category=category_id(category, "--category"),
        subcategory=category_id(subcategory, "--subcategory"),
        branch=category_id(branch, "--branch"),
        rank=whole_range(rank, "--rank"),
        new_price=price_range(price, "--price", number),
        amazon_price=price_range(amazon_price, "--amazon-price", number),
        used_price=price_range(used_price, "--used-price", number),
        buy_box_price=price_range(buybox_price, "--buybox-price", number),
        fba_price=price_range(fba_price, "--fba-price", number),
        rating=stars_range(stars, "--stars"),
        reviews=whole_range(reviews, "--reviews"),
        new_offers=whole_range(offers, "--offers"),
        used_offers=whole_range(used_offers, "--used-offers"),
        fba_offers=whole_range(fba_offers, "--fba-offers"),
        rank_drops_30=whole_range(drops_30, "--drops-30"),
        rank_drops_90=whole_range(drops_90, "--drops-90"),
        rank_drops_180=whole_range(drops_180, "--drops-180"),
        sold=whole_range(sold, "--sold"),
        price_drop=whole_range(price_drop, "--price-drop"),
        changed_within_hours=whole_hours(changed_within, "--changed-within"),
        amazon_in_stock=amazon,
        brands=tuple(brand or ()),
        brands_excluded=tuple(not_brand or ()),
        title=words,
        sort=sort,
        max_results=max_results,
        max_tokens=max_tokens,
        with_rating=rating,
        with_history=history,
    )
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    age = options.accepted_age(max_age)
    archived = _archived(criteria, terms, age) if road == "archive" or (road is None and sort == "any") else ()
    plan = plan_discovery(criteria, now=SystemClock().now(), road=road, archived=archived)
    check_tokens(plan)
    if plan_only:
        put_plan(plan_lines(plan), plan_json(plan), plan.cost, lane, json=json)
        return
    written = output.output_to(to_file, force=force)
    _run(plan, terms, age, written, json=json)


def _archived(criteria: Criteria, terms: Terms, max_age: timedelta | None) -> Sequence[str]:
    """Return what the archive holds that meets the criteria; costs nothing."""
    age = read_settings().discovery_max_age if max_age is None else max_age
    return spend(terms, lambda keepa: known_to_fit(keepa, criteria, SystemClock(), max_age=age), lambda _: []).result


def _run(
    plan: DiscoveryPlan, terms: Terms, max_age: timedelta | None, written: output.Output | None, *, json: bool
) -> None:
    """Carry the plan out and show what it found."""
    if not json:
        for line in plan_lines(plan):
            say(line)
    settings = read_settings()
    wait = settings.max_wait_seconds if terms.max_wait_seconds is None else terms.max_wait_seconds

    async def work(keepa: AsyncKeepa) -> Discovery:
        return await run_discovery(
            keepa,
            plan,
            SystemClock(),
            max_wait_seconds=wait,
            max_age=max_age,
            details_max_age=settings.discovery_max_age,
        )

    outcome = spend(terms, work, lambda answers: gather(plan, answers))
    found = outcome.result
    if json:
        put_json(
            {
                "plan": plan_json(plan),
                "found": found_json(found),
                "products": raws(found.products),
                "account": outcome.account,
            }
        )
    else:
        put_products(found.products, plan.criteria.site)
        for line in found_lines(found):
            say(line)
    if written:
        written.write(FIELDS, rows_of(found.products))
    outcome.finish()
