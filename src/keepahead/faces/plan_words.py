"""A plan in words: what is asked, by which road and why, what it costs, when it can be paid for; and what came of it.

Pure.
"""

from collections.abc import Sequence

from keepahead.faces.words import currency, money, span, tokens
from keepahead.keepa.domains import DOMAINS
from keepahead.work.discovery.criteria import Criteria, Range
from keepahead.work.discovery.harvest import Discovery, Rejected
from keepahead.work.discovery.plan import DiscoveryPlan, Forecast
from keepahead.work.discovery.roads import Step

_MONEY = {
    "amazon_price": "Amazon's price",
    "new_price": "price",
    "used_price": "used price",
    "buy_box_price": "Buy Box price",
    "fba_price": "FBA price",
}
_NUMBERS = {
    "rank": "rank",
    "reviews": "ratings",
    "new_offers": "new offers",
    "used_offers": "used offers",
    "fba_offers": "FBA offers",
    "rank_drops_30": "rank drops in 30 days",
    "rank_drops_90": "rank drops in 90 days",
    "rank_drops_180": "rank drops in 180 days",
    "sold": "sold a month",
    "price_drop": "percent below the mean price",
}

_REASONS = {
    "bound": "as many as planned were looked up; more results make the plan bigger",
    "beyond the rank": "the list went on beyond the rank",
}


def criteria_words(criteria: Criteria) -> str:
    """Say what is wanted, one criterion after the other."""
    words = [
        *(
            f"{word} {node}"
            for word, node in (
                ("category", criteria.category),
                ("sub-category", criteria.subcategory),
                ("branch", criteria.branch),
            )
            if node is not None
        ),
        *(_range_words(name, ends, criteria.site) for name, ends in criteria.ranges.items()),
        f"changed within {criteria.changed_within_hours} h" if criteria.changed_within_hours else "",
        "" if criteria.amazon_in_stock is None else f"{'in' if criteria.amazon_in_stock else 'not in'} stock at Amazon",
        f"brand {' or '.join(criteria.brands)}" if criteria.brands else "",
        f"not brand {' or '.join(criteria.brands_excluded)}" if criteria.brands_excluded else "",
        f'title "{criteria.title}"' if criteria.title else "",
    ]
    return ", ".join(filter(None, words))


def plan_lines(plan: DiscoveryPlan) -> list[str]:
    """Say what is asked, by which road and why, and what each step costs at most."""
    criteria = plan.criteria
    site = DOMAINS[criteria.site].site
    return [
        f"plan: up to {criteria.max_results:,} products on {site}, {criteria_words(criteria)}",
        *plan.because,
        *step_lines(plan.road.steps),
        f"together {plan.cost.tokens_min:,} to {tokens(plan.tokens_max)}, {plan.cost.tokens_likely:,} likely",
    ]


def step_lines(steps: Sequence[Step]) -> list[str]:
    """Return the steps as numbered lines, each with the most that it costs and why."""
    return [
        f"{number}. {step.what}: at most {tokens(step.cost.tokens_max or 0)} ({'; '.join(step.cost.because)})"
        for number, step in enumerate(steps, 1)
    ]


def forecast_line(ahead: Forecast | None) -> str:
    """Say what a plan leaves and when it can be paid for."""
    if ahead is None:
        return "nobody knows when: the bucket was never seen; keepahead status asks for free"
    when = "now" if ahead.paid_in_seconds == 0 else f"in {span(ahead.paid_in_seconds)}"
    leaves = f"it leaves {ahead.leaves_likely:,} likely, {ahead.leaves_least:,} at least"
    return f"{tokens(ahead.free)} free, {leaves}; it can be paid for {when}"


def _range_words(name: str, ends: Range, domain: int) -> str:
    if name in _MONEY:
        low, high = (money(end, domain) or "" for end in ends)
        return f"{_MONEY[name]} {low}..{high} {currency(domain)}"
    if name == "rating":
        low, high = ("" if end is None else f"{end / 10:g}" for end in ends)
        return f"{low}..{high} stars"
    return f"{_NUMBERS[name]} {'..'.join('' if end is None else f'{end:,}' for end in ends)}"


def found_lines(found: Discovery) -> list[str]:
    """Say what was found, and what became of the rest."""
    if not found.candidates:
        return ["nothing fits"]
    of = "" if found.total is None else f" of about {found.total:,} that the road has"
    lines = [f"{len(found.products):,} that fit{of}; {found.looked_up:,} were looked up"]
    if found.rejected or found.undelivered:
        lines.append(f"left out: {_left_out(found.rejected, len(found.undelivered))}")
    if found.unseen and found.ended in _REASONS:
        lines.append(f"{found.unseen:,} were not looked at: {_REASONS[found.ended]}")
    return lines


def _left_out(rejected: Sequence[Rejected], undelivered: int) -> str:
    words = [
        f"{each.products:,} {'lack' if each.lacks else 'for'} {each.criterion.replace('_', ' ')}" for each in rejected
    ]
    return ", ".join([*words, *([f"{undelivered:,} unknown to Keepa"] if undelivered else [])])
