"""`keepahead analyse`: what products are worth buying for, and why. The thinking is work/analysis's."""

from typing import Annotated

import typer

from keepahead.clock import SystemClock
from keepahead.faces.analysis_rows import FIELDS, row_of
from keepahead.faces.cli import options, output
from keepahead.faces.cli.analysis_table import put_analyses, put_analysis
from keepahead.faces.cli.lookup import look_up, missing_of, say_missing
from keepahead.faces.cli.results import put_json
from keepahead.faces.cli.saving import saved_to
from keepahead.faces.cli.spending import Terms
from keepahead.faces.cli.values import listed, price
from keepahead.faces.settings import read_settings
from keepahead.keepa.domains import domain_id
from keepahead.work.analysis.analyse import analyse as analyse_product
from keepahead.work.analysis.analyse import options_for


def analyse(
    *,
    asins: Annotated[list[str] | None, typer.Argument(help="ASINs: 10 characters, A-Z and 0-9.")] = None,
    file: Annotated[str | None, typer.Option("--file", help="A file with an ASIN in each line; - is stdin.")] = None,
    buying_price: Annotated[
        str | None, typer.Option("--buying-price", help="What one costs you, such as 6.50. [default: assumed]")
    ] = None,
    buybox: Annotated[
        bool, typer.Option("--buybox/--no-buybox", help="With the Buy Box: Amazon's share of it; 2 tokens more each.")
    ] = True,
    save: Annotated[
        str | None, typer.Option("--save", help="Write the analyses as JSON, for keepahead verify to compare with.")
    ] = None,
    to_file: output.File = None,
    force: output.Force = False,
    domain: options.Domain = "US",
    max_tokens: options.MaxTokens = None,
    max_wait: options.MaxWait = None,
    max_age: options.MaxAge = None,
    on_refusal: options.WhenRefused = "raise",
    lane: options.Lane = "live",
    caller: options.Caller = None,
    json: options.Json = False,
) -> None:
    """Judge products: price, rank, rivals, fees, return, velocity, risk, and a recommendation with its reasons.

    3 tokens for each, 1 without the Buy Box. Every number that is weighed is a setting (docs/analysis.md).
    """
    number = domain_id(domain)
    wanted = listed(asins, file)
    paid = price(buying_price, "--buying-price", number)
    written, saved = output.output_to(to_file, force=force, also=save), saved_to(save, force=force)
    thresholds = read_settings().analysis
    limits = options.limits(max_tokens, max_age, on_refusal)
    terms = Terms(lane=lane, caller=caller, max_wait_seconds=max_wait)
    chosen = options_for(buybox=buybox)
    outcome = look_up(wanted, number, chosen, terms, limits)
    now, missing = SystemClock().now(), missing_of(wanted, outcome)
    found = [analyse_product(product, now=now, buying_price=paid, thresholds=thresholds) for product in outcome.result]
    if json:
        put_json({"analyses": found, "missing": missing, "account": outcome.account})
    else:
        if len(found) == 1:
            put_analysis(found[0])
        elif found:
            put_analyses(found)
        say_missing(missing, outcome)
    if written:
        written.write(FIELDS, [row_of(each) for each in found])
    if saved:
        saved.write({"analyses": found})
    outcome.finish()
