"""The options that several commands share, each declared once."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import typer

from keepahead.budget.rule import CALLER_NAME, is_caller_name
from keepahead.faces.settings import read_age
from keepahead.keepa.plans import SpendOptions
from keepahead.keepa.terms import OnRefusal


def caller_name(text: str | None) -> str | None:
    """Return the name of a caller; a usage error if nobody can be called so."""
    if text is not None and not is_caller_name(text):
        raise typer.BadParameter(CALLER_NAME)
    return text


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else there.")]

Domain = Annotated[
    str, typer.Option("--domain", "-d", help="Marketplace: Keepa's number or a name (US, de, amazon.it).")
]

LaneName = Literal["live", "jobs"]

Lane = Annotated[LaneName, typer.Option("--lane", help="live: somebody waits; jobs: background, leaves more tokens.")]

Caller = Annotated[
    str | None, typer.Option("--caller", callback=caller_name, help="Whom the ledger charges. [default: keepahead]")
]

OfCaller = Annotated[
    str | None, typer.Option("--caller", callback=caller_name, help="Only calls of this program or person.")
]

MaxTokens = Annotated[
    int | None, typer.Option("--max-tokens", min=0, help="Refuse if this may cost more tokens. [default: no limit]")
]

MaxWait = Annotated[
    float | None,
    typer.Option(
        "--max-wait", min=0, help="Seconds to wait for tokens; 0 refuses at once. [default: as long as it takes]"
    ),
]

MaxAge = Annotated[
    str | None,
    typer.Option(
        "--max-age", help="How old an archived answer may be (90s, 30m, 6h, 30d); 0 asks Keepa. [default: the settings]"
    ),
]

LiveAge = Annotated[
    str, typer.Option("--max-age", help="How old an archived answer may be (90s, 30m, 6h, 30d); 0 asks Keepa.")
]

WhenRefused = Annotated[
    OnRefusal,
    typer.Option("--on-refusal", help="stale: for want of tokens take an archived answer of any age, and say so."),
]

Stats = Annotated[int | None, typer.Option("--stats", min=0, help="Add statistics over the last so many days; free.")]

Rating = Annotated[bool, typer.Option("--rating", help="Add rating and reviews; up to 1 token more per product.")]

NoHistory = Annotated[bool, typer.Option("--no-history", help="Leave out the price histories; costs the same.")]


def given(**options: Any) -> dict[str, Any]:
    """Return Keepa's options that were asked for: neither None nor a flag that is off."""
    return {name: value for name, value in options.items() if value is not None and value is not False}


def limits(max_tokens: int | None, max_age: str | None, on_refusal: OnRefusal) -> SpendOptions:
    """Return what every method of the clients takes. Raises BadParameter for an age that is none."""
    return {"max_tokens": max_tokens, "max_age": accepted_age(max_age), "on_refusal": on_refusal}


def accepted_age(max_age: str | None) -> timedelta | None:
    """Return the age that --max-age names; None takes the settings. Raises BadParameter for an age that is none."""
    try:
        return None if max_age is None else read_age(max_age)
    except ValueError as error:
        raise typer.BadParameter(f"{max_age!r} is no age; {error}", param_hint="'--max-age'") from None
