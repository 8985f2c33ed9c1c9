"""Rows as the bytes of a file: csv, xlsx, parquet, a JSON document a line, or one JSON document. Pure."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO, StringIO
from types import MappingProxyType
from typing import Any

import msgspec

Row = Mapping[str, Any]
Value = str | int | float | bool | datetime | None

NEEDS: Mapping[str, str | None] = MappingProxyType(
    {".csv": None, ".xlsx": "xlsxwriter", ".parquet": "polars", ".jsonl": None}
)
"""The endings that can be written, and the optional package that each needs."""

EXCEL_ROWS = 1_048_575
_EXCEL_SIGNS = 32_767
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a text begins with that a spreadsheet computes when it opens a csv file; some read the wide forms alike."""

_WIDEST = 60


class TooManyRowsError(Exception):
    """A sheet of Excel holds no more than EXCEL_ROWS."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a file: its name, and the one type of its values. `decimals` is for how Excel shows a number."""

    name: str
    kind: type[str] | type[int] | type[float] | type[bool] | type[datetime]
    decimals: int = 2


def bytes_of(ending: str, fields: Sequence[Field], rows: Sequence[Sequence[Value]]) -> bytes:
    """Return a file with a line for each row. Raises TooManyRowsError."""
    return _WRITERS[ending](fields, rows)


def named_rows(fields: Sequence[Field], rows: Sequence[Sequence[Value]]) -> list[dict[str, object]]:
    """Return each row with the names of its values, as JSON writes them."""
    names = [field.name for field in fields]
    return [dict(zip(names, map(as_written, row), strict=True)) for row in rows]


def _csv(fields: Sequence[Field], rows: Sequence[Sequence[Value]]) -> bytes:
    lines = [[as_written(value) for value in row] for row in rows]
    return csv_lines([[field.name for field in fields], *lines])


def _jsonl(fields: Sequence[Field], rows: Sequence[Sequence[Value]]) -> bytes:
    return json_lines(named_rows(fields, rows))


def _parquet(fields: Sequence[Field], rows: Sequence[Sequence[Value]]) -> bytes:
    import polars  # noqa: PLC0415, ICN001 - an extra, and too heavy for those who do not write parquet

    kinds: dict[type, Any] = {
        str: polars.String(),
        int: polars.Int64(),
        float: polars.Float64(),
        bool: polars.Boolean(),
        datetime: polars.Datetime("us", "UTC"),
    }
    schema = {field.name: kinds[field.kind] for field in fields}
    written = BytesIO()
    polars.DataFrame([tuple(row) for row in rows], schema=schema, orient="row").write_parquet(written)
    return written.getvalue()


def _xlsx(fields: Sequence[Field], rows: Sequence[Sequence[Value]]) -> bytes:
    """Write one sheet: a header that stays in sight, a filter on each column, numbers as numbers, text as text."""
    import xlsxwriter  # noqa: PLC0415 - an extra

    if len(rows) > EXCEL_ROWS:
        raise TooManyRowsError(f"Excel holds {EXCEL_ROWS:,} rows, and these are {len(rows):,}; write .parquet or .csv")
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
    return written.getvalue()


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


def as_written(value: object) -> object:
    """Return a moment as text, ever in the same form; all else as it is."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value


def csv_lines(lines: Sequence[Sequence[object]]) -> bytes:
    """Return lines of csv. What a spreadsheet would take for a formula is marked as text by an apostrophe."""
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([_as_cell(cell) for cell in line] for line in lines)
    return text.getvalue().encode()


def _as_cell(value: object) -> object:
    """Mark a text that would be computed: titles and names come from anybody. Numbers stay what they are.

    A carriage return alone would end a line for some readers, and what follows it would be a cell of its own.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


def json_lines(rows: Sequence[Row]) -> bytes:
    """Return a JSON document a line."""
    return msgspec.json.Encoder().encode_lines(rows)


_Writer = Callable[[Sequence[Field], Sequence[Sequence[Value]]], bytes]

_WRITERS: Mapping[str, _Writer] = MappingProxyType(
    {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet, ".xlsx": _xlsx}
)
