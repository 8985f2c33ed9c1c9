"""`keepahead ledger export`: the entries as a file for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from keepahead.clock import SystemClock
from keepahead.faces.cli import options
from keepahead.faces.cli.books import opened
from keepahead.faces.cli.entry_files import Format, demand_format, write_file, write_lines
from keepahead.faces.cli.files import new_file
from keepahead.faces.cli.filters import OfEndpoint, OfKind, OfLane, Since, Until, filter_of
from keepahead.faces.cli.progress import Tally
from keepahead.faces.cli.results import put_bytes, put_json
from keepahead.faces.cli.streams import say
from keepahead.store.record import Record


def export(
    *,
    file_format: Annotated[Format, typer.Option("--format", help="csv, jsonl (a document a line) or parquet.")],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="The file to write. [default: stdout; parquet needs a file]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    since: Since = None,
    until: Until = None,
    endpoint: OfEndpoint = None,
    caller: options.OfCaller = None,
    lane: OfLane = None,
    kind: OfKind = None,
    json: options.Json = False,
) -> None:
    """Write entries, oldest first, as csv, jsonl or parquet. Moments are ISO 8601 in UTC.

    However many there are: they are written as they are read. With --output the file appears when it is complete.
    """
    wanted = filter_of(
        SystemClock().now(), since=since, until=until, endpoint=endpoint, caller=caller, lane=lane, kind=kind
    )
    if output is None and (json or file_format == "parquet"):
        what = "--json" if json else "parquet"
        raise typer.BadParameter(f"{what} needs a file to write the entries to", param_hint="'--output'")
    demand_format(file_format)
    tally = Tally("entries written")
    with opened(Record) as record:
        if output is None:
            write_lines(file_format, record.rows(wanted), put_bytes, tally)
            return
        path = Path(output).absolute()
        with new_file(path, force=force) as unfinished, tally.shown():
            write_file(file_format, record.rows(wanted), unfinished, tally)
    if json:
        put_json({"entries": tally.done, "format": file_format, "output": str(path)})
    else:
        say(f"{tally.sentence()} to {path}")
