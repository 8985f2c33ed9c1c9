"""`keepahead chart`: price and rank history as a picture."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from keepahead.clock import SystemClock
from keepahead.faces.cli import options
from keepahead.faces.cli.exits import NotWritten
from keepahead.faces.cli.files import demand_installed, demand_writable, new_file
from keepahead.faces.cli.lookup import look_up
from keepahead.faces.cli.results import put_json
from keepahead.faces.cli.spending import Terms
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import one_of
from keepahead.faces.drawing import ENDINGS, drawn
from keepahead.keepa.domains import domain_id
from keepahead.keepa.plans import ProductOptions
from keepahead.work.analysis.chart import Picture
from keepahead.work.analysis.pictures import picture_of

_FEWEST_DAYS, _MOST_DAYS = 1, 20_000


def chart(
    *,
    asin: Annotated[str, typer.Argument(help="An ASIN.")],
    to_file: Annotated[str, typer.Option("--output", "-o", help="The picture to write: .png or .svg.")],
    days: Annotated[int, typer.Option("--days", min=_FEWEST_DAYS, max=_MOST_DAYS, help="The last so many days.")] = 365,
    whole: Annotated[bool, typer.Option("--all", help="All that Keepa has, in place of --days.")] = False,
    buybox: Annotated[bool, typer.Option("--buybox", help="With the Buy Box price; 2 tokens more.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    domain: options.Domain = "US",
    max_tokens: options.MaxTokens = None,
    max_wait: options.MaxWait = None,
    max_age: options.MaxAge = None,
    on_refusal: options.WhenRefused = "raise",
    lane: options.Lane = "live",
    caller: options.Caller = None,
    json: options.Json = False,
) -> None:
    """Draw the price and the sales rank of a product; 1 token, 3 with the Buy Box.

    Gaps are times without an offer or a rank. The best rank is on top.
    """
    number, path = domain_id(domain), Path(to_file).absolute()
    ending = one_of(path.suffix.lower() or path.name, ENDINGS, "--output")
    demand_installed("vl_convert", "charts", "a chart", "--output")
    demand_writable(path, force=force)
    limits = options.limits(max_tokens, max_age, on_refusal)
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    chosen: ProductOptions = {"buybox": True} if buybox else {}
    outcome = look_up([asin], number, chosen, terms, limits)
    if not outcome.result:
        outcome.finish()
        raise NotWritten(f"Keepa has nothing for {asin}; no chart was written")
    picture = picture_of(outcome.result[0], now=SystemClock().now(), days=None if whole else days)
    if picture.is_empty:
        outcome.finish()
        raise NotWritten(f"Keepa has neither a price nor a rank of {asin} for this time; no chart was written")
    with new_file(path, force=force) as unfinished:
        unfinished.write_bytes(drawn(picture, ending))
    if json:
        put_json({"chart": {"output": str(path), **_period(picture)}, "account": outcome.account})
    else:
        say(f"chart of {asin}, {picture.since:%Y-%m-%d} to {picture.until:%Y-%m-%d}, written to {path}")
    outcome.finish()


def _period(picture: Picture) -> dict[str, datetime]:
    return {"since": picture.since, "until": picture.until}
