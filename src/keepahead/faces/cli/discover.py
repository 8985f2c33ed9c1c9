"""`keepahead discover`: products by category, rank and price, with details. The work is work/discovery's."""

from typing import Annotated, Any, Literal

import typer

from keepahead.clock import SystemClock
from keepahead.faces.cli import options, output
from keepahead.faces.cli.account import account_json, ledger_account, say_if_simulated, span, tokens
from keepahead.faces.cli.product_rows import FIELDS, rows_of
from keepahead.faces.cli.product_table import put_products
from keepahead.faces.cli.results import currency, money, put_json, put_text, raws
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import price_range, whole_range
from keepahead.faces.settings import read_settings
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.domains import DOMAINS, domain_id
from keepahead.work.discovery.plan import DiscoveryPlan, Wish, check_tokens, plan_discovery, seconds_until_paid
from keepahead.work.discovery.run import Discovery, gather
from keepahead.work.discovery.run import discover as run_discovery

Sort = Literal["rank", "price", "-price", "sold"]


def discover(
    *,
    category: Annotated[str | None, typer.Option("--category", help="Id of a root category, all below it.")] = None,
    subcategory: Annotated[
        str | None, typer.Option("--subcategory", help="Id of a category; only what is listed directly in it.")
    ] = None,
    rank: Annotated[str | None, typer.Option("--rank", help="Sales rank, such as 1..20000.")] = None,
    price: Annotated[str | None, typer.Option("--price", help="Lowest new price, such as 10..50 or 9.99.. .")] = None,
    words: Annotated[str | None, typer.Option("--title", help="Words that the title must hold.")] = None,
    brand: Annotated[list[str] | None, typer.Option("--brand", help="Only this brand; repeatable.")] = None,
    sort: Annotated[Sort, typer.Option("--sort", help="What comes first.")] = "rank",
    max_results: Annotated[int, typer.Option("--max-results", help="At most so many products, up to 10,000.")] = 20,
    rating: Annotated[
        bool, typer.Option("--rating/--no-rating", help="With ratings; up to 1 token more per product.")
    ] = True,
    history: Annotated[bool, typer.Option("--history", help="With the price histories; costs the same.")] = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="Show the plan and its cost; send nothing.")] = False,
    domain: options.Domain = "US",
    to_file: output.File = None,
    force: output.Force = False,
    max_tokens: options.MaxTokens = None,
    max_wait: options.MaxWait = None,
    lane: options.Lane = "live",
    caller: options.Caller = None,
    json: options.Json = False,
) -> None:
    """Find products by category, rank and price, with details.

    Asks the product finder for as many as are wanted, then for their details. Nothing is sent unless all of it can be
    paid for within --max-wait and --max-tokens.
    """
    number = domain_id(domain)
    plan = plan_discovery(
        Wish(
            domain=number,
            category=_category(category, "--category"),
            subcategory=_category(subcategory, "--subcategory"),
            rank=whole_range(rank, "--rank"),
            price=price_range(price, "--price", number),
            title=words,
            brands=tuple(brand or ()),
            sort=sort,
            max_results=max_results,
            rating=rating,
            history=history,
        )
    )
    if plan_only:
        _put_plan(plan, lane, max_tokens, json=json)
        return
    check_tokens(plan, max_tokens)
    written = output.output_to(to_file, force=force)
    if not json:
        for line in _plan_lines(plan):
            say(line)

    async def work(keepa: AsyncKeepa) -> Discovery:
        return await run_discovery(keepa, plan, SystemClock(), max_wait_seconds=_limit(max_wait), max_tokens=max_tokens)

    terms = Terms(lane=lane, caller=caller, max_tokens=max_tokens, max_wait_seconds=max_wait)
    outcome = spend(terms, work, lambda answers: gather(plan, answers))
    found = outcome.result
    if json:
        put_json(
            {
                "plan": _plan_json(plan),
                "found": {"total": found.total, "asins": found.asins},
                "products": raws(found.products),
                "account": outcome.account,
            }
        )
    else:
        put_products(found.products, number)
        say(f"{len(found.products)} of about {found.total:,} that fit" if found.asins else _nothing_found(plan))
    if written:
        written.write(FIELDS, rows_of(found.products))
    outcome.finish()


def _limit(max_wait: float | None) -> float | None:
    return read_settings().max_wait_seconds if max_wait is None else max_wait


def _category(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 19:
        hint = f'{text!r} is no category id, a number; keepahead category "{text}" finds it'
        raise typer.BadParameter(hint, param_hint=f"'{option}'")
    return int(text)


def _nothing_found(plan: DiscoveryPlan) -> str:
    sub = "; if the category is no root category, use --subcategory" if plan.wish.category is not None else ""
    return f"nothing fits{sub}"


def _plan_lines(plan: DiscoveryPlan) -> list[str]:
    wish = plan.wish
    details, why = tokens(plan.details_cost.tokens_max or 0), "; ".join(plan.details_cost.because)
    hundreds = -(-wish.max_results // 100)
    return [
        f"plan: up to {wish.max_results:,} products on {DOMAINS[wish.domain].site}{_filters(wish)}",
        f"1. product finder, a page of {plan.finder.per_page:,}: at most {tokens(plan.finder_cost.tokens_max or 0)}",
        f"2. details, {hundreds} call{'' if hundreds == 1 else 's'}: at most {details} ({why})",
        f"together at most {tokens(plan.tokens_max)}, {plan.cost.tokens_likely:,} likely",
    ]


def _filters(wish: Wish) -> str:
    low, high = (money(end, wish.domain) or "" for end in wish.price)
    words = [
        f"category {wish.category}" if wish.category is not None else "",
        f"sub-category {wish.subcategory}" if wish.subcategory is not None else "",
        f"rank {'..'.join('' if end is None else f'{end:,}' for end in wish.rank)}" if any(wish.rank) else "",
        f"price {low}..{high} {currency(wish.domain)}" if low or high else "",
        f'title "{wish.title}"' if wish.title else "",
        f"brand {' or '.join(wish.brands)}" if wish.brands else "",
    ]
    return "".join(f", {word}" for word in words if word)


def _plan_json(plan: DiscoveryPlan) -> dict[str, Any]:
    finder = {"selection": plan.finder.filters, "domain": plan.finder.domain, "cost": plan.finder_cost}
    return {"finder": finder, "details": {"options": plan.details, "cost": plan.details_cost}, "cost": plan.cost}


def _put_plan(plan: DiscoveryPlan, lane: options.LaneName, max_tokens: int | None, *, json: bool) -> None:
    """Show the plan and, from the ledger alone, when it could be paid for."""
    check_tokens(plan, max_tokens)
    settings = read_settings()
    say_if_simulated(settings)
    _, _, status = ledger_account(settings, lane)
    now = SystemClock().now()
    seconds = seconds_until_paid(plan, status, now) if status else None
    if json:
        account = account_json(status, now) if status else None
        put_json({"plan": _plan_json(plan), "paid_in_seconds": seconds, "account": account})
        return
    for line in _plan_lines(plan):
        put_text(line)
    if status is None:
        put_text("nobody knows when: the bucket was never seen; keepahead status asks for free")
    else:
        put_text(f"{tokens(status.free)} free: it can be paid for {'now' if seconds == 0 else f'in {span(seconds)}'}")
