"""`--output FILE`: results as csv, xlsx, parquet or jsonl, by the ending of the file's name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from keepahead.faces.cli.exits import NotWritten
from keepahead.faces.cli.files import (
    as_written,
    csv_lines,
    demand_installed,
    demand_writable,
    json_lines,
    new_file,
)
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import one_of

File = Annotated[
    str | None,
    typer.Option("--output", "-o", help="Write the results to a file too: .csv, .xlsx, .parquet or .jsonl."),
]

Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]

Value = str | int | float | bool | datetime | None

_NEEDS = MappingProxyType({".csv": None, ".xlsx": "xlsxwriter", ".parquet": "polars", ".jsonl": None})
_EXCEL_ROWS, _EXCEL_SIGNS = 1_048_575, 32_767
_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a file: its name, and the one type of its values. `decimals` is for how Excel shows a number."""

    name: str
    kind: type[str] | type[int] | type[float] | type[bool] | type[datetime]
    decimals: int = 2


@dataclass(frozen=True, slots=True)
class Output:
    """A file that can be written; nothing is there until it is complete."""

    path: Path
    force: bool

    def write(self, fields: Sequence[Field], rows: Sequence[Sequence[Value]]) -> None:
        """Write a line for each row, and say so. Raises NotWritten."""
        with new_file(self.path, force=self.force) as unfinished:
            _WRITERS[self.path.suffix.lower()](fields, rows, unfinished)
        say(f"{len(rows):,} row{'' if len(rows) == 1 else 's'} written to {self.path}")


def output_to(file: str | None, *, force: bool, also: str | None = None) -> Output | None:
    """Find out whether the file can be written, before anything is spent. Raises BadParameter and SettingsError.

    `also` is another file of the command that --force is good for.
    """
    if file is None:
        if force and also is None:
            raise typer.BadParameter("--force is for a file that --output names", param_hint="'--force'")
        return None
    path = Path(file).absolute()
    ending = one_of(path.suffix.lower() or path.name, tuple(_NEEDS), "--output")
    if module := _NEEDS[ending]:
        demand_installed(module, "data", ending, "--output")
    demand_writable(path, force=force)
    return Output(path, force)


def _write_csv(fields: Sequence[Field], rows: Sequence[Sequence[Value]], path: Path) -> None:
    lines = [[as_written(value) for value in row] for row in rows]
    path.write_bytes(csv_lines([[field.name for field in fields], *lines]))


def _write_jsonl(fields: Sequence[Field], rows: Sequence[Sequence[Value]], path: Path) -> None:
    names = [field.name for field in fields]
    path.write_bytes(json_lines([dict(zip(names, map(as_written, row), strict=True)) for row in rows]))


def _write_parquet(fields: Sequence[Field], rows: Sequence[Sequence[Value]], path: Path) -> None:
    import polars  # noqa: PLC0415, ICN001 - an extra, and too heavy for those who do not write parquet

    kinds: dict[type, Any] = {
        str: polars.String(),
        int: polars.Int64(),
        float: polars.Float64(),
        bool: polars.Boolean(),
        datetime: polars.Datetime("us", "UTC"),
    }
    schema = {field.name: kinds[field.kind] for field in fields}
    written = BytesIO()  # what the disk does not take is then an OSError, whoever wrote it
    polars.DataFrame([tuple(row) for row in rows], schema=schema, orient="row").write_parquet(written)
    path.write_bytes(written.getvalue())


def _write_xlsx(fields: Sequence[Field], rows: Sequence[Sequence[Value]], path: Path) -> None:
    """Write one sheet: a header that stays in sight, a filter on each column, numbers as numbers, text as text."""
    import xlsxwriter  # noqa: PLC0415 - an extra

    if len(rows) > _EXCEL_ROWS:
        raise NotWritten(f"Excel holds {_EXCEL_ROWS:,} rows, and these are {len(rows):,}; write .parquet or .csv")
    written = BytesIO()
    workbook: Any = xlsxwriter.Workbook(written, {"in_memory": True})
    with workbook as book:
        sheet = book.add_worksheet("keepahead")
        bold = book.add_format({"bold": True, "bottom": 1})
        for place, field in enumerate(fields):
            shape = book.add_format({"num_format": _shape_of(field)})
            cells = [_excel(row[place]) for row in rows]
            width = max([len(field.name) + 3, *(len(str(cell)) + 1 for cell in cells if cell is not None)])
            sheet.set_column(place, place, min(width, _WIDEST))
            sheet.write_string(0, place, field.name, bold)
            for line, cell in enumerate(cells, 1):
                _put(sheet, line, place, cell, shape)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, len(rows)), len(fields) - 1)
    path.write_bytes(written.getvalue())


def _put(sheet: Any, line: int, place: int, cell: Value, shape: Any) -> None:
    match cell:
        case None:
            pass
        case bool():
            sheet.write_boolean(line, place, cell)
        case str():
            sheet.write_string(line, place, cell)  # never a formula, whatever a title begins with
        case datetime():
            sheet.write_datetime(line, place, cell, shape)
        case _:
            sheet.write_number(line, place, cell, shape)


def _excel(value: Value) -> Value:
    """Return a value as Excel takes it: moments have no zone there (they are UTC), texts have an end."""
    match value:
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        case str():
            return value[:_EXCEL_SIGNS]
        case _:
            return value


def _shape_of(field: Field) -> str:
    if field.kind is datetime:
        return "yyyy-mm-dd hh:mm"
    if field.kind is float:
        return f"#,##0.{'0' * field.decimals}" if field.decimals else "#,##0"
    return "0" if field.kind is int else "General"


_Writer = Callable[[Sequence[Field], Sequence[Sequence[Value]], Path], None]

_WRITERS: Mapping[str, _Writer] = MappingProxyType(
    {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet, ".xlsx": _write_xlsx}
)
