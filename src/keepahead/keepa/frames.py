"""Points as arrays and frames of numpy, polars and pandas: the extra [data]. Nothing here is needed for anything else.

The packages are loaded when they are asked for: they are heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from keepahead.errors import SettingsError

if TYPE_CHECKING:
    import numpy  # noqa: ICN001 - as everywhere here
    import pandas  # noqa: ICN001
    import polars  # noqa: ICN001

    Arrays = tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]
    PolarsFrame = polars.DataFrame
    PandasFrame = pandas.DataFrame

KEEPA_EPOCH = "2011-01-01"


class Columns(NamedTuple):
    """Flat points: `width` numbers to each. Negative values are gaps unless `is_signed`."""

    flat: memoryview
    width: int
    is_signed: bool


def demanded(name: str) -> Any:
    """Return the package. Raises SettingsError that says what to install."""
    try:
        return import_module(name)
    except ImportError:
        message = f"this needs {name}, which is not installed: pip install 'keepahead[data]'"
        raise SettingsError("[data]", message) from None


def to_numpy(columns: Columns) -> "Arrays":
    """Return times (datetime64[m], UTC) and values (float64, NaN in gaps)."""
    numpy = demanded("numpy")
    times, values, known, _, _ = parts(columns)
    return times, numpy.where(known, values, numpy.nan)


def to_polars(columns: Columns) -> "PolarsFrame":
    """Return a frame of `at`, `value` and, for triples, `shipping`."""
    polars = demanded("polars")
    times, values, known, shipping, shipping_known = parts(columns)
    table = {"at": polars_times(times), "value": polars_integers("value", values, known)}
    if shipping is not None:
        table["shipping"] = polars_integers("shipping", shipping, shipping_known)
    return polars.DataFrame(table)


def to_pandas(columns: Columns) -> "PandasFrame":
    """Return a frame of `value` and, for triples, `shipping`, by `at`."""
    pandas = demanded("pandas")
    times, values, known, shipping, shipping_known = parts(columns)
    table = {"value": pandas_integers(values, known)}
    if shipping is not None:
        table["shipping"] = pandas_integers(shipping, shipping_known)
    return pandas.DataFrame(table, index=pandas.DatetimeIndex(pandas_times(times), name="at"))


def parts(columns: Columns) -> tuple[Any, Any, Any, Any, Any]:
    """Return arrays: times, values with their shipping, whether known, the shipping, whether known; None for pairs."""
    numpy = demanded("numpy")
    flat = numpy.asarray(columns.flat)
    times = flat[:: columns.width].astype("timedelta64[m]") + numpy.datetime64(KEEPA_EPOCH, "m")
    values = flat[1 :: columns.width]
    known = numpy.ones(len(values), bool) if columns.is_signed else values >= 0
    if columns.width < 3:
        return times, values, known, None, None
    shipping = flat[2::3]
    return times, values + numpy.maximum(shipping, 0), known, shipping, known & (shipping >= 0)


def polars_times(times: Any) -> Any:
    """Return aware times."""
    polars = demanded("polars")
    return polars.Series("at", times.astype("datetime64[ms]")).dt.replace_time_zone("UTC")


def polars_integers(name: str, values: Any, known: Any) -> Any:
    """Return integers, null where not known."""
    polars = demanded("polars")
    table = polars.DataFrame({name: values, "known": known})
    return table.select(polars.when("known").then(name).alias(name)).to_series()


def pandas_times(times: Any) -> Any:
    """Return aware times."""
    pandas = demanded("pandas")
    return pandas.DatetimeIndex(times.astype("datetime64[ms]")).tz_localize("UTC")


def pandas_integers(values: Any, known: Any) -> Any:
    """Return integers, missing where not known."""
    numpy, pandas = demanded("numpy"), demanded("pandas")
    return pandas.arrays.IntegerArray(numpy.ascontiguousarray(values), ~known)
