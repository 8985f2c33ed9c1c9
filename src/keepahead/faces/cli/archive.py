"""`keepahead archive`: what lies in the archive, and its care. Sends nothing and spends nothing."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from keepahead.clock import SystemClock
from keepahead.faces.cli import options
from keepahead.faces.cli.account import say_if_simulated
from keepahead.faces.cli.archive_files import ArchiveFile, write_archive
from keepahead.faces.cli.files import new_file
from keepahead.faces.cli.progress import Tally
from keepahead.faces.cli.results import Column, put_facts, put_json, put_table
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import age, one_of
from keepahead.faces.ledger_documents import ENDPOINTS, archive_json
from keepahead.faces.settings import read_settings
from keepahead.faces.wiring import open_ledger, upstream_of
from keepahead.faces.words import span, tokens
from keepahead.store.database import Database
from keepahead.store.inventory import Inventory, Stock
from keepahead.store.record import Record

_MEGABYTE = 1_000_000


def archive(*, json: options.Json = False) -> None:
    """Show what lies in the archive; the same as archive stats."""
    stats(json=json)


def stats(*, json: options.Json = False) -> None:
    """Show what lies in the archive: how much of what, how old, and what it saved today."""
    settings = read_settings()
    now = SystemClock().now()
    with _opened() as (database, fingerprint, inventory):
        stock = inventory.stock()
        saved = Record(database, fingerprint).today(now).saved
    limit = settings.archive_megabytes * _MEGABYTE
    if json:
        put_json(archive_json(stock, limit, saved))
        return
    columns = (
        Column("endpoint"),
        Column("items", right=True),
        Column("size", right=True),
        Column("cost", right=True),
        Column("oldest", right=True),
        Column("newest", right=True),
    )
    rows = [
        (each.endpoint, each.items, _megabytes(each.size), each.tokens, _ago(each.oldest, now), _ago(each.newest, now))
        for each in stock.parts
    ]
    put_table(columns, rows)
    put_facts(_facts(stock, limit, saved))


def prune(
    *,
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Drop what was fetched before: 12h, 30d, 8w.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", help="Only this endpoint, such as product.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Drop all of this upstream.")] = False,
    json: options.Json = False,
) -> None:
    """Drop archived answers; what is asked again then costs again."""
    if not (older_than or endpoint or everything):
        raise typer.BadParameter("say what is to go: --older-than, --endpoint or --all", param_hint="'--older-than'")
    if endpoint is not None:
        one_of(endpoint, ENDPOINTS, "--endpoint")
    now = SystemClock().now()
    length = age(older_than, "--older-than")
    tally = Tally("archived items dropped")
    with _opened() as (_, _, inventory), tally.shown():
        for gone in inventory.prune(now, before=None if length is None else now - length, endpoint=endpoint):
            tally.add(gone)
    _put_done(tally, {"dropped": tally.done}, json=json)


def export(
    *,
    output: Annotated[str, typer.Option("--output", "-o", help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    json: options.Json = False,
) -> None:
    """Write the archive of this upstream to one file, for another archive to take in."""
    path = Path(output).absolute()
    tally = Tally("archived items written")
    with _opened() as (_, _, inventory), new_file(path, force=force) as unfinished, tally.shown():
        write_archive(unfinished, inventory.upstream, inventory.rows(), tally)
    _put_done(tally, {"written": tally.done, "output": str(path)}, json=json)


def import_(
    *,
    file: Annotated[str, typer.Argument(help="A file that archive export wrote.")],
    json: options.Json = False,
) -> None:
    """Take in what another archive exported; of what both have the newer stays.

    It counts as from the upstream that the file names, which need not be the one in use now.
    """
    source = ArchiveFile(Path(file).absolute())
    tally = Tally("archived items taken in")
    read = 0

    def counted() -> Generator[Any]:
        nonlocal read
        for row in source.rows():
            read += 1
            yield row

    with _opened() as (database, _, _), tally.shown():
        for sound in Inventory(database, source.upstream).merge(counted()):
            tally.add(sound)
    damaged = read - tally.done
    if damaged:
        say(f"warning: {damaged} were damaged and left out")
    _put_done(tally, {"taken_in": tally.done, "damaged": damaged, "upstream": source.upstream}, json=json)


VERBS = (stats, prune, export, import_)


@contextmanager
def _opened() -> Generator[tuple[Database, str, Inventory]]:
    settings = read_settings()
    say_if_simulated(settings)
    url, _ = upstream_of(settings)
    database, fingerprint = open_ledger(settings)
    try:
        yield database, fingerprint, Inventory(database, url)
    finally:
        database.close()


def _facts(stock: Stock, limit: int, saved: int) -> list[tuple[str, str]]:
    return [
        ("upstream", stock.upstream),
        ("all together", f"{_megabytes(stock.total_size)} of {_megabytes(limit)}" if limit else "the archive is off"),
        ("saved today", tokens(saved)),
        ("damaged", f"{stock.damaged:,} dropped and fetched anew"),
        ("unread", f"{stock.unread:,} that could not be read, kept and never served"),
    ]


def _put_done(tally: Tally, document: dict[str, Any], *, json: bool) -> None:
    if json:
        put_json(document)
    else:
        say(tally.sentence())


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:,.1f} MB"


def _ago(moment: datetime, now: datetime) -> str:
    return f"{span(max(0.0, (now - moment).total_seconds()))} ago"
