"""Whole batches of products as one long frame: a row for each point of each series. The extra [data]."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from keepahead.keepa import frames
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.frames import (
    demanded,
    pandas_integers,
    pandas_times,
    parts,
    polars_integers,
    polars_times,
)
from keepahead.keepa.product import Product
from keepahead.keepa.series import Series


class _Rows(NamedTuple):
    """Arrays of one length: `owner` is the place of the product, `kind` that of the type."""

    owner: Any
    kind: Any
    times: Any
    values: Any
    known: Any
    shipping: Any
    shipping_known: Any


def polars_frame(products: Iterable[Product], csv_types: Iterable[CsvType] = CsvType) -> "frames.PolarsFrame":
    """Return a frame of `asin`, `domain`, `csv_type`, `at` (UTC), `value`, `shipping`. Needs the extra [data].

    Values are in the smallest unit, with their shipping where Keepa tells it; null in gaps.
    """
    polars = demanded("polars")
    had = list(products)
    rows = _rows(had, csv_types)
    names = [csv_type.name for csv_type in CsvType]
    asins = polars.Series("asin", [product.asin for product in had], polars.String)
    domains = polars.Series("domain", [product.domain for product in had], polars.Int64)
    return polars.DataFrame(
        {
            "asin": asins.gather(rows.owner),
            "domain": domains.gather(rows.owner),
            "csv_type": polars.Series("csv_type", names, polars.Enum(names)).gather(rows.kind),
            "at": polars_times(rows.times),
            "value": polars_integers("value", rows.values, rows.known),
            "shipping": polars_integers("shipping", rows.shipping, rows.shipping_known),
        }
    )


def pandas_frame(products: Iterable[Product], csv_types: Iterable[CsvType] = CsvType) -> "frames.PandasFrame":
    """Return the same frame for pandas; `asin` and `csv_type` are categories. Needs the extra [data]."""
    numpy, pandas = demanded("numpy"), demanded("pandas")
    had = list(products)
    rows = _rows(had, csv_types)
    owners, asins = _numbered([product.asin for product in had])
    domains = numpy.array([product.domain for product in had], numpy.int64)
    return pandas.DataFrame(
        {
            "asin": pandas.Categorical.from_codes(numpy.array(owners, numpy.int64)[rows.owner], asins),
            "domain": domains[rows.owner],
            "csv_type": pandas.Categorical.from_codes(rows.kind, [csv_type.name for csv_type in CsvType]),
            "at": pandas_times(rows.times),
            "value": pandas_integers(rows.values, rows.known),
            "shipping": pandas_integers(rows.shipping, rows.shipping_known),
        }
    )


def _rows(products: Sequence[Product], csv_types: Iterable[CsvType]) -> _Rows:
    numpy = demanded("numpy")
    wanted = sorted(set(csv_types))
    every = [
        _part(numpy, place, series)
        for place, product in enumerate(products)
        for csv_type in wanted
        if (series := product.series(csv_type))
    ]
    columns: Iterable[Sequence[Any]] = zip(*every, strict=True) if every else [[] for _ in _Rows._fields]
    kinds = ("int64", "int64", "datetime64[m]", "int64", "bool", "int64", "bool")
    return _Rows(
        *(
            numpy.concatenate([numpy.empty(0, kind), *arrays], dtype=kind)
            for kind, arrays in zip(kinds, columns, strict=True)
        )
    )


def _part(numpy: Any, place: int, series: Series) -> _Rows:
    times, values, known, shipping, shipping_known = parts(series.columns())
    if shipping is None:
        shipping, shipping_known = numpy.zeros(len(values), numpy.int64), numpy.zeros(len(values), bool)
    owner, kind = numpy.full(len(values), place), numpy.full(len(values), series.csv_type)
    return _Rows(owner, kind, times, values, known, shipping, shipping_known)


def _numbered(names: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return the number of each name, and the names without repeats."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return [numbers[name] for name in names], list(numbers)
