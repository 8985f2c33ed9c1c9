"""`keepahead category`: categories by id or by words."""

from collections.abc import Sequence
from typing import Annotated

import typer

from keepahead.faces.cli import options
from keepahead.faces.cli.results import Cell, Column, put_json, put_table, title
from keepahead.faces.cli.spending import Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.faces.documents import raws
from keepahead.keepa import plans
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.domains import domain_id
from keepahead.keepa.objects import Category


def category(
    *,
    words: Annotated[
        list[str], typer.Argument(help="Category ids, 0 for all root categories, or words to search for.")
    ],
    domain: options.Domain = "US",
    max_tokens: options.MaxTokens = None,
    max_wait: options.MaxWait = None,
    max_age: options.MaxAge = None,
    on_refusal: options.WhenRefused = "raise",
    lane: options.Lane = "live",
    caller: options.Caller = None,
    json: options.Json = False,
) -> None:
    """Look up categories by id, or search them by words; 1 token.

    Every word must be part of the name and have at least 3 characters.
    """
    number, term = domain_id(domain), " ".join(words)
    by_id = all(word.isdecimal() for word in words)
    plan = plans.categories(words, number, parents=False) if by_id else plans.search_categories(term, number)

    limits = options.limits(max_tokens, max_age, on_refusal)

    async def work(keepa: AsyncKeepa) -> dict[int, Category]:
        if by_id:
            return await keepa.categories(words, domain=number, **limits)
        return await keepa.search_categories(term, domain=number, **limits)

    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    outcome = spend(terms, work, plan.result)
    if json:
        bodies = zip(map(str, outcome.result), raws(outcome.result.values()), strict=True)
        put_json({"categories": dict(bodies), "account": outcome.account})
    else:
        columns = (
            Column("id", right=True),
            Column("name", flexible=True),
            Column("parent", right=True),
            Column("products", right=True),
            Column("worst rank", right=True),
        )
        put_table(columns, [_row(node, each) for node, each in outcome.result.items()])
        if not outcome.result:
            say(f"no category {'has this id' if by_id else 'has these words in its name'}: {term}")
    outcome.finish()


def _row(node: int, each: Category) -> Sequence[Cell]:
    parent = each.get("parent")
    return (
        str(node),
        title(each.get("name")),
        str(parent) if parent else "root",
        each.get("productCount"),
        each.get("highestRank"),
    )
