"""Entries as csv, jsonl and parquet. Any number of them: no more than a part of them is ever in memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from keepahead.faces.cli.files import demand_installed
from keepahead.faces.cli.progress import Tally
from keepahead.faces.sheet import Row, as_written, csv_lines, json_lines
from keepahead.store.record import ROW_TYPES

Format = Literal["csv", "jsonl", "parquet"]

_LINES_AT_A_TIME = 1_000
_ROWS_IN_A_PART = 10_000


def demand_format(file_format: Format) -> None:
    """Raise SettingsError where what this format needs is not installed."""
    if file_format == "parquet":
        demand_installed("polars", "data", "parquet", "--format")


def write_lines(file_format: Format, rows: Iterable[Row], put: Callable[[bytes], object], tally: Tally) -> None:
    """Write csv or jsonl as it comes."""
    if file_format == "csv":
        put(csv_lines([tuple(ROW_TYPES)]))
    for part in _parts(rows, _LINES_AT_A_TIME):
        written = [{name: as_written(value) for name, value in row.items()} for row in part]
        put(csv_lines([tuple(row.values()) for row in written]) if file_format == "csv" else json_lines(written))
        tally.add(len(part))


def write_file(file_format: Format, rows: Iterable[Row], path: Path, tally: Tally) -> None:
    """Write a file that is not there yet."""
    if file_format == "parquet":
        _write_parquet(rows, path, tally)
        return
    with path.open("xb") as file:
        write_lines(file_format, rows, file.write, tally)


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
