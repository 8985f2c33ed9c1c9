"""Entries as csv, jsonl and parquet. Any number of them: no more than a part of them is ever in memory."""

import csv
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.util import find_spec
from io import StringIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import msgspec
import typer

from keepahead.errors import SettingsError
from keepahead.faces.cli.exits import NotWritten
from keepahead.faces.cli.progress import Tally
from keepahead.store.record import ROW_TYPES

Format = Literal["csv", "jsonl", "parquet"]
Row = Mapping[str, Any]

_LINES_AT_A_TIME = 1_000
_ROWS_IN_A_PART = 10_000


def demand_format(file_format: Format) -> None:
    """Raise SettingsError where what this format needs is not installed."""
    if file_format == "parquet" and find_spec("polars") is None:
        raise SettingsError("--format", "parquet needs polars, which is not installed: pip install 'keepahead[data]'")


def write_lines(file_format: Format, rows: Iterable[Row], put: Callable[[bytes], object], tally: Tally) -> None:
    """Write csv or jsonl as it comes."""
    if file_format == "csv":
        put(_csv([tuple(ROW_TYPES)]))
    for part in _parts(rows, _LINES_AT_A_TIME):
        written = [{name: _written(value) for name, value in row.items()} for row in part]
        put(_csv([tuple(row.values()) for row in written]) if file_format == "csv" else _jsonl(written))
        tally.add(len(part))


def write_file(file_format: Format, rows: Iterable[Row], path: Path, tally: Tally) -> None:
    """Write a file that is not there yet."""
    if file_format == "parquet":
        _write_parquet(rows, path, tally)
        return
    with path.open("xb") as file:
        write_lines(file_format, rows, file.write, tally)


@contextmanager
def new_file(path: Path, *, force: bool) -> Generator[Path]:
    """Give the name of a file beside `path` that takes its place at the end, and is gone if it does not come to that.

    Raises BadParameter if something is there already and not to be replaced, NotWritten if the disk does not allow it.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _demand_free(path, force=force)
        yield unfinished
        _demand_free(path, force=force)
        unfinished.replace(path)
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror or error}; nothing of it is left") from None
    finally:
        with suppress(OSError):  # where it could not be made there is nothing to take away
            unfinished.unlink(missing_ok=True)


def _demand_free(path: Path, *, force: bool) -> None:
    if path.is_file() and not force:
        raise typer.BadParameter(f"{path} is there already; --force replaces it", param_hint="'--output'")
    if path.exists() and not path.is_file():
        raise typer.BadParameter(f"{path} is no file; name a file", param_hint="'--output'")


def _written(value: object) -> object:
    """Return a moment as text, ever in the same form; all else as it is."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value


def _csv(lines: Sequence[Sequence[object]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def _jsonl(rows: Sequence[Row]) -> bytes:
    return msgspec.json.Encoder().encode_lines(rows)


def _write_parquet(rows: Iterable[Row], path: Path, tally: Tally) -> None:
    """Write parts, then one file of them all: polars has no way to add to a file."""
    import polars  # noqa: PLC0415, ICN001 - an extra, and too heavy for those who do not write parquet

    kinds = {datetime: polars.Datetime("us", "UTC"), int: polars.Int64(), str: polars.String()}
    schema = {name: kinds[kind] for name, kind in ROW_TYPES.items()}
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        for number, part in enumerate(_parts(rows, _ROWS_IN_A_PART)):
            frame = polars.DataFrame([tuple(row.values()) for row in part], schema=schema, orient="row")
            frame.write_parquet(Path(folder) / f"{number:06}.parquet")
            tally.add(len(part))
        if tally.done == 0:
            polars.DataFrame(schema=schema).write_parquet(path)
        else:
            polars.scan_parquet(sorted(Path(folder).iterdir())).sink_parquet(path)


def _parts(rows: Iterable[Row], size: int) -> Iterator[Sequence[Row]]:
    every = iter(rows)
    while part := list(islice(every, size)):
        yield part
