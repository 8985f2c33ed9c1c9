"""What a risk is judged by: the steady product's, with its competition changed."""

from dataclasses import replace
from typing import Any

from tests.work.analysis.made import NOW, product_of, steady

from keepahead.work.analysis.analyse import analyse
from keepahead.work.analysis.risk import Evidence

_SEEN = analyse(product_of(steady()), now=NOW)


def evidence(**competition: Any) -> Evidence:
    """The evidence of a product whose competition is as given."""
    return Evidence(
        price=_SEEN.price,
        rank=_SEEN.rank,
        offers=_SEEN.offers,
        competition=replace(_SEEN.competition, **competition),
        season=_SEEN.season,
        tracked_days=_SEEN.tracked_days,
        age_days=0,
        return_rate=None,
        missing=(),
        as_of=NOW,
    )
