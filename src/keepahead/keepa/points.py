"""Keepa's flat arrays [time, value, time, value, …] as compact memory: no object for each number.

With numpy the text is read into memory directly, which is twice as fast; without it every number is an object for a
moment. numpy takes a third of a second to load, so a single series does not load it; whoever wants all of them may.
"""

import sys
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from operator import le
from typing import Any

import msgspec

from keepahead.keepa.times import to_keepa_minutes

_INTEGERS = msgspec.json.Decoder(list[int])
_LONG_ENOUGH = 2_048  # bytes of text; below, numpy's own steps cost more than they save
_EARLIEST = to_keepa_minutes(datetime.min.replace(tzinfo=UTC))
_LATEST = to_keepa_minutes(datetime.max.replace(tzinfo=UTC))
_NINE = ord("9")  # letters, brackets and braces come after it
_LARGEST = 2**53  # beyond, floating point numbers are no longer exact
_NONE = memoryview(array("q")).toreadonly()


def points(raw: bytes | msgspec.Raw, width: int) -> memoryview:
    """Return the integers of a JSON array, `width` to a point, oldest point first; none if it is something else.

    A point that is cut short, or that lies beyond the calendar or beyond all reason, is left out.
    """
    text = bytes(raw)
    if text in {b"null", b"[]"}:
        return _NONE
    numpy = sys.modules.get("numpy") if len(text) >= _LONG_ENOUGH else None
    return (_read_at_once(text, width, numpy) if numpy else None) or _read_one_by_one(text, width)


def points_of(numbers: Sequence[int], width: int) -> memoryview:
    """Return such integers from a sequence of them."""
    whole = numbers[: len(numbers) // width * width]
    times = whole[::width]
    if not _is_sound(times, min(whole, default=0), max(whole, default=0)) or not all(map(le, times, times[1:])):
        whole = _mended(whole, width)
    return memoryview(array("q", whole)).toreadonly()


def load_numpy() -> None:
    """Load numpy if it is installed, for many series at once."""
    if "numpy" not in sys.modules and find_spec("numpy"):
        import_module("numpy")


def _read_one_by_one(text: bytes, width: int) -> memoryview:
    try:
        numbers = _INTEGERS.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        numbers = []
    return points_of(numbers, width)


def _read_at_once(text: bytes, width: int, numpy: Any) -> memoryview | None:
    """Return the integers, or None if the text holds anything but digits, commas and minus signs in good order."""
    inner = text[1:-1]
    if text[:1] != b"[" or numpy.frombuffer(inner, numpy.uint8).max() > _NINE or b"." in inner or b'"' in inner:
        return None
    flat = numpy.fromstring(inner, dtype=numpy.int64, sep=",")
    flat = flat[: len(flat) // width * width]
    times = flat[::width]
    if not len(flat) or not _is_sound(times, flat.min(), flat.max()) or (times[1:] < times[:-1]).any():
        return None
    return memoryview(flat).toreadonly()


def _is_sound(times: Sequence[int], least: int, most: int) -> bool:
    if not len(times):
        return True
    return times[0] >= _EARLIEST and times[-1] <= _LATEST and least >= -_LARGEST and most <= _LARGEST


def _mended(numbers: Sequence[int], width: int) -> list[int]:
    every = [numbers[place : place + width] for place in range(0, len(numbers), width)]
    sound = (
        point
        for point in every
        if _EARLIEST <= point[0] <= _LATEST and all(-_LARGEST <= number <= _LARGEST for number in point)
    )
    return [number for point in sorted(sound, key=lambda point: point[0]) for number in point]
