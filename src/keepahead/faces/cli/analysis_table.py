"""Analyses for people: one in full, several as a table."""

from collections.abc import Sequence

from keepahead.faces.analysis_words import (
    figure_rows,
    market_facts,
    money_facts,
    points,
    rest_facts,
    star,
    verdict_facts,
)
from keepahead.faces.cli.results import Cell, Column, put_facts, put_table, put_text
from keepahead.faces.words import money
from keepahead.work.analysis.analyse import Analysis
from keepahead.work.analysis.figures import WINDOWS


def put_analyses(found: Sequence[Analysis]) -> None:
    """Write one line for each product."""
    columns = (
        Column("ASIN"),
        Column("recommendation"),
        Column("velocity", right=True),
        Column("risk", right=True),
        Column("return", right=True),
        Column(found[0].currency, right=True),
        Column("pay at most", right=True),
        Column("sold/month", right=True),
        Column("title", flexible=True),
    )
    put_table(columns, [_row(each) for each in found])


def put_analysis(seen: Analysis) -> None:
    """Write all that is to be said of one product."""
    put_text(f"{seen.asin}  {seen.title}")
    put_facts(verdict_facts(seen))
    put_text("")
    columns = (
        Column("mean over"),
        Column("now", right=True),
        *(Column(f"{days} days", right=True) for days in WINDOWS),
    )
    put_table(columns, figure_rows(seen))
    put_text("")
    put_facts((*market_facts(seen), *money_facts(seen), *rest_facts(seen)))


def _row(seen: Analysis) -> Sequence[Cell]:
    returns = seen.returns
    return (
        seen.asin,
        seen.recommendation.verdict,
        points(seen.velocity.value),
        points(seen.risk.value),
        f"{returns.roi:.0%}{star(seen)}" if returns else None,
        money(seen.price.current, seen.domain),
        money(returns.target_price, seen.domain) if returns else None,
        None if seen.sales.likely is None else f"{seen.sales.likely:,.0f}",
        seen.title,
    )
