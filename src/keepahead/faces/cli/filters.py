"""The options that say which entries of the ledger are wanted."""

from datetime import datetime
from typing import Annotated, Literal

import typer

from keepahead.faces.cli.options import LaneName
from keepahead.faces.cli.values import moment, one_of
from keepahead.faces.ledger_documents import ENDPOINTS
from keepahead.store.record import Filter

Kind = Literal[
    "reserved",
    "settled",
    "released",
    "lost",
    "absorbed",
    "refusal",
    "observed",
    "carried",
    "served_from_archive",
]

Since = Annotated[
    str | None, typer.Option("--since", help='From then on: 2h, 1d, or a local time ("2026-11-22 10:00").')
]

Until = Annotated[str | None, typer.Option("--until", help="Before then; written like --since.")]

OfEndpoint = Annotated[str | None, typer.Option("--endpoint", help="Only this endpoint, such as product.")]

OfLane = Annotated[LaneName | None, typer.Option("--lane", help="Only this lane.")]

OfKind = Annotated[Kind | None, typer.Option("--kind", help="Only this kind of entry.")]


def filter_of(
    now: datetime,
    *,
    since: str | None,
    until: str | None,
    endpoint: str | None,
    caller: str | None,
    lane: LaneName | None,
    kind: Kind | None,
    call: str | None = None,
) -> Filter:
    """Return the filter that the options ask for. Raises BadParameter for what cannot be in the ledger."""
    if call is not None and not (call.isascii() and call.isalnum()):
        raise typer.BadParameter("the id of a call has letters and digits only", param_hint="'--call'")
    return Filter(
        since=moment(since, "--since", now),
        until=moment(until, "--until", now),
        endpoint=None if endpoint is None else one_of(endpoint, ENDPOINTS, "--endpoint"),
        caller=caller,
        lane=lane,
        kind=kind,
        call_id=call,
    )
