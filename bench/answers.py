"""The chapter on large answers: reading the meter and splitting the products, beside decoding all of the same bytes."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from pytest_benchmark.stats import Stats

from bench import bodies
from bench.chapter import Chapter, Row, chapter_of_rows
from bench.ratio import Ratio
from bench.rounds import in_turns, once, times_as_fast
from bench.single import ROUNDS, measure, row, times
from keepahead.keepa import objects
from keepahead.keepa.wire import read

_ORJSON = "orjson.loads of all"
_ALL = "msgspec: decoding all"
_NO_PEER = "the package keepa: see decoding"


def answers(_folder: Path) -> Iterator[Chapter]:
    """Measure both sizes."""
    yield chapter_of_rows("An answer of 7 MB, 100 products", *_answers())
    yield chapter_of_rows("An answer of 43 MB", *_meters(43_000_000, products=207))


def _answers() -> tuple[list[Row], list[Ratio]]:
    content = bodies.body(products=100, size=7_000_000)
    answer = bodies.answer(content)
    taken = in_turns(
        {
            "orjson": once(lambda: orjson.loads(content)),
            "meter": once(lambda: read(bodies.inbound(content))),
            "all": once(answer.json),
            "split": once(lambda: objects.products([answer])[50].asin),
            "one": once(lambda: objects.products([answer])[50].title),
        },
        ROUNDS,
    )
    meter = _beside("meter of 7 MB", taken, "meter", "orjson", _ORJSON)
    split = _beside("split, one ASIN read", taken, "split", "all", _ALL)
    one = _beside("split, one title read", taken, "one", "all", _ALL)
    rows = [
        row(_ORJSON, taken["orjson"]),
        row("reading the meter", taken["meter"], f"{times(meter[0])} as fast as orjson (> 4)"),
        row(_ALL, taken["all"]),
        row("split into products, one ASIN read", taken["split"], f"{times(split[0])} as fast as all"),
        row("the same, and one title read", taken["one"], f"{times(one[0])} as fast as all"),
    ]
    return rows, [*meter, *split, *one]


def _meters(size: int, products: int) -> tuple[list[Row], list[Ratio]]:
    content = bodies.body(products, size)
    inbound = bodies.inbound(content)
    taken = in_turns({"orjson": once(lambda: orjson.loads(content)), "meter": once(lambda: read(inbound))}, 5)
    meter = _beside(f"meter of {size / 1e6:.0f} MB", taken, "meter", "orjson", _ORJSON)
    rows = [
        row(_ORJSON, taken["orjson"]),
        row("reading the meter", taken["meter"], f"{times(meter[0])} as fast as orjson (> 4)"),
    ]
    return rows, meter


def _beside(name: str, taken: Mapping[str, Stats], ours: str, floor: str, of: str) -> list[Ratio]:
    of_ours = measure(name, taken[ours])
    ratio = of_ours.floor(times_as_fast(taken[ours], taken[floor]), of, "higher")
    return [ratio, of_ours.no_peer(_NO_PEER)]
